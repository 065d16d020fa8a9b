#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "orchestrator/report/json_sections.h"
#include "tests/support/check/suite.h"

LOOP_TEST(rows_are_whole, METRICS)
{
    /* Breaks when a figure has no name of its own, no unit, no meaning, or none or two ways to read it. */
    const struct metric *metric = &metric_table[_i];
    ck_assert_ptr_nonnull(metric->path);
    for (int other = 0; other < _i; other++)
        ck_assert_str_ne(metric_table[other].path, metric->path);
    ck_assert_ptr_nonnull(metric->unit);
    ck_assert_ptr_nonnull(metric->help);
    ck_assert_int_ne(metric->help[strlen(metric->help) - 1], '.');
    int readers = (metric->counter > 0) + (metric->histogram > 0) + (metric->gauge > 0) +
                  (metric->sum != NULL) + (metric->count != NULL) + (metric->number != NULL) +
                  (metric->word != NULL);
    const bool of_lanes = (metric->flags & METRIC_OF_LANES) != 0;
    ck_assert_int_eq(readers, metric->type == METRIC_WORDS || of_lanes ? 0 : 1);
    if (of_lanes)
        ck_assert_int_eq((metric->class_counter > 0) + (metric->class_number != NULL), 1);
    ck_assert_int_eq(metric->type == METRIC_TIMES, metric->histogram > 0);
}

/* A row of any numbers, all different where they can be. */
static struct interval_row *any_row(uint64_t seed)
{
    struct interval_row *row = interval_row_create();
    uint64_t drawn = 0;
    ck_assert_ptr_nonnull(row);
    for (int i = 0; i < COUNTER_COUNT; i++)
        row->counters[i] = rng_at(seed, drawn++) % 1000000;
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        for (int i = 0; i < 20; i++)
            histogram_record_n(&row->histograms[kind], rng_at(seed, drawn++) % NS_PER_SECOND, 1);
    row->header.end_ns = NS_PER_SECOND;
    row->header.backlog_after = rng_at(seed, drawn++) % 1000;
    row->header.in_flight_after = rng_at(seed, drawn++) % 1000;
    row->node_count = 1;
    for (int i = 0; i < NODE_COUNTERS; i++)
        row->nodes[0].counters[i] = 1000 + (uint64_t)i;
    return row;
}

/* Gives it two classes; of the second so many are answered, 8 with an error, and 2 never. */
static void class_of_any_row(struct interval_row *row, uint64_t latency_ns, uint64_t ok)
{
    struct class_figures *class = &row->classes[1];
    row->class_count = 2;
    row->window_ends = true;
    for (uint32_t i = 0; i < 2 * CLASS_TIMES; i++)
        histogram_init_zeroed(&row->class_windows[i]);
    class->counters[CLASS_OK] = ok;
    class->counters[CLASS_ERRORS] = 8;
    class->counters[CLASS_LOST] = 2;
    coarse_record(&class->times[CLASS_SERVICE], latency_ns, ok);
    histogram_record_n(&row->class_windows[CLASS_TIMES], latency_ns, ok);
}

/* By a path, as programs look it up. */
static const json_t *at(const json_t *object, const char *path)
{
    char name[64];
    size_t length = strcspn(path, ".");
    ck_assert_uint_lt(length, sizeof name);
    memcpy(name, path, length);
    name[length] = '\0';
    const json_t *value = json_object_get(object, name);
    return path[length] == '.' ? at(value, path + length + 1) : value;
}

TEST(json_is_the_table)
{
    /* Breaks when JSON has a figure under another path than the table, or another value. */
    struct interval_row *row = any_row(12);
    struct error_kinds *kinds = calloc(1, sizeof *kinds);
    struct metric_slice slice = metric_slice_of(row, true);
    slice.error_kinds = kinds;
    json_t *object = json_object();
    json_section_metrics(object, &slice, 0, METRIC_OUTCOME_UNKNOWN);
    for (enum metric_id id = 0; id <= METRIC_OUTCOME_UNKNOWN; id++) {
        const struct metric *metric = &metric_table[id];
        const json_t *value = at(object, metric->path);
        if (metric->type == METRIC_WORDS)
            continue;
        if (metric->type == METRIC_TIMES) {
            struct metric_value time = metric_percentile(&slice, id, 99);
            ck_assert_int_eq(json_is_null(at(value, "p99")), !time.known);
            if (time.known)
                ck_assert_double_eq(json_real_value(at(value, "p99")), time.number / NS_PER_US);
        } else {
            struct metric_value figure = metric_read(&slice, id, NULL);
            if (figure.number > 0 || (metric->flags & METRIC_SPARSE) == 0)
                ck_assert_double_eq(json_number_value(value), figure.number);
            else
                ck_assert_ptr_null(value);
        }
    }
    json_decref(object);
    free(kinds);
    free(row);
}

