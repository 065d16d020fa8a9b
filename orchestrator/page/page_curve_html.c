/* What people read of a search or a sweep without a script: what was found, its figures, and the points by load. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schedule.h"
#include "common/units.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/metric.h"

#define STATISTICS_MAX 40u

/* "20,370"; of what is not known "-". */
static const char *count_text(char text[RATE_TEXT_BYTES], double value)
{
    if (!isfinite(value) || value < 0 || value > 1e12)
        snprintf(text, RATE_TEXT_BYTES, "-");
    else if (value >= 1000)
        snprintf(text, RATE_TEXT_BYTES, "%s", UNITS_GROUPED((uint64_t)llround(value)));
    else
        rate_format(text, RATE_TEXT_BYTES, (uint64_t)llround(value * (double)SCHEDULE_MICRO));
    return text;
}

static const char *time_text(char text[48], double us)
{
    json_t *value =
        us < 0 ? json_pack("{s:f}", "at_least_us", -us) : json_real(isfinite(us) ? us : 0);
    page_html_time(text, isfinite(us) ? value : NULL);
    if (us < 0) {
        char bare[48];
        snprintf(bare, sizeof bare, "%s", text + strlen(">= "));
        snprintf(text, 48, "&#8805;&#8239;%.30s", bare);
    }
    json_decref(value);
    return text;
}

static bool is_of(const json_t *curve, const char *command)
{
    return strcmp(page_curve_text(curve, "of"), command) == 0;
}

/* ---- what was found ---- */

static void put_objectives(struct output *out, const json_t *curve)
{
    size_t i;
    const json_t *objective;
    json_array_foreach(json_object_get(curve, "objectives"), i, objective)
    {
        output_printf(out, "%s", i > 0 ? ", " : "");
        page_html_text(out, page_curve_text(objective, "text"));
    }
}

/* "95 % confidence: 20,100 to 20,650", as far as it is known. */
static void confidence_text(char text[160], const json_t *found)
{
    char lower[RATE_TEXT_BYTES], upper[RATE_TEXT_BYTES];
    const double from = page_curve_real(found, "lower"), to = page_curve_real(found, "upper");
    const double confidence = page_curve_real(found, "confidence") * 100;
    count_text(lower, from);
    count_text(upper, to);
    if (isfinite(from) && isfinite(to))
        snprintf(text, 160, "%.3g %% confidence: %s to %s", confidence, lower, upper);
    else if (isfinite(from))
        snprintf(text, 160, "%.3g %% confidence: %s or more", confidence, lower);
    else if (isfinite(to))
        snprintf(text, 160, "%.3g %% confidence: below %s", confidence, upper);
    else
        snprintf(text, 160, "no confidence interval");
}

/* "kept in 12 of 15 windows" at the rate that was found; "" where it is not known. */
static const char *kept_text(char text[80], const json_t *of)
{
    const double windows = page_curve_real(of, "windows");
    text[0] = '\0';
    if (windows > 0)
        snprintf(text, 80, "kept in %.0f of %.0f windows", page_curve_real(of, "windows_passed"),
                 windows);
    return text;
}

static void put_status(struct output *out, const json_t *curve)
{
    static const char *const words[][3] = {
        {"found", "FOUND", "the highest rate that keeps "},
        {"no_limit", "NO LIMIT", "the highest rate that was allowed keeps "},
        {"nothing", "NOTHING", "no rate keeps "},
        {"unfinished", "UNFINISHED", "so far, the highest rate that keeps "},
        {"none", "UNFINISHED", "no rate was found so far that keeps "}};
    const char *status = page_curve_text(curve, "status");
    const double rate = page_curve_real(json_object_get(curve, "found"), "rate");
    if (strcmp(status, "unfinished") == 0 && !isfinite(rate))
        status = "none";
    const bool stopped = json_is_true(json_object_get(curve, "interrupted"));
    const bool failed = json_is_string(json_object_get(curve, "error"));
    if (!is_of(curve, "find-max")) {
        page_html_level(out, failed ? "ERROR" : stopped ? "INTERRUPTED" : "DONE");
        output_printf(out,
                      is_of(curve, "sweep") ? "one run for each value of %s"
                                            : "one run for each number of %s",
                      page_curve_text(curve, "swept"));
        if (json_object_get(curve, "modes") != NULL)
            output_printf(out, ", with the buffer and without");
        if (json_array_size(json_object_get(curve, "objectives")) > 0)
            output_printf(out, ", looked at for ");
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(status, words[i][0]) == 0) {
            page_html_level(out, words[i][1]);
            output_printf(out, "%s", words[i][2]);
        }
    put_objectives(out, curve);
}

