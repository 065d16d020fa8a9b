#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/fleet/collector.h"

Suite *test_collector_suite(void);

#define RING_BYTES (1ull << 21)
#define LENGTH_NS NS_PER_SECOND
#define LATENCY_NS 100000u
#define ROWS_MAX 64
#define MEMBERS_MAX 4

/* What the timeline was told of one row. */
struct seen {
    struct interval_header header;
    uint64_t counters[COUNTER_COUNT];
    uint64_t errors_by_kind[ERROR_KINDS_MAX];
    uint64_t latencies;
};

static struct seen rows[ROWS_MAX];
static uint32_t row_count;
static struct timeline timeline;
static struct collector collector;
static struct run_facts facts;
static void *segment;
static struct interval *interval;
static unsigned char *wire;
static uint64_t in_flight[MEMBERS_MAX];
static FILE *log_kept;

static enum err_code keep_row(void *state, const struct interval_row *row,
                              const struct error_kinds *kinds, struct err *err)
{
    (void)state;
    (void)err;
    ck_assert_uint_lt(row_count, ROWS_MAX);
    struct seen *seen = &rows[row_count++];
    seen->header = row->header;
    memcpy(seen->counters, row->counters, sizeof seen->counters);
    memcpy(seen->errors_by_kind, row->errors_by_kind, sizeof seen->errors_by_kind);
    seen->latencies = row->histograms[HISTOGRAM_SERVICE_OK].count;
    for (uint32_t kind = kinds->count; kind < ERROR_KINDS_MAX; kind++)
        ck_assert_uint_eq(row->errors_by_kind[kind], 0);
    return OK;
}

static void begin(uint32_t members, uint64_t warmup_ns)
{
    struct err err = {.code = OK};
    size_t bytes = ipc_segment_bytes(members, RING_BYTES);
    segment = aligned_alloc(64, (bytes + 63) / 64 * 64);
    interval = malloc(sizeof *interval);
    wire = malloc(INTERVAL_WIRE_MAX_BYTES);
    ck_assert(segment != NULL && interval != NULL && wire != NULL);
    memset(segment, 0, bytes);
    ipc_segment_init(segment, members, RING_BYTES);
    interval_init(interval);
    memset(in_flight, 0, sizeof in_flight);
    row_count = 0;
    facts = (struct run_facts){
        .name = "GET", .interval_ns = LENGTH_NS, .warmup_ns = warmup_ns, .worker_count = members};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, (struct sink){.name = "rows", .interval = keep_row});
    timeline_run_begin(&timeline, &facts);
    ck_assert_int_eq(collector_init(&collector, segment, members, &facts, &timeline, NULL, &err),
                     OK);
}

static void end(void)
{
    collector_destroy(&collector);
    timeline_destroy(&timeline);
    free(segment);
    free(interval);
    free(wire);
}

/* An empty record of this worker, its gauges those of its last one. */
static void record(uint32_t index, uint32_t first, uint32_t last)
{
    interval_reset(interval);
    interval->header = (struct interval_header){
        .first = first,
        .last = last,
        .flags = first * LENGTH_NS < facts.warmup_ns ? INTERVAL_WARMUP : 0,
        .start_ns = first * LENGTH_NS,
        .end_ns = (last + 1) * LENGTH_NS,
        .in_flight_before = in_flight[index],
        .in_flight_after = in_flight[index],
    };
}

/* Live totals as the worker keeps them, and the record the same. */
static void count(uint32_t index, enum counter counter, uint64_t by)
{
    interval->counters[counter] += by;
    atomic_fetch_add(&ipc_worker(segment, index)->counters[counter], by);
}

static void answer(uint32_t index, uint64_t times)
{
    count(index, COUNTER_SENT, times);
    count(index, COUNTER_OK, times);
    for (uint64_t i = 0; i < times; i++)
        interval_histogram_record(&interval->histograms[HISTOGRAM_SERVICE_OK], LATENCY_NS);
}

static void leave_in_flight(uint32_t index, uint64_t requests)
{
    count(index, COUNTER_SENT, requests);
    interval->header.in_flight_after += requests;
}

static void push(uint32_t index)
{
    in_flight[index] = interval->header.in_flight_after;
    atomic_store(&ipc_worker(segment, index)->in_flight, in_flight[index]);
    size_t bytes = interval_encode(wire, interval);
    ck_assert(ring_try_push(ipc_ring(segment, index), wire, (uint32_t)bytes));
}

