/* What only a cluster can show, in combination: nodes that fail while options of the engine, the rate
 * or the outputs are at work. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/combination.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define TCASE_TIMEOUT_SECONDS 150
#define WAIT_MS 60000
#define WORDS_BYTES 1024

static void set_up_primaries(void)
{
    combination_set_up(3, 0);
}

static void set_up_replicated(void)
{
    combination_set_up(3, 3);
}

static const struct suite_setting replicated = {.set_up = set_up_replicated,
                                                .tear_down = combination_tear_down,
                                                .timeout_seconds = TCASE_TIMEOUT_SECONDS};

static struct test_server *node(uint32_t index)
{
    return &combination.servers.nodes[index];
}

static void await_on(uint32_t index, const char *command, long long more)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    const long long wanted = test_server_calls(node(index), command) + more;
    while (test_server_calls(node(index), command) < wanted) {
        ck_assert_msg(support_now_ms() < end_ms, "%s: node %u does not see %lld more of %s",
                      combination.call.program.name, index, more, command);
        support_sleep_ms(5);
    }
}

/* `volley COMMAND`, the words for the cluster, and these, separated by single blanks. */
static void run_command(struct program *program, const char *command, const char *words)
{
    char line[WORDS_BYTES];
    const char *argv[PROGRAM_ARGS_MAX] = {program_volley(), command, "-p", combination.port};
    size_t argc = 4;
    snprintf(line, sizeof line, "%s%s", combination.words, words);
    char *rest = line;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        ck_assert_uint_lt(argc, PROGRAM_ARGS_MAX - 1);
        argv[argc++] = word;
    }
    program_run(program, &(struct program_options){.argv = argv});
}

/* Rounds and rates ------------------------------------------------------------------------------ */

TEST(test_loop)
{
    /* Breaks when the second round of --loop does not find the cluster, or counts with the first. */
    combination_start("-t set,get -r 1000 -n 400 -c 9 -P 2 --loop");
    combination_await("get", 800);
    combination_interrupt();
    const size_t runs = json_array_size(json_object_get(combination.call.root, "runs"));
    ck_assert_uint_ge(runs, 4);
    long long answered = 0;
    for (size_t i = 0; i < runs; i++) {
        combination_expect_no_harm(i);
        answered += combination_count(i, "requests.ok");
        if (i < 4)
            ck_assert_int_eq(combination_count(i, "requests.ok"), 400);
    }
    ck_assert_int_eq(answered, combination_calls("set") + combination_calls("get"));
}

TEST(test_shed_after)
{
    /* Breaks when what waits for a node that hangs is not shed, or the other nodes' requests are. */
    combination_start("-t set -r 1000 --qps 3000 --test-duration 600s -c 9 --processes 2 "
                      "--interval 100ms --shed-after 100ms --request-timeout 60s");
    combination_await("set", 1000);
    test_server_pause(node(0));
    await_on(1, "set", 500);
    test_server_resume(node(0));
    await_on(0, "set", 500);
    combination_interrupt();
    ck_assert_int_ge(combination_count(0, "requests.shed"), 50);
    ck_assert_int_eq(combination_count(0, "requests.errors"), 0);
    ck_assert_int_eq(combination_count(0, "requests.timed_out"), 0);
    ck_assert_int_eq(combination_count(0, "requests.lost"), 0);
    combination_expect_same(0, "set");
}

static void ctl(const char *word, const char *argument)
{
    char path[160];
    struct program program;
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    snprintf(path, sizeof path, "%s/ctl", combination.tree.path);
    for (bool done = false; !done;) { /* the run may not have begun to listen */
        program_run_volley(&program, "ctl", path, word, argument, NULL);
        done = program.exit_status == 0;
        ck_assert_msg(done || support_now_ms() < end_ms, "ctl %s: %s", word, program.err);
        program_free(&program);
    }
}

TEST(test_steered)
{
    /* Breaks when another rate, a pause or its end does not reach the requests for every node. */
    combination_start("-t set -r 1000 --qps 1000 --test-duration 600s -c 9 --processes 2 "
                      "--interval 100ms --control %s/ctl",
                      combination.tree.path);
    combination_await("set", 300);
    ctl("pause", NULL);
    ctl("resume", NULL);
    ctl("rate", "4000");
    for (uint32_t i = 0; i < 3; i++)
        await_on(i, "set", 500);
    ctl("stop", NULL);
    combination_end(0);
    combination_expect_no_harm(0);
    combination_expect_same(0, "set");
}

TEST(test_find_max)
{
    /* Breaks when the search knows no cluster, or one of its probes does not. A busy machine may keep
     * it from settling: what it asks of the cluster is the same. */
    struct program program;
    run_command(&program, "find-max",
                "--slo p99<10s --start-rate 300 --max-rate 600 --window 200ms --windows 1 "
                "--max-probes 4 --warmup 0 -t get -r 500 --prefill -c 9 -q");
    ck_assert_msg(program.exit_status == 0 || program.exit_status == 4, "%s%s", program.out,
                  program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "Sustainable rate: "));
    ck_assert_int_gt(combination_calls("get"), 100);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_gt(test_server_calls(node(i), "get"), 30);
    program_free(&program);
}

