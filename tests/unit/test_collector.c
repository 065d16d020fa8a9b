#include <stdio.h>
#include <string.h>

#include "tests/support/check/fake_workers.h"
#include "tests/support/check/suite.h"

/* ---- Rows in step. ---- */

TEST(test_rows_are_sums)
{
    /* Breaks when the records of one interval do not become one row, or a row comes before all of
     * its records. */
    fakes_begin(3, 0);
    for (uint32_t number = 0; number < 3; number++) {
        fakes_publish(0, number, 10, false);
        fakes_publish(2, number, 1, false);
        fakes_collect(number * LENGTH_NS);
        ck_assert_uint_eq(fakes.row_count, number);
        fakes_publish(1, number, 100, false);
        fakes_collect(number * LENGTH_NS);
        ck_assert_uint_eq(fakes.row_count, number + 1);
        fakes_expect_row(number, number, number, 111);
        ck_assert_uint_eq(fakes.rows[number].header.start_ns, number * LENGTH_NS);
        ck_assert_uint_eq(fakes.rows[number].header.end_ns, (number + 1) * LENGTH_NS);
        ck_assert_uint_eq(fakes.rows[number].header.flags, 0);
    }
    fakes_end();
}

TEST(test_outcomes_and_nodes_are_merged)
{
    /* Breaks when a row tells the first or last success of one worker only, forgets the failures of a
     * worker that died, or mixes up nodes. */
    fakes_begin(2, 0);
    fakes_record(0, 0, 0);
    fakes_answer(0, 2);
    fakes.interval->header.times = (struct outcome_times){300, 900, 500, 500};
    interval_node(fakes.interval, 1)->counters[NODE_OK] = 2;
    interval_node(fakes.interval, 1)->times = fakes.interval->header.times;
    interval_node(fakes.interval, 1)->response.counts[coarse_index(LATENCY_NS)] = 2;
    fakes_push(0);
    fakes_record(1, 0, 0);
    fakes_answer(1, 3);
    fakes.interval->header.times = (struct outcome_times){200, 800, 700, 950};
    interval_node(fakes.interval, 2)->counters[NODE_OK] = 3;
    interval_node(fakes.interval, 2)->times = fakes.interval->header.times;
    interval_node(fakes.interval, 2)->response.counts[coarse_index(LATENCY_NS)] = 3;
    fakes_push(1);
    fakes_collect(LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 1);
    struct outcome_times both = {200, 900, 500, 950};
    ck_assert_mem_eq(&fakes.rows[0].header.times, &both, sizeof both);
    ck_assert_mem_eq(&fakes.timeline.total->header.times, &both, sizeof both);
    ck_assert_uint_eq(fakes.timeline.total->node_count, 3);
    ck_assert_uint_eq(fakes.timeline.total->nodes[0].counters[NODE_OK], 0);
    ck_assert_uint_eq(fakes.timeline.total->nodes[1].times.last_ok_ns, 900);
    ck_assert_uint_eq(fakes.timeline.total->nodes[2].counters[NODE_OK], 3);

    fakes_record(0, 1, 1); /* and dies */
    fakes_answer(0, 1);
    fakes.interval->header.times = (struct outcome_times){LENGTH_NS + 9, LENGTH_NS + 9, 0, 0};
    interval_node(fakes.interval, 1)->counters[NODE_OK] = 1;
    interval_node(fakes.interval, 1)->response.counts[coarse_index(LATENCY_NS)] = 1;
    fakes_push(0);
    struct err err = {.code = OK};
    ck_assert_int_eq(collector_harvest(&fakes.collector, 0, &err), OK);
    fakes_publish(1, 1, 0, true);
    fakes_finish();
    ck_assert_uint_eq(fakes.rows[1].header.times.last_ok_ns, LENGTH_NS + 9);
    ck_assert_uint_eq(fakes.timeline.total->header.times.first_ok_ns, 200);
    ck_assert_uint_eq(fakes.timeline.total->header.times.last_ok_ns, LENGTH_NS + 9);
    ck_assert_uint_eq(fakes.timeline.total->nodes[1].counters[NODE_OK], 3);
    fakes_end();
}

static void publish_stopped(uint32_t index, uint32_t number, uint64_t from_ns, uint64_t to_ns)
{
    fakes_record(index, number, number);
    own_stops_add(&fakes.interval->header.own_stops, (struct own_stop){from_ns, to_ns});
    fakes_push(index);
}

