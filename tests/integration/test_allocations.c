/* After the start barrier a worker allocates nothing. The counting build of volley counts, and a
 * worker that finds an allocation fails with exit status 6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define TEST_TIMEOUT_SECONDS 120

static struct test_server server;
static struct bench_setting at_server, null_transport;
static struct bench_call call;

/* The counting build: the environment variable VOLLEY_COUNTING, or build/count/volley. */
static const char *counting_volley(void)
{
    const char *path = getenv("VOLLEY_COUNTING");
    return path != NULL && *path != '\0' ? path : "build/count/volley";
}

static void set_up(void)
{
    test_server_start(&server, NULL);
    at_server = (struct bench_setting){.program = counting_volley(), .port = server.port_text};
    null_transport = (struct bench_setting){.program = counting_volley()};
}

static void tear_down(void)
{
    test_server_stop(&server);
}

static void expect_none(const struct bench_setting *setting, const char *options, long long sent)
{
    call_expect(&call, 0, setting, "-q %s -n %lld", options, sent);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), sent);
    call_free(&call);
}

TEST(test_counter_works)
{
    /* Breaks when an allocation of volley's own code, or one inside libevent, is not noticed: then
     * the other tests here show nothing. */
    static const char *const places[] = {"VOLLEY_COUNT_SELF_TEST=malloc",
                                         "VOLLEY_COUNT_SELF_TEST=libevent"};
    for (size_t i = 0; i < 2; i++) {
        const char *const environment[] = {places[i], NULL};
        struct bench_setting setting = null_transport;
        setting.environment = environment;
        call_expect(&call, 6, &setting, "--null -q -n 100 -c 2");
        ck_assert_msg(strstr(call.program.err, "allocations after the start barrier") != NULL, "%s",
                      call.program.err);
        call_free(&call);
    }
}

TEST(test_a_million_pipelined)
{
    /* Breaks when the path of a request allocates, with many requests in each write. */
    expect_none(&at_server, "-t set -r 100000 -c 50 -P 16 --processes 2 --cpus none", 1000000);
}

TEST(test_without_pipeline)
{
    /* Breaks when a wake-up for a single reply allocates; with intervals that are cut often. */
    expect_none(&at_server, "-t get -r 1000 -c 50 -P 1 --interval 10ms", 200000);
}

TEST(test_many_connections)
{
    /* Breaks when libevent's array of ready events grows while requests are measured. */
    expect_none(&at_server, "-t set -r 1000 -c 500 -P 1 --processes 1", 400000);
    expect_none(&at_server, "-t mget -r 1000 -c 500 -P 16 --processes 1", 50000);
}

TEST(test_short_writes)
{
    /* Breaks when waiting for room in a socket allocates, as adding an event for it could. */
    expect_none(&at_server, "-t set -r 10 -c 20 -P 4 -d 1mb", 200);
}

TEST(test_errors_and_warmup)
{
    /* Breaks when an error reply or the end of the warm-up allocates. */
    free(test_server_text(&server, "LPUSH key:000000000000 x"));
    call_expect(&call, 0, &at_server,
                "-q -t get --sequential 2 -c 10 -n 1000 --warmup 50ms --interval 10ms");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), 1000);
    /* Half of the run's requests fail; of those in flight when the warm-up ended, it depends. */
    long long errors = run_json_count(&call, 0, "requests.errors");
    ck_assert_int_ge(errors, 500);
    ck_assert_int_le(errors, 500 + run_json_count(&call, 0, "requests.in_flight_before"));
    call_free(&call);
}

static const char *const open_loops[] = {
    "-t set -c 50 -P 4 -r 1000 --processes 2 --qps 20000",
    "-t get -c 8 -r 1000 --qps 10000 --arrival poisson --pacing spin",
    "-t set -c 1 -r 1000 --qps 1m",
};

TEST(test_buffer)
{
    /* Breaks when a round, a batch, its timer, its stages or its near cache allocate, or the backlog of users is not what a recount of
     * buffers and users comes to at an edge. */
    expect_none(&at_server,
                "--mix set:70,get:30 -r 1000 -c 48 --processes 2 --interval 10ms --buffer minimal",
                100000);
    expect_none(&at_server,
                "-t set -r 1000 -c 48 --qps 50000 --interval 10ms --buffer high-throughput", 50000);
    expect_none(&at_server,
                "--mix set:10,get:90 -r 1000 -c 48 --processes 2 --interval 10ms --buffer tuned",
                200000);
}

TEST(test_open_loop)
{
    /* Breaks when drawing, choosing a connection, a backlog or the timer allocates per ticket. The
     * counting build also recounts the backlog at every edge. */
    for (size_t i = 0; i < sizeof open_loops / sizeof open_loops[0]; i++)
        expect_none(&at_server, open_loops[i], 20000);
}

TEST(test_tls)
{
    /* Breaks when a record, a socket without room for it, or the session that comes with the first
     * replies allocates outside of OpenSSL. */
    static struct temp_tree tree;
    static struct test_certificates certificates;
    static struct test_server secure;
    char options[256];
    temp_tree_make(&tree);
    test_certificates_make(&certificates, tree.path);
    test_server_start(&secure, &(struct test_server_options){.certificates = &certificates});
    at_server.port = secure.tls_port_text;
    static const char *const loads[] = {"-t get -r 1000 -P 1", "-t set -r 1000 -P 16",
                                        "-t set -r 10 -c 10 -P 4 -d 1mb"};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        snprintf(options, sizeof options, "--tls --cacert %.100s/ca.pem --tls-resume %s", tree.path,
                 loads[i]);
        expect_none(&at_server, options, i < 2 ? 50000 : 200);
    }
    test_server_stop(&secure);
    temp_tree_remove(&tree);
}

TEST(test_checked_values)
{
    /* Breaks when a value that is checked allocates: one of many in a read, or one that goes out and comes in pieces. */
    expect_none(&at_server, "--verify --ratio 1:1 -r 1000 -d 64 -c 50 -P 16", 200000);
    expect_none(&at_server, "--verify --mix set:1,get:2,mset:1 -r 1000 -d 64 -c 50", 50000);
    expect_none(&at_server, "--verify --ratio 1:1 -r 10 -d 2mb -c 10 -P 2", 200);
}

TEST(test_null_transport)
{
    /* Breaks when anything but the sockets allocates. */
    expect_none(&null_transport, "--null -t get -r 1000 -c 500 -P 1", 1000000);
    expect_none(&null_transport, "--null -t set -r 1000 -c 50 -P 16 --processes 2 --cpus none",
                1000000);
}

TEST(test_consumers)
{
    /* Breaks when a message that comes allocates, or many that come at once. */
    expect_none(&at_server, "--workload pubsub -c 5", 2000);
    expect_none(&at_server, "--workload event-stream -c 5", 2000);
    expect_none(&at_server, "--workload blocking-queue -c 5 --processes 2 --cpus none", 2000);
    expect_none(&at_server, "--workload client-cache -c 5", 2000);
}

TEST(test_workloads_side_by_side)
{
    /* Breaks when a workload allocates because another one runs in the same process. */
    call_expect(&call, 0, &at_server,
                "-q --workload session-store,c=4 --workload leaderboard,c=2,qps=500,db=1 --warmup "
                "200ms --duration 1");
    ck_assert_int_gt(run_json_count(&call, 0, "streams.0.requests.ok"), 0);
    call_free(&call);
}

TEST_SUITE_WITH(allocations, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TEST_TIMEOUT_SECONDS)
