/* A comparison as what a page is made of: docs/design/pictures.md says what stands in it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/page.h"
#include "orchestrator/page/page_comparison.h"
#include "orchestrator/page/page_leaves.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/suite/comparison_names.h"
#include "orchestrator/suite/comparison_report.h"

#define ROWS_MAX 2000u
#define VALUES_MAX 50u /* single runs of a side of a row */

static const char *const side_names[2] = {"base", "other"};

/* ---- rows ---- */

/* Of very many the surest, in the order of the table. NULL: no memory. */
static size_t *choose(const struct comparison *comparison, size_t *count)
{
    size_t *places = calloc(comparison->count + 1, sizeof *places);
    for (size_t i = 0; i < comparison->count && places != NULL; i++)
        places[i] = i;
    *count = places != NULL
                 ? comparison_keep_surest(places, comparison->count, ROWS_MAX, comparison)
                 : 0;
    return places;
}

/* room: for all values of a side. */
static json_t *describe_values(const struct comparison_row *row, int side, double *room)
{
    json_t *values = json_array();
    comparison_values(room, row, side);
    for (size_t i = 0; i < row->sides[side].count && i < VALUES_MAX; i++)
        json_array_append_new(values, json_real(room[i]));
    return values;
}

static json_t *describe_row(const struct comparison *comparison, const struct comparison_row *row,
                            const struct comparison_keys *keys, double *room)
{
    const struct record nameless = {.command = (char[]){""}, .section = row->of->section};
    char name[COMPARISON_NAME_BYTES];
    json_t *object = comparison_row_json(comparison, row);
    comparison_name_format(name, keys, &nameless);
    json_object_set_new(object, "apart", json_value_text(name[0] != '\0' ? name + 1 : ""));
    for (int side = 0; side < 2; side++) {
        json_t *of = json_object_get(object, side_names[side]);
        json_object_set_new(of, "values", describe_values(row, side, room));
        page_comparison_put_interval(of, comparison->wishes.confidence);
    }
    return object;
}

static json_t *describe_rows(const struct comparison *comparison)
{
    const size_t most = comparison->sets[0]->count > comparison->sets[1]->count
                            ? comparison->sets[0]->count
                            : comparison->sets[1]->count;
    struct comparison_keys keys;
    size_t count;
    json_t *rows = json_array();
    double *room = calloc(most + 1, sizeof *room);
    size_t *places = choose(comparison, &count);
    comparison_keys_find(&keys, comparison);
    for (size_t i = 0; i < count && room != NULL && places != NULL; i++)
        json_array_append_new(rows,
                              describe_row(comparison, &comparison->rows[places[i]], &keys, room));
    if (room == NULL || places == NULL) {
        json_decref(rows);
        rows = NULL;
    }
    free(room);
    free(places);
    return rows;
}

/* ---- all of it ---- */

static json_t *describe_side(const struct record_set *set)
{
    return json_pack("{so sI so}", "name", json_value_text(set->name), "runs",
                     (json_int_t)set->count, "verdicts", comparison_verdicts_json(set));
}

static json_t *describe_answers(const struct comparison *comparison)
{
    json_t *answers = json_object();
    for (int answer = 0; answer < COMPARISON_ANSWERS; answer++)
        json_object_set_new(answers, comparison_answer_word((enum comparison_answer)answer),
                            json_integer((json_int_t)comparison->answers[answer]));
    return answers;
}

static json_t *describe(const struct comparison *comparison, const char *command_line)
{
    json_t *const trees[2] = {comparison->sets[0]->environment, comparison->sets[1]->environment};
    json_t *rows = describe_rows(comparison);
    const size_t shown = json_array_size(rows);
    return json_pack(
        "{so so so sf sf so sI so so}", "base", describe_side(comparison->sets[0]), "other",
        describe_side(comparison->sets[1]), "answers", describe_answers(comparison), "confidence",
        comparison->wishes.confidence, "threshold", comparison->wishes.threshold, "rows", rows,
        "rows_left_out", (json_int_t)(comparison->count - shown), "differences",
        page_leaves_differing(trees, side_names, 2), "command_line", json_value_text(command_line));
}

enum err_code comparison_write_page(struct output *output, const struct comparison *comparison,
                                    const char *command_line, struct err *err)
{
    const struct comparison_wishes *wishes = &comparison->wishes;
    char title[200];
    struct page *page = page_create();
    json_t *document = page != NULL ? describe(comparison, command_line) : NULL;
    enum err_code code =
        document != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page of a comparison");
    snprintf(title, sizeof title, "%sBenchmark Comparison: %s vs %s",
             !wishes->latencies ? "RPS "
             : !wishes->rates   ? "Latency "
                                : "",
             comparison->sets[0]->name, comparison->sets[1]->name);
    if (code == OK)
        code = page_result_add(page, title, err);
    if (code == OK)
        page_result_newest(page)->comparison = json_incref(document);
    if (code == OK)
        code = page_write(page, PAGE_COMPARISON, title, output, err);
    json_decref(document);
    page_destroy(page);
    return code;
}
