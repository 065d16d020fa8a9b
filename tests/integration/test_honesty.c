/* An open loop as the server saw it: every ticket once, none before its time, and no wait that volley
 * does not report. No test knows how fast the machine is. What makes them hard is one inequality: a
 * reply is read after it was written, so with the start as late as the server's stamps allow it, every
 * response time of volley is at least the wait that the stamps tell. A request that was sent early
 * moves that start, and all waits with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/recorder.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"

#define SEED 7
#define STEPS_MAX 8

struct load {
    const char *words; /* volley's rate, duration, and more */
    struct rate_step steps[STEPS_MAX];
    uint32_t step_count;
    uint64_t duration_ms;
    enum arrival arrival;
    uint32_t workers;
    const char *stall; /* NULL: none */
};

#define RATE(per_second_)                                                                          \
    .step_count = 1, .steps = {{.length_ns = SCHEDULE_NEVER,                                       \
                                .from_micro = (per_second_)*SCHEDULE_MICRO,                        \
                                .to_micro = (per_second_)*SCHEDULE_MICRO}}

/* A run, what the server saw of it, and what was intended. */
static struct test_recorder server;
static struct recorder_record record;
static struct bench_call call;
static struct schedule *schedule;
static uint64_t *intended_ns; /* of tickets 0 .. intended_count - 1 */
static uint64_t intended_count, due_count, start_ns;

static long long count_of(const char *path)
{
    return run_json_count(&call, 0, path);
}

/* Tickets whose time comes before the end, worker by worker; *end: above all of them. */
static uint64_t count_due(const struct load *load, const struct recorder_load *of, uint64_t *end)
{
    uint64_t due = 0;
    *end = 0;
    for (uint32_t worker = 0; worker < load->workers; worker++) {
        struct arrivals arrivals;
        arrivals_init(&arrivals, of->schedule, of->arrival, of->seed, worker, of->workers, 0);
        arrivals_seek(&arrivals, load->duration_ms * NS_PER_MS);
        due += arrivals.number;
        uint64_t worker_end = worker + arrivals.number * load->workers;
        *end = worker_end > *end ? worker_end : *end;
    }
    return due;
}

static void run(const struct load *load)
{
    if (load->stall != NULL)
        test_recorder_start(&server, "--stall", load->stall, NULL);
    else
        test_recorder_start(&server, NULL);
    const struct bench_setting setting = {.port = server.port_text};
    call_expect(&call, 0, &setting,
                "-t get -c 12 --cpus none --processes %u --sequential 1000000000 --seed %u "
                "--drain-timeout 20 --request-timeout 20s --test-duration %llums --arrival %s %s",
                load->workers, SEED, (unsigned long long)load->duration_ms,
                load->arrival == ARRIVAL_EVEN ? "even" : "poisson", load->words);
    test_recorder_stop(&server, &record);

    schedule = calloc(1, schedule_bytes(load->step_count, false));
    ck_assert_ptr_nonnull(schedule);
    schedule_plan(schedule, load->steps, load->step_count, false);
    const struct recorder_load of = {
        .schedule = schedule, .arrival = load->arrival, .seed = SEED, .workers = load->workers};
    due_count = count_due(load, &of, &intended_count);
    ck_assert_uint_gt(record.header.request_count, 0);
    /* Before anything is looked up by ticket. */
    ck_assert_uint_le(recorder_record_ticket_end(&record), intended_count);
    intended_ns = recorder_record_intended(&of, intended_count);
    ck_assert_ptr_nonnull(intended_ns);
    start_ns = recorder_record_start_ns(&record, intended_ns);
}

static void clean_up(void)
{
    recorder_record_free(&record);
    call_free(&call);
    free(schedule);
    free(intended_ns);
}

/* How many of the tickets below `end` came to the server; each at most once. */
static uint64_t check_once(void)
{
    unsigned char *seen = calloc(intended_count, 1);
    ck_assert_ptr_nonnull(seen);
    for (uint64_t i = 0; i < record.header.request_count; i++) {
        uint64_t ticket = record.requests[i].ticket;
        ck_assert_msg(seen[ticket] == 0, "ticket %llu came twice", (unsigned long long)ticket);
        seen[ticket] = 1;
    }
    free(seen);
    return record.header.request_count;
}