TEST(test_sweep)
{
    /* Breaks when the steps know no cluster, or connections of a step are missing. */
    struct program program;
    run_command(&program, "sweep", "-c 3,6,9 --step-duration 200ms --warmup 0 -t set -r 500");
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "baseline"));
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_gt(test_server_calls(node(i), "set"), 30);
    program_free(&program);
}

/* Failures -------------------------------------------------------------------------------------- */

/* The primary 0 is killed, and its replica, node 3, takes over. */
static void fail_over(void)
{
    await_on(0, "set", 500);
    test_server_kill(node(0));
    await_on(3, "set", 500);
}

static const char *const through_failover[] = {
    "-P 8 --processes 2", "--qps 2000 --arrival poisson -k 0",
    "--qps 2000 --shed-after 300ms --reconnect-every 50"};

LOOP_TEST_IN(replicated, test_failover, sizeof through_failover / sizeof through_failover[0])
{
    /* Breaks when a failover hangs a run, leaves requests out of the books, or the load stays away from
     * the new primary. */
    combination_start("-t set -r 2000 -c 9 --test-duration 600s --interval 100ms "
                      "--request-timeout 20s %s",
                      through_failover[_i]);
    fail_over();
    combination_interrupt();
    ck_assert_int_eq(combination_count(0, "requests.errors"), 0);
    ck_assert_int_eq(combination_count(0, "requests.timed_out"), 0);
    ck_assert_int_gt(combination_count(0, "requests.ok"), 1000);
}

TEST_IN(replicated, test_exact_number_through_failover)
{
    /* Breaks when -n is not kept because some of the requests had to wait for another primary. */
    combination_start("-t set -r 2000 -c 9 -P 2 -n 10000 --qps 2000 --request-timeout 20s");
    await_on(0, "set", 300);
    test_server_kill(node(0));
    combination_end(0);
    ck_assert_int_eq(combination_count(0, "requests.sent"), 10000);
    ck_assert_int_eq(combination_count(0, "requests.ok") + combination_count(0, "requests.lost"),
                     10000);
    ck_assert_int_gt(test_server_calls(node(3), "set"), 500);
}

TEST(test_resharding)
{
    /* Breaks when slots that move, with their keys, cost a request that is sent among others, one that
     * needs ASKING on a connection that begins with TLS and a user, or one that waited for a node: with
     * four connections two nodes have one each, and more waits for them than there is room for. */
    combination_start("-t set -r 2000 -c 4 -P 8 --processes 1 --test-duration 600s "
                      "--interval 100ms --request-timeout 20s --reconnect-every 500");
    combination_await("set", 200000);
    for (unsigned i = 0; i < 30; i++)
        test_cluster_move_slot(&combination.servers, i % 3 * 16384 / 3 + i, i % 3, (i + 1) % 3);
    combination_await("set", 2000);
    combination_interrupt();
    ck_assert_int_gt(combination_count(0, "redirections.moved"), 0);
    combination_expect_no_harm(0);
    combination_expect_same(0, "set");
}

TEST_IN(replicated, test_worker_dies_in_failover)
{
    /* Breaks when a worker that is forked while the cluster is down does not find its nodes, or what
     * waited in the dead one is forgotten. */
    combination_start("-t set -r 2000 -c 9 --qps 2000 --processes 2 --test-duration 600s "
                      "--interval 100ms --request-timeout 20s");
    await_on(0, "set", 500);
    test_server_kill(node(0));
    combination_kill_worker();
    await_on(3, "set", 500);
    combination_interrupt();
    ck_assert_int_eq(combination_count(0, "requests.timed_out"), 0);
    ck_assert_int_eq(combination_count(0, "requests.sent") + combination_count(0, "requests.shed") +
                         combination_count(0, "requests.backlog"),
                     combination_count(0, "requests.due"));
}

/* Outputs --------------------------------------------------------------------------------------- */

/* The document in the directory of the run; the caller releases it. */
static json_t *load_run(const char *directory)
{
    char path[200];
    json_error_t why;
    snprintf(path, sizeof path, "%s/run.json", directory);
    json_t *root = json_load_file(path, 0, &why);
    ck_assert_msg(root != NULL, "%s: %s", path, why.text);
    return root;
}

