/* Load on real clusters: every request reaches the node that owns its key, whatever the nodes say on
 * the way, and volley's books are those of the servers. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/slots.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define TCASE_TIMEOUT_SECONDS 150
#define ONE_KEY "key:000000000000"

static struct test_cluster cluster;
static struct bench_call call;

static void set_up_three(void)
{
    test_cluster_start(&cluster, 3, 0, NULL);
}

static void set_up_replicated(void)
{
    test_cluster_start(&cluster, 2, 2, NULL);
}

static void tear_down(void)
{
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

static long long calls_of_all(const char *command)
{
    long long calls = 0;
    for (uint32_t i = 0; i < cluster.node_count; i++)
        calls += cluster.nodes[i].pid == 0 ? 0 : test_server_calls(&cluster.nodes[i], command);
    return calls;
}

static long long errors_of_all(const char *word)
{
    long long errors = 0;
    for (uint32_t i = 0; i < cluster.node_count; i++) {
        char *info = test_server_text(&cluster.nodes[i], "INFO errorstats");
        char field[64];
        snprintf(field, sizeof field, "errorstat_%s:count=", word);
        const char *at = strstr(info, field);
        errors += at != NULL ? atoll(at + strlen(field)) : 0;
        free(info);
    }
    return errors;
}

static void forget_statistics(void)
{
    for (uint32_t i = 0; i < cluster.node_count; i++)
        free(test_server_text(&cluster.nodes[i], "CONFIG RESETSTAT"));
}

static uint32_t owner_of_one_key(void)
{
    int owner = test_cluster_owner(&cluster, 0, slots_of_key(ONE_KEY, strlen(ONE_KEY)));
    ck_assert_int_ge(owner, 0);
    return (uint32_t)owner;
}

static void interrupt_and_finish(void)
{
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
}

/* Until the nodes have seen so many calls more. */
static void await_calls(const char *command, long long more)
{
    long long wanted = calls_of_all(command) + more;
    while (calls_of_all(command) < wanted)
        support_sleep_ms(5);
}

/* Nothing failed, and every request was answered in the end. */
static void expect_no_harm(void)
{
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.timed_out"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.lost"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.shed"), 0);
}

/* The books of both sides ----------------------------------------------------------------------- */

TEST(test_counts_are_the_servers)
{
    /* Breaks when a request goes to the wrong node, twice, or nowhere: commands, keys and errors that
     * volley counts are those that the servers have counted. */
    static const char *const loads[] = {
        "-n 20000 -c 9 --processes 1", "-n 20000 -c 12 --processes 3",
        "-n 40000 -P 16 -c 9 --processes 2", "--qps 5000 --test-duration 2s --processes 2"};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        forget_statistics();
        call_expect(&call, 0, seed(), "--cluster -t set --sequential 5000 %s", loads[i]);
        expect_no_harm();
        long long ok = run_json_count(&call, 0, "requests.ok");
        ck_assert_int_eq(calls_of_all("set"), ok);
        ck_assert_int_eq(errors_of_all("MOVED"), 0);
        long long of_nodes = 0;
        for (uint32_t k = 0; k < 3; k++) {
            char path[32];
            snprintf(path, sizeof path, "nodes.%u.ok", k);
            of_nodes += run_json_count(&call, 0, path);
        }
        ck_assert_int_eq(of_nodes, ok);
        call_free(&call);
        call = (struct bench_call){0};
    }
    long long keys = 0;
    for (uint32_t i = 0; i < 3; i++)
        keys += test_server_integer(&cluster.nodes[i], "DBSIZE");
    ck_assert_int_eq(keys, 5000);
}

TEST(test_errors_are_the_servers)
{
    /* Breaks when error replies of nodes are counted otherwise than the nodes do. */
    call_expect(&call, 0, seed(), "--cluster -t set --sequential 1000 -n 1000");
    call_free(&call);
    call_expect(&call, 1, seed(), "--cluster -r 1000 -n 5000 -c 9 LPUSH key:__rand_int__ x");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 5000);
    ck_assert_int_eq(run_json_count(&call, 0, "errors_by_kind.WRONGTYPE"), 5000);
    ck_assert_int_eq(errors_of_all("WRONGTYPE"), 5000);
}

