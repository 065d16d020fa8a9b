#include "orchestrator/commands/curve_outputs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/page_comparison.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_modes.h"
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

/* A page that was asked for has to be made; one of a directory is, where volley can make pages. */
static enum err_code open_pages(struct curve_outputs *outputs, const struct output_options *options,
                                const char *name, struct err *err)
{
    char path[BENCH_PATH_BYTES];
    size_t bundle_bytes;
    enum err_code code = OK;
    if (options->html_path != NULL) {
        code = page_bundle_check("--html", options->html_path, err);
        if (code == OK)
            code = output_create(&outputs->html[0], options->html_path, OUTPUT_NAMED, err);
        outputs->html_count += code == OK;
    }
    if (code != OK || name == NULL || options->out_dir == NULL ||
        page_bundle(&bundle_bytes) == NULL)
        return code;
    code = bench_outputs_path(path, options->out_dir, name, err);
    if (code == OK)
        code = output_create(&outputs->html[outputs->html_count], path, OUTPUT_OWN, err);
    outputs->html_count += code == OK;
    return code;
}

enum err_code curve_outputs_open(struct curve_outputs *outputs, struct timeline *timeline,
                                 const struct output_options *options, const char *page_name,
                                 struct err *err)
{
    outputs->options = options;
    enum err_code code = open_pages(outputs, options, page_name, err);
    if (code == OK)
        code = open_pictures(options, err);
    if (code != OK ||
        (outputs->html_count == 0 && options->png_dir == NULL && options->svg_dir == NULL))
        return code;
    outputs->page = page_create();
    if (outputs->page == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    code = page_result_add(outputs->page, NULL, err);
    if (code == OK)
        timeline_add(timeline, page_listen(outputs->page));
    return code;
}

static enum err_code draw(const struct curve_outputs *outputs, const struct picture *picture,
                          struct err *err)
{
    const char *const directories[PICTURE_FORMATS] = {
        [PICTURE_PNG] = outputs->options->png_dir, [PICTURE_SVG] = outputs->options->svg_dir};
    const struct page_result *result = page_result_newest(outputs->page);
    char path[PICTURE_PATH_BYTES];
    enum err_code code = OK;
    for (int format = 0; format < PICTURE_FORMATS && code == OK; format++)
        if (directories[format] != NULL)
            code = picture_draw(path, picture, (enum picture_format)format, result,
                                directories[format], result->labelled ? result->name : "run", err);
    return code;
}

static enum err_code draw_all(const struct curve_outputs *outputs, bool modes, struct err *err)
{
    enum err_code code = OK;
    if (modes)
        return draw(outputs, &picture_of_modes, err);
    for (size_t i = 0; i < PICTURES_OF_CURVES && code == OK; i++)
        code = draw(outputs, &pictures_of_curves[i], err);
    return code;
}

enum err_code curve_outputs_write(struct curve_outputs *outputs, const json_t *document,
                                  struct err *err)
{
    char title[PAGE_MODES_TITLE_BYTES];
    const bool modes = page_modes_has_runs(document);
    if (outputs->page == NULL)
        return OK;
    if (document == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    if (!modes && !page_curve_has_points(document)) {
        log_line(LOG_WARNING, "there is neither page nor picture: nothing was measured");
        return OK;
    }
    enum err_code code = modes ? page_modes_set(outputs->page, document, err)
                               : page_curve_set(outputs->page, document, err);
    if (code != OK)
        return code;
    const struct page_result *result = page_result_newest(outputs->page);
    if (modes)
        page_modes_title(title, result);
    else
        page_curve_title(title, result);
    for (uint32_t i = 0; i < outputs->html_count && code == OK; i++) {
        code = page_write(outputs->page, modes ? PAGE_COMPARISON : PAGE_CURVE, title,
                          &outputs->html[i], err);
        if (code == OK)
            code = output_commit(&outputs->html[i], err);
    }
    return code == OK ? draw_all(outputs, modes, err) : code;
}

void curve_outputs_discard(struct curve_outputs *outputs)
{
    for (uint32_t i = 0; i < outputs->html_count; i++)
        output_discard(&outputs->html[i]);
    page_destroy(outputs->page);
    *outputs = (struct curve_outputs){0};
}

json_t *curve_outputs_document(const char *directory)
{
    static const char *const names[] = {"find-max.json", "sweep.json", "load-test.json",
                                        "compare-modes.json"};
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
        if (!page_curve_has_points(document) && !page_modes_has_runs(document)) {
            json_decref(document);
            document = NULL;
        }
    }
    return document;
}
