/* How long those had waited that got no reply: on a worker made by hand. */
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/check/suite.h"
#include "worker/edges.h"
#include "worker/recount.h"
#include "worker/stream.h"

#define RING_BYTES 1024u
#define START_NS (1000 * NS_PER_SECOND)

static struct spec spec;
static struct worker_run run;
static struct worker_share share;
static struct worker worker;
static struct stream stream;
static struct connection connection;
static struct request_slot slots[4];
static struct pool pool;
static struct interval_histogram expected;

static void set_up(void)
{
    size_t bytes = ipc_segment_bytes(1, RING_BYTES, schedule_bytes(1, true));
    spec = (struct spec){.load.interval_ns = NS_PER_SECOND, .load.seed = 7};
    run = (struct worker_run){.spec = &spec, .worker_count = 2, .open_loop = true};
    run.segment = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(run.segment, MAP_FAILED);
    ipc_segment_init(run.segment, 1, RING_BYTES);
    share = (struct worker_share){.index = 1};
    connection = (struct connection){.stream = &stream, .slots = slots, .slot_mask = 3};
    worker = (struct worker){.streams = &stream, .stream_count = 1, .cpu.schedstat_fd = -1};
    stream = (struct stream){.worker = &worker,
                             .run = &run,
                             .share = &share,
                             .spec = &spec,
                             .live = ipc_worker(run.segment, 0),
                             .connections = &connection,
                             .connection_count = 1,
                             .pools = {.each = &pool, .count = 1},
                             .start_ns = START_NS,
                             .measure_ns = START_NS,
                             .stop_at_ns = UINT64_MAX,
                             .open_loop = true,
                             .recorder.interval = malloc(sizeof *stream.recorder.interval)};
    ck_assert_ptr_nonnull(stream.recorder.interval);
    interval_init(stream.recorder.interval);
    interval_histogram_init(&expected);
}

static void tear_down(void)
{
    free(stream.recorder.interval);
}

/* Nothing of this load is sent, up to the end. */
static void fall_behind(uint64_t rate, enum arrival arrival, uint64_t seconds)
{
    const struct rate_step step = {.length_ns = SCHEDULE_NEVER,
                                   .from_micro = rate * SCHEDULE_MICRO,
                                   .to_micro = rate * SCHEDULE_MICRO,
                                   .shape = SCHEDULE_CONSTANT};
    spec.rate.arrival = arrival;
    schedule_plan(ipc_schedule(run.segment), &step, 1, true);
    pacer_begin_measuring(&stream);
    stream.stop_at_ns = START_NS + seconds * NS_PER_SECOND;
    pacer_settle(&stream, stream.stop_at_ns, false);
}

static const struct interval_histogram *responses(void)
{
    return &stream.recorder.interval->histograms[HISTOGRAM_RESPONSE_UNANSWERED];
}

LOOP_TEST(test_backlog_by_its_schedule, 3)
{
    /* Breaks when the waits of a backlog are not those of its tickets, bucket by bucket: few tickets to a
     * bucket, and many. */
    static const uint64_t rates[] = {3, 1000, 300000};
    for (int arrival = ARRIVAL_EVEN; arrival <= ARRIVAL_POISSON; arrival++) {
        interval_reset(stream.recorder.interval);
        interval_histogram_reset(&expected);
        atomic_store(&stream.live->counters[COUNTER_DUE], 0);
        stream.pacer = (struct pacer){0};
        fall_behind(rates[_i], (enum arrival)arrival, 4);
        struct arrivals each = stream.pacer.draw;
        for (; START_NS + each.time_ns < stream.stop_at_ns; arrivals_advance(&each))
            interval_histogram_record(&expected, stream.stop_at_ns - START_NS - each.time_ns);
        recount_record_backlog(&stream, stream.stop_at_ns);
        ck_assert_uint_gt(expected.count, 2);
        ck_assert_uint_eq(responses()->count, expected.count);
        ck_assert_uint_eq(responses()->count, stream_backlog(&stream));
        ck_assert_uint_eq(responses()->max_ns, expected.max_ns);
        ck_assert_mem_eq(responses()->counts, expected.counts, sizeof expected.counts);
        ck_assert_uint_le(responses()->sum_ns, expected.sum_ns);
        ck_assert_uint_le((expected.sum_ns - responses()->sum_ns) * 1000, expected.sum_ns);
    }
}