/* One record of one interval with so many answers. */
static void publish(uint32_t index, uint32_t number, uint64_t answers, bool last)
{
    record(index, number, number);
    answer(index, answers);
    if (last) {
        interval->header.flags |= INTERVAL_LAST;
        interval->header.end_ns -= LENGTH_NS / 2;
    }
    push(index);
}

static void collect(uint64_t elapsed_ns)
{
    struct err err = {.code = OK};
    ck_assert_msg(collector_collect(&collector, elapsed_ns, &err) == OK, "%s", err.text);
}

static void finish(void)
{
    struct err err = {.code = OK};
    ck_assert_msg(collector_finish(&collector, &err) == OK, "%s", err.text);
    ck_assert_msg(collector_check(&collector, &err) == OK, "%s", err.text);
}

static void expect_row(uint32_t number, uint32_t first, uint32_t last, uint64_t ok)
{
    ck_assert_uint_lt(number, row_count);
    ck_assert_uint_eq(rows[number].header.first, first);
    ck_assert_uint_eq(rows[number].header.last, last);
    ck_assert_uint_eq(rows[number].counters[COUNTER_OK], ok);
    ck_assert_uint_eq(rows[number].latencies, ok);
}

/* Warnings are part of the behaviour: a late record is said. */
static void keep_log(void)
{
    log_kept = tmpfile();
    ck_assert_ptr_nonnull(log_kept);
    fflush(stderr);
    ck_assert_int_ge(dup2(fileno(log_kept), 2), 0);
}

static bool logged(const char *text)
{
    char all[4096] = "";
    rewind(log_kept);
    size_t got = fread(all, 1, sizeof all - 1, log_kept);
    all[got] = '\0';
    return strstr(all, text) != NULL;
}

/* ---- Rows in step. ---- */

START_TEST(test_rows_are_sums)
{
    /* Breaks when the records of one interval do not become one row, or a row comes before all of
     * its records. */
    begin(3, 0);
    for (uint32_t number = 0; number < 3; number++) {
        publish(0, number, 10, false);
        publish(2, number, 1, false);
        collect(number * LENGTH_NS);
        ck_assert_uint_eq(row_count, number);
        publish(1, number, 100, false);
        collect(number * LENGTH_NS);
        ck_assert_uint_eq(row_count, number + 1);
        expect_row(number, number, number, 111);
        ck_assert_uint_eq(rows[number].header.start_ns, number * LENGTH_NS);
        ck_assert_uint_eq(rows[number].header.end_ns, (number + 1) * LENGTH_NS);
        ck_assert_uint_eq(rows[number].header.flags, 0);
    }
    end();
}
END_TEST

START_TEST(test_backlog_becomes_separate_rows)
{
    /* Breaks when an orchestrator that was away for a while mixes the intervals that wait. */
    begin(2, 0);
    for (uint32_t number = 0; number < 5; number++) {
        publish(0, number, number, false);
        publish(1, number, 10, false);
    }
    collect(5 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 5);
    for (uint32_t number = 0; number < 5; number++)
        expect_row(number, number, number, 10 + number);
    end();
}
END_TEST

START_TEST(test_last_row_ends_where_the_work_ended)
{
    /* Breaks when the last row is not marked, or pretends to be a whole interval. */
    begin(2, 0);
    publish(0, 0, 5, true);
    publish(1, 0, 5, true);
    collect(0);
    finish();
    ck_assert_uint_eq(row_count, 1);
    expect_row(0, 0, 0, 10);
    ck_assert_uint_eq(rows[0].header.flags, INTERVAL_LAST);
    ck_assert_uint_eq(rows[0].header.end_ns, LENGTH_NS / 2);
    end();
}
END_TEST

START_TEST(test_row_waits_for_every_worker)
{
    /* Breaks when a worker that is complete, whatever its number, hides that another one's record is
     * still to come: its work would be reported late, and empty rows without end in its place. */
    int complete = _i;
    begin(2, 0);
    publish((uint32_t)complete, 0, 5, true);
    collect(0);
    ck_assert_uint_eq(row_count, 0);
    publish((uint32_t)(1 - complete), 0, 7, false);
    collect(LENGTH_NS);
    ck_assert_uint_eq(row_count, 1);
    expect_row(0, 0, 0, 12);
    ck_assert_uint_eq(rows[0].header.flags, 0);
    publish((uint32_t)(1 - complete), 1, 3, true);
    collect(LENGTH_NS);
    finish();
    ck_assert_uint_eq(row_count, 2);
    expect_row(1, 1, 1, 3);
    ck_assert_uint_eq(rows[1].header.flags, INTERVAL_LAST);
    end();
}
END_TEST