TEST(test_all_stood_still)
{
    /* Breaks when a stop of one worker is one of volley, or that of all is not, be it told in rows that
     * came in time or in one that came late. */
    fakes_begin(2, 0);
    fakes_keep_log();
    publish_stopped(0, 0, 500 * NS_PER_MS, LENGTH_NS);
    fakes_publish(1, 0, 1, false);
    publish_stopped(0, 1, LENGTH_NS, 1800 * NS_PER_MS);
    publish_stopped(1, 1, 1500 * NS_PER_MS, 2 * LENGTH_NS);
    fakes_collect(2 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 2);
    ck_assert_uint_eq(fakes.rows[0].header.own_stops.count, 0);
    ck_assert_uint_eq(fakes.rows[1].header.own_stops.items[0].from_ns, 1500 * NS_PER_MS);
    ck_assert_uint_eq(fakes.rows[1].header.own_stops.items[0].to_ns, 1800 * NS_PER_MS);
    ck_assert(fakes_logged("volley itself stood still for 0.300 s from 1.500 s on"));

    fakes_collect(9 * LENGTH_NS); /* the rows are closed without them */
    uint32_t rows = fakes.row_count;
    ck_assert_uint_gt(rows, 4);
    for (uint32_t index = 0; index < 2; index++) {
        publish_stopped(index, 2, 2200 * NS_PER_MS + index, 3 * LENGTH_NS);
        publish_stopped(index, 3, 3 * LENGTH_NS, 4 * LENGTH_NS);
        publish_stopped(index, 4, 4 * LENGTH_NS, 4100 * NS_PER_MS - index);
        for (uint32_t number = 5; number <= rows; number++)
            fakes_publish(index, number, 1, false);
    }
    fakes_collect((rows + 1) * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, rows + 1);
    ck_assert_uint_eq(fakes.rows[rows].header.own_stops.items[0].from_ns, 2200 * NS_PER_MS + 1);
    ck_assert_uint_eq(fakes.rows[rows].header.own_stops.items[0].to_ns, 4100 * NS_PER_MS - 1);
    for (uint32_t index = 0; index < 2; index++)
        fakes_publish(index, rows + 1, 1, true);
    fakes_finish();
    fakes_end();
}

TEST(test_stops_that_only_touch)
{
    /* Breaks when a stop of volley is told that lasted 0.000 s. */
    fakes_begin(2, 0);
    fakes_keep_log();
    publish_stopped(0, 0, 200 * NS_PER_MS, 500 * NS_PER_MS);
    publish_stopped(1, 0, 500 * NS_PER_MS - 1000, 800 * NS_PER_MS);
    fakes_collect(LENGTH_NS);
    ck_assert_uint_eq(fakes.rows[0].header.own_stops.count, 0);
    ck_assert(!fakes_logged("stood still"));
    fakes_publish(0, 1, 1, true);
    fakes_publish(1, 1, 1, true);
    fakes_finish();
    fakes_end();
}

TEST(test_several_stops_in_a_row)
{
    /* Breaks when one of several stops in an interval is not told, or one that goes on in the next is told to
     * begin there. */
    fakes_begin(1, 0);
    fakes_keep_log();
    fakes_record(0, 0, 0);
    fakes.interval->header.own_stops = (struct own_stops){
        3,
        {{0, 300 * NS_PER_MS}, {400 * NS_PER_MS, 650 * NS_PER_MS}, {900 * NS_PER_MS, LENGTH_NS}}};
    fakes_push(0);
    publish_stopped(0, 1, LENGTH_NS, 1800 * NS_PER_MS);
    fakes_collect(2 * LENGTH_NS);
    ck_assert(fakes_logged("volley itself stood still for 0.300 s from 0.000 s on"));
    ck_assert(fakes_logged("volley itself stood still for 0.250 s from 0.400 s on"));
    ck_assert(fakes_logged("volley itself stood still for 0.900 s from 0.900 s on"));
    fakes_publish(0, 2, 1, true);
    fakes_finish();
    fakes_end();
}

