#include "orchestrator/page/page_modes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/page/page_comparison.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/json_value.h"

#define RUNS_MAX 1000u /* as many as compare-modes makes of each: a document comes from a file */
#define ROWS_MAX 16u
#define VALUES_MAX 50u

static const char *const members[PAGE_MODES] = {"a", "b"};
static const char *const sides_of_rows[PAGE_MODES] = {"other", "base"};

bool page_modes_counts(const json_t *run)
{
    return json_is_true(json_object_get(run, "counts"));
}

double page_modes_figure(const json_t *run, const char *figure)
{
    const double value = page_curve_real(run, figure);
    return isnan(value) ? page_curve_real(json_object_get(run, "latency"), figure) : value;
}

const json_t *page_modes_side(const json_t *comparison, size_t side)
{
    return json_object_get(json_object_get(comparison, "modes"), members[side]);
}

/* ---- reading ---- */

static size_t run_count(const json_t *mode)
{
    const size_t count = json_array_size(json_object_get(mode, "runs"));
    return count < RUNS_MAX ? count : RUNS_MAX;
}

bool page_modes_has_runs(const json_t *document)
{
    return strcmp(page_curve_text(document, "schema"), "volley.compare-modes/1") == 0 &&
           run_count(json_object_get(document, members[0])) > 0;
}

static const json_t *run_at(const json_t *mode, size_t index)
{
    return json_array_get(json_object_get(mode, "runs"), index);
}

/* {"name", "runs", "verdicts"} as of any comparison. */
static json_t *side_of(const json_t *mode)
{
    json_t *verdicts = json_pack("{s:i, s:i, s:i}", "GREEN", 0, "AMBER", 0, "RED", 0);
    size_t counted = 0;
    for (size_t i = 0; i < run_count(mode); i++) {
        const char *level = page_curve_text(run_at(mode, i), "verdict");
        const json_t *before = json_object_get(verdicts, level);
        if (!page_modes_counts(run_at(mode, i)))
            continue;
        counted++;
        if (before != NULL)
            json_object_set_new(verdicts, level, json_integer(json_integer_value(before) + 1));
    }
    return json_pack("{s:o, s:i, s:o}", "name", json_value_text(page_curve_text(mode, "name")),
                     "runs", (int)counted, "verdicts", verdicts);
}

/* What its runs have of a figure of rows. */
static json_t *values_of(const json_t *mode, const char *metric)
{
    json_t *values = json_array();
    const char *figure = strcmp(metric, "rps") == 0 ? "requests_per_second" : metric;
    for (size_t i = 0; i < run_count(mode) && json_array_size(values) < VALUES_MAX; i++) {
        const double value = page_modes_figure(run_at(mode, i), figure);
        if (page_modes_counts(run_at(mode, i)) && isfinite(value))
            json_array_append_new(values, json_real(value));
    }
    return values;
}

static json_t *rows_of(const json_t *document, json_t *answers)
{
    size_t i;
    const json_t *from;
    json_t *rows = json_array();
    json_array_foreach(json_object_get(document, "rows"), i, from)
    {
        if (i == ROWS_MAX || !json_is_object(from))
            break;
        json_t *row = json_deep_copy(from);
        const char *answer = page_curve_text(from, "answer");
        for (size_t side = 0; side < PAGE_MODES; side++) {
            json_t *of = json_object_get(row, sides_of_rows[side]);
            json_object_set_new(of, "values",
                                values_of(json_object_get(document, members[side]),
                                          page_curve_text(from, "metric")));
            page_comparison_put_interval(of, page_curve_real(document, "confidence"));
        }
        if (json_object_get(answers, answer) != NULL)
            json_object_set_new(
                answers, answer,
                json_integer(json_integer_value(json_object_get(answers, answer)) + 1));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *comparison_of(const json_t *document)
{
    static const char *const kept[] = {
        "a",       "b",           "planned", "errors", "latency_matrix",
        "verdict", "interrupted", "error",   "name",   "target"};
    json_t *modes = json_object();
    json_t *answers = json_pack("{s:i, s:i, s:i, s:i, s:i}", "faster", 0, "slower", 0, "same", 0,
                                "cannot_tell", 0, "one_sided", 0);
    json_t *rows = rows_of(document, answers);
    const double confidence = page_curve_real(document, "confidence"),
                 threshold = page_curve_real(document, "threshold");
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        json_object_set(modes, kept[i], json_object_get(document, kept[i]));
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:o, s:i, s:[], s:s, s:o}", "base",
                     side_of(json_object_get(document, "b")), "other",
                     side_of(json_object_get(document, "a")), "answers", answers, "confidence",
                     isfinite(confidence) ? confidence : 0.95, "threshold",
                     isfinite(threshold) ? threshold : 0.05, "rows", rows, "rows_left_out", 0,
                     "differences", "command_line", "", "modes", modes);
}

