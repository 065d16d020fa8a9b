#include "orchestrator/commands/monitor_report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/commands/monitor_report.h"
#include "orchestrator/page/page.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/scenario/series.h"

/* Where a value of the store stands among the columns of a load. Counts are drawn a second. */
static const struct {
    enum monitor_value value;
    const char *column;
    bool per_second;
} load_columns[] = {{MONITOR_OK, "requests.ok", true},
                    {MONITOR_OK, "rate.achieved", true},
                    {MONITOR_ERRORS, "requests.errors", true},
                    {MONITOR_TIMED_OUT, "requests.timed_out", true},
                    {MONITOR_P50, "response_time_us.p50", false},
                    {MONITOR_P95, "response_time_us.p95", false},
                    {MONITOR_P99, "response_time_us.p99", false},
                    {MONITOR_MAX, "response_time_us.max", false}};
#define LOAD_COLUMNS (sizeof load_columns / sizeof load_columns[0])

static uint32_t find_column(const struct page_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

static double end_of(const struct page_result *result, const struct review_target *target,
                     size_t row)
{
    const uint64_t first_ms = result->started_wall_ns / NS_PER_MS;
    return target->at_ms[row] > first_ms ? (double)(target->at_ms[row] - first_ms) / 1000 : 0;
}

static enum err_code add_load(struct page_result *result, const struct review_target *target,
                              struct err *err)
{
    struct page_table *table = &result->load;
    double *values = calloc(table->column_count, sizeof *values);
    double before = 0;
    if (values == NULL)
        return err_set(err, E_SYSTEM, "no memory for the page");
    for (size_t row = 0; row < target->row_count; row++) {
        const double *stored = &target->values[row * MONITOR_VALUES];
        const double seconds = stored[MONITOR_SECONDS], end = end_of(result, target, row);
        for (uint32_t i = 0; i < table->column_count; i++)
            values[i] = NAN;
        for (size_t i = 0; i < LOAD_COLUMNS; i++) {
            const uint32_t column = find_column(table, load_columns[i].column);
            const double value = stored[load_columns[i].value];
            if (column != UINT32_MAX)
                values[column] = load_columns[i].per_second ? value / seconds : value;
        }
        const double start = end - seconds > before ? end - seconds : before;
        if (end > before)
            page_table_add(table, start, end, values);
        before = end;
    }
    free(values);
    return OK;
}

/* In percent; NAN: nothing was asked. */
static double availability_of(const double *stored)
{
    double asked = 0;
    for (unsigned i = MONITOR_OK; i <= MONITOR_SHED; i++)
        asked += isfinite(stored[i]) ? stored[i] : 0;
    return asked > 0 && isfinite(stored[MONITOR_OK]) ? 100 * stored[MONITOR_OK] / asked
                                                     : (double)NAN;
}

static enum err_code add_samples(struct page_result *result, const struct review_target *target,
                                 struct err *err)
{
    enum series_metric metrics[MONITOR_VALUES];
    enum monitor_value from[MONITOR_VALUES];
    double values[MONITOR_VALUES + 1], divisor;
    uint32_t count = 0;
    for (unsigned i = MONITOR_USED_MEMORY; i < MONITOR_VALUES; i++)
        if (series_metric_find(&metrics[count], &divisor, monitor_value_name(i)))
            from[count++] = (enum monitor_value)i;
    if (page_table_init(&result->samples, "server", "", count + 1, PAGE_ROWS_MAX, err) != OK)
        return err->code;
    for (uint32_t i = 0; i < count; i++)
        page_table_column(&result->samples, series_metric_name(metrics[i]),
                          series_metric_unit(metrics[i]), NULL);
    page_table_column(&result->samples, "availability", "percent",
                      "Of the PINGs that were due, those that were answered.");
    double before = -1;
    for (size_t row = 0; row < target->row_count; row++) {
        const double *stored = &target->values[row * MONITOR_VALUES];
        const double at = end_of(result, target, row);
        if (at <= before)
            continue;
        for (uint32_t i = 0; i < count; i++)
            values[i] = series_ratio_is_of_process(metrics[i], stored[MONITOR_USED_MEMORY])
                            ? (double)NAN
                            : stored[from[i]];
        values[count] = availability_of(stored);
        page_table_add(&result->samples, at, at, values);
        before = at;
    }
    return OK;
}

static void add_mark(struct page_result *result, const char *source, const char *text,
                     uint64_t from_ms, uint64_t to_ms)
{
    const uint64_t first_ms = result->started_wall_ns / NS_PER_MS;
    const double start = from_ms > first_ms ? (double)(from_ms - first_ms) / 1000 : 0;
    const double end = to_ms > first_ms ? (double)(to_ms - first_ms) / 1000 : 0;
    if (json_array_size(result->marks) < PAGE_MARKS_MAX)
        json_array_append_new(result->marks,
                              json_pack("{s:s, s:o, s:f, s:f, s:b, s:s}", "source", source, "text",
                                        json_value_text(text), "start", start, "end", end, "ok", 1,
                                        "cause", ""));
}

static void add_marks(struct page_result *result, const struct review *review,
                      const struct review_target *target)
{
    const struct review_stretches *down = &target->down, *restarts = &target->restarts;
    char text[ALERT_NAME_BYTES + 40], time[MONITOR_TEXT_BYTES];
    for (size_t i = 0; i < down->count && i < REVIEW_LIST_MAX; i++)
        add_mark(result, "outage", "down", down->items[i].from_ms, down->items[i].to_ms);
    for (size_t i = 0; i < restarts->count && i < REVIEW_LIST_MAX; i++)
        add_mark(result, "monitor", "restarted", restarts->items[i].from_ms,
                 restarts->items[i].to_ms);
    for (size_t i = 0; i < review->gaps.count && i < REVIEW_LIST_MAX; i++) {
        const struct review_stretch *gap = &review->gaps.items[i];
        snprintf(text, sizeof text, "not watched %s",
                 monitor_time_text(time, gap->to_ms - gap->from_ms));
        add_mark(result, "monitor", text, gap->from_ms, gap->to_ms);
    }
    /* By their names: sentences would be cut above a picture, and stand in the report. */
    for (size_t i = 0; i < review->alert_count; i++) {
        const struct review_alert *alert = &review->alerts[i];
        if (alert->server[0] != '\0' && strcmp(alert->server, target->name) != 0)
            continue;
        snprintf(text, sizeof text, "%s%s", alert->alert,
                 strcmp(alert->state, alert_state_name(ALERT_RESOLVED)) == 0 ? " ends" : "");
        add_mark(result, "alert", text, alert->at_ms, alert->at_ms);
    }
}

/* What a reader wants first. */
static void add_numbers(struct page_result *result, const struct review_target *target)
{
    const struct review_figures *whole = &target->whole;
    char available[MONITOR_TEXT_BYTES], down[MONITOR_TEXT_BYTES], caption[48];
    snprintf(caption, sizeof caption, "down, %zu time%s", target->down.count,
             target->down.count == 1 ? "" : "s");
    result->numbers = json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "available", "value",
                                monitor_percent_text(available, review_availability(whole)), "name",
                                caption, "value", monitor_time_text(down, target->down.total_ms));
}