TEST(test_backlog_without_end)
{
    /* Breaks when the end of a run takes a time in proportion to what it did not send: here 5 thousand
     * million tickets of this worker, which one by one would take longer than the case may. */
    fall_behind(100000000, ARRIVAL_EVEN, 100);
    recount_record_backlog(&stream, stream.stop_at_ns);
    ck_assert_uint_eq(responses()->count, 5000000000);
    ck_assert_uint_eq(responses()->max_ns, 100 * NS_PER_SECOND - 10);
}

TEST(test_backlog_that_connections_hold)
{
    /* Breaks when tickets that were given out and not sent have no wait, or those of a warm-up that is over
     * or that are in flight have one. */
    fall_behind(3, ARRIVAL_EVEN, 1);
    slots[0] = (struct request_slot){.ticket = 5, .intended_ns = START_NS};
    slots[1] = (struct request_slot){.ticket = 6, .intended_ns = stream.stop_at_ns - 300};
    slots[2] = (struct request_slot){.ticket = WORKLOAD_WARMUP_TICKET, .intended_ns = START_NS};
    slots[3] = (struct request_slot){.ticket = 7, .intended_ns = START_NS, .again = true};
    connection.in_flight = 1;
    connection.unsent = 3;
    uint64_t undrawn = stream.pacer.due.number;
    recount_record_backlog(&stream, stream.stop_at_ns);
    ck_assert_uint_eq(responses()->count, undrawn + 1);
    ck_assert_uint_eq(responses()->count, recount_backlog(&stream));
    ck_assert_uint_eq(responses()->min_ns, 300);
}

TEST(test_waits_end_with_the_load)
{
    /* Breaks when what is known of a wait depends on how long volley waits for late replies. */
    const struct interval_histogram *services =
        &stream.recorder.interval->histograms[HISTOGRAM_SERVICE_UNANSWERED];
    const struct request_slot slot = {.intended_ns = START_NS, .sent_ns = START_NS + 400};
    stream.stop_at_ns = START_NS + 1000;
    recorder_unanswered(&stream, &slot, START_NS + 700);
    ck_assert_uint_eq(services->max_ns, 300);
    ck_assert_uint_eq(responses()->max_ns, 700);
    recorder_unanswered(&stream, &slot, START_NS + 5000);
    ck_assert_uint_eq(services->max_ns, 600);
    ck_assert_uint_eq(responses()->max_ns, 1000);
    stream.stop_at_ns = START_NS + 300; /* a closed loop hears of a stop a little later */
    recorder_unanswered(&stream, &slot, START_NS + 5000);
    ck_assert_uint_eq(services->min_ns, 0);
    stream.open_loop = false;
    recorder_unanswered(&stream, &slot, START_NS + 5000);
    recorder_unsent(&stream, 3, START_NS, START_NS + 5000);
    ck_assert_uint_eq(services->count, 4);
    ck_assert_uint_eq(responses()->count, 3);
}

TEST(test_shed_has_waited_so_long)
{
    /* Breaks when tickets dropped by --shed-after, which have all waited longer, count as if they had not. */
    spec.rate.shed_after_ns = 100 * NS_PER_MS;
    fall_behind(1000, ARRIVAL_EVEN, 1);
    uint64_t shed = stream_total(&stream, COUNTER_SHED_LATE);
    ck_assert_uint_ge(shed, 449); /* every second of 900 */
    ck_assert_uint_eq(responses()->count, shed);
    ck_assert_uint_eq(responses()->min_ns, 100 * NS_PER_MS);
    recount_record_backlog(&stream, stream.stop_at_ns);
    ck_assert_uint_eq(responses()->count, shed + stream_backlog(&stream));
    ck_assert_uint_eq(responses()->max_ns, 100 * NS_PER_MS);
}

TEST_SUITE_WITH(unanswered, .set_up = set_up, .tear_down = tear_down)
