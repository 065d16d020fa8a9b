/* Rows of a run into the columns of a page, and its histograms into the heat map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/figures.h"

const struct metric_statistic page_statistics[PAGE_STATISTICS] = {
    {"mean", STATISTIC_MEAN, 0},           {"p50", STATISTIC_PERCENTILE, 50},
    {"p95", STATISTIC_PERCENTILE, 95},     {"p99", STATISTIC_PERCENTILE, 99},
    {"p99_9", STATISTIC_PERCENTILE, 99.9}, {"max", STATISTIC_MAX, 0}};

/* Of a class or node: which figures, and of times which statistic. */
struct lane_column {
    enum metric_id metric;
    int statistic; /* of page_statistics; -1: none */
};
static const struct lane_column class_columns[] = {{METRIC_OK, -1},
                                                   {METRIC_ERRORS, -1},
                                                   {METRIC_RESPONSE_TIME, 1},
                                                   {METRIC_RESPONSE_TIME, 3},
                                                   {METRIC_RESPONSE_TIME, 5}};
static const struct lane_column node_columns[] = {
    {METRIC_OK, -1}, {METRIC_ERRORS, -1}, {METRIC_TIMED_OUT, -1}, {METRIC_LOST, -1}};
#define LANE_COLUMNS_MAX 5u

static bool drawn(enum metric_id metric)
{
    return metric_table[metric].type != METRIC_WORDS &&
           (metric_table[metric].flags & METRIC_OF_LANES) == 0;
}

uint32_t page_rows_columns(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < METRICS; i++)
        if (drawn(i))
            count += metric_table[i].type == METRIC_TIMES ? PAGE_STATISTICS : 1;
    return count;
}

/* Counts are drawn per second. */
static const char *unit_of(enum metric_id metric)
{
    static char per_second[METRICS][32];
    if (metric_table[metric].type != METRIC_COUNT)
        return metric_table[metric].unit;
    snprintf(per_second[metric], sizeof per_second[metric], "%s/s", metric_table[metric].unit);
    return per_second[metric];
}

static void add_column(struct page_table *table, enum metric_id metric, int statistic)
{
    char name[PAGE_COLUMN_BYTES];
    snprintf(name, sizeof name, "%s%s%s", metric_table[metric].path, statistic >= 0 ? "." : "",
             statistic >= 0 ? page_statistics[statistic].name : "");
    page_table_column(table, name, unit_of(metric), metric_table[metric].help);
}

