/* Clients that buffer, on real clusters: each node has buffers of its own, books are those of the servers, redirects are
 * followed, and a node that has gone does not hold the others up. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define TCASE_TIMEOUT_SECONDS 150

static struct test_cluster cluster;
static struct bench_call call;
static struct program program;

static void set_up(void)
{
    test_cluster_start(&cluster, 3, 0, NULL);
}

static void tear_down(void)
{
    program_free(&program);
    if (call.directory[0] != '\0')
        call_free(&call);
    test_cluster_stop(&cluster);
}

static const struct bench_setting *seed(void)
{
    static struct bench_setting setting;
    setting = (struct bench_setting){.port = cluster.nodes[0].port_text};
    return &setting;
}

static long long calls_of(uint32_t first, uint32_t end, const char *command)
{
    long long calls = 0;
    for (uint32_t i = first; i < end; i++)
        calls += test_server_calls(&cluster.nodes[i], command);
    return calls;
}

static void await_calls(uint32_t first, uint32_t end, const char *command, long long more)
{
    const long long wanted = calls_of(first, end, command) + more;
    while (calls_of(first, end, command) < wanted)
        support_sleep_ms(5);
}

static long long count(const char *path)
{
    return run_json_count(&call, 0, path);
}

static long long moved_by_servers(void)
{
    static const char field[] = "errorstat_MOVED:count=";
    long long errors = 0;
    for (uint32_t i = 0; i < cluster.node_count; i++) {
        char *info = test_server_text(&cluster.nodes[i], "INFO errorstats");
        const char *at = strstr(info, field);
        errors += at != NULL ? atoll(at + strlen(field)) : 0;
        free(info);
    }
    return errors;
}

static void expect_no_harm(void)
{
    ck_assert_int_eq(count("requests.errors"), 0);
    ck_assert_int_eq(count("requests.timed_out"), 0);
    ck_assert_int_eq(count("requests.lost"), 0);
    ck_assert_int_eq(count("requests.shed"), 0);
}

/* A scenario there, whose requests go by their keys with and without a buffer. */
static void run_phases(void)
{
    struct temp_tree tree;
    char file[200], out[200];
    temp_tree_make(&tree);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
    temp_tree_write(&tree, "/s.yaml",
                    "name: nodes\n"
                    "server: {primaries: 3}\n"
                    "phases:\n"
                    "  - {name: fill, type: load, keys: 3000, value_size: 64, clients: 24, buffer: "
                    "high-throughput}\n"
                    "  - {name: direct, type: hold, duration: 0.3, clients: 24, workload: users}\n"
                    "  - {name: mixed, type: hold, duration: 0.3, clients: 24, workload: users, "
                    "buffer: tuned}\n"
                    "  - {name: check, type: query, fraction: 1, clients: 24}\n"
                    "checks:\n"
                    "  - {metric: moved, phase: all, op: \"==\", value: 0}\n"
                    "  - {metric: error_rate, phase: all, op: \"==\", value: 0}\n"
                    "  - {metric: lost_writes, phase: check, op: \"==\", value: 0}\n"
                    "  - {metric: avg_batch_size, phase: mixed, op: \">\", value: 0}\n",
                    0600);
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "--cluster",
                       "-p", cluster.nodes[0].port_text, "--cleanup", NULL);
    ck_assert_msg(program.exit_status == 0, "status %d:\n%.1500s\n%.1500s", program.exit_status,
                  program.out, program.err);
    temp_tree_remove(&tree);
}

TEST(books_are_those_of_the_nodes)
{
    /* breaks when a batch goes to a node that does not serve its keys, when requests are lost between buffers, when the near
     * cache answers with what has changed at some node, or its answers are told of one, or when a phase's workload is sent without
     * regard to its keys */
    call_expect(&call, 0, seed(),
                "--cluster --mix set:50,get:50 -r 400 -n 20000 -c 32 --processes 2 --verify -d 64 "
                "--buffer tuned");
    expect_no_harm();
    ck_assert_int_eq(count("requests.ok"), 20000);
    ck_assert_int_eq(count("redirections.moved"), 0);
    ck_assert_int_eq(count("verification.corrupted"), 0);
    ck_assert_int_eq(count("verification.lost_writes"), 0);
    ck_assert_int_gt(count("buffer.cache.hits"), 100);
    ck_assert_int_eq(calls_of(0, 3, "set") + calls_of(0, 3, "get") + count("buffer.cache.hits"),
                     20000);
    ck_assert_int_eq(count("nodes.0.ok") + count("nodes.1.ok") + count("nodes.2.ok") +
                         count("buffer.cache.hits"),
                     20000);
    ck_assert_int_eq(count("nodes.0.ok"), count("nodes.0.sent"));
    ck_assert_int_eq(count("buffer.workers"), 2 * 3 * 6);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_gt(test_server_calls(&cluster.nodes[i], "set"), 2000);
    run_phases();
}

TEST(redirects_are_followed)
{
    /* breaks when a batch under way to a node whose slots have gone costs a request, or what waits for it never goes elsewhere */
    call_start(&call, seed(),
               "--cluster --mix set:70,get:30 -r 2000 --test-duration 60s -c 24 --processes 2 "
               "--request-timeout 20s --buffer balanced");
    await_calls(0, 3, "set", 1000);
    for (unsigned slot = 0; slot < 40; slot++)
        test_cluster_move_slot(&cluster, slot, 0, 1 + slot % 2);
    await_calls(0, 3, "set", 2000);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    expect_no_harm();
    ck_assert_int_eq(calls_of(0, 3, "set") + calls_of(0, 3, "get") + count("buffer.cache.hits"),
                     count("requests.ok"));
    ck_assert_int_eq(count("redirections.moved"), moved_by_servers());
    ck_assert_int_gt(count("redirections.moved"), 0);
}

/* What is due there waits, and the rest is sent. */
static void freeze_one(void)
{
    call_start(&call, seed(),
               "--cluster -t set -r 2000 --test-duration 60s --qps 3000 -c 12 --processes 2 "
               "--request-timeout 30s --buffer minimal");
    await_calls(0, 3, "set", 500);
    kill(cluster.nodes[2].pid, SIGSTOP);
    await_calls(0, 1, "set", 600);
    await_calls(1, 2, "set", 300);
    kill(cluster.nodes[2].pid, SIGCONT);
    await_calls(2, 3, "set", 600);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    expect_no_harm();
    ck_assert_int_eq(calls_of(0, 3, "set"), count("requests.ok"));
    ck_assert(run_json_number(run_json_at(call.root, 0), "buffer.full_percent") > 0);
}

/* Its users have their next request. */
static void kill_one(void)
{
    call_start(&call, seed(),
               "--cluster -t set -r 2000 --test-duration 60s -c 12 --processes 2 --buffer "
               "high-throughput");
    await_calls(0, 3, "set", 1000);
    test_server_kill(&cluster.nodes[2]);
    await_calls(0, 1, "set", 3000);
    await_calls(1, 2, "set", 3000);
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    ck_assert_int_gt(count("requests.shed"), 0);
    ck_assert_int_eq(count("requests.errors"), 0);
}

TEST(a_node_that_has_gone_does_not_hold_the_others_up)
{
    /* breaks when what is due at other nodes is not sent while the buffer of one that is silent is full, when what waited for it is
     * lost, or when users wait for ever for one that is dead */
    for (uint32_t i = 0; i < 3; i++)
        free(test_server_text(&cluster.nodes[i], "CONFIG SET cluster-node-timeout 60000"));
    freeze_one();
    call_free(&call);
    kill_one();
}

TEST_SUITE_WITH(buffer_cluster, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
