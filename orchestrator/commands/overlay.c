#include "orchestrator/commands/overlay.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/curve_outputs.h"
#include "orchestrator/page/page.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/report/sinks.h"
#include "orchestrator/scenario/scenario_export.h"
#include "orchestrator/scenario/scenario_page.h"

/* The last part of a path, without slashes behind it. */
static void name_of(char name[160], const char *directory)
{
    size_t end = strlen(directory), begin;
    while (end > 1 && directory[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && directory[begin - 1] != '/'; begin--)
        continue;
    snprintf(name, 160, "%.*s", (int)(end - begin < 150 ? end - begin : 150), directory + begin);
}

/* Names of results tell them apart: directories of one name get a number. */
static void unique_name(char name[160], const char *const *directories, size_t index)
{
    char other[160];
    unsigned same = 1;
    name_of(name, directories[index]);
    for (size_t i = 0; i < index; i++) {
        name_of(other, directories[i]);
        same += strcmp(other, name) == 0;
    }
    if (same > 1)
        snprintf(name + strlen(name), 160 - strlen(name), " (%u)", same);
}

static enum err_code check_different(const char *const *directories, size_t count, struct err *err)
{
    static char paths[PAGE_RESULTS_MAX][PATH_MAX]; /* too large for a stack */
    for (size_t i = 0; i < count; i++) {
        if (realpath(directories[i], paths[i]) == NULL)
            return err_set(err, E_DATA, "%.200s: there is no such directory", directories[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(paths[i], paths[k]) == 0)
                return err_set(err, E_USAGE, "%.200s and %.200s are the same directory",
                               directories[k], directories[i]);
    }
    return OK;
}

/* Those of find-max, sweep and load-test are laid over one another against load, too. */
static void add_curve(struct page *page, const char *directory)
{
    struct err err = {.code = OK};
    json_t *document = curve_outputs_document(directory);
    if (page_curve_has_points(document) && page_curve_set(page, document, &err) != OK)
        log_line(LOG_WARNING, "%s: %s", directory, err.text);
    json_decref(document);
}

static enum err_code add(struct page *page, const char *const *directories, size_t index,
                         struct err *err)
{
    static struct timeline timeline; /* too large for a stack */
    char name[160], scenario[SCENARIO_NAME_BYTES];
    bool complete = false;
    unique_name(name, directories, index);
    if (scenario_directory_of(scenario, directories[index]))
        return scenario_page_add(page, directories[index], scenario, name, err);
    if (page_result_add(page, name, err) != OK || timeline_init(&timeline, err) != OK)
        return err->code;
    timeline_add(&timeline, page_listen(page));
    const enum err_code code = journal_replay(directories[index], &timeline, &complete, err);
    const bool empty = page_result_newest(page)->load.rows == 0;
    page_result_newest(page)->cut = !complete;
    timeline_destroy(&timeline);
    if (code == OK && empty)
        return err_set(err, E_DATA,
                       "the journal in %.200s ends before the first interval of a run: there is "
                       "nothing to compare",
                       directories[index]);
    if (code == OK)
        add_curve(page, directories[index]);
    if (code == OK && !complete)
        log_line(LOG_WARNING,
                 "the journal in %s ends before the run does: the page has what is there",
                 directories[index]);
    return code;
}

static void print_differences(FILE *out, const struct page *page)
{
    json_t *rows = page_differences(page), *row, *cell;
    const char *key;
    size_t i;
    fprintf(out, json_array_size(rows) > 0 ? "What differs:\n"
                                           : "Options and environment are the same.\n");
    json_array_foreach(rows, i, row)
    {
        fprintf(out, "  %s\n", PRINTABLE(json_string_value(json_object_get(row, "what"))));
        json_object_foreach(row, key, cell)
        {
            if (strcmp(key, "what") != 0)
                fprintf(out, "    %s: %s\n", PRINTABLE(key),
                        json_string_length(cell) > 0 ? PRINTABLE(json_string_value(cell)) : "-");
        }
    }
    json_decref(rows);
}

static void title_of(char *title, size_t title_bytes, const char *const *directories, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < title_bytes; i++) {
        char name[160];
        unique_name(name, directories, i);
        used += (size_t)snprintf(title + used, title_bytes - used, "%s%s", i > 0 ? ", " : "", name);
    }
}

enum err_code overlay_write(const char *const *directories, size_t count, const char *html_path,
                            FILE *out, struct err *err)
{
    struct output file = {.file = NULL};
    char title[PAGE_RESULTS_MAX * 164];
    if (count > PAGE_RESULTS_MAX)
        return err_set(err, E_USAGE, "a page shows at most %u runs", PAGE_RESULTS_MAX);
    if (page_bundle_check("--html", html_path, err) != OK ||
        check_different(directories, count, err) != OK)
        return err->code;
    struct page *page = page_create();
    enum err_code code = page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for a page");
    title_of(title, sizeof title, directories, count);
    if (code == OK)
        code = output_create(&file, html_path, OUTPUT_NAMED, err);
    for (size_t i = 0; i < count && code == OK; i++)
        code = add(page, directories, i, err);
    if (code == OK)
        code = page_write(page, page_result_newest(page)->curve != NULL ? PAGE_CURVE : "runs",
                          title, &file, err);
    if (code == OK)
        code = output_commit(&file, err);
    if (code == OK)
        print_differences(out, page);
    output_discard(&file);
    page_destroy(page);
    return code;
}