TEST(test_stop_is_told_as_the_report_counts)
{
    /* Breaks when the report and standard error tell of one stop at two times: the one counts from the
     * end of the warm-up. */
    fakes_begin(1, LENGTH_NS);
    fakes_keep_log();
    publish_stopped(0, 0, 200 * NS_PER_MS, 500 * NS_PER_MS);
    publish_stopped(0, 1, 1500 * NS_PER_MS, 1800 * NS_PER_MS);
    fakes_collect(2 * LENGTH_NS);
    ck_assert(fakes_logged("stood still for 0.300 s from 0.200 s of the warm-up on"));
    ck_assert(fakes_logged("stood still for 0.300 s from 0.500 s on"));
    fakes_publish(0, 2, 1, true);
    fakes_finish();
    fakes_end();
}

TEST(test_backlog_becomes_separate_rows)
{
    /* Breaks when an orchestrator that was away for a while mixes the intervals that wait. */
    fakes_begin(2, 0);
    for (uint32_t number = 0; number < 5; number++) {
        fakes_publish(0, number, number, false);
        fakes_publish(1, number, 10, false);
    }
    fakes_collect(5 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 5);
    for (uint32_t number = 0; number < 5; number++)
        fakes_expect_row(number, number, number, 10 + number);
    fakes_end();
}

TEST(test_last_row_ends_where_the_work_ended)
{
    /* Breaks when the last row is not marked, or pretends to be a whole interval. */
    fakes_begin(2, 0);
    fakes_publish(0, 0, 5, true);
    fakes_publish(1, 0, 5, true);
    fakes_collect(0);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 1);
    fakes_expect_row(0, 0, 0, 10);
    ck_assert_uint_eq(fakes.rows[0].header.flags, INTERVAL_LAST);
    ck_assert_uint_eq(fakes.rows[0].header.end_ns, LENGTH_NS / 2);
    fakes_end();
}

LOOP_TEST(test_row_waits_for_every_worker, 2)
{
    /* Breaks when a worker that is complete, whatever its number, hides that another one's record is
     * still to come: its work would be reported late, and empty rows without end in its place. */
    int complete = _i;
    fakes_begin(2, 0);
    fakes_publish((uint32_t)complete, 0, 5, true);
    fakes_collect(0);
    ck_assert_uint_eq(fakes.row_count, 0);
    fakes_publish((uint32_t)(1 - complete), 0, 7, false);
    fakes_collect(LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 1);
    fakes_expect_row(0, 0, 0, 12);
    ck_assert_uint_eq(fakes.rows[0].header.flags, 0);
    fakes_publish((uint32_t)(1 - complete), 1, 3, true);
    fakes_collect(LENGTH_NS);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 2);
    fakes_expect_row(1, 1, 1, 3);
    ck_assert_uint_eq(fakes.rows[1].header.flags, INTERVAL_LAST);
    fakes_end();
}

TEST(test_warmup_rows_are_outside_the_totals)
{
    /* Breaks when work of the warm-up counts as measured. */
    fakes_begin(1, 2 * LENGTH_NS);
    for (uint32_t number = 0; number < 4; number++)
        fakes_publish(0, number, 10, number == 3);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 4);
    for (uint32_t number = 0; number < 4; number++)
        ck_assert_int_eq((fakes.rows[number].header.flags & INTERVAL_WARMUP) != 0, number < 2);
    ck_assert_uint_eq(fakes.timeline.total->counters[COUNTER_OK], 20);
    ck_assert_uint_eq(fakes.collector.members[0].merged[COUNTER_OK], 40);
    ck_assert_uint_eq(fakes.collector.members[0].measured[COUNTER_OK], 20);
    fakes_end();
}

/* ---- Gauges. ---- */

TEST(test_gauges_are_carried)
{
    /* Breaks when requests in flight at an edge are lost from the accounts, or a worker whose
     * record is missing counts as having none. */
    fakes_begin(2, 0);
    fakes_record(0, 0, 0);
    fakes_leave_in_flight(0, 7);
    fakes.interval->header.connections_open = 3;
    fakes_push(0);
    fakes_record(1, 0, 0);
    fakes_leave_in_flight(1, 4);
    fakes.interval->header.connections_open = 2;
    fakes_push(1);
    fakes_collect(0);
    ck_assert_uint_eq(fakes.rows[0].header.in_flight_before, 0);
    ck_assert_uint_eq(fakes.rows[0].header.in_flight_after, 11);
    ck_assert_uint_eq(fakes.rows[0].header.connections_open, 5);
    fakes_record(0, 1, 1);
    fakes_count(0, COUNTER_OK, 7);
    for (int i = 0; i < 7; i++)
        interval_histogram_record(&fakes.interval->histograms[HISTOGRAM_SERVICE_OK], LATENCY_NS);
    fakes.interval->header.in_flight_after = 0;
    fakes.interval->header.connections_open = 3;
    fakes_push(0);
    fakes_collect(5 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 2);
    fakes_expect_row(1, 1, 1, 7);
    ck_assert_uint_eq(fakes.rows[1].header.in_flight_before, 11);
    ck_assert_uint_eq(fakes.rows[1].header.in_flight_after, 4);
    ck_assert_uint_eq(fakes.rows[1].header.connections_open, 5);
    fakes_end();
}