TEST_IN(replicated, test_report)
{
    /* Breaks when the journal of a run with a failover holds less than its report. */
    char directory[160], path[200];
    struct program program;
    snprintf(directory, sizeof directory, "%s/out", combination.tree.path);
    combination_start("-t set -r 2000 -c 9 --qps 2000 --processes 2 --test-duration 600s "
                      "--interval 100ms --request-timeout 20s --out %s",
                      directory);
    fail_over();
    combination_interrupt();
    static const char *const files[] = {"run.json", "intervals.csv", "latency.hlog"};
    char *before[3];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        before[i] = combination_read(path);
        if (i > 0)
            ck_assert_int_eq(unlink(path), 0);
    }
    json_t *told = load_run(directory);
    snprintf(path, sizeof path, "%s/run.json", directory);
    ck_assert_int_eq(unlink(path), 0);
    program_run_volley(&program, "report", directory, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_str_eq(program.out, combination.call.program.out);
    program_free(&program);
    json_t *rebuilt = load_run(directory);
    run_json_check(rebuilt);
    ck_assert(json_equal(json_object_get(told, "runs"), json_object_get(rebuilt, "runs")));
    ck_assert(json_equal(json_object_get(combination.call.root, "runs"),
                         json_object_get(rebuilt, "runs")));
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        char *after = combination_read(path);
        ck_assert_msg(strcmp(before[i], after) == 0, "%s", files[i]);
        free(before[i]);
        free(after);
    }
    json_decref(told);
    json_decref(rebuilt);
}

/* Sum of a column, from 0, of all rows behind the header. */
static long long column_sum(const char *text, unsigned column)
{
    long long sum = 0;
    for (const char *line = strchr(text, '\n'); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n')) {
        const char *at = line + 1;
        for (unsigned i = 0; i < column; i++) {
            at = strchr(at, ',');
            ck_assert_ptr_nonnull(at);
            at++;
        }
        sum += strtoll(at, NULL, 10);
    }
    return sum;
}

TEST_IN(replicated, test_rows)
{
    /* Breaks when rows or the HdrHistogram log of a cluster's run hold other numbers than its report. */
    enum { COLUMN_OK = 11, COLUMN_FAILED, COLUMN_MOVED, COLUMN_CLUSTERDOWN, COLUMN_LOST };
    char path[200];
    snprintf(path, sizeof path, "%s/latency.hlog", combination.tree.path);
    combination_start("-t set -r 2000 -c 9 --qps 2000 --test-duration 600s --interval 100ms "
                      "--request-timeout 20s --csv-interval 200ms --hdr %s",
                      path);
    await_on(0, "set", 300);
    test_cluster_promote(&combination.servers, 3);
    await_on(3, "set", 500);
    combination_interrupt();
    const char *rows = combination.call.program.out;
    ck_assert_int_eq(strncmp(rows, "timestamp,request_sec,", 22), 0);
    ck_assert_int_eq(column_sum(rows, COLUMN_OK), combination_count(0, "requests.ok"));
    ck_assert_int_eq(column_sum(rows, COLUMN_MOVED), combination_count(0, "redirections.moved"));
    ck_assert_int_eq(column_sum(rows, COLUMN_CLUSTERDOWN),
                     combination_count(0, "redirections.clusterdown"));
    ck_assert_int_eq(column_sum(rows, COLUMN_LOST), combination_count(0, "connections.lost"));
    ck_assert_int_gt(combination_count(0, "redirections.moved"), 0);
    char *log = combination_read(path);
    ck_assert_ptr_nonnull(strstr(log, "Tag="));
    free(log);
}

/* Replicas -------------------------------------------------------------------------------------- */

TEST_IN(replicated, test_replicas)
{
    /* Breaks when reads go to primaries, or no longer come when a replica is gone. */
    static const char *const loads[] = {"-n 4000 -P 8", "--qps 3000 -n 3000",
                                        "-n 600 -k 0 --processes 2"};
    combination_run(0, "-t set --sequential 1000 -n 1000 -c 9");
    for (size_t i = 0; i < 3; i++) {
        combination_forget();
        combination_run(0, "-t get -r 1000 -c 9 --rfr yes %s", loads[i]);
        combination_expect_no_harm(0);
        combination_expect_same(0, "get");
        for (uint32_t k = 0; k < 3; k++)
            ck_assert_msg(test_server_calls(node(k), "get") == 0, "%s: primary %u had %lld",
                          combination.call.program.name, k, test_server_calls(node(k), "get"));
    }
    combination_start("-t get -r 1000 -c 9 --rfr yes --qps 2000 --test-duration 600s "
                      "--interval 100ms --request-timeout 20s");
    await_on(3, "get", 300);
    test_server_kill(node(3));
    await_on(0, "get", 300); /* nobody else has them */
    combination_interrupt();
    ck_assert_int_eq(combination_count(0, "requests.errors"), 0);
    ck_assert_int_eq(combination_count(0, "requests.timed_out"), 0);
}

TEST(test_dead_seed)
{
    /* Breaks when one of several seeds that is dead keeps a run from finding the cluster. */
    char hosts[64];
    snprintf(hosts, sizeof hosts, "127.0.0.1:%u,127.0.0.1:%s", (unsigned)support_free_port(),
             combination.port);
    struct program program;
    char line[WORDS_BYTES];
    snprintf(line, sizeof line, "-H %s -t set -r 1000 -n 3000 -c 9", hosts);
    run_command(&program, "bench", line);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    ck_assert_int_eq(combination_calls("set"), 3000);
    program_free(&program);
}

TEST_SUITE_WITH(combined_clusters, .set_up = set_up_primaries, .tear_down = combination_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
