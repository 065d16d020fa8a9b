/* The recorder on a worker made by hand, with a ring so small that a test can fill it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"
#include "worker/edges.h"
#include "worker/recount.h"
#include "worker/stream.h"

#define RING_BYTES 1024u
#define LENGTH_NS NS_PER_SECOND
#define START_NS (1000 * NS_PER_SECOND)
#define LATENCY_NS 100000u

static struct spec spec;
static struct worker_run run;
static struct worker_share share;
static struct worker worker;
static struct stream stream;
static struct connection connection;
static struct interval_row *row;
static unsigned char filler[RING_BYTES];

static void set_up(void)
{
    size_t bytes = ipc_segment_bytes(1, RING_BYTES, 0);
    spec = (struct spec){.load.interval_ns = LENGTH_NS};
    run = (struct worker_run){.spec = &spec, .warmup_ns = 2 * LENGTH_NS};
    run.segment = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(run.segment, MAP_FAILED);
    ipc_segment_init(run.segment, 1, RING_BYTES);
    atomic_store(&ipc_control(run.segment)->measure_after_ns, run.warmup_ns);
    share = (struct worker_share){.index = 0};
    connection = (struct connection){.stream = &stream};
    worker = (struct worker){.streams = &stream, .stream_count = 1, .cpu.schedstat_fd = -1};
    stream = (struct stream){
        .worker = &worker,
        .run = &run,
        .share = &share,
        .spec = &spec,
        .live = ipc_worker(run.segment, 0),
        .ring = ipc_ring(run.segment, 0),
        .connections = &connection,
        .connection_count = 1,
        .control = ipc_control(run.segment),
        .warmup_ns = IPC_NEVER,
        .next_opening_ns = UINT64_MAX,
        .start_ns = START_NS,
        .stop_at_ns = UINT64_MAX,
        .recorder.interval = malloc(sizeof *stream.recorder.interval),
        .recorder.wire = malloc(INTERVAL_RECORD_MAX_BYTES),
        .recorder.held = malloc(INTERVAL_RECORD_MAX_BYTES),
    };
    row = calloc(1, sizeof *row);
    ck_assert(stream.recorder.interval != NULL && stream.recorder.wire != NULL &&
              stream.recorder.held != NULL && row != NULL);
    interval_init(stream.recorder.interval);
    interval_row_init(row);
    edges_start(&stream, START_NS);
}

static void tear_down(void)
{
    free(stream.recorder.interval);
    free(stream.recorder.wire);
    free(stream.recorder.held);
    free(row);
}

/* Leaves no room for a record. */
static void fill_ring(void)
{
    uint64_t left = RING_BYTES - ring_fill_bytes(stream.ring);
    ck_assert(ring_try_push(stream.ring, filler, (uint32_t)left - 4));
}

static void cut(uint32_t intervals)
{
    edges_cut(&stream, START_NS + intervals * LENGTH_NS);
}

static void answer(uint64_t times)
{
    stream_count(&stream, COUNTER_SENT, times);
    stream_count(&stream, COUNTER_OK, times);
    for (uint64_t i = 0; i < times; i++)
        interval_histogram_record(&stream.recorder.interval->histograms[HISTOGRAM_SERVICE_OK],
                                  LATENCY_NS);
}

static void leave_in_flight(uint32_t requests)
{
    stream_count(&stream, COUNTER_SENT, requests);
    connection.in_flight += requests;
    stream.in_flight += requests;
}

