/* The collector and the warm-up of a worker that is late. */
#include <stdlib.h>

#include "tests/support/check/fake_workers.h"
#include "tests/support/check/suite.h"

/* Two intervals of warm-up in which worker 1 answers 10 and leaves 4 in flight; its second record,
 * in which it answers 5 and leaves 3 more, is not there yet. Worker 0 goes on. */
static void begin_with_late_warmup(uint32_t rows_before)
{
    fakes_begin(2, 2 * LENGTH_NS);
    fakes_record(1, 0, 0);
    fakes_answer(1, 10);
    fakes_leave_in_flight(1, 4);
    fakes_push(1);
    for (uint32_t number = 0; number < rows_before; number++) {
        fakes_publish(0, number, 100, false);
        fakes_collect((number + 4) * LENGTH_NS);
    }
    ck_assert_uint_eq(fakes.row_count, rows_before);
    fakes_record(1, 1, 1);
    fakes_answer(1, 5);
    fakes_leave_in_flight(1, 3);
    fakes_push(1);
}

/* The record behind: it answers the 7 requests in flight, and 6 of its own. */
static void publish_the_rest(uint32_t first, uint32_t last, uint32_t flags)
{
    fakes_record(1, first, last);
    fakes.interval->header.in_flight_before = fakes.in_flight[1];
    fakes_count(1, COUNTER_SENT, 6);
    fakes_count(1, COUNTER_OK, 13);
    for (int i = 0; i < 13; i++)
        interval_histogram_record(&fakes.interval->histograms[HISTOGRAM_SERVICE_OK], LATENCY_NS);
    fakes.interval->header.in_flight_after = 0;
    fakes.interval->header.flags |= flags;
    fakes_push(1);
}

TEST(test_late_warmup_is_left_out)
{
    /* Breaks when what was answered in the warm-up counts as measured because it came late, is
     * missed in the worker's own sum, or makes a row that does not add up. */
    begin_with_late_warmup(2);
    fakes_keep_log();
    publish_the_rest(2, 2, 0);
    fakes_publish(0, 2, 100, false);
    fakes_collect(6 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 3);
    fakes_expect_row(2, 2, 2, 113);
    ck_assert_uint_eq(fakes.rows[2].counters[COUNTER_SENT], 106);
    ck_assert_uint_eq(fakes.rows[2].header.in_flight_before, 7);
    ck_assert_uint_eq(fakes.rows[2].header.in_flight_after, 0);
    ck_assert_uint_eq(fakes.rows[2].header.flags, 0);
    ck_assert_uint_eq(fakes.collector.late_records, 1);
    ck_assert(fakes_logged("worker 1: its record of interval 1"));
    ck_assert(fakes_logged("left out"));
    fakes_publish(0, 3, 1, true);
    fakes_publish(1, 3, 1, true);
    fakes_finish();
    fakes_expect_row(3, 3, 3, 2);
    ck_assert_uint_eq(fakes.timeline.total->counters[COUNTER_OK], 115);
    ck_assert_uint_eq(fakes.timeline.total->header.in_flight_before, 7);
    ck_assert_uint_eq(fakes.collector.members[1].merged[COUNTER_OK], 29);
    ck_assert_uint_eq(fakes.collector.members[1].measured[COUNTER_OK], 14);
    struct run_result *result = fakes_conclude();
    ck_assert_msg(result->status == OK, "%s", result->status_text);
    free(result);
    fakes_end();
}

TEST(test_warmup_that_comes_after_measured_rows)
{
    /* Breaks when a record of the warm-up that comes behind rows of the measured part, which took
     * fewer requests for in flight than there were, makes a run untrusted in which nothing is wrong;
     * or when that row passes for an exact one. */
    begin_with_late_warmup(4);
    publish_the_rest(2, 4, 0);
    fakes_publish(0, 4, 100, false);
    fakes_collect(8 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 5);
    fakes_expect_row(4, 4, 4, 113);
    ck_assert_uint_eq(fakes.rows[3].header.in_flight_after, 4);
    ck_assert_uint_eq(fakes.rows[4].header.in_flight_before, 7);
    ck_assert_uint_eq(fakes.rows[4].header.flags, INTERVAL_DEGRADED);
    fakes_publish(0, 5, 1, true);
    fakes_publish(1, 5, 1, true);
    fakes_finish();
    ck_assert_uint_eq(fakes.rows[5].header.flags, INTERVAL_LAST);
    ck_assert_uint_eq(fakes.timeline.total->counters[COUNTER_OK], 315);
    ck_assert_uint_eq(fakes.timeline.total->counters[COUNTER_SENT], 308);
    ck_assert_uint_eq(fakes.timeline.total->header.in_flight_before, 7);
    ck_assert_uint_eq(fakes.collector.late_records, 2);
    struct run_result *result = fakes_conclude();
    ck_assert_msg(result->status == OK, "%s", result->status_text);
    free(result);
    fakes_end();
}

TEST(test_warmup_of_a_dead_worker_is_left_out)
{
    /* Breaks when the death of a worker brings records of its warm-up that wait into the totals. */
    struct err err = {.code = OK};
    begin_with_late_warmup(2);
    publish_the_rest(2, 2, 0);
    fakes_count(1, COUNTER_SENT, 2);
    ck_assert_int_eq(collector_harvest(&fakes.collector, 1, &err), OK);
    fakes.collector.members[1].complete = true;
    fakes_publish(0, 2, 100, true);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 3);
    fakes_expect_row(2, 2, 2, 113);
    ck_assert_uint_eq(fakes.rows[2].counters[COUNTER_SENT], 108);
    ck_assert_uint_eq(fakes.rows[2].counters[COUNTER_LOST_WORKER], 2);
    ck_assert_uint_eq(fakes.rows[2].header.in_flight_before, 7);
    ck_assert_uint_eq(fakes.rows[2].header.in_flight_after, 0);
    ck_assert_uint_eq(fakes.collector.members[1].measured[COUNTER_OK], 13);
    fakes_end();
}

TEST_SUITE(collector_late)