/* Of a point: "20,370 requests/s"; of a sweep "clients 50", of a load test "users 50, bypass". */
static const char *load_text(char text[RATE_TEXT_BYTES + 48], const json_t *curve,
                             const json_t *point)
{
    char value[RATE_TEXT_BYTES];
    const bool search = is_of(curve, "find-max");
    const char *mode =
        page_curve_text(json_object_get(curve, "modes") != NULL ? point : NULL, "mode");
    snprintf(text, RATE_TEXT_BYTES + 48, "%s%s%s%s%s%.16s",
             search ? "" : page_curve_text(curve, "swept"), search ? "" : " ",
             count_text(value, page_curve_real(point, "load")), search ? " requests/s" : "",
             mode[0] != '\0' ? ", " : "", mode);
    return text;
}

static bool is_marked(const json_t *curve, const json_t *point)
{
    static const char *const marks[] = {"degradation", "breaking", "objective"};
    const double load = page_curve_real(point, "load");
    const json_t *marked = json_object_get(curve, "marked");
    if (json_object_get(curve, "modes") != NULL)
        marked = json_object_get(marked, page_curve_text(point, "mode"));
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (fabs(page_curve_real(marked, marks[i]) - load) <= load * 1e-9)
            return true;
    return false;
}

/* Where a sweep got worse. */
static void put_marked(struct output *out, const json_t *curve)
{
    size_t i;
    const json_t *point;
    char load[RATE_TEXT_BYTES + 48];
    json_array_foreach(json_object_get(curve, "points"), i, point)
    {
        if (!is_marked(curve, point))
            continue;
        output_printf(out, "<li><b>");
        page_html_text(out, load_text(load, curve, point));
        output_printf(out, "</b>: ");
        page_html_text(out, page_curve_text(point, "reason"));
        output_printf(out, "</li>\n");
    }
}

static void put_found(struct output *out, const json_t *curve)
{
    char rate[RATE_TEXT_BYTES];
    const json_t *limit = json_object_get(curve, "limit");
    const json_t *found = json_object_get(curve, "found");
    const double failing = page_curve_real(found, "first_failing");
    put_status(out, curve);
    output_printf(out, "<ul>\n");
    if (isfinite(failing))
        output_printf(out, "<li><b>Fails</b> at %s requests/s</li>\n", count_text(rate, failing));
    if (page_curve_real(found, "windows_passed") < page_curve_real(found, "windows"))
        output_printf(out,
                      "<li><b>Kept</b> in %.0f of %.0f windows at the rate that was found: the "
                      "majority decides, so that figures of all windows together can be above what "
                      "was asked for</li>\n",
                      page_curve_real(found, "windows_passed"), page_curve_real(found, "windows"));
    if (page_curve_text(limit, "evidence")[0] != '\0') {
        output_printf(out, "<li><b>Limit</b>: ");
        page_html_text(out, page_curve_text(limit, "name"));
        output_printf(out, ": ");
        page_html_text(out, page_curve_text(limit, "evidence"));
        output_printf(out, "</li>\n");
    }
    put_marked(out, curve);
    if (json_is_true(json_object_get(curve, "interrupted")))
        output_printf(out, "<li><b>Interrupted</b></li>\n");
    if (page_curve_text(curve, "error")[0] != '\0') {
        output_printf(out, "<li><b>Ended by an error</b>: ");
        page_html_text(out, page_curve_text(curve, "error"));
        output_printf(out, "</li>\n");
    }
    output_printf(out, "</ul></div>\n");
}