TEST(test_gauge_that_jumps_is_untrusted)
{
    /* Breaks when a record that does not begin where the one before it ended is believed. */
    struct err err = {.code = OK};
    fakes_begin(1, 0);
    fakes_publish(0, 0, 5, false);
    fakes_record(0, 1, 1);
    fakes.interval->header.in_flight_before = 3;
    fakes.interval->header.in_flight_after = 3;
    fakes_push(0);
    ck_assert_int_eq(collector_collect(&fakes.collector, 0, &err), E_UNTRUSTED);
    ck_assert_msg(strstr(err.text, "begins with 3 requests in flight") != NULL, "%s", err.text);
    fakes_end();
}

TEST(test_row_that_does_not_add_up_is_untrusted)
{
    /* Breaks when a request that is in no account passes unnoticed; the row itself is still shown. */
    struct err err = {.code = OK};
    fakes_begin(1, 0);
    fakes_record(0, 0, 0);
    fakes_answer(0, 5);
    fakes_count(0, COUNTER_SENT, 1);
    fakes_push(0);
    ck_assert_int_eq(collector_collect(&fakes.collector, 0, &err), E_UNTRUSTED);
    ck_assert_uint_eq(fakes.row_count, 1);
    fakes_end();
}

/* ---- Wide, overdue and late. ---- */

TEST(test_wide_record_widens_the_row)
{
    /* Breaks when a record that covers several intervals is spread or shifted: the others' records
     * of these intervals belong into the same row. */
    fakes_begin(2, 0);
    fakes_record(0, 0, 2);
    fakes_answer(0, 30);
    fakes_push(0);
    fakes_publish(1, 0, 1, false);
    fakes_publish(1, 1, 1, false);
    fakes_collect(3 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 0);
    fakes_publish(1, 2, 1, false);
    fakes_publish(1, 3, 7, false);
    fakes_publish(0, 3, 3, false);
    fakes_collect(4 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 2);
    fakes_expect_row(0, 0, 2, 33);
    ck_assert_uint_eq(fakes.rows[0].header.end_ns, 3 * LENGTH_NS);
    fakes_expect_row(1, 3, 3, 10);
    ck_assert_uint_eq(fakes.collector.late_records, 0);
    fakes_end();
}

TEST(test_wide_records_that_overlap)
{
    /* Breaks when two wide records that overlap do not become one row over both. */
    fakes_begin(2, 0);
    fakes_record(0, 0, 1);
    fakes_answer(0, 10);
    fakes_push(0);
    fakes_publish(1, 0, 1, false);
    fakes_record(1, 1, 3);
    fakes_answer(1, 20);
    fakes_push(1);
    fakes_publish(0, 2, 1, false);
    fakes_publish(0, 3, 1, false);
    fakes_collect(4 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 1);
    fakes_expect_row(0, 0, 3, 33);
    fakes_end();
}

TEST(test_missing_worker_is_overdue)
{
    /* Breaks when one worker that is stuck stops the report of all others for ever, or a row is
     * given up before its time. */
    fakes_begin(2, 0);
    fakes_publish(0, 0, 10, false);
    fakes_collect(LENGTH_NS);
    fakes_collect(4 * LENGTH_NS - 1);
    ck_assert_uint_eq(fakes.row_count, 0);
    fakes_collect(4 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 1);
    fakes_expect_row(0, 0, 0, 10);
    fakes_end();
}