enum err_code page_rows_init(struct page_result *result, bool live, struct err *err)
{
    result->lanes = calloc(PAGE_LANES_MAX, sizeof *result->lanes);
    if (result->lanes == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    if (page_table_init(&result->load, "load", "", page_rows_columns(),
                        live ? PAGE_LIVE_ROWS_MAX : PAGE_ROWS_MAX, err) != OK)
        return err->code;
    if (live)
        page_table_touch(&result->load);
    for (uint32_t i = 0; i < METRICS; i++) {
        if (!drawn(i))
            continue;
        if (metric_table[i].type != METRIC_TIMES)
            add_column(&result->load, i, -1);
        for (int k = 0; metric_table[i].type == METRIC_TIMES && k < (int)PAGE_STATISTICS; k++)
            add_column(&result->load, i, k);
    }
    return OK;
}

/* NAN: not known; below 0: at least so much. */
static double value_of(const struct metric_slice *slice, enum metric_id metric, int statistic)
{
    const struct metric *row = &metric_table[metric];
    const struct metric_value value =
        metric_read(slice, metric, statistic >= 0 ? &page_statistics[statistic] : NULL);
    if (row->type == METRIC_TIMES) {
        if (value.censored && !value.known)
            return -(double)value.at_least_ns / 1e3;
        return value.known ? value.number / 1e3 : NAN;
    }
    if (!value.known)
        return NAN;
    if (row->type == METRIC_COUNT)
        return slice->seconds > 0 ? (double)value.count / slice->seconds : NAN;
    return value.number;
}

static struct page_table *lane_of(struct page_result *result, const char *of, const char *name,
                                  const struct lane_column *columns, uint32_t count,
                                  struct err *err)
{
    for (uint32_t i = 0; i < result->lane_count; i++)
        if (strcmp(result->lanes[i].of, of) == 0 && strcmp(result->lanes[i].name, name) == 0)
            return &result->lanes[i];
    if (result->lane_count == PAGE_LANES_MAX) {
        result->lanes_left_out++;
        return NULL;
    }
    struct page_table *lane = &result->lanes[result->lane_count++];
    if (page_table_init(lane, of, name, count, PAGE_LANE_ROWS_MAX, err) != OK)
        return NULL;
    for (uint32_t i = 0; columns != NULL && i < count; i++)
        add_column(lane, columns[i].metric, columns[i].statistic);
    return lane;
}

struct stretch {
    double start, end;
};

static enum err_code add_lane(struct page *page, const struct stretch *stretch, const char *of,
                              const char *name, const struct metric_slice *slice,
                              const struct lane_column *columns, uint32_t count, struct err *err)
{
    double values[LANE_COLUMNS_MAX];
    struct page_table *lane = lane_of(page->newest, of, name, columns, count, err);
    if (lane == NULL)
        return err->code;
    for (uint32_t i = 0; i < count; i++)
        values[i] = value_of(slice, columns[i].metric, columns[i].statistic);
    page_table_add(lane, stretch->start, stretch->end, values);
    return OK;
}

static enum err_code add_lanes(struct page *page, const struct interval_row *row,
                               const struct stretch *stretch, const struct metric_slice *slice,
                               struct err *err)
{
    const struct run_facts *run = &page->run;
    enum err_code code = OK;
    err->code = OK;
    for (uint32_t i = 0; i < run->class_count && run->class_count > 1 && code == OK; i++) {
        const struct metric_slice lane = metric_slice_of_class(slice, i);
        code = add_lane(page, stretch, "class", run->class_names[i], &lane, class_columns,
                        sizeof class_columns / sizeof class_columns[0], err);
    }
    for (uint32_t i = 0; i < row->node_count && row->node_count > 1 && code == OK; i++) {
        char number[32];
        struct metric_slice lane = *slice;
        snprintf(number, sizeof number, "node %u", i);
        lane.node = &row->nodes[i];
        code = add_lane(page, stretch, "node", i < run->node_count ? run->nodes[i].text : number,
                        &lane, node_columns, sizeof node_columns / sizeof node_columns[0], err);
    }
    return code;
}

/* Without --shed-after a warm-up sheds what it has not sent when it is over. That is its end, and no failure. */
static bool is_left_by_warmup(const struct page *page, const struct interval_row *row,
                              enum metric_id metric)
{
    return metric == METRIC_SHED && (row->header.flags & INTERVAL_WARMUP) != 0 &&
           page->run.shed_after_ns == 0 &&
           counters_shed(row->counters) == row->counters[COUNTER_SHED_LATE];
}

enum err_code page_rows_add(struct page *page, const struct interval_row *row, struct err *err)
{
    struct page_result *result = page->newest;
    const struct stretch stretch = {page->offset_seconds + clock_seconds(row->header.start_ns),
                                    page->offset_seconds + clock_seconds(row->header.end_ns)};
    struct metric_slice slice = metric_slice_of(row, page->run.open_loop);
    uint32_t at = 0;
    slice.run = &page->run;
    slice.worker_count = page->run.worker_count;
    slice.sample = page->sample.ok ? &page->sample : NULL;
    if (!(stretch.end > stretch.start) || !page->run_drawn)
        return OK;
    for (uint32_t i = 0; i < METRICS; i++) {
        if (!drawn(i))
            continue;
        /* At its very end a run waits for what is in flight, and there is nothing then. */
        const bool drained = i == METRIC_IN_FLIGHT && (row->header.flags & INTERVAL_LAST) != 0;
        const bool means = !drained && !is_left_by_warmup(page, row, i) &&
                           ((metric_table[i].flags & METRIC_OPEN_LOOP) == 0 || page->run.open_loop);
        if (metric_table[i].type != METRIC_TIMES)
            page->values[at++] = means ? value_of(&slice, i, -1) : NAN;
        for (int k = 0; metric_table[i].type == METRIC_TIMES && k < (int)PAGE_STATISTICS; k++)
            page->values[at++] = means ? value_of(&slice, i, k) : NAN;
    }
    page_table_add(&result->load, stretch.start, stretch.end, page->values);
    page_heat_add(&result->heat, stretch.start, stretch.end,
                  figure_latency(row, page->run.open_loop));
    return add_lanes(page, row, &stretch, &slice, err);
}

enum err_code page_scraped_add(struct page *page, const struct note *note, struct err *err)
{
    const double at = page->offset_seconds + clock_seconds(note->at_ns);
    const double value = note_get_number(note);
    err->code = OK;
    if (!page->run_drawn || isnan(value))
        return OK;
    struct page_table *lane = lane_of(page->newest, "scraped", note->text, NULL, 1, err);
    if (lane == NULL)
        return err->code;
    if (lane->column_count == 0)
        page_table_column(lane, "value", "", NULL);
    page_table_add(lane, at, at, &value);
    return OK;
}

/* ---- The heat map. ---- */

double page_heat_top_us(uint32_t row)
{
    return pow(10, (row + 1.0) / PAGE_HEAT_ROWS_PER_DECADE);
}

/* The row of each bucket of a histogram, found once. */
static const uint8_t *rows_of_buckets(void)
{
    static uint8_t rows[HISTOGRAM_COUNTS];
    static bool known;
    for (uint32_t i = 0; i < HISTOGRAM_COUNTS && !known; i++) {
        const double us = (double)histogram_highest_value(i) / 1e3;
        const double row = us > 1 ? floor(log10(us) * PAGE_HEAT_ROWS_PER_DECADE) : 0;
        rows[i] = (uint8_t)(row < PAGE_HEAT_ROWS - 1 ? row : PAGE_HEAT_ROWS - 1);
    }
    known = true;
    return rows;
}

static void heat_join(struct page_heat *heat)
{
    for (uint32_t i = 0; i < heat->columns; i += 2) {
        const uint32_t to = i / 2;
        heat->start[to] = heat->start[i];
        heat->end[to] = heat->end[i + 1];
        for (uint32_t row = 0; row < PAGE_HEAT_ROWS; row++)
            heat->cells[to][row] = heat->cells[i][row] + heat->cells[i + 1][row];
    }
    heat->columns /= 2;
    memset(heat->cells[heat->columns], 0, heat->columns * sizeof heat->cells[0]);
    heat->joined *= 2;
    heat->last = heat->joined;
}

void page_heat_add(struct page_heat *heat, double start, double end,
                   const struct histogram *histogram)
{
    const uint8_t *rows = rows_of_buckets();
    if (heat->joined == 0)
        heat->joined = heat->last = 1;
    if (heat->columns == PAGE_HEAT_COLUMNS_MAX && heat->last == heat->joined)
        heat_join(heat);
    if (heat->columns == 0 || heat->last == heat->joined) {
        heat->start[heat->columns++] = start;
        heat->last = 0;
    }
    uint64_t *cells = heat->cells[heat->columns - 1];
    heat->end[heat->columns - 1] = end;
    heat->last++;
    memset(heat->newest, 0, sizeof heat->newest);
    if (histogram->count == 0)
        return;
    for (uint32_t i = histogram->low_index; i <= histogram->high_index && i < HISTOGRAM_COUNTS; i++)
        heat->newest[rows[i]] += histogram->counts[i];
    for (uint32_t row = 0; row < PAGE_HEAT_ROWS; row++)
        cells[row] += heat->newest[row];
}