START_TEST(test_warmup_rows_are_outside_the_totals)
{
    /* Breaks when work of the warm-up counts as measured. */
    begin(1, 2 * LENGTH_NS);
    for (uint32_t number = 0; number < 4; number++)
        publish(0, number, 10, number == 3);
    finish();
    ck_assert_uint_eq(row_count, 4);
    for (uint32_t number = 0; number < 4; number++)
        ck_assert_int_eq((rows[number].header.flags & INTERVAL_WARMUP) != 0, number < 2);
    ck_assert_uint_eq(timeline.total->counters[COUNTER_OK], 20);
    ck_assert_uint_eq(collector.members[0].merged[COUNTER_OK], 40);
    ck_assert_uint_eq(collector.members[0].measured[COUNTER_OK], 20);
    end();
}
END_TEST

/* ---- Gauges. ---- */

START_TEST(test_gauges_are_carried)
{
    /* Breaks when requests in flight at an edge are lost from the accounts, or a worker whose
     * record is missing counts as having none. */
    begin(2, 0);
    record(0, 0, 0);
    leave_in_flight(0, 7);
    interval->header.connections_open = 3;
    push(0);
    record(1, 0, 0);
    leave_in_flight(1, 4);
    interval->header.connections_open = 2;
    push(1);
    collect(0);
    ck_assert_uint_eq(rows[0].header.in_flight_before, 0);
    ck_assert_uint_eq(rows[0].header.in_flight_after, 11);
    ck_assert_uint_eq(rows[0].header.connections_open, 5);
    record(0, 1, 1);
    count(0, COUNTER_OK, 7);
    for (int i = 0; i < 7; i++)
        interval_histogram_record(&interval->histograms[HISTOGRAM_SERVICE_OK], LATENCY_NS);
    interval->header.in_flight_after = 0;
    interval->header.connections_open = 3;
    push(0);
    collect(5 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 2);
    expect_row(1, 1, 1, 7);
    ck_assert_uint_eq(rows[1].header.in_flight_before, 11);
    ck_assert_uint_eq(rows[1].header.in_flight_after, 4);
    ck_assert_uint_eq(rows[1].header.connections_open, 5);
    end();
}
END_TEST

START_TEST(test_gauge_that_jumps_is_untrusted)
{
    /* Breaks when a record that does not begin where the one before it ended is believed. */
    struct err err = {.code = OK};
    begin(1, 0);
    publish(0, 0, 5, false);
    record(0, 1, 1);
    interval->header.in_flight_before = 3;
    interval->header.in_flight_after = 3;
    push(0);
    ck_assert_int_eq(collector_collect(&collector, 0, &err), E_UNTRUSTED);
    ck_assert_msg(strstr(err.text, "begins with 3 requests in flight") != NULL, "%s", err.text);
    end();
}
END_TEST

START_TEST(test_row_that_does_not_add_up_is_untrusted)
{
    /* Breaks when a request that is in no account passes unnoticed; the row itself is still shown. */
    struct err err = {.code = OK};
    begin(1, 0);
    record(0, 0, 0);
    answer(0, 5);
    count(0, COUNTER_SENT, 1);
    push(0);
    ck_assert_int_eq(collector_collect(&collector, 0, &err), E_UNTRUSTED);
    ck_assert_uint_eq(row_count, 1);
    end();
}
END_TEST

/* ---- Wide, overdue and late. ---- */

START_TEST(test_wide_record_widens_the_row)
{
    /* Breaks when a record that covers several intervals is spread or shifted: the others' records
     * of these intervals belong into the same row. */
    begin(2, 0);
    record(0, 0, 2);
    answer(0, 30);
    push(0);
    publish(1, 0, 1, false);
    publish(1, 1, 1, false);
    collect(3 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 0);
    publish(1, 2, 1, false);
    publish(1, 3, 7, false);
    publish(0, 3, 3, false);
    collect(4 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 2);
    expect_row(0, 0, 2, 33);
    ck_assert_uint_eq(rows[0].header.end_ns, 3 * LENGTH_NS);
    expect_row(1, 3, 3, 10);
    ck_assert_uint_eq(collector.late_records, 0);
    end();
}
END_TEST