/* Runs of a session are called after the test, all alike: these after their mode, by turns. */
static void name_regions(struct page_result *result, const json_t *comparison)
{
    size_t i, runs = 0, at = 0, made = 0;
    json_t *region;
    for (size_t side = 0; side < PAGE_MODES; side++)
        made += run_count(page_modes_side(comparison, side));
    json_array_foreach(result->regions, i, region) runs +=
        strcmp(page_curve_text(region, "kind"), "run") == 0;
    if (runs < made)
        return;
    json_array_foreach(result->regions, i, region)
    {
        if (strcmp(page_curve_text(region, "kind"), "run") != 0 || at++ < runs - made)
            continue; /* the keys are filled before */
        const size_t index = at - 1 - (runs - made);
        json_object_set_new(
            region, "name",
            json_sprintf("%s %zu", index % PAGE_MODES == 0 ? "A" : "B", index / PAGE_MODES + 1));
    }
}

enum err_code page_modes_set(struct page *page, const json_t *document, struct err *err)
{
    struct page_result *result = page_result_newest(page);
    if (!page_modes_has_runs(document))
        return err_set(err, E_DATA, "it is no volley.compare-modes/1 with a run");
    json_t *comparison = comparison_of(document);
    if (comparison == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    json_decref(result->comparison);
    result->comparison = comparison;
    json_array_clear(result->spectra); /* one for each run: too many to be told apart */
    name_regions(result, comparison);
    return OK;
}

const char *page_modes_title(char text[PAGE_MODES_TITLE_BYTES], const struct page_result *result)
{
    const json_t *modes = json_object_get(result->comparison, "modes");
    if (result->named || result->labelled)
        snprintf(text, PAGE_MODES_TITLE_BYTES, "%s", result->name);
    else
        snprintf(text, PAGE_MODES_TITLE_BYTES, "%.100s: %.90s against %.90s",
                 page_curve_text(modes, "name"),
                 page_curve_text(page_modes_side(result->comparison, 0), "name"),
                 page_curve_text(page_modes_side(result->comparison, 1), "name"));
    return text;
}

const char *page_modes_name(char text[PAGE_CURVE_TITLE_BYTES], const json_t *comparison)
{
    snprintf(text, PAGE_CURVE_TITLE_BYTES, "%.160s, compare-modes",
             page_curve_text(json_object_get(comparison, "modes"), "name"));
    return text;
}

/* ---- the top ---- */

static void put_list_item(struct output *out, const char *name, const char *text)
{
    output_printf(out, "<li><b>");
    page_html_text(out, name);
    output_printf(out, "</b>: ");
    page_html_text(out, text);
    output_printf(out, "</li>\n");
}

static void put_verdict(struct output *out, const json_t *comparison)
{
    const json_t *modes = json_object_get(comparison, "modes");
    const char *error = page_curve_text(modes, "error");
    const bool stopped = json_is_true(json_object_get(modes, "interrupted"));
    page_html_level(out, error[0] != '\0' ? "ERROR" : stopped ? "INTERRUPTED" : "DONE");
    page_html_text(out, page_curve_text(modes, "verdict"));
    output_printf(out, "<ul>\n");
    for (size_t side = 0; side < PAGE_MODES; side++) {
        const json_t *mode = page_modes_side(comparison, side);
        put_list_item(out, page_curve_text(mode, "name"), page_curve_text(mode, "text"));
    }
    if (error[0] != '\0')
        put_list_item(out, "Ended by an error", error);
    for (size_t side = 0; side < PAGE_MODES; side++) {
        const json_t *mode = page_modes_side(comparison, side);
        const double counted = page_curve_real(mode, "counted"),
                     planned = page_curve_real(modes, "planned");
        char text[80];
        snprintf(text, sizeof text, "%.0f of %.0f runs count", counted, planned);
        if (counted < planned)
            put_list_item(out, page_curve_text(mode, "name"), text);
    }
    output_printf(out, "</ul></div>\n");
}

static const char *number_text(char text[UNITS_REAL_BYTES], double value, int decimals)
{
    const bool known = isfinite(value) && fabs(value) < 1e12;
    snprintf(text, UNITS_REAL_BYTES, "%s", known ? UNITS_REAL(value, decimals) : "-");
    return text;
}

/* The mean of a mode in a row, with B's below A's. scale: of the figure. */
static void put_mean(struct output *out, const json_t *comparison, const char *metric,
                     const char *caption, double scale, int decimals, const char *unit)
{
    size_t i;
    const json_t *row;
    char a[UNITS_REAL_BYTES], b[UNITS_REAL_BYTES], value[UNITS_REAL_BYTES + 8],
        more[UNITS_REAL_BYTES + 40];
    json_array_foreach(json_object_get(comparison, "rows"), i, row)
    {
        if (strcmp(page_curve_text(row, "metric"), metric) != 0)
            continue;
        number_text(a, scale * page_curve_real(json_object_get(row, "other"), "mean"), decimals);
        number_text(b, scale * page_curve_real(json_object_get(row, "base"), "mean"), decimals);
        snprintf(value, sizeof value, "%s%s", a, unit);
        snprintf(more, sizeof more, ", A<br>B: %s%s", b, unit);
        page_html_number(out, caption, value, more);
    }
}

static void put_numbers(struct output *out, const json_t *comparison)
{
    const json_t *errors = json_object_get(json_object_get(comparison, "modes"), "errors");
    char a[UNITS_REAL_BYTES], b[UNITS_REAL_BYTES], value[UNITS_REAL_BYTES + 8],
        more[UNITS_REAL_BYTES + 40];
    if (json_array_size(json_object_get(comparison, "rows")) == 0)
        return;
    output_printf(out, "<div class=\"numbers\">\n");
    put_mean(out, comparison, "rps", "requests/s", 1, 0, "");
    put_mean(out, comparison, "rps", "messages/min", 60, 0, "");
    put_mean(out, comparison, "p50_latency_ms", "p50", 1, 3, " ms");
    put_mean(out, comparison, "p99_latency_ms", "p99", 1, 3, " ms");
    number_text(a, page_curve_real(errors, "a_percent"), 3);
    number_text(b, page_curve_real(errors, "b_percent"), 3);
    snprintf(value, sizeof value, "%s %%", a);
    snprintf(more, sizeof more, ", A<br>B: %s %%", b);
    page_html_number(out, "errors", value, more);
    output_printf(out, "</div>\n");
}

static void put_matrix(struct output *out, const json_t *columns)
{
    static const char *const rows[][2] = {
        {"P50", "p50_ms"}, {"P90", "p90_ms"}, {"P95", "p95_ms"}, {"P99", "p99_ms"}};
    size_t i;
    const json_t *column;
    char text[UNITS_REAL_BYTES];
    if (json_array_size(columns) == 0)
        return;
    output_printf(out, "<h2>Latency matrix</h2>\n");
    page_html_scroll(out, "", "latency matrix");
    output_printf(out, "<table class=\"rows\" id=\"matrix\">\n<tr><th>ms");
    json_array_foreach(columns, i, column)
    {
        output_printf(out, "<th class=\"number\">");
        page_html_text(out, page_curve_text(column, "column"));
    }
    output_printf(out, "</tr>\n");
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        output_printf(out, "<tr><td>%s", rows[row][0]);
        json_array_foreach(columns, i, column)
            output_printf(out, "<td class=\"number\">%s",
                          number_text(text, page_curve_real(column, rows[row][1]), 3));
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "</table></div>\n");
}