/* Without --shed-after each worker sends its tickets without a gap: what is missing is at the end. */
static void check_no_gaps(const struct load *load)
{
    uint64_t count[8] = {0}, end[8] = {0};
    ck_assert_uint_le(load->workers, 8);
    for (uint64_t i = 0; i < record.header.request_count; i++) {
        uint64_t ticket = record.requests[i].ticket;
        uint64_t number = ticket / load->workers;
        uint32_t worker = (uint32_t)(ticket % load->workers);
        count[worker]++;
        end[worker] = number + 1 > end[worker] ? number + 1 : end[worker];
    }
    for (uint32_t worker = 0; worker < load->workers; worker++)
        ck_assert_uint_eq(count[worker], end[worker]);
}

static void check_counts(void)
{
    uint64_t answered = 0;
    for (uint64_t i = 0; i < record.header.request_count; i++)
        answered += record.requests[i].reply_ns != 0;
    ck_assert_int_eq(count_of("requests.due"), (long long)due_count);
    ck_assert_int_eq(count_of("requests.sent"), (long long)check_once());
    ck_assert_int_eq(count_of("requests.ok"), (long long)answered);
    ck_assert_int_eq(count_of("requests.due"), count_of("requests.sent") +
                                                   count_of("requests.shed") +
                                                   count_of("requests.backlog"));
}

static int compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A percentile is unknown only when too many of those that were due have no reply. */
static void check_unknown(double q)
{
    double without = (double)(count_of("requests.due") - count_of("requests.ok"));
    ck_assert_double_gt(without, (1 - q) * (double)count_of("requests.due"));
}

/* Every wait is in volley's figures. Returns the longest one. */
static uint64_t check_waits(void)
{
    static const struct {
        const char *name;
        double q;
    } points[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}};
    uint64_t count = record.header.request_count;
    uint64_t *waits = calloc(count, sizeof *waits);
    double sum_us = 0;
    ck_assert_ptr_nonnull(waits);
    for (uint64_t i = 0; i < count; i++) {
        const struct recorder_request *request = &record.requests[i];
        waits[i] = request->reply_ns - start_ns - intended_ns[request->ticket];
        sum_us += (double)waits[i] / 1e3;
    }
    qsort(waits, count, sizeof *waits, compare_counts);
    const json_t *times = json_object_get(run_json_at(call.root, 0), "response_time_us");
    /* Numbers in JSON are rounded to parts of a microsecond. */
    ck_assert_double_ge(run_json_number(times, "mean") + 0.01, sum_us / (double)count);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        uint64_t rank = (uint64_t)ceil(points[i].q * (double)count);
        double true_us = (double)waits[rank - 1] / 1e3;
        if (json_is_null(json_object_get(times, points[i].name))) {
            check_unknown(points[i].q);
            continue;
        }
        double said_us = run_json_number(times, points[i].name);
        ck_assert_msg(said_us + 0.01 >= true_us, "%s is %.3f us, the truth at least %.3f",
                      points[i].name, said_us, true_us);
    }
    uint64_t longest_ns = waits[count - 1];
    free(waits);
    return longest_ns;
}

/* The stall happened, and the waits that are compared show it. */
static void check_stalled(uint64_t longest_ns)
{
    ck_assert_uint_eq(record.header.stall_count, 1);
    const struct recorder_stall *stall = &record.header.stalls[0];
    ck_assert_uint_gt(longest_ns, (stall->end_ns - stall->begin_ns) / 2);
}

static void check_stalled_load(const struct load *load)
{
    run(load);
    check_counts();
    check_no_gaps(load);
    check_stalled(check_waits());
    clean_up();
}

TEST(test_stall_even)
{
    /* Breaks when a stall is not billed to those who waited, a ticket is lost or doubled at it, or the
     * backlog behind it leaves before its time. */
    check_stalled_load(&(struct load){.words = "--qps 2000",
                                      RATE(2000),
                                      .duration_ms = 1500,
                                      .workers = 1,
                                      .stall = "500ms:300ms"});
}

TEST(test_stall_three_workers)
{
    /* Breaks when several workers do not interleave to the same schedule as one. */
    check_stalled_load(&(struct load){.words = "--qps 2000",
                                      RATE(2000),
                                      .duration_ms = 1500,
                                      .workers = 3,
                                      .stall = "500ms:300ms"});
}

TEST(test_stall_poisson)
{
    /* Breaks when Poisson tickets are sent at other times than their stream has. */
    check_stalled_load(&(struct load){.words = "--qps 2000",
                                      RATE(2000),
                                      .duration_ms = 1500,
                                      .arrival = ARRIVAL_POISSON,
                                      .workers = 1,
                                      .stall = "500ms:300ms"});
}

