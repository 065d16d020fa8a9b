/* A trend as what a page is made of: docs/design/pictures.md says what stands in it. */
#include <math.h>
#include <stdio.h>

#include "orchestrator/page/page.h"
#include "orchestrator/page/page_history.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/suite/trend_picture.h"

#define SERIES_MAX 100u
#define COMMITS_MAX 3000u /* of a series: the newest */
#define NAME_SHOWN 12

static json_t *describe_commit(const struct trend_commit *commit)
{
    char date[12], name[NAME_SHOWN + 1];
    snprintf(date, sizeof date, "%.10s", commit->time);
    snprintf(name, sizeof name, "%.*s", NAME_SHOWN, commit->name);
    return json_pack("[s, o, f, I, f, I]", date, json_value_text(name), commit->mean,
                     (json_int_t)commit->runs, commit->deviation, (json_int_t)commit->red);
}

static json_t *describe_series(const struct trend *trend, const struct trend_series *series,
                               size_t first)
{
    json_t *commits = json_array(), *changes = json_array();
    for (size_t i = first; i < series->count; i++)
        json_array_append_new(commits, describe_commit(&series->commits[i]));
    for (size_t i = 0; i < series->changes.count; i++) {
        const struct change_point *point = &series->changes.items[i];
        const struct trend_commit *commit = &series->commits[point->place];
        char date[12], name[NAME_SHOWN + 1];
        snprintf(date, sizeof date, "%.10s", commit->time);
        snprintf(name, sizeof name, "%.*s", NAME_SHOWN, commit->name);
        json_array_append_new(
            changes, json_pack("{s:I, s:s, s:o, s:f, s:f, s:f, s:b, s:f}", "place",
                               (json_int_t)point->place - (json_int_t)first, "date", date, "commit",
                               json_value_text(name), "before", point->before, "after",
                               point->after, "change_percent", 100 * trend_change(point), "worse",
                               trend_is_worse(trend, point), "p", point->p));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "command", json_value_text(series->command),
                     "configuration", json_value_text(series->configuration), "commits", commits,
                     "changes", changes);
}

static json_t *describe(const struct trend *trend, const struct trend_wishes *wishes,
                        const char *command_line)
{
    json_t *list = json_array();
    size_t commits_left_out = 0;
    for (size_t i = 0; i < trend->count && i < SERIES_MAX; i++) {
        const struct trend_series *series = &trend->series[i];
        const size_t first = series->count > COMMITS_MAX ? series->count - COMMITS_MAX : 0;
        commits_left_out += first;
        json_array_append_new(list, describe_series(trend, series, first));
    }
    const size_t left_out = trend->count - json_array_size(list);
    return json_pack("{s:o, s:o, s:f, s:I, s:I, s:I, s:o, s:o}", "metric",
                     json_value_text(wishes->metric), "alike", json_value_text(trend->alike),
                     "alpha", wishes->alpha, "records", (json_int_t)trend->rows, "series_left_out",
                     (json_int_t)left_out, "commits_left_out", (json_int_t)commits_left_out,
                     "command_line", json_value_text(command_line), "series", list);
}

enum err_code trend_write_page(struct output *output, const struct trend *trend,
                               const struct trend_wishes *wishes, const char *command_line,
                               struct err *err)
{
    char title[160];
    struct page *page = page_create();
    json_t *document = page != NULL ? describe(trend, wishes, command_line) : NULL;
    enum err_code code =
        document != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page of a history");
    snprintf(title, sizeof title, "History of %s", wishes->metric);
    if (code == OK)
        code = page_result_add(page, title, err);
    if (code == OK)
        page_result_newest(page)->history = json_incref(document);
    if (code == OK)
        code = page_write(page, PAGE_HISTORY, title, output, err);
    json_decref(document);
    page_destroy(page);
    return code;
}