TEST(test_late_record_goes_into_the_next_row)
{
    /* Breaks when what a slow worker did is lost, or is not said to be in another row. */
    fakes_begin(2, 0);
    fakes_keep_log();
    fakes_publish(0, 0, 10, false);
    fakes_collect(4 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 1);
    fakes_publish(1, 0, 5, false);
    fakes_publish(1, 1, 6, false);
    fakes_publish(0, 1, 20, false);
    fakes_collect(4 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 2);
    fakes_expect_row(1, 1, 1, 31);
    ck_assert_uint_eq(fakes.collector.late_records, 1);
    ck_assert(fakes_logged("worker 1"));
    fakes_publish(0, 2, 1, true);
    fakes_publish(1, 2, 1, true);
    fakes_finish();
    ck_assert_uint_eq(fakes.timeline.total->counters[COUNTER_OK], 43);
    fakes_end();
}

TEST(test_finish_takes_what_waits)
{
    /* Breaks when workers that are gone without a last record keep the end waiting, lose their
     * records, or make rows that never were. */
    fakes_begin(2, 0);
    for (uint32_t number = 0; number < 3; number++)
        fakes_publish(0, number, 10, false);
    fakes_publish(1, 0, 1, false);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 3);
    fakes_expect_row(0, 0, 0, 11);
    fakes_expect_row(1, 1, 1, 10);
    fakes_expect_row(2, 2, 2, 10);
    ck_assert_uint_eq(fakes.rows[0].header.flags, 0);
    ck_assert_uint_eq(fakes.rows[1].header.flags, 0);
    ck_assert_uint_eq(fakes.rows[2].header.flags, INTERVAL_LAST);
    fakes_end();
}

/* ---- The dead. ---- */

TEST(test_harvest_of_a_dead_worker)
{
    /* Breaks when a worker that died takes work with it that it had done: records that wait, what
     * its live words count beyond them, and its requests in flight are all accounted for. */
    struct err err = {.code = OK};
    fakes_begin(2, 0);
    fakes_publish(0, 0, 10, false);
    fakes_publish(1, 0, 10, false);
    fakes_collect(LENGTH_NS);
    fakes_publish(0, 1, 10, false);
    fakes_publish(1, 1, 4, false);
    fakes_record(1, 2, 2);
    fakes_leave_in_flight(1, 5);
    fakes_count(1, COUNTER_SENT, 3);
    fakes_count(1, COUNTER_OK, 3);
    atomic_store(&ipc_worker(fakes.segment, 1)->in_flight, 5);
    ck_assert_int_eq(collector_harvest(&fakes.collector, 1, &err), OK);
    ck_assert_uint_eq(atomic_load(&ipc_worker(fakes.segment, 1)->in_flight), 0);
    fakes.collector.members[1].complete = true;
    fakes_collect(2 * LENGTH_NS);
    ck_assert_uint_eq(fakes.row_count, 2);
    ck_assert_uint_eq(fakes.rows[1].counters[COUNTER_OK], 17);
    ck_assert_uint_eq(fakes.rows[1].counters[COUNTER_SENT], 10 + 4 + 8);
    ck_assert_uint_eq(fakes.rows[1].counters[COUNTER_LOST_WORKER], 5);
    ck_assert_uint_eq(fakes.rows[1].header.flags, INTERVAL_DEGRADED);
    ck_assert_uint_eq(fakes.rows[1].header.in_flight_after, 0);
    fakes_publish(0, 2, 1, true);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 3);
    ck_assert_uint_eq(fakes.rows[2].header.flags, INTERVAL_LAST);
    ck_assert_uint_eq(fakes.timeline.total->counters[COUNTER_OK], 38);
    fakes_end();
}

TEST(test_row_of_the_dead_has_an_end)
{
    /* Breaks when the last row, with nothing in it but what dead workers left, ends before it
     * starts: its length was 18446744072 s, and the journal could not be read any more. */
    static const struct {
        uint64_t last_done_ns, end_ns;
    } cases[] = {{LENGTH_NS / 2, LENGTH_NS}, /* before the row: it has no length */
                 {LENGTH_NS + 300, LENGTH_NS + 300},
                 {LENGTH_NS * 7, LENGTH_NS * 2}};
    struct err err = {.code = OK};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fakes_begin(1, 0);
        fakes_publish(0, 0, 10, false);
        fakes_collect(LENGTH_NS);
        fakes_record(0, 1, 1);
        fakes_count(0, COUNTER_SENT, 3);
        atomic_store(&ipc_worker(fakes.segment, 0)->last_done_ns, cases[i].last_done_ns);
        ck_assert_int_eq(collector_harvest(&fakes.collector, 0, &err), OK);
        fakes.collector.members[0].complete = true;
        fakes_finish();
        ck_assert_uint_eq(fakes.row_count, 2);
        ck_assert_uint_eq(fakes.rows[1].counters[COUNTER_LOST_WORKER], 3);
        ck_assert_uint_eq(fakes.rows[1].header.start_ns, LENGTH_NS);
        ck_assert_uint_eq(fakes.rows[1].header.end_ns, cases[i].end_ns);
        fakes_end();
    }
}

