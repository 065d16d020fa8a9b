#include "orchestrator/commands/scenario_pages.h"

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/scenario/scenario_page.h"

bool scenario_pages_wanted(const struct output_options *outputs)
{
    return outputs->html_path != NULL || outputs->png_dir != NULL || outputs->svg_dir != NULL;
}

enum err_code scenario_pages_open(struct scenario_pages *pages,
                                  const struct output_options *outputs, struct err *err)
{
    const char *const directories[] = {outputs->png_dir, outputs->svg_dir};
    *pages = (struct scenario_pages){.outputs = outputs};
    enum err_code code = OK;
    if (outputs->html_path != NULL)
        code = page_bundle_check("--html", outputs->html_path, err);
    if (code == OK && (outputs->png_dir != NULL || outputs->svg_dir != NULL))
        code = gnuplot_check(outputs->png_dir != NULL ? "--png" : "--svg", err);
    if (code == OK && outputs->html_path != NULL)
        code = output_create(&pages->html, outputs->html_path, OUTPUT_NAMED, err);
    for (size_t i = 0; i < PICTURE_FORMATS && code == OK; i++)
        if (directories[i] != NULL)
            code = picture_directory_make(directories[i], err);
    return code;
}

enum err_code scenario_pages_draw(const struct page *page, enum picture_format format,
                                  const bool wanted[PICTURES_OF_SCENARIOS], const char *scenario,
                                  const char *directory, FILE *told, struct err *err)
{
    static char path[PICTURE_PATH_BYTES]; /* too large for a stack */
    for (size_t i = 0; i < PICTURES_OF_SCENARIOS; i++) {
        const struct picture *picture = &pictures_of_scenarios[i];
        if (!wanted[i])
            continue;
        if (picture_draw(path, picture, format, page_result_newest(page), directory, scenario,
                         err) != OK)
            return err->code;
        if (path[0] == '\0')
            log_line(LOG_WARNING, "there is no picture %s: the run has no %s", picture->name,
                     picture->what);
        else if (told != NULL)
            fprintf(told, "%s\n", PRINTABLE(path));
    }
    return OK;
}

enum err_code scenario_pages_write(struct scenario_pages *pages, const char *run_path,
                                   const char *scenario, struct err *err)
{
    const struct output_options *outputs = pages->outputs;
    const char *const directories[] = {outputs->png_dir, outputs->svg_dir};
    bool all[PICTURES_OF_SCENARIOS];
    struct page *page = page_create();
    enum err_code code =
        page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page of a scenario");
    for (size_t i = 0; i < PICTURES_OF_SCENARIOS; i++)
        all[i] = true;
    if (code == OK)
        code = scenario_page_add(page, run_path, scenario, NULL, err);
    if (code == OK && outputs->html_path != NULL)
        code = page_write(page, "scenario", page_result_newest(page)->name, &pages->html, err);
    if (code == OK && outputs->html_path != NULL)
        code = output_commit(&pages->html, err);
    for (unsigned format = 0; format < PICTURE_FORMATS && code == OK; format++)
        if (directories[format] != NULL)
            code = scenario_pages_draw(page, format, all, scenario, directories[format], NULL, err);
    page_destroy(page);
    return code;
}

enum err_code scenario_pages_end(struct scenario_pages *pages, enum err_code code,
                                 const char *run_path, const char *scenario, struct err *err)
{
    struct err own = {.code = OK};
    if (pages->outputs == NULL || !scenario_pages_wanted(pages->outputs) ||
        scenario_pages_write(pages, run_path, scenario, &own) == OK)
        return code;
    if (code == OK)
        return err_set(err, own.code, "%s", own.text);
    log_line(LOG_ERROR, "%s", own.text);
    return err_worse(code, own.code);
}

void scenario_pages_close(struct scenario_pages *pages)
{
    output_discard(&pages->html);
}