TEST(test_load_is_even)
{
    /* Breaks when uniform keys do not load the nodes evenly: within 1 % of a third each. */
    call_expect(&call, 0, seed(), "--cluster -t set --sequential 300000 -n 300000 -P 32 -c 9");
    for (uint32_t i = 0; i < 3; i++) {
        char path[32];
        snprintf(path, sizeof path, "nodes.%u.ok", i);
        ck_assert_int_ge(run_json_count(&call, 0, path), 99000);
        ck_assert_int_le(run_json_count(&call, 0, path), 101000);
    }
}

TEST(test_multi_key)
{
    /* Breaks when the keys of one request are in several slots: then every one is refused. */
    call_expect(&call, 0, seed(), "--cluster -t mset,lpush,ping_mbulk -r 1000 -n 3000 -c 9");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(run_json_count(&call, i, "requests.ok"), 3000);
        ck_assert_int_eq(run_json_count(&call, i, "requests.errors"), 0);
    }
    ck_assert_int_eq(errors_of_all("CROSSSLOT"), 0);
}

TEST(test_warmup_and_exact_number)
{
    /* Breaks when tickets of the warm-up that wait for a node are sent as requests of the run. */
    forget_statistics();
    call_expect(&call, 0, seed(),
                "--cluster -t set -r 1000 -n 20000 -c 9 -P 4 --warmup 300ms --interval 100ms");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), 20000);
    expect_no_harm();
}

TEST(test_one_request_each)
{
    /* Breaks when the last tickets wait in a ring for connections that have had their request: the run
     * never ended. */
    forget_statistics();
    call_expect(&call, 0, seed(), "--cluster -t set -r 1000 -n 3000 -c 9 -k 0 --processes 2");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 3000);
    ck_assert_int_eq(calls_of_all("set"), 3000);
}

TEST(test_interrupted)
{
    /* Breaks when Ctrl+C leaves requests of a cluster out of the books, or hangs. */
    call_start(&call, seed(),
               "--cluster -t set -r 1000 --test-duration 60s -P 8 -c 9 --processes 2");
    await_calls("set", 1000);
    interrupt_and_finish();
    expect_no_harm();
    ck_assert_int_eq(calls_of_all("set"), run_json_count(&call, 0, "requests.ok"));
}

TEST(test_worker_dies)
{
    /* Breaks when tickets that waited for nodes in a dead worker are lost from the books. */
    pid_t workers[2];
    call_start(&call, seed(),
               "--cluster -t set -r 1000 -n 300000 -P 8 -c 12 --processes 2 --interval 100ms");
    await_calls("set", 1000);
    char list[64];
    snprintf(list, sizeof list, "/proc/%d/task/%d/children", (int)call.program.pid,
             (int)call.program.pid);
    (void)workers;
    FILE *children = fopen(list, "r");
    ck_assert_ptr_nonnull(children);
    int pid = 0, last = 0;
    while (fscanf(children, "%d", &pid) == 1)
        last = pid; /* the scout is forked before the workers */
    fclose(children);
    ck_assert_int_gt(last, 0);
    kill(last, SIGKILL);
    call_finish(&call);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.sent") +
                         run_json_count(&call, 0, "requests.shed"),
                     300000);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
}

/* Sent elsewhere -------------------------------------------------------------------------------- */

static void begin_migration(unsigned slot, uint32_t from, uint32_t to)
{
    free(test_server_text(&cluster.nodes[to], "CLUSTER SETSLOT %u IMPORTING %s", slot,
                          cluster.ids[from]));
    free(test_server_text(&cluster.nodes[from], "CLUSTER SETSLOT %u MIGRATING %s", slot,
                          cluster.ids[to]));
}

TEST(test_ask)
{
    /* Breaks when ASK is not followed with ASKING, moves the map, or costs a request. */
    unsigned slot = slots_of_key(ONE_KEY, strlen(ONE_KEY));
    uint32_t from = owner_of_one_key(), to = (from + 1) % 3;
    begin_migration(slot, from, to);
    call_expect(&call, 0, seed(), "--cluster -t set -n 2000 -c 9 -P 4 --processes 1");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 2000);
    expect_no_harm();
    ck_assert_int_eq(run_json_count(&call, 0, "redirections.asked"), 2000);
    ck_assert_int_eq(run_json_count(&call, 0, "redirections.moved"), 0);
    ck_assert_int_eq(test_server_calls(&cluster.nodes[to], "set"), 2000);
    ck_assert_int_eq(test_server_calls(&cluster.nodes[to], "asking"), 2000);
    ck_assert_int_eq(errors_of_all("ASK"), 2000);
}