TEST(test_replacement_goes_on)
{
    /* Breaks when the records of a replacement do not continue those of the worker that died. */
    struct err err = {.code = OK};
    fakes_begin(2, 0);
    fakes_publish(0, 0, 10, false);
    fakes_publish(1, 0, 10, false);
    fakes_collect(LENGTH_NS);
    ck_assert_int_eq(collector_harvest(&fakes.collector, 1, &err), OK);
    fakes.in_flight[1] = 0;
    fakes_publish(0, 1, 1, false);
    fakes_publish(0, 2, 1, false);
    fakes_publish(0, 3, 1, true);
    fakes_record(1, 3, 3);
    fakes_answer(1, 9);
    fakes.interval->header.flags |= INTERVAL_LAST;
    fakes_push(1);
    fakes_collect(4 * LENGTH_NS);
    fakes_finish();
    ck_assert_uint_eq(fakes.row_count, 4);
    ck_assert_uint_eq(fakes.rows[1].header.flags, INTERVAL_DEGRADED);
    fakes_expect_row(3, 3, 3, 10);
    ck_assert_uint_eq(fakes.collector.late_records, 0);
    fakes_end();
}

/* ---- Error kinds and the final sum. ---- */

static void name_kind(uint32_t index, const char *word)
{
    struct ipc_worker *worker = ipc_worker(fakes.segment, index);
    uint32_t number = atomic_load(&worker->error_kind_count);
    snprintf(worker->error_kinds[number].word, sizeof worker->error_kinds[number].word, "%s", word);
    snprintf(worker->error_kinds[number].text, sizeof worker->error_kinds[number].text,
             "%s by worker %u", word, index);
    atomic_store(&worker->error_kind_count, number + 1);
}

static void refuse(uint32_t index, uint32_t kind, uint64_t times)
{
    fakes_count(index, COUNTER_SENT, times);
    fakes_count(index, COUNTER_ERROR_REPLIES, times);
    atomic_fetch_add(&ipc_worker(fakes.segment, index)->error_kind_replies[kind], times);
    fakes.interval->errors_by_kind[kind] += times;
    for (uint64_t i = 0; i < times; i++)
        interval_histogram_record(&fakes.interval->histograms[HISTOGRAM_SERVICE_ERROR], LATENCY_NS);
}

TEST(test_error_kinds_are_mapped_by_word)
{
    /* Breaks when workers that met the same errors in another order have them mixed up. */
    fakes_begin(2, 0);
    name_kind(0, "ERR");
    name_kind(0, "WRONGTYPE");
    name_kind(1, "WRONGTYPE");
    name_kind(1, "OOM");
    name_kind(1, "ERR");
    fakes_record(0, 0, 0);
    refuse(0, 0, 1);
    refuse(0, 1, 2);
    fakes_push(0);
    fakes_record(1, 0, 0);
    refuse(1, 0, 10);
    refuse(1, 1, 20);
    refuse(1, 2, 30);
    fakes_push(1);
    fakes_collect(0);
    ck_assert_uint_eq(fakes.row_count, 1);
    ck_assert_uint_eq(fakes.timeline.error_kinds.count, 3);
    static const struct {
        const char *word, *text;
        uint64_t count;
    } expected[] = {{"ERR", "ERR by worker 0", 31},
                    {"WRONGTYPE", "WRONGTYPE by worker 0", 12},
                    {"OOM", "OOM by worker 1", 20}};
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(fakes.timeline.error_kinds.kinds[i].word, expected[i].word);
        ck_assert_str_eq(fakes.timeline.error_kinds.kinds[i].text, expected[i].text);
        ck_assert_uint_eq(fakes.rows[0].errors_by_kind[i], expected[i].count);
    }
    fakes_end();
}

