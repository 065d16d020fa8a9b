/* Requests that follow a miss: one that is forgotten, sent twice, counted as if it had been due, or that keeps a run
 * from its end. By a whole worker against a scripted server. */
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"

static const char text[] =
    "name: t\nkeys: {k: {count: 100}}\nvalues: {v: {size: 1-90}}\n"
    "classes:\n- {name: read, weight: 4, command: 'GET {key}', on_miss: fill}\n"
    "- {name: fill, command: 'SET {key} {value} EX {int 1 100}'}\n";
#define READ 0
#define FILL 1
#define FOLLOWED 2

static struct simulated_run simulated;
static struct workload_file file;
static struct workload *workload;
static uint32_t missed, reads, end_at;

static bool is_read(const char *bytes)
{
    return memcmp(bytes, "*2\r\n$3\r\nGET", 11) == 0;
}

/* Every third read misses. */
static void miss_some(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)byte_count;
    if (!is_read(bytes)) {
        scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
        return;
    }
    const bool misses = reads++ % 3 == 0;
    missed += misses;
    scripted_say_text(peer, misses ? "$-1\r\n" : "$1\r\nx\r\n", SCRIPTED_SERVICE_NS);
}

static void prepare(uint64_t requests, uint64_t pipeline)
{
    struct err err = {.code = OK};
    const struct file_source source = {.name = "t", .text = text, .text_bytes = strlen(text)};
    const struct spec spec = {.load = {.seed = 3, .clients = 4}};
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    ck_assert_int_eq(
        workload_create(&workload, &(struct workload_source){.plan = &file.plan}, &spec, &err), OK);
    missed = reads = 0;
    simulated_run_init(&simulated);
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = requests;
    simulated.run.pipeline = pipeline;
    simulated.share.connections = 4;
}

static void forget(void)
{
    simulated_run_free(&simulated);
    workload_destroy(workload);
    workload_file_free(&file);
}

static uint64_t class_sum(enum class_counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = READ; i <= FILL; i++)
        sum += simulated.measured->classes[i].counters[counter];
    return sum;
}

TEST(each_miss_is_followed_once_and_counts_for_nothing_else)
{
    /* Breaks when a follow-up takes a ticket, is in the counts of requests, or is not sent at the end of the run. */
    const struct scripted_server server = {.command = miss_some};
    for (uint64_t pipeline = 1; pipeline <= 7; pipeline += 3) {
        prepare(1000, pipeline);
        simulated_run_go(&simulated, &server);
        ck_assert_uint_gt(missed, 200);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), 1000);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 1000);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_MISSES), missed);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS), missed);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS_OK), missed);
        ck_assert_uint_eq(class_sum(CLASS_OK), 1000);
        ck_assert_uint_eq(simulated.measured->classes[FOLLOWED].counters[CLASS_OK], missed);
        ck_assert_uint_eq(scripted_requests(), 1000 + missed);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RESENT), 0);
        forget();
    }
}

TEST(an_open_loop_has_its_rate_beside_them)
{
    /* Breaks when follow-ups are in the schedule's account, or wait for what falls due next. */
    const struct scripted_server server = {.command = miss_some};
    prepare(0, 2);
    simulated.rate = 2000;
    simulated.run.duration_ns = NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE), 2000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), 2000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS), missed);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS_OK), missed);
    forget();
}

/* The same, but some connections end in place of the answer to what follows. */
static void miss_and_end(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (memcmp(bytes, "*5", 2) == 0 && ++end_at % 40 == 0) {
        scripted_end(peer, SCRIPTED_SERVICE_NS);
        return;
    }
    miss_some(peer, bytes, byte_count);
}

TEST(what_is_lost_of_them_is_told)
{
    /* Breaks when a follow-up that was in flight when its connection ended is forgotten, or taken for a request. */
    const struct scripted_server server = {.command = miss_and_end};
    prepare(2000, 3);
    simulated_run_go(&simulated, &server);
    const uint64_t *counters = simulated.measured->counters;
    ck_assert_uint_eq(counters[COUNTER_SENT], 2000);
    ck_assert_uint_gt(counters[COUNTER_FOLLOW_UPS_LOST], 5);
    ck_assert_uint_eq(counters[COUNTER_FOLLOW_UPS],
                      counters[COUNTER_FOLLOW_UPS_OK] + counters[COUNTER_FOLLOW_UPS_LOST]);
    ck_assert_uint_eq(counters[COUNTER_OK] + counters_lost(counters), 2000);
    ck_assert_uint_eq(simulated.measured->classes[FOLLOWED].counters[CLASS_LOST],
                      counters[COUNTER_FOLLOW_UPS_LOST]);
    forget();
}

static void refuse_writes(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (memcmp(bytes, "*5", 2) != 0) /* reads, and what a connection begins with */
        miss_some(peer, bytes, byte_count);
    else
        scripted_say_text(peer, "-OOM no\r\n", SCRIPTED_SERVICE_NS);
}

TEST(errors_of_them_are_no_errors_of_requests)
{
    /* Breaks when what follows a miss and fails is counted among the requests, or is lost from sight. */
    const struct scripted_server server = {.command = refuse_writes};
    prepare(1000, 1);
    simulated_run_go(&simulated, &server);
    const uint64_t *counters = simulated.measured->counters;
    ck_assert_uint_eq(counters[COUNTER_FOLLOW_UPS_ERRORS], missed);
    ck_assert_uint_eq(counters[COUNTER_ERROR_REPLIES],
                      simulated.measured->classes[FILL].counters[CLASS_SENT]);
    ck_assert_uint_eq(simulated.measured->classes[FOLLOWED].counters[CLASS_ERRORS], missed);
    forget();
}

TEST(those_of_the_warm_up_end_with_it)
{
    /* Breaks when a follow-up of a warm-up's ticket is dropped at its end, and the accounts do not add up. */
    const struct scripted_server server = {.command = miss_some};
    prepare(3000, 4);
    simulated.run.warmup_ns = 200 * NS_PER_MS;
    simulated.spec.load.warmup_ns = 200 * NS_PER_MS;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), 3000);
    const uint64_t all = simulated_counter(&simulated, COUNTER_FOLLOW_UPS) +
                         simulated.warmup->counters[COUNTER_FOLLOW_UPS];
    ck_assert_uint_eq(all, missed);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_FOLLOW_UPS_OK) +
                          simulated.warmup->counters[COUNTER_FOLLOW_UPS_OK],
                      missed);
    forget();
}

TEST_SUITE(follow_up)
