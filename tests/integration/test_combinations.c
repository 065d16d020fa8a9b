/* Options in combination, each on a cluster with TLS that asks for a client certificate and a user: the
 * requests asked for are made, all of them are answered, and the servers have executed as many. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/combination.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define TCASE_TIMEOUT_SECONDS 150
#define PRIMARIES 3u

static void set_up(void)
{
    combination_set_up(PRIMARIES, 0);
}

/* Runs that make so many SETs and leave nothing open. */
struct exact_load {
    const char *words;
    long long requests;
};

static void expect_exact(const struct exact_load *loads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        combination_forget();
        combination_run(0, "-t set -r 5000 %s", loads[i].words);
        /* What falls due in the last moment of a duration may be sent no more. */
        ck_assert_msg(combination_count(0, "requests.ok") +
                              combination_count(0, "requests.backlog") ==
                          loads[i].requests,
                      "%s: %lld", loads[i].words, combination_count(0, "requests.ok"));
        combination_expect_no_harm(0);
        combination_expect_same(0, "set");
    }
}
#define EXPECT_EXACT(loads) expect_exact(loads, sizeof(loads) / sizeof(loads)[0])

TEST(test_closed_loops)
{
    /* Breaks when a number of requests is not kept, whatever the depth, the version of RESP, or the
     * number of workers. */
    static const struct exact_load loads[] = {
        {"-n 8000 -c 9 --processes 1", 8000},
        {"-n 20000 -P 16 -c 9 --processes 3", 20000},
        {"-n 7 -P 16 -c 9 --processes 2", 7},
        {"-n 6000 -c 9 -3", 6000},
        {"-n 6000 -c 9 --idle 7", 6000},
        {"-n 3000 --clients-ramp-start 3 --clients-ramp-end 9 --clients-per-ramp 3 "
         "--client-ramp-interval 50ms --qps 5000",
         3000},
    };
    EXPECT_EXACT(loads);
}

TEST(test_open_loops)
{
    /* Breaks when a rate makes more or fewer requests than its schedule has. */
    static const struct exact_load loads[] = {
        {"--qps 3000 --test-duration 1s -c 9 --processes 2", 3000},
        {"--qps 3000 -n 2500 -c 9 -P 4", 2500},
        {"--qps 2000 -n 2000 -c 9 --arrival poisson --processes 2", 2000},
        {"--start-qps 1000 --end-qps 3000 --qps-change 1000 --qps-change-interval 400ms "
         "--test-duration 1200ms -c 9",
         2400},
        {"--qps 2000 -n 2000 -c 9 --shed-after 20s", 2000},
        {"--qps 2000 -n 2000 -c 9 -k 0", 2000},
    };
    EXPECT_EXACT(loads);
}

TEST(test_churn)
{
    /* Breaks when a connection that ends by plan takes requests with it. */
    static const struct exact_load loads[] = {
        {"-n 600 -c 9 -k 0", 600},
        {"-n 600 -c 9 -P 4 -k 0 --processes 2", 600},
        {"-n 3000 -c 9 --reconnect-every 7", 3000},
        {"-n 3000 -c 9 -P 8 --reconnect-every 20 --reset-on-close --processes 2", 3000},
        {"--qps 1500 -n 1500 -c 9 --reconnect-every 10 --idle 3", 1500},
    };
    EXPECT_EXACT(loads);
    ck_assert_int_ge(combination_count(0, "connections.recycled"), 100);
}

TEST(test_warmup)
{
    /* Breaks when requests of the warm-up count as measured ones, or are left open at its end. */
    static const char *const loads[] = {"-n 8000 -P 4", "-n 2000 --qps 4000", "-n 400 -k 0"};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        combination_forget();
        combination_run(0, "-t set -r 5000 -c 9 --warmup 300ms --interval 100ms %s", loads[i]);
        combination_expect_no_harm(0);
        ck_assert_int_gt(combination_calls("set"), combination_count(0, "requests.ok"));
    }
}

TEST(test_several_tests)
{
    /* Breaks when a test after the first goes elsewhere, or its replies are read wrongly. */
    static const char *const commands[] = {"set", "get", "mset", "lrange"};
    combination_run(0, "-t set,get,mset,lrange_100 --sequential 600 -n 600 -c 9 -P 3");
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(combination_count(i, "requests.ok"), 600);
        combination_expect_no_harm(i);
        ck_assert_int_eq(combination_calls(commands[i]), 600);
    }
    ck_assert_int_eq(combination_count(1, "requests.hits"), 600);
}

TEST(test_prefill)
{
    /* Breaks when keys that are read were not written before, on any node. */
    combination_run(0, "-t get,lrange_100 -r 3000 -n 2000 -c 9 -P 2 --prefill --qps 6000");
    const size_t runs = json_array_size(json_object_get(combination.call.root, "runs"));
    ck_assert_uint_eq(runs, 4);
    for (size_t i = 0; i < runs; i++)
        combination_expect_no_harm(i);
    ck_assert_int_eq(combination_count(1, "requests.hits"), 2000);
    ck_assert_int_eq(combination_calls("get"), 2000);
    ck_assert_int_eq(combination_calls("set"), 3000);
    ck_assert_int_eq(combination_count(3, "requests.ok"), 2000);
}