TEST(test_kinds_of_the_dead)
{
    /* Breaks when error replies behind a dead worker's last record are errors of no kind, or when it died
     * between the kind of an answer and its count, and the answer counts as lost. */
    struct err err = {.code = OK};
    fakes_begin(2, 0);
    name_kind(0, "ERR");
    name_kind(1, "WRONGTYPE");
    name_kind(1, "ERR");
    fakes_record(0, 0, 0);
    refuse(0, 0, 2);
    fakes_push(0);
    fakes_record(1, 0, 0);
    refuse(1, 1, 4);
    fakes_push(1);
    fakes_record(1, 1, 0);
    refuse(1, 0, 8);
    refuse(1, 1, 16);
    fakes_count(1, COUNTER_SENT, 3);
    atomic_fetch_add(&ipc_worker(fakes.segment, 1)->error_kind_replies[0], 1);
    ck_assert_int_eq(collector_harvest(&fakes.collector, 1, &err), OK);
    fakes.collector.members[1].complete = true;
    fakes_collect(0);
    ck_assert_uint_eq(fakes.row_count, 1);
    ck_assert_str_eq(fakes.timeline.error_kinds.kinds[0].word, "WRONGTYPE");
    ck_assert_uint_eq(fakes.rows[0].errors_by_kind[0], 8 + 1);
    ck_assert_uint_eq(fakes.rows[0].errors_by_kind[1], 2 + 4 + 16);
    ck_assert_uint_eq(fakes.rows[0].counters[COUNTER_ERROR_REPLIES], 2 + 4 + 8 + 16 + 1);
    ck_assert_uint_eq(fakes.rows[0].counters[COUNTER_LOST_WORKER], 2);
    fakes_end();
}

TEST(test_too_many_error_kinds_share_the_last_one)
{
    /* Breaks when words beyond the table's room are lost, or counted as another word. */
    fakes_begin(2, 0);
    char word[16];
    for (uint32_t index = 0; index < 2; index++) {
        for (uint32_t kind = 0; kind < ERROR_KINDS_MAX - 1; kind++) {
            snprintf(word, sizeof word, "W%uX%u", index, kind);
            name_kind(index, word);
        }
        name_kind(index, "OTHER");
        fakes_record(index, 0, 0);
        for (uint32_t kind = 0; kind < ERROR_KINDS_MAX; kind++)
            refuse(index, kind, 1);
        fakes_push(index);
    }
    fakes_collect(0);
    ck_assert_uint_eq(fakes.timeline.error_kinds.count, ERROR_KINDS_MAX);
    ck_assert_str_eq(fakes.timeline.error_kinds.kinds[ERROR_KINDS_MAX - 1].word, "OTHER");
    for (uint32_t kind = 0; kind < ERROR_KINDS_MAX - 1; kind++)
        ck_assert_uint_eq(fakes.rows[0].errors_by_kind[kind], 1);
    ck_assert_uint_eq(fakes.rows[0].errors_by_kind[ERROR_KINDS_MAX - 1], 1 + ERROR_KINDS_MAX);
    fakes_end();
}

TEST(test_live_totals_must_match)
{
    /* Breaks when intervals that do not add up to what the workers counted are believed. */
    struct err err = {.code = OK};
    fakes_begin(2, 0);
    fakes_publish(0, 0, 10, true);
    fakes_publish(1, 0, 10, true);
    fakes_finish();
    atomic_fetch_add(&ipc_worker(fakes.segment, 1)->counters[COUNTER_BYTES_IN], 1);
    ck_assert_int_eq(collector_check(&fakes.collector, &err), E_UNTRUSTED);
    ck_assert_msg(strstr(err.text, "worker 1") != NULL && strstr(err.text, "bytes_in") != NULL,
                  "%s", err.text);
    fakes_end();
}

TEST(test_rubbish_in_a_ring_is_an_error)
{
    /* Breaks when bytes that are no record are merged or crash the orchestrator. */
    struct err err = {.code = OK};
    fakes_begin(1, 0);
    static const unsigned char rubbish[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    ck_assert(ring_try_push(ipc_ring(fakes.segment, 0), rubbish, sizeof rubbish));
    ck_assert_int_ne(collector_collect(&fakes.collector, 0, &err), OK);
    ck_assert_str_ne(err.text, "");
    fakes_end();
}

TEST_SUITE(collector)