TEST(counts_add_up)
{
    /* Breaks when a count of two slices together is not the sum of both, so that a total disagrees with its
     * intervals. */
    struct interval_row *one = any_row(7), *other = any_row(8), *sum = interval_row_create();
    interval_row_add(sum, one);
    interval_row_add(sum, other);
    const struct metric_slice slices[] = {metric_slice_of(one, true), metric_slice_of(other, true),
                                          metric_slice_of(sum, true)};
    for (enum metric_id id = 0; id < METRICS; id++) {
        /* A rest is what its parts leave, never below 0: random parts are more than the whole. */
        if (metric_table[id].type != METRIC_COUNT || id == METRIC_CONNECTIONS_LOST_OTHER ||
            id == METRIC_CONNECT_OTHER)
            continue;
        ck_assert_msg(metric_count(&slices[0], id) + metric_count(&slices[1], id) ==
                          metric_count(&slices[2], id),
                      "%s", metric_table[id].path);
    }
    free(one);
    free(other);
    free(sum);
}

TEST(lanes)
{
    /* Breaks when a node's figure is read from the whole, or from another counter. */
    struct interval_row *row = any_row(12);
    struct metric_slice slice = metric_slice_of(row, true);
    slice.node = &row->nodes[0];
    coarse_record(&row->nodes[0].response, NS_PER_MS, row->nodes[0].counters[NODE_OK]);
    ck_assert_uint_eq(metric_count(&slice, METRIC_SENT), 1000 + NODE_SENT);
    ck_assert_uint_eq(metric_count(&slice, METRIC_LOST), 1000 + NODE_LOST);
    ck_assert(!metric_read(&slice, METRIC_BYTES_IN, NULL).known);
    ck_assert(!metric_percentile(&slice, METRIC_SLIP, 50).known);
    double p50_ns = metric_percentile(&slice, METRIC_RESPONSE_TIME, 50).number;
    ck_assert_double_ge_tol(p50_ns, NS_PER_MS, 1);
    ck_assert_double_le_tol(p50_ns, NS_PER_MS * 1.032, 1);
    free(row);
}

TEST(a_class)
{
    /* Breaks when a figure of a class is read from the whole, coarsely where its window says it with three digits, or
     * from a window that holds more than the row. */
    struct interval_row *row = any_row(12);
    const struct metric_slice whole = metric_slice_of(row, false);
    class_of_any_row(row, NS_PER_MS, 90);
    struct class_figures *class = &row->classes[1];
    struct metric_slice slice = metric_slice_of_class(&whole, 1);
    ck_assert_ptr_nonnull(slice.class_windows);
    ck_assert_uint_eq(metric_count(&slice, METRIC_OK), 90);
    ck_assert_uint_eq(metric_count(&slice, METRIC_FAILED), 10);
    ck_assert_double_eq(metric_read(&slice, METRIC_FAILED_PERCENT, NULL).number, 10);
    ck_assert_double_eq(metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number, 90);
    ck_assert(!metric_read(&slice, METRIC_DUE, NULL).known);
    ck_assert_double_eq(metric_percentile(&slice, METRIC_RESPONSE_TIME, 50).number, NS_PER_MS);
    class->times[CLASS_SERVICE].max_ns = NS_PER_SECOND; /* which only coarse times show */
    ck_assert_double_eq(metric_percentile(&slice, METRIC_SERVICE_TIME, 50).number, NS_PER_MS);

    histogram_record_n(&row->class_windows[CLASS_TIMES], 5, 10);
    slice = metric_slice_of_class(&whole, 1);
    ck_assert_ptr_null(slice.class_windows);
    double p50_ns = metric_percentile(&slice, METRIC_SERVICE_TIME, 50).number;
    ck_assert_double_gt(p50_ns, NS_PER_MS);
    ck_assert_double_le_tol(p50_ns, NS_PER_MS * 1.032, 1);

    /* Two of a hundred got no reply, and are longer than any. */
    ck_assert(metric_percentile(&slice, METRIC_SERVICE_TIME, 90).known);
    const struct metric_value hidden = metric_percentile(&slice, METRIC_SERVICE_TIME, 99);
    ck_assert(!hidden.known && hidden.censored);
    ck_assert_uint_le(hidden.at_least_ns, NS_PER_MS);
    ck_assert_uint_gt(hidden.at_least_ns, NS_PER_MS * 96 / 100);
    free(row);
}

TEST_SUITE(metric)