START_TEST(test_wide_records_that_overlap)
{
    /* Breaks when two wide records that overlap do not become one row over both. */
    begin(2, 0);
    record(0, 0, 1);
    answer(0, 10);
    push(0);
    publish(1, 0, 1, false);
    record(1, 1, 3);
    answer(1, 20);
    push(1);
    publish(0, 2, 1, false);
    publish(0, 3, 1, false);
    collect(4 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 1);
    expect_row(0, 0, 3, 33);
    end();
}
END_TEST

START_TEST(test_missing_worker_is_overdue)
{
    /* Breaks when one worker that is stuck stops the report of all others for ever, or a row is
     * given up before its time. */
    begin(2, 0);
    publish(0, 0, 10, false);
    collect(LENGTH_NS);
    collect(4 * LENGTH_NS - 1);
    ck_assert_uint_eq(row_count, 0);
    collect(4 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 1);
    expect_row(0, 0, 0, 10);
    end();
}
END_TEST

START_TEST(test_late_record_goes_into_the_next_row)
{
    /* Breaks when what a slow worker did is lost, or is not said to be in another row. */
    begin(2, 0);
    keep_log();
    publish(0, 0, 10, false);
    collect(4 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 1);
    publish(1, 0, 5, false);
    publish(1, 1, 6, false);
    publish(0, 1, 20, false);
    collect(4 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 2);
    expect_row(1, 1, 1, 31);
    ck_assert_uint_eq(collector.late_records, 1);
    ck_assert(logged("worker 1"));
    publish(0, 2, 1, true);
    publish(1, 2, 1, true);
    finish();
    ck_assert_uint_eq(timeline.total->counters[COUNTER_OK], 43);
    end();
}
END_TEST

START_TEST(test_finish_takes_what_waits)
{
    /* Breaks when workers that are gone without a last record keep the end waiting, lose their
     * records, or make rows that never were. */
    begin(2, 0);
    for (uint32_t number = 0; number < 3; number++)
        publish(0, number, 10, false);
    publish(1, 0, 1, false);
    finish();
    ck_assert_uint_eq(row_count, 3);
    expect_row(0, 0, 0, 11);
    expect_row(1, 1, 1, 10);
    expect_row(2, 2, 2, 10);
    ck_assert_uint_eq(rows[0].header.flags, 0);
    ck_assert_uint_eq(rows[1].header.flags, 0);
    ck_assert_uint_eq(rows[2].header.flags, INTERVAL_LAST);
    end();
}
END_TEST

/* ---- The dead. ---- */

START_TEST(test_harvest_of_a_dead_worker)
{
    /* Breaks when a worker that died takes work with it that it had done: records that wait, what
     * its live words count beyond them, and its requests in flight are all accounted for. */
    struct err err = {.code = OK};
    begin(2, 0);
    publish(0, 0, 10, false);
    publish(1, 0, 10, false);
    collect(LENGTH_NS);
    publish(0, 1, 10, false);
    publish(1, 1, 4, false);
    record(1, 2, 2);
    leave_in_flight(1, 5);
    count(1, COUNTER_SENT, 3);
    count(1, COUNTER_OK, 3);
    atomic_store(&ipc_worker(segment, 1)->in_flight, 5);
    ck_assert_int_eq(collector_harvest(&collector, 1, &err), OK);
    ck_assert_uint_eq(atomic_load(&ipc_worker(segment, 1)->in_flight), 0);
    collector.members[1].complete = true;
    collect(2 * LENGTH_NS);
    ck_assert_uint_eq(row_count, 2);
    ck_assert_uint_eq(rows[1].counters[COUNTER_OK], 17);
    ck_assert_uint_eq(rows[1].counters[COUNTER_SENT], 10 + 4 + 8);
    ck_assert_uint_eq(rows[1].counters[COUNTER_LOST_WORKER], 5);
    ck_assert_uint_eq(rows[1].header.flags, INTERVAL_DEGRADED);
    ck_assert_uint_eq(rows[1].header.in_flight_after, 0);
    publish(0, 2, 1, true);
    finish();
    ck_assert_uint_eq(row_count, 3);
    ck_assert_uint_eq(rows[2].header.flags, INTERVAL_LAST);
    ck_assert_uint_eq(timeline.total->counters[COUNTER_OK], 38);
    end();
}
END_TEST

