/* Whole runs whose servers change: the scout at work under real workers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define DEADLINE_MS 30000

/* Waits until the server has answered more SETs than it had. */
static void await_sets(const struct test_server *server)
{
    const long long before = test_server_calls(server, "set");
    const uint64_t end_ms = support_now_ms() + DEADLINE_MS;
    while (test_server_calls(server, "set") < before + 10) {
        ck_assert_msg(support_now_ms() < end_ms, "no requests reach %u", server->port);
        support_sleep_ms(20);
    }
}

static void interrupt_and_expect_clean(struct program *program, pid_t *children, size_t count)
{
    program_signal(program, SIGINT);
    program_wait(program);
    ck_assert_msg(program->exit_status == 130, "%d: %s", program->exit_status, program->err);
    for (size_t i = 0; i < count; i++)
        ck_assert(support_process_gone(children[i], 5000));
}

TEST(scout_is_replaced)
{
    /* Breaks when a run ends, or goes blind, because its scout has died; or leaves one behind. */
    struct test_cluster cluster;
    struct program program;
    pid_t children[2], again[2];
    test_cluster_start(&cluster, 2, 1, NULL);
    program_start_volley(&program, "bench", "-p", cluster.nodes[0].port_text, "--cluster", "-r",
                         "1000", "-c", "4", "--processes", "1", "--qps", "500", "--test-duration",
                         "100", "--log-level", "info", (char *)NULL);
    await_sets(&cluster.nodes[0]);
    program_wait_children(&program, children, 2);
    /* the scout is forked before the worker */
    const pid_t scout = children[0] < children[1] ? children[0] : children[1];
    ck_assert_int_eq(kill(scout, SIGKILL), 0);
    program_wait_text(&program, PROGRAM_ERR, "another one takes its place");
    program_wait_children(&program, again, 2);
    test_cluster_promote(&cluster, 2);
    program_wait_text(&program, PROGRAM_ERR, "is a primary");
    await_sets(&cluster.nodes[2]);
    interrupt_and_expect_clean(&program, again, 2);
    program_free(&program);
    test_cluster_stop(&cluster);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void expect_failover(const char *path, const struct test_replicated *replicated,
                            const char *report)
{
    const struct test_server *servers[] = {&replicated->primary, &replicated->replicas[0]};
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    run_json_check(json);
    const json_t *run = run_json_at(json, 0);
    const json_t *nodes = json_object_get(run, "nodes");
    const json_t *outage =
        json_array_get(json_object_get(json_object_get(run, "failures"), "outages"), 0);
    ck_assert_msg(json_is_false(json_object_get(outage, "pause")), "%s", report);
    ck_assert_msg(run_json_number(outage, "connections_lost") >= 4, "%s", report);
    ck_assert_int_eq((int)run_json_number(run, "failures.nodes.0.outages.0.taken_over_by"), 1);
    ck_assert_msg(json_array_size(nodes) == 2, "%s", report);
    for (size_t i = 0; i < 2; i++) {
        const json_t *node = json_array_get(nodes, i);
        ck_assert_msg(strstr(text_of(node, "address"), servers[i]->port_text) != NULL, "%s",
                      report);
        ck_assert_str_eq(text_of(node, "role_at_start"), i == 0 ? "primary" : "absent");
        ck_assert_str_eq(text_of(node, "role"), i == 0 ? "gone" : "primary");
    }
    json_decref(json);
}

TEST(sentinel_failover)
{
    /* Breaks when requests stay with a primary that the sentinels have replaced, its death is a pause in
     * which nothing failed beside the connections that were lost, or nobody says which server was what. */
    struct test_replicated replicated;
    struct test_sentinels sentinels;
    struct program program;
    struct temp_tree tree;
    pid_t children[2];
    char path[256];
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/run.json", tree.path);
    test_replicated_start(&replicated, 1, NULL);
    test_sentinels_start(&sentinels, 3, "main", &replicated);
    program_start_volley(&program, "bench", "--sentinel", sentinels.list, "--master", "main", "-r",
                         "1000", "-c", "4", "--processes", "1", "--qps", "500", "--test-duration",
                         "100", "--log-level", "info", "--json", path, (char *)NULL);
    await_sets(&replicated.primary);
    program_wait_children(&program, children, 2);
    test_server_kill(&replicated.primary);
    await_sets(&replicated.replicas[0]);
    interrupt_and_expect_clean(&program, children, 2);
    expect_failover(path, &replicated, strstr(program.out, "\nNodes:\n"));
    program_free(&program);
    temp_tree_remove(&tree);
    test_sentinels_stop(&sentinels);
    test_replicated_stop(&replicated);
}

TEST(several_servers_share)
{
    /* Breaks when several hosts do not share the load evenly, or need a process that follows them. */
    struct test_server a, b;
    struct program program;
    char hosts[64];
    test_server_start(&a, NULL);
    test_server_start(&b, NULL);
    snprintf(hosts, sizeof hosts, "127.0.0.1:%u,127.0.0.1:%u", a.port, b.port);
    program_run_volley(&program, "bench", "-h", hosts, "-r", "1000", "-c", "4", "--processes", "1",
                       "--qps", "2000", "-n", "2000", (char *)NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "2 servers, the first at 127.0.0.1:"));
    const long long of_a = test_server_calls(&a, "set"), of_b = test_server_calls(&b, "set");
    ck_assert_int_eq(of_a + of_b, 2000);
    ck_assert_msg(of_a > 500 && of_b > 500, "%lld and %lld", of_a, of_b);
    program_free(&program);
    test_server_stop(&a);
    test_server_stop(&b);
}

TEST(next_run_knows)
{
    /* Breaks when the second test of a session begins with the topology before the first. */
    struct test_cluster cluster;
    struct program program;
    test_cluster_start(&cluster, 3, 1, NULL);
    program_start_volley(&program, "bench", "-p", cluster.nodes[1].port_text, "--cluster", "-r",
                         "1000", "-c", "4", "--processes", "1", "--qps", "500", "-t", "set,get",
                         "--test-duration", "6", "--log-level", "info", (char *)NULL);
    await_sets(&cluster.nodes[0]);
    test_server_kill(&cluster.nodes[0]);
    program_wait(&program);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_ptr_nonnull(strstr(program.err, "slots have another owner"));
    ck_assert_int_gt(test_server_calls(&cluster.nodes[3], "get"), 500);
    /* were it not known, the first connections of the second run would find nobody */
    ck_assert_ptr_nonnull(strstr(program.out, "GET"));
    program_free(&program);
    test_cluster_stop(&cluster);
}

TEST_SUITE_WITH(scout_run, .timeout_seconds = 120)