TEST(test_ask_large)
{
    /* Breaks when a request that is larger than the buffers loses its place behind ASKING. */
    unsigned slot = slots_of_key(ONE_KEY, strlen(ONE_KEY));
    uint32_t from = owner_of_one_key(), to = (from + 1) % 3;
    begin_migration(slot, from, to);
    call_expect(&call, 0, seed(), "--cluster -t set -n 50 -c 9 -d 3mb --processes 1");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 50);
    ck_assert_int_eq(test_server_integer(&cluster.nodes[to], "DBSIZE"), 1);
}

TEST(test_tryagain)
{
    /* Breaks when TRYAGAIN is an error, or retried for ever, or nobody says what the server said: keys of
     * one request are on both sides of a migration that goes on. */
    unsigned slot = slots_of_key("t", 1);
    int from = test_cluster_owner(&cluster, 0, slot);
    ck_assert_int_ge(from, 0);
    uint32_t to = ((uint32_t)from + 1) % 3;
    free(test_server_text(&cluster.nodes[from], "SET a{t} 1"));
    begin_migration(slot, from, to);
    call_expect(&call, 1, seed(),
                "--cluster -n 10 -c 9 --processes 1 --request-timeout 400ms MGET a{t} b{t}");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), 10);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.timed_out"), 10);
    ck_assert_int_ge(run_json_count(&call, 0, "redirections.tryagain"), 20);
    ck_assert_int_eq(run_json_count(&call, 0, "redirections.tryagain"), errors_of_all("TRYAGAIN"));
    ck_assert_int_eq(run_json_count(&call, 0, "connections.lost"), 0);
    ck_assert_msg(
        strstr(call.program.err, "no request succeeded; the server said last: TRYAGAIN ") != NULL,
        "%s", call.program.err);
}

TEST(test_clusterdown_passes)
{
    /* Breaks when requests fail because the cluster was down for a moment. */
    uint32_t owner = owner_of_one_key();
    unsigned slot = slots_of_key(ONE_KEY, strlen(ONE_KEY));
    call_start(&call, seed(),
               "--cluster -t set --test-duration 60s --qps 500 -c 9 --processes 1 "
               "--request-timeout 20s");
    await_calls("set", 100);
    free(test_server_text(&cluster.nodes[owner], "CLUSTER DELSLOTS %u", slot));
    while (errors_of_all("CLUSTERDOWN") < 20)
        support_sleep_ms(5);
    free(test_server_text(&cluster.nodes[owner], "CLUSTER ADDSLOTS %u", slot));
    test_cluster_await_ok(&cluster);
    await_calls("set", 500);
    interrupt_and_finish();
    expect_no_harm();
    ck_assert_int_ge(run_json_count(&call, 0, "redirections.clusterdown"), 20);
    ck_assert_int_eq(calls_of_all("set"), run_json_count(&call, 0, "requests.ok"));
}

TEST(test_a_dead_node_is_named)
{
    /* Breaks when a run cannot begin because of one node of many, and nobody says which. */
    for (uint32_t i = 0; i < 3; i++)
        free(test_server_text(&cluster.nodes[i], "CONFIG SET cluster-node-timeout 60000"));
    test_server_kill(&cluster.nodes[2]);
    call_expect(&call, 5, seed(), "--cluster -t set -r 1000 -n 1000");
    char expected[64];
    snprintf(expected, sizeof expected, "opened: 127.0.0.1:%s: Connection refused",
             cluster.nodes[2].port_text);
    ck_assert_msg(strstr(call.program.err, expected) != NULL, "%s", call.program.err);
}