START_TEST(test_row_of_the_dead_has_an_end)
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
        begin(1, 0);
        publish(0, 0, 10, false);
        collect(LENGTH_NS);
        record(0, 1, 1);
        count(0, COUNTER_SENT, 3);
        atomic_store(&ipc_worker(segment, 0)->last_done_ns, cases[i].last_done_ns);
        ck_assert_int_eq(collector_harvest(&collector, 0, &err), OK);
        collector.members[0].complete = true;
        finish();
        ck_assert_uint_eq(row_count, 2);
        ck_assert_uint_eq(rows[1].counters[COUNTER_LOST_WORKER], 3);
        ck_assert_uint_eq(rows[1].header.start_ns, LENGTH_NS);
        ck_assert_uint_eq(rows[1].header.end_ns, cases[i].end_ns);
        end();
    }
}
END_TEST

START_TEST(test_replacement_goes_on)
{
    /* Breaks when the records of a replacement do not continue those of the worker that died. */
    struct err err = {.code = OK};
    begin(2, 0);
    publish(0, 0, 10, false);
    publish(1, 0, 10, false);
    collect(LENGTH_NS);
    ck_assert_int_eq(collector_harvest(&collector, 1, &err), OK);
    in_flight[1] = 0;
    publish(0, 1, 1, false);
    publish(0, 2, 1, false);
    publish(0, 3, 1, true);
    record(1, 3, 3);
    answer(1, 9);
    interval->header.flags |= INTERVAL_LAST;
    push(1);
    collect(4 * LENGTH_NS);
    finish();
    ck_assert_uint_eq(row_count, 4);
    ck_assert_uint_eq(rows[1].header.flags, INTERVAL_DEGRADED);
    expect_row(3, 3, 3, 10);
    ck_assert_uint_eq(collector.late_records, 0);
    end();
}
END_TEST

/* ---- Error kinds and the final sum. ---- */

static void name_kind(uint32_t index, const char *word)
{
    struct ipc_worker *worker = ipc_worker(segment, index);
    uint32_t number = atomic_load(&worker->error_kind_count);
    snprintf(worker->error_kinds[number].word, sizeof worker->error_kinds[number].word, "%s", word);
    snprintf(worker->error_kinds[number].text, sizeof worker->error_kinds[number].text,
             "%s by worker %u", word, index);
    atomic_store(&worker->error_kind_count, number + 1);
}

static void refuse(uint32_t index, uint32_t kind, uint64_t times)
{
    count(index, COUNTER_SENT, times);
    count(index, COUNTER_ERROR_REPLIES, times);
    interval->errors_by_kind[kind] += times;
    for (uint64_t i = 0; i < times; i++)
        interval_histogram_record(&interval->histograms[HISTOGRAM_SERVICE_ERROR], LATENCY_NS);
}

START_TEST(test_error_kinds_are_mapped_by_word)
{
    /* Breaks when workers that met the same errors in another order have them mixed up. */
    begin(2, 0);
    name_kind(0, "ERR");
    name_kind(0, "WRONGTYPE");
    name_kind(1, "WRONGTYPE");
    name_kind(1, "OOM");
    name_kind(1, "ERR");
    record(0, 0, 0);
    refuse(0, 0, 1);
    refuse(0, 1, 2);
    push(0);
    record(1, 0, 0);
    refuse(1, 0, 10);
    refuse(1, 1, 20);
    refuse(1, 2, 30);
    push(1);
    collect(0);
    ck_assert_uint_eq(row_count, 1);
    ck_assert_uint_eq(timeline.error_kinds.count, 3);
    static const struct {
        const char *word, *text;
        uint64_t count;
    } expected[] = {{"ERR", "ERR by worker 0", 31},
                    {"WRONGTYPE", "WRONGTYPE by worker 0", 12},
                    {"OOM", "OOM by worker 1", 20}};
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(timeline.error_kinds.kinds[i].word, expected[i].word);
        ck_assert_str_eq(timeline.error_kinds.kinds[i].text, expected[i].text);
        ck_assert_uint_eq(rows[0].errors_by_kind[i], expected[i].count);
    }
    end();
}
END_TEST