static enum err_code add_target(struct page *page, const struct review *review,
                                const struct review_target *target, struct err *err)
{
    if (page_result_add(page, target->name, err) != OK)
        return err->code;
    struct page_result *result = page_result_newest(page);
    result->started_wall_ns = target->whole.from_ms * NS_PER_MS;
    if (add_load(result, target, err) != OK || add_samples(result, target, err) != OK)
        return err->code;
    add_marks(result, review, target);
    add_numbers(result, target);
    return OK;
}

enum err_code monitor_report_page(struct output *out, const struct review *review, const char *text,
                                  size_t text_bytes, struct err *err)
{
    struct page *page = page_create();
    enum err_code code = page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page");
    for (size_t i = 0; i < review->target_count && i < PAGE_RESULTS_MAX && code == OK; i++) {
        code = add_target(page, review, &review->targets[i], err);
        struct page_result *result = code == OK ? page_result_newest(page) : NULL;
        if (i > 0 || result == NULL)
            continue;
        result->report = strdup(text);
        result->report_bytes = result->report != NULL ? text_bytes : 0;
        if (review->target_count > PAGE_RESULTS_MAX)
            page_result_notice(result, "The page shows the first %u of %zu servers.",
                               PAGE_RESULTS_MAX, review->target_count);
    }
    if (code == OK)
        code = page_write(page, "runs", "Monitor report", out, err);
    page_destroy(page);
    return code;
}