TEST(test_stall_poisson_three_workers)
{
    /* Breaks when the workers' streams are not each at its share, or are the same one. */
    check_stalled_load(&(struct load){.words = "--qps 2000",
                                      RATE(2000),
                                      .duration_ms = 1500,
                                      .arrival = ARRIVAL_POISSON,
                                      .workers = 3,
                                      .stall = "500ms:300ms"});
}

LOOP_TEST(test_pacing_sleep_and_spin, 2)
{
    /* Breaks when a way of waiting sends early, or forgets the last tickets. */
    static const char *const words[] = {"--qps 3000 --pacing sleep", "--qps 3000 --pacing spin"};
    struct load load = {RATE(3000), .duration_ms = 500, .workers = 1};
    load.words = words[_i];
    run(&load);
    check_counts();
    check_no_gaps(&load);
    (void)check_waits();
    clean_up();
}

TEST(test_shed)
{
    /* Breaks when a ticket that was shed is sent all the same, one that was sent counts as shed, or
     * shedding disturbs the times of those behind. */
    const struct load load = {.words = "--qps 2000 --shed-after 50ms",
                              RATE(2000),
                              .duration_ms = 1500,
                              .workers = 3,
                              .stall = "500ms:400ms"};
    run(&load);
    check_counts();
    ck_assert_int_gt(count_of("requests.shed"), 0);
    check_stalled(check_waits());
    clean_up();
}

TEST(test_backlog_at_the_end)
{
    /* Breaks when tickets that a stall kept from being sent by the end vanish from the books, or are
     * sent after it. */
    const struct load load = {.words = "--qps 2000",
                              RATE(2000),
                              .duration_ms = 800,
                              .workers = 2,
                              .stall = "400ms:1200ms"};
    run(&load);
    check_counts();
    check_no_gaps(&load);
    ck_assert_int_gt(count_of("requests.backlog"), 0);
    for (uint64_t i = 0; i < record.header.request_count; i++)
        ck_assert_uint_lt(intended_ns[record.requests[i].ticket], load.duration_ms * NS_PER_MS);
    clean_up();
}

/* 1,000/s, and 1,000/s more each 400 ms up to 4,000/s. */
static const struct load ramp_of_steps = {
    .words = "--start-qps 1000 --end-qps 4000 --qps-change-interval 400ms --qps-change 1000",
    .steps = {{400 * NS_PER_MS, 1000 * SCHEDULE_MICRO, 1000 * SCHEDULE_MICRO, SCHEDULE_CONSTANT},
              {400 * NS_PER_MS, 2000 * SCHEDULE_MICRO, 2000 * SCHEDULE_MICRO, SCHEDULE_CONSTANT},
              {400 * NS_PER_MS, 3000 * SCHEDULE_MICRO, 3000 * SCHEDULE_MICRO, SCHEDULE_CONSTANT},
              {SCHEDULE_NEVER, 4000 * SCHEDULE_MICRO, 4000 * SCHEDULE_MICRO, SCHEDULE_CONSTANT}},
    .step_count = 4,
    .duration_ms = 1600,
    .workers = 3,
    .stall = "600ms:100ms"};

TEST(test_ramp_of_steps)
{
    /* Breaks when the steps of a ramp begin at other moments than from the start of measuring, or are
     * divided among the workers otherwise than ticket by ticket. */
    check_stalled_load(&ramp_of_steps);
}

TEST(test_smooth_ramp)
{
    /* Breaks when a rate that moves is not the integral of its formula. */
    check_stalled_load(&(struct load){
        .words = "--start-qps 1000 --end-qps 4000 --qps-change-interval 500ms --qps-change 1000 "
                 "--qps-ramp-mode smooth",
        .steps = {{1500 * NS_PER_MS, 1000 * SCHEDULE_MICRO, 4000 * SCHEDULE_MICRO,
                   SCHEDULE_LINEAR}},
        .step_count = 1,
        .duration_ms = 1700,
        .workers = 2,
        .stall = "600ms:200ms"});
}

TEST(test_poisson_ramp)
{
    /* Breaks when Poisson gaps do not follow the rate of a ramp. */
    struct load load = ramp_of_steps;
    load.arrival = ARRIVAL_POISSON;
    check_stalled_load(&load);
}

TEST_SUITE(honesty)