/* volley's own verdict on the point whose figures stand at the top. */
static void put_trust(struct output *out, const json_t *curve, const json_t *best)
{
    char load[RATE_TEXT_BYTES + 48];
    page_html_level(out, page_curve_text(best, "verdict"));
    output_printf(out, "volley's verdict at ");
    page_html_text(out, load_text(load, curve, best));
    page_html_reasons(out, json_object_get(best, "doubts"), page_curve_text(best, "verdict"));
}

/* Windows are judged one by one, and their majority decides: all of them together may be above an objective that was kept.
 * What is said then behind the figure; "". */
static const char *broken_text(char text[200], const json_t *curve, const json_t *best,
                               const char *statistic)
{
    size_t i;
    const json_t *objective;
    char kept[80];
    text[0] = '\0';
    json_array_foreach(json_object_get(curve, "objectives"), i, objective)
    {
        const double percent = page_curve_real(objective, "percent");
        char of[PAGE_COLUMN_BYTES];
        if (strcmp(page_curve_text(objective, "figure"), "percentile") == 0)
            snprintf(of, sizeof of, "p%.10g", percent);
        else
            snprintf(of, sizeof of, "%.20s", page_curve_text(objective, "figure"));
        if (strcmp(of, statistic) == 0 && json_object_get(objective, "class") == NULL &&
            fabs(page_curve_time(best, statistic)) > page_curve_real(objective, "limit_us") &&
            kept_text(kept, best)[0] != '\0')
            snprintf(text, 200, " in all windows together<br>%s", kept);
    }
    return text;
}

static void put_numbers(struct output *out, const json_t *curve, const json_t *best)
{
    static const char *const statistics[] = {"p50", "p99", "max"}, *const of_users[] = {"mean",
                                                                                        "p95", ""};
    const bool users = is_of(curve, "load-test");
    const json_t *found = json_object_get(curve, "found");
    char rate[RATE_TEXT_BYTES], more[300] = "", time[48], failed[48], broken[200];
    output_printf(out, "<div class=\"numbers\">\n");
    if (found != NULL) {
        char confidence[160], kept[80];
        confidence_text(confidence, found);
        kept_text(kept, found);
        snprintf(more, sizeof more, " sustained<br>%s%s%s", kept, kept[0] != '\0' ? "<br>" : "",
                 confidence);
        count_text(rate, page_curve_real(found, "rate"));
    } else {
        char load[RATE_TEXT_BYTES + 48];
        snprintf(more, sizeof more, ", the most%s%s", best != NULL ? "<br>at " : "",
                 best != NULL ? load_text(load, curve, best) : "");
        count_text(rate, page_curve_number(best, "rate.achieved"));
    }
    page_html_number(out, "requests/s", rate, more);
    if (users && best != NULL)
        page_html_number(out, "messages/min",
                         count_text(rate, page_curve_number(best, "rate.achieved") * 60), " there");
    for (size_t i = 0; best != NULL && i < sizeof statistics / sizeof statistics[0]; i++) {
        const char *statistic = users ? of_users[i] : statistics[i];
        const double us = page_curve_time(best, statistic);
        snprintf(more, sizeof more, " there%s", broken_text(broken, curve, best, statistic));
        if (isfinite(us))
            page_html_number(out, statistic, time_text(time, us), more);
    }
    if (best != NULL) {
        snprintf(failed, sizeof failed, "%.3g %%",
                 page_curve_number(best, metric_table[METRIC_FAILED_PERCENT].path));
        page_html_number(out, "errors", failed, " there");
    }
    output_printf(out, "</div>\n");
}

/* ---- the points ---- */

/* Statistics that points have, in the order of percent; mean and maximum last. */
struct statistics {
    const char *names[STATISTICS_MAX]; /* "p99_9" */
    size_t count;
};

static double order_of(const char *statistic)
{
    char text[PAGE_COLUMN_BYTES];
    snprintf(text, sizeof text, "%s", statistic);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '_' ? '.' : *at;
    return text[0] == 'p' ? strtod(text + 1, NULL) : strcmp(text, "mean") == 0 ? 200 : 300;
}

static int by_percent(const void *a, const void *b)
{
    const double x = order_of(*(const char *const *)a), y = order_of(*(const char *const *)b);
    return (x > y) - (x < y);
}