TEST(test_large_values)
{
    /* Breaks when a value that needs many writes or reads is torn, or another one gets between. */
    combination_run(0, "-t set,get -d 1mb -r 20 -n 120 -c 6 -P 3 --processes 2");
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(combination_count(i, "requests.ok"), 120);
        combination_expect_no_harm(i);
    }
    ck_assert_int_eq(combination_calls("set"), 120);
    ck_assert_int_eq(combination_calls("get"), 120);
    ck_assert_int_gt(combination_count(1, "bytes.in"), 100 << 20);
}

TEST(test_tracking)
{
    /* Breaks when invalidation messages are taken for replies. */
    combination_run(0, "--enable-tracking -r 20 -n 3000 -c 9 -P 8 -- "
                       "get {tag}:__rand_int__ ; set {tag}:__rand_int__ x");
    ck_assert_int_eq(combination_count(0, "requests.ok"), 3000);
    combination_expect_no_harm(0);
    ck_assert_int_gt(combination_count(0, "invalidations"), 0);
    ck_assert_int_eq(combination_calls("get"), 3000);
    ck_assert_int_eq(combination_calls("set"), 3000);
}

TEST(test_errors)
{
    /* Breaks when error replies are counted otherwise than the servers do. */
    combination_run(0, "-t set --sequential 100 -n 100 -c 9");
    combination_run(1, "-r 100 -n 2000 -c 9 -P 4 --qps 8000 -- lpush key:__rand_int__ x");
    ck_assert_int_eq(combination_count(0, "errors_by_kind.WRONGTYPE"), 2000);
    combination_expect_same(0, "lpush");
}

/* Ends before the end --------------------------------------------------------------------------- */

static const char *const endless[] = {
    "-t set -r 5000 -c 9 --processes 2 --interval 100ms --test-duration 600s -P 8",
    "-t set -r 5000 -c 9 --processes 2 --interval 100ms --test-duration 600s --qps 3000"};

TEST(test_interrupt)
{
    /* Breaks when Ctrl+C leaves requests out of the books, or hangs. */
    static const char *const more[] = {"", " -k 0", " --arrival poisson"};
    for (size_t i = 0; i < 6; i++) {
        if (i == 4) /* no rate, no arrival */
            continue;
        combination_forget();
        combination_start("%s%s", endless[i % 2], more[i / 2]);
        combination_await("set", 500);
        combination_interrupt();
        combination_expect_no_harm(0);
        combination_expect_same(0, "set");
    }
}

TEST(test_interrupt_twice)
{
    /* Breaks when a run whose servers hang cannot be left, or is left without a report. */
    struct test_cluster *servers = &combination.servers;
    const struct program *program = &combination.call.program;
    combination_start("%s --request-timeout 600s --drain-timeout 600s", endless[0]);
    combination_await("set", 500);
    for (uint32_t i = 0; i < servers->node_count; i++)
        test_server_pause(&servers->nodes[i]);
    program_signal(program, SIGINT);
    program_wait_text(&combination.call.program, PROGRAM_ERR, "once more to stop at once");
    do
        program_signal(program, SIGINT);
    while (!program_wait_at_most(&combination.call.program, 200));
    for (uint32_t i = 0; i < servers->node_count; i++)
        test_server_resume(&servers->nodes[i]);
    combination_end(130);
    ck_assert_int_gt(combination_count(0, "requests.lost"), 0);
    ck_assert_int_eq(combination_count(0, "requests.in_flight"), 0);
}

TEST(test_worker_killed)
{
    /* Breaks when what a dead worker had in hand is in nobody's books, in a loop of either kind. */
    combination_start("-t set -r 5000 -c 9 -P 8 --processes 2 --interval 100ms -n 100000");
    combination_await("set", 500);
    combination_kill_worker();
    combination_end(0);
    ck_assert_int_eq(combination_count(0, "requests.sent") + combination_count(0, "requests.shed"),
                     100000);
    ck_assert_int_eq(combination_count(0, "requests.errors"), 0);
    ck_assert_int_eq(combination_count(0, "requests.timed_out"), 0);

    combination_start("-t set -r 5000 -c 9 --processes 2 --interval 100ms --qps 3000 "
                      "--test-duration 2s");
    combination_await("set", 500);
    combination_kill_worker();
    combination_end(0);
    /* A busy machine may leave some of the last ones unsent. */
    ck_assert_int_eq(combination_count(0, "requests.due"), 6000);
    ck_assert_int_eq(combination_count(0, "requests.sent") + combination_count(0, "requests.shed") +
                         combination_count(0, "requests.backlog"),
                     6000);
    ck_assert_int_eq(combination_count(0, "requests.lost"),
                     combination_count(0, "errors_by_kind.worker"));
}

LOOP_TEST(test_server_returns, 2)
{
    /* Breaks when connections to a server that died are not opened again once it is back, or what was
     * under way on them is not told. */
    struct test_server *first = &combination.servers.nodes[0];
    combination_start("%s", endless[_i]);
    combination_await("set", 1000);
    test_server_kill(first);
    test_server_restart(first);
    /* it has forgotten its users */
    free(test_server_text(first, "ACL SETUSER alice on >pw-of-alice ~* &* +@all"));
    const uint64_t end_ms = support_now_ms() + 30000;
    while (test_server_calls(first, "set") < 300) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(5);
    }
    combination_interrupt();
    ck_assert_int_ge(combination_count(0, "connections.lost"), 3);
    ck_assert_int_ge(combination_count(0, "connections.opened"), 3);
}

TEST_SUITE_WITH(combinations, .set_up = set_up, .tear_down = combination_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