START_TEST(test_too_many_error_kinds_share_the_last_one)
{
    /* Breaks when words beyond the table's room are lost, or counted as another word. */
    begin(2, 0);
    char word[16];
    for (uint32_t index = 0; index < 2; index++) {
        for (uint32_t kind = 0; kind < ERROR_KINDS_MAX - 1; kind++) {
            snprintf(word, sizeof word, "W%uX%u", index, kind);
            name_kind(index, word);
        }
        name_kind(index, "OTHER");
        record(index, 0, 0);
        for (uint32_t kind = 0; kind < ERROR_KINDS_MAX; kind++)
            refuse(index, kind, 1);
        push(index);
    }
    collect(0);
    ck_assert_uint_eq(timeline.error_kinds.count, ERROR_KINDS_MAX);
    ck_assert_str_eq(timeline.error_kinds.kinds[ERROR_KINDS_MAX - 1].word, "OTHER");
    for (uint32_t kind = 0; kind < ERROR_KINDS_MAX - 1; kind++)
        ck_assert_uint_eq(rows[0].errors_by_kind[kind], 1);
    ck_assert_uint_eq(rows[0].errors_by_kind[ERROR_KINDS_MAX - 1], 1 + ERROR_KINDS_MAX);
    end();
}
END_TEST

START_TEST(test_live_totals_must_match)
{
    /* Breaks when intervals that do not add up to what the workers counted are believed. */
    struct err err = {.code = OK};
    begin(2, 0);
    publish(0, 0, 10, true);
    publish(1, 0, 10, true);
    finish();
    atomic_fetch_add(&ipc_worker(segment, 1)->counters[COUNTER_BYTES_IN], 1);
    ck_assert_int_eq(collector_check(&collector, &err), E_UNTRUSTED);
    ck_assert_msg(strstr(err.text, "worker 1") != NULL && strstr(err.text, "bytes_in") != NULL,
                  "%s", err.text);
    end();
}
END_TEST

START_TEST(test_rubbish_in_a_ring_is_an_error)
{
    /* Breaks when bytes that are no record are merged or crash the orchestrator. */
    struct err err = {.code = OK};
    begin(1, 0);
    static const unsigned char rubbish[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    ck_assert(ring_try_push(ipc_ring(segment, 0), rubbish, sizeof rubbish));
    ck_assert_int_ne(collector_collect(&collector, 0, &err), OK);
    ck_assert_str_ne(err.text, "");
    end();
}
END_TEST

Suite *test_collector_suite(void)
{
    Suite *suite = suite_create("collector");
    TCase *in_step = tcase_create("in_step");
    tcase_add_test(in_step, test_rows_are_sums);
    tcase_add_test(in_step, test_backlog_becomes_separate_rows);
    tcase_add_test(in_step, test_last_row_ends_where_the_work_ended);
    tcase_add_loop_test(in_step, test_row_waits_for_every_worker, 0, 2);
    tcase_add_test(in_step, test_warmup_rows_are_outside_the_totals);
    tcase_add_test(in_step, test_gauges_are_carried);
    tcase_add_test(in_step, test_gauge_that_jumps_is_untrusted);
    tcase_add_test(in_step, test_row_that_does_not_add_up_is_untrusted);
    suite_add_tcase(suite, in_step);
    TCase *out_of_step = tcase_create("out_of_step");
    tcase_add_test(out_of_step, test_wide_record_widens_the_row);
    tcase_add_test(out_of_step, test_wide_records_that_overlap);
    tcase_add_test(out_of_step, test_missing_worker_is_overdue);
    tcase_add_test(out_of_step, test_late_record_goes_into_the_next_row);
    tcase_add_test(out_of_step, test_finish_takes_what_waits);
    tcase_add_test(out_of_step, test_harvest_of_a_dead_worker);
    tcase_add_test(out_of_step, test_row_of_the_dead_has_an_end);
    tcase_add_test(out_of_step, test_replacement_goes_on);
    suite_add_tcase(suite, out_of_step);
    TCase *sums = tcase_create("sums");
    tcase_add_test(sums, test_error_kinds_are_mapped_by_word);
    tcase_add_test(sums, test_too_many_error_kinds_share_the_last_one);
    tcase_add_test(sums, test_live_totals_must_match);
    tcase_add_test(sums, test_rubbish_in_a_ring_is_an_error);
    suite_add_tcase(suite, sums);
    return suite;
}