static struct statistics statistics_of(const json_t *curve)
{
    struct statistics list = {.count = 0};
    const char *key;
    json_t *described;
    json_object_foreach(json_object_get(curve, "figures"), key, described)
    {
        const char *name = page_curve_statistic(key);
        bool there = name == NULL || list.count == STATISTICS_MAX;
        for (size_t i = 0; i < list.count && !there; i++)
            there = strcmp(list.names[i], name) == 0;
        if (!there)
            list.names[list.count++] = name;
    }
    qsort(list.names, list.count, sizeof list.names[0], by_percent);
    return list;
}

static int by_load(const void *a, const void *b)
{
    const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
    const double loads[] = {page_curve_real(x, "load"), page_curve_real(y, "load")};
    if (loads[0] > loads[1] || loads[0] < loads[1])
        return loads[0] > loads[1] ? 1 : -1;
    return page_curve_real(x, "number") > page_curve_real(y, "number") ? 1 : -1;
}

static bool has(const json_t *curve, const char *figure)
{
    return json_object_get(json_object_get(curve, "figures"), figure) != NULL;
}

/* Memory, where it is known. */
static const char *const memory_columns[][2] = {{"volley_mb", "memory of volley"},
                                                {"server_mb", "used memory"}};
#define MEMORY_COLUMNS (sizeof memory_columns / sizeof memory_columns[0])

static void put_heading(struct output *out, const json_t *curve,
                        const struct statistics *statistics)
{
    const bool search = json_object_get(curve, "found") != NULL;
    output_printf(out, "<tr><th class=\"number\">%s%s<th>outcome",
                  strcmp(page_curve_text(curve, "swept"), "qps") == 0
                      ? "asked for/s"
                      : page_curve_text(curve, "swept"),
                  json_object_get(curve, "modes") != NULL ? "<th>mode" : "");
    if (search)
        output_printf(out, "<th class=\"number\">windows");
    output_printf(out, "<th class=\"number\">answered/s%s",
                  is_of(curve, "load-test") ? "<th class=\"number\">messages/min" : "");
    for (size_t i = 0; i < statistics->count; i++) {
        output_printf(out, "<th class=\"number\">");
        for (const char *at = statistics->names[i]; *at != '\0'; at++)
            page_html_text(out, *at == '_' ? "." : (char[2]){*at, '\0'});
    }
    output_printf(out, "<th class=\"number\">errors");
    if (has(curve, metric_table[METRIC_WORKER_CPU].path))
        output_printf(out, "<th class=\"number\">CPU of the workers");
    for (size_t i = 0; i < MEMORY_COLUMNS; i++)
        if (has(curve, memory_columns[i][0]))
            output_printf(out, "<th class=\"number\">%s", memory_columns[i][1]);
    output_printf(out, "<th>verdict<th>remarks</tr>\n");
}

static void put_remarks(struct output *out, const json_t *point, bool newest)
{
    size_t i;
    const json_t *doubt;
    const char *separator = "";
    const char *const words[] = {newest ? "found" : "",
                                 json_is_true(json_object_get(point, "retest")) ? "again" : "",
                                 page_curve_text(point, "reason")};
    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i][0] != '\0') {
            output_printf(out, "%s", separator);
            page_html_text(out, words[i]);
            separator = "; ";
        }
    json_array_foreach(json_object_get(point, "doubts"), i, doubt)
    {
        output_printf(out, "%s", i == 0 ? separator : ", ");
        page_html_text(out, page_curve_text(doubt, "name"));
    }
}