/* The oldest record: what it covers, what it holds, and that it adds up in itself. */
static void expect_record(uint32_t first, uint32_t last, uint32_t flags, uint64_t ok)
{
    static unsigned char record[RING_BYTES];
    struct err err = {.code = OK};
    uint32_t bytes = ring_peek(stream.ring, record, sizeof record);
    ck_assert_uint_gt(bytes, 0);
    interval_row_reset(row);
    ck_assert_int_eq(interval_decode_header(&row->header, record, bytes, &err), OK);
    ck_assert_int_eq(interval_decode_add(row, record, bytes, NULL, &err), OK);
    ck_assert_msg(interval_row_check(row, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(row->header.first, first);
    ck_assert_uint_eq(row->header.last, last);
    ck_assert_uint_eq(row->header.flags, flags);
    ck_assert_uint_eq(row->header.start_ns, first * LENGTH_NS);
    ck_assert_uint_eq(row->counters[COUNTER_OK], ok);
    ring_pop(stream.ring);
}

TEST(test_kept_interval_becomes_part_of_the_next)
{
    /* Breaks when an interval that found no room is lost, or is not said to be in a wider record. */
    cut(2);
    expect_record(0, 0, INTERVAL_WARMUP, 0);
    expect_record(1, 1, INTERVAL_WARMUP, 0);
    fill_ring();
    answer(3);
    cut(3);
    answer(4);
    ring_pop(stream.ring);
    cut(4);
    expect_record(2, 3, 0, 7);
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
}

TEST(test_warmup_is_not_merged_with_the_measured)
{
    /* Breaks when the ring is full at the end of the warm-up and what is measured from then on goes
     * into a record of the warm-up, and so into no total; or when the warm-up comes second. */
    cut(1);
    fill_ring();
    answer(5);
    leave_in_flight(2);
    cut(2);
    ck_assert(!stream.warming_up);
    answer(7);
    cut(3);
    answer(8);
    cut(4);
    expect_record(0, 0, INTERVAL_WARMUP, 0);
    ring_pop(stream.ring); /* the filler */
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
    answer(9);
    cut(5);
    expect_record(1, 1, INTERVAL_WARMUP, 5);
    ck_assert_uint_eq(row->header.end_ns, 2 * LENGTH_NS);
    ck_assert_uint_eq(row->header.in_flight_after, 2);
    expect_record(2, 4, 0, 24);
    ck_assert_uint_eq(row->header.in_flight_before, 2);
    answer(1);
    cut(6);
    expect_record(5, 5, 0, 1);
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
}

TEST(test_wide_warmup_ends_at_its_edge)
{
    /* Breaks when intervals of the warm-up that were merged take measured ones with them, all the
     * more when one late look at the clock finds many edges passed. */
    fill_ring();
    answer(5);
    cut(4);
    ck_assert(!stream.warming_up);
    ring_pop(stream.ring);
    answer(6);
    cut(5);
    expect_record(0, 1, INTERVAL_WARMUP, 5);
    expect_record(2, 4, 0, 6);
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
}

TEST(test_held_record_keeps_its_place)
{
    /* Breaks when a small record that finds room overtakes the larger one that waits, or a record
     * that waits is pushed twice. */
    stream_count(&stream, COUNTER_BYTES_OUT, UINT64_MAX / 2);
    for (uint64_t nanoseconds = 1; nanoseconds < NS_PER_SECOND; nanoseconds *= 2) {
        answer(1);
        interval_histogram_record(&stream.recorder.interval->histograms[HISTOGRAM_LOOP_LAG],
                                  nanoseconds);
    }
    fill_ring();
    cut(2);
    ring_pop(stream.ring);
    /* Room for an empty record, not for this one. */
    ck_assert(ring_try_push(stream.ring, filler, RING_BYTES - 4 - 64));
    cut(3);
    ring_pop(stream.ring);
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
    cut(4);
    expect_record(0, 1, INTERVAL_WARMUP, 30);
    expect_record(2, 3, 0, 0);
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
}

TEST(test_end_pushes_what_is_held)
{
    /* Breaks when a run that ends while the record of its warm-up waits forgets that record. */
    struct err err = {.code = OK};
    fill_ring();
    answer(5);
    cut(2);
    answer(6);
    ring_pop(stream.ring);
    ck_assert_int_eq(edges_finish(&stream, START_NS + 2 * LENGTH_NS + 500, &err), OK);
    expect_record(0, 1, INTERVAL_WARMUP, 5);
    expect_record(2, 2, INTERVAL_LAST, 6);
    ck_assert_uint_eq(row->header.end_ns, 2 * LENGTH_NS + 500);
    ck_assert_uint_eq(ring_fill_bytes(stream.ring), 0);
}

TEST_SUITE_WITH(recorder, .set_up = set_up, .tear_down = tear_down)