void page_modes_html(struct output *out, const json_t *comparison)
{
    put_verdict(out, comparison);
    put_numbers(out, comparison);
    put_matrix(out, json_object_get(json_object_get(comparison, "modes"), "latency_matrix"));
    output_printf(out, "<h2>A against B</h2>\n");
}

/* ---- runs ---- */

static void put_run(struct output *out, const json_t *run, const char *name, size_t number)
{
    static const char *const times[] = {"p50_latency_ms", "p95_latency_ms", "p99_latency_ms"};
    const double rate = page_curve_real(run, "requests_per_second");
    const char *error = page_curve_text(run, "error");
    char text[UNITS_REAL_BYTES];
    output_printf(out, "<tr><td class=\"number\">%zu<td>", number);
    page_html_text(out, name);
    output_printf(out, "<td class=\"number\">%s", number_text(text, rate, 0));
    output_printf(out, "<td class=\"number\">%s", number_text(text, 60 * rate, 0));
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        output_printf(out, "<td class=\"number\">%s",
                      number_text(text, page_modes_figure(run, times[i]), 3));
    output_printf(out, "<td class=\"number\">%s %%<td>",
                  number_text(text, page_curve_real(run, "error_percent"), 3));
    page_html_text(out, page_curve_text(run, "verdict"));
    output_printf(out, "<td>");
    page_html_text(out, error[0] != '\0' ? error : page_modes_counts(run) ? "" : "does not count");
    output_printf(out, "</tr>\n");
}

void page_modes_html_runs(struct output *out, const json_t *comparison)
{
    output_printf(out, "<h2>Runs</h2>\n");
    page_html_scroll(out, " points", "runs");
    output_printf(out, "<table class=\"rows\" id=\"runs\">\n<tr><th class=\"number\">run<th>mode"
                       "<th class=\"number\">requests/s<th class=\"number\">messages/min"
                       "<th class=\"number\">p50, ms<th class=\"number\">p95, ms"
                       "<th class=\"number\">p99, ms<th class=\"number\">errors<th>verdict"
                       "<th>remarks</tr>\n");
    for (size_t i = 0; i < RUNS_MAX; i++)
        for (size_t side = 0; side < PAGE_MODES; side++) {
            const json_t *mode = page_modes_side(comparison, side);
            if (i < run_count(mode))
                put_run(out, run_at(mode, i), page_curve_text(mode, "name"), i + 1);
        }
    output_printf(out, "</table></div>\n");
}