static void put_point(struct output *out, const json_t *curve, const json_t *point,
                      const struct statistics *statistics)
{
    char text[48], rate[RATE_TEXT_BYTES];
    const json_t *found = json_object_get(curve, "found");
    const double load = page_curve_real(point, "load"),
                 achieved = page_curve_number(point, "rate.achieved");
    const bool best = found != NULL && fabs(load - page_curve_real(found, "rate")) <= load * 1e-9;
    output_printf(out, "<tr%s><td class=\"number\">%s<td>", best ? " class=\"best\"" : "",
                  count_text(rate, load));
    if (json_object_get(curve, "modes") != NULL) {
        page_html_text(out, page_curve_text(point, "mode"));
        output_printf(out, "<td>");
    }
    page_html_text(out, page_curve_text(point, "outcome"));
    if (found != NULL)
        output_printf(out, "<td class=\"number\">%.0f/%.0f",
                      page_curve_real(point, "windows_passed"), page_curve_real(point, "windows"));
    output_printf(out, "<td class=\"number\">%s", count_text(rate, achieved));
    if (is_of(curve, "load-test"))
        output_printf(out, "<td class=\"number\">%s", count_text(rate, achieved * 60));
    for (size_t i = 0; i < statistics->count; i++)
        output_printf(out, "<td class=\"number\">%s",
                      time_text(text, page_curve_time(point, statistics->names[i])));
    output_printf(out, "<td class=\"number\">%.3g %%",
                  page_curve_number(point, metric_table[METRIC_FAILED_PERCENT].path));
    if (has(curve, metric_table[METRIC_WORKER_CPU].path))
        output_printf(out, "<td class=\"number\">%.1f %%",
                      page_curve_number(point, metric_table[METRIC_WORKER_CPU].path));
    for (size_t i = 0; i < MEMORY_COLUMNS; i++) {
        const double memory = page_curve_number(point, memory_columns[i][0]);
        if (has(curve, memory_columns[i][0]))
            output_printf(out, isfinite(memory) ? "<td class=\"number\">%.1f MB" : "<td>", memory);
    }
    output_printf(out, "<td>");
    page_html_text(out, page_curve_text(point, "verdict"));
    output_printf(out, "<td>");
    put_remarks(out, point, best);
    output_printf(out, "</tr>\n");
}

static void put_points(struct output *out, const json_t *curve)
{
    const json_t *points = json_object_get(curve, "points");
    const size_t count = json_array_size(points);
    const struct statistics statistics = statistics_of(curve);
    const json_t **sorted = calloc(count, sizeof *sorted);
    if (sorted == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(points, i);
    qsort(sorted, count, sizeof *sorted, by_load);
    page_html_scroll(out, " points", "by load");
    output_printf(out, "<table class=\"rows\">\n");
    put_heading(out, curve, &statistics);
    for (size_t i = 0; i < count; i++)
        put_point(out, curve, sorted[i], &statistics);
    output_printf(out, "</table>\n</div>\n");
    free(sorted);
}

/* What the buffer takes, by users. */
static void put_memory(struct output *out, const json_t *memory)
{
    static const struct {
        const char *member, *heading, *unit;
        double factor; /* of megabytes */
        bool is_signed;
    } columns[] = {{"enabled_mb", "buffer", "MB", 1, false},
                   {"bypass_mb", "bypass", "MB", 1, false},
                   {"difference_mb", "difference", "MB", 1, true},
                   {"expected_difference_mb", "expected", "KB", 1024, true}};
    size_t i;
    const json_t *row;
    char users[RATE_TEXT_BYTES];
    if (json_array_size(memory) == 0)
        return;
    output_printf(out, "<h2>Memory of volley, at its most</h2>\n");
    page_html_scroll(out, "", "memory of volley");
    output_printf(out, "<table class=\"rows\" id=\"memory\">\n<tr><th class=\"number\">users");
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        output_printf(out, "<th class=\"number\">%s", columns[k].heading);
    output_printf(out, "</tr>\n");
    json_array_foreach(memory, i, row)
    {
        output_printf(out, "<tr><td class=\"number\">%s",
                      count_text(users, page_curve_real(row, "users")));
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            const double value = page_curve_real(row, columns[k].member) * columns[k].factor;
            output_printf(out, "<td class=\"number\">");
            if (!isfinite(value))
                output_printf(out, "-");
            else
                output_printf(out, columns[k].is_signed ? "%+.1f %s" : "%.1f %s", value,
                              columns[k].unit);
        }
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "</table></div>\n");
}

void page_curve_html(struct output *out, const json_t *curve)
{
    const json_t *best = page_curve_best(curve);
    put_found(out, curve);
    put_numbers(out, curve, best);
    if (best != NULL)
        put_trust(out, curve, best);
    put_points(out, curve);
    put_memory(out, json_object_get(curve, "memory"));
}
