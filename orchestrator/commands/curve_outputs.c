#include "orchestrator/commands/curve_outputs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/picture.h"

/* 500 probes of 100 windows are 40 MB. */
#define DOCUMENT_BYTES_MAX (256L << 20)

static enum err_code open_pictures(const struct output_options *options, struct err *err)
{
    if (options->png_dir == NULL && options->svg_dir == NULL)
        return OK;
    enum err_code code = gnuplot_check(options->png_dir != NULL ? "--png" : "--svg", err);
    if (code == OK && options->png_dir != NULL)
        code = picture_directory_make(options->png_dir, err);
    if (code == OK && options->svg_dir != NULL)
        code = picture_directory_make(options->svg_dir, err);
    return code;
}

enum err_code curve_outputs_open(struct curve_outputs *outputs, struct timeline *timeline,
                                 const struct output_options *options, struct err *err)
{
    outputs->options = options;
    if (options->html_path == NULL && options->png_dir == NULL && options->svg_dir == NULL)
        return OK;
    enum err_code code =
        options->html_path != NULL ? page_bundle_check("--html", options->html_path, err) : OK;
    if (code == OK)
        code = open_pictures(options, err);
    if (code == OK && options->html_path != NULL)
        code = output_create(&outputs->html, options->html_path, OUTPUT_NAMED, err);
    if (code != OK)
        return code;
    outputs->html_open = options->html_path != NULL;
    outputs->page = page_create();
    if (outputs->page == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    code = page_result_add(outputs->page, NULL, err);
    if (code == OK)
        timeline_add(timeline, page_listen(outputs->page));
    return code;
}

static enum err_code draw(const struct curve_outputs *outputs, enum picture_format format,
                          const char *directory, struct err *err)
{
    char path[PICTURE_PATH_BYTES];
    const struct page_result *result = page_result_newest(outputs->page);
    if (directory == NULL)
        return OK;
    enum err_code code = OK;
    for (size_t i = 0; i < PICTURES_OF_CURVES && code == OK; i++)
        code = picture_draw(path, &pictures_of_curves[i], format, result, directory,
                            result->labelled ? result->name : "run", err);
    return code;
}

enum err_code curve_outputs_write(struct curve_outputs *outputs, const json_t *document,
                                  struct err *err)
{
    char title[PAGE_CURVE_TITLE_BYTES];
    if (outputs->page == NULL)
        return OK;
    if (document == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    if (!page_curve_has_points(document)) {
        log_line(LOG_WARNING, "there is neither page nor picture: nothing was measured");
        return OK;
    }
    enum err_code code = page_curve_set(outputs->page, document, err);
    if (code != OK)
        return code;
    page_curve_title(title, page_result_newest(outputs->page));
    if (outputs->html_open)
        code = page_write(outputs->page, PAGE_CURVE, title, &outputs->html, err);
    if (code == OK && outputs->html_open)
        code = output_commit(&outputs->html, err);
    if (code == OK)
        code = draw(outputs, PICTURE_PNG, outputs->options->png_dir, err);
    if (code == OK)
        code = draw(outputs, PICTURE_SVG, outputs->options->svg_dir, err);
    return code;
}

void curve_outputs_discard(struct curve_outputs *outputs)
{
    if (outputs->html_open)
        output_discard(&outputs->html);
    page_destroy(outputs->page);
    *outputs = (struct curve_outputs){0};
}

json_t *curve_outputs_document(const char *directory)
{
    static const char *const names[] = {"find-max.json", "sweep.json", "load-test.json"};
    json_t *document = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && document == NULL; i++) {
        char path[BENCH_PATH_BYTES];
        struct err too_long = {.code = OK};
        struct stat facts;
        if (bench_outputs_path(path, directory, names[i], &too_long) != OK ||
            stat(path, &facts) != 0 || !S_ISREG(facts.st_mode) ||
            facts.st_size > DOCUMENT_BYTES_MAX)
            continue;
        json_error_t where;
        document = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
        if (document == NULL)
            log_line(LOG_WARNING, "%s is not read, line %d: %s", path, where.line, where.text);
        if (!page_curve_has_points(document)) {
            json_decref(document);
            document = NULL;
        }
    }
    return document;
}