TEST(test_resharding)
{
    /* Breaks when slots that move under load cost a request, or an answer counts for the wrong node. */
    call_start(&call, seed(),
               "--cluster -t set -r 2000 --test-duration 60s --qps 4000 -c 9 --processes 2 "
               "--request-timeout 20s");
    await_calls("set", 1000);
    for (unsigned slot = 0; slot < 60; slot++)
        test_cluster_move_slot(&cluster, slot, 0, 1 + slot % 2);
    await_calls("set", 2000);
    interrupt_and_finish();
    expect_no_harm();
    ck_assert_int_eq(calls_of_all("set"), run_json_count(&call, 0, "requests.ok"));
    ck_assert_int_eq(run_json_count(&call, 0, "redirections.moved"), errors_of_all("MOVED"));
    ck_assert_int_eq(run_json_count(&call, 0, "redirections.asked"), errors_of_all("ASK"));
}

TEST(test_node_added_and_removed)
{
    /* Breaks when a new node gets no load although it owns slots, or load goes on to one that left. */
    call_start(&call, seed(),
               "--cluster -t set -r 20000 --test-duration 60s --qps 2000 -c 12 --processes 1 "
               "--request-timeout 20s");
    await_calls("set", 500);
    uint32_t added = test_cluster_add(&cluster);
    for (unsigned slot = 0; slot < 40; slot++)
        test_cluster_move_slot(&cluster, slot, 0, added);
    while (test_server_calls(&cluster.nodes[added], "set") < 5)
        support_sleep_ms(5);
    for (unsigned slot = 0; slot < 40; slot++)
        test_cluster_move_slot(&cluster, slot, added, 0);
    /* Its connections go elsewhere once the table says so; then it may be stopped. */
    await_calls("set", 3000);
    test_cluster_remove(&cluster, added);
    await_calls("set", 1000);
    interrupt_and_finish();
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.lost"), 0);
    ck_assert_int_ge(run_json_count(&call, 0, "nodes.3.ok"), 5);
}

/* Replicas -------------------------------------------------------------------------------------- */

static const struct suite_setting replicated = {
    .set_up = set_up_replicated, .tear_down = tear_down, .timeout_seconds = TCASE_TIMEOUT_SECONDS};

TEST_IN(replicated, test_reads_from_replicas)
{
    /* Breaks when reads go to primaries although replicas were asked for, or writes to replicas. */
    forget_statistics();
    call_expect(&call, 0, seed(), "--cluster --rfr yes -t set,get -r 1000 -n 4000 -c 8");
    ck_assert_int_eq(test_server_calls(&cluster.nodes[0], "get"), 0);
    ck_assert_int_eq(test_server_calls(&cluster.nodes[1], "get"), 0);
    ck_assert_int_eq(test_server_calls(&cluster.nodes[2], "get") +
                         test_server_calls(&cluster.nodes[3], "get"),
                     4000);
    ck_assert_int_eq(test_server_calls(&cluster.nodes[0], "set") +
                         test_server_calls(&cluster.nodes[1], "set"),
                     4000);
    ck_assert_int_eq(run_json_count(&call, 1, "requests.errors"), 0);
    ck_assert_int_eq(errors_of_all("MOVED"), 0);
}

TEST_IN(replicated, test_reads_from_all)
{
    /* Breaks when some node of a shard gets no reads with --rfr all. */
    forget_statistics();
    call_expect(&call, 0, seed(), "--cluster --rfr all -t get -r 1000 -n 4000 -c 8 --processes 1");
    ck_assert_int_eq(calls_of_all("get"), 4000);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_gt(test_server_calls(&cluster.nodes[i], "get"), 500);
}

TEST_IN(replicated, test_planned_failover)
{
    /* Breaks when a replica that becomes the primary is not found, or a request is lost although no
     * node died. */
    call_start(&call, seed(),
               "--cluster -t set -r 2000 --test-duration 60s --qps 2000 -c 8 --processes 2 "
               "--request-timeout 20s");
    await_calls("set", 1000);
    test_cluster_promote(&cluster, 2);
    while (test_server_calls(&cluster.nodes[2], "set") < 100)
        support_sleep_ms(5);
    await_calls("set", 2000);
    interrupt_and_finish();
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.timed_out"), 0);
    ck_assert_int_gt(run_json_count(&call, 0, "redirections.moved"), 0);
}

TEST_SUITE_WITH(cluster, .set_up = set_up_three, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
