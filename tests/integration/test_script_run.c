/* Scripts and functions of workload files at real servers: loaded before the run, loaded again when a server has lost
 * them, and what a server does not take told in its words before anything is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define WAIT_MS 30000
#define SCRIPTS                                                                                    \
    "name: s\nkeys: {users: {count: 1000}}\n"                                                      \
    "scripts:\n  take: {text: \"return redis.call('INCRBY', KEYS[1], ARGV[1])\"}\n"                \
    "  other: {file: other.lua}\n"
#define CLASSES                                                                                    \
    "classes:\n- {name: rate, command: 'EVALSHA {script take} 1 {key:users} 2'}\n"                 \
    "- {name: look, command: 'EVALSHA_RO {script other} 1 {key:users}'}\n"
#define FUNCTIONS "functions: {lib: {file: lib.lua}}\n"
#define CALL "- {name: call, command: 'FCALL my_look 1 {key:users}'}\n"
#define LIBRARY                                                                                    \
    "#!lua name=mylib\nredis.register_function('my_look', function(keys, args)\n"                  \
    "  return redis.call('GET', keys[1])\nend)\n"

static struct temp_tree tree;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/other.lua", "return redis.call('GET', KEYS[1])", 0600);
    temp_tree_write(&tree, "/lib.lua", LIBRARY, 0600);
}

static void tear_down(void)
{
    at_server_tear_down();
    temp_tree_remove(&tree);
}

static void write_workload(const char *text)
{
    temp_tree_write(&tree, "/w.yaml", text, 0600);
}

TEST(scripts_and_functions_are_there_when_they_are_called)
{
    /* Breaks when a script is not loaded before the run, or is counted as loaded again then. */
    write_workload(SCRIPTS FUNCTIONS CLASSES CALL);
    call_expect(&call, 0, &at_server, "--workload %s/w.yaml -c 4 -n 3000", tree.path);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 3000);
    ck_assert_int_eq(run_json_count_or_zero(&call, 0, "redirections.reloaded"), 0);
    ck_assert_int_gt(test_server_calls(&server, "fcall"), 900);
    /* Twice: before anything else, and before the run. */
    ck_assert_int_eq(test_server_calls(&server, "script|load"), 4);
}

static void await_calls(const char *command, long long more_than)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    while (test_server_calls(&server, command) <= more_than) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(5);
    }
}

TEST(a_server_that_forgets_is_given_them_again)
{
    /* Breaks when SCRIPT FLUSH or FUNCTION FLUSH makes the rest of a run errors. */
    write_workload(SCRIPTS FUNCTIONS CLASSES CALL);
    call_start(&call, &at_server, "--workload %s/w.yaml -c 4 -P 3 -n 60000", tree.path);
    for (long long times = 1; times <= 3; times++) {
        await_calls("fcall", times * 2000);
        free(test_server_text(&server, "SCRIPT FLUSH"));
        free(test_server_text(&server, "FUNCTION FLUSH"));
    }
    call_finish(&call);
    ck_assert_msg(call.program.exit_status == 0, "%s", call.program.err);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 60000);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_ge(run_json_count(&call, 0, "redirections.reloaded"), 6);
    ck_assert_ptr_nonnull(strstr(call.program.out, "Sent again behind their script"));
}

TEST(a_cluster_has_them_on_each_node)
{
    /* Breaks when a primary of a cluster gets no script, or a replica that is read from. */
    static struct test_cluster cluster;
    test_cluster_start(&cluster, 2, 2, NULL);
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    write_workload(SCRIPTS FUNCTIONS CLASSES CALL);
    call_expect(&call, 0, &setting, "--cluster --rfr yes --workload %s/w.yaml -c 8 -n 3000",
                tree.path);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 3000);
    ck_assert_int_eq(run_json_count_or_zero(&call, 0, "redirections.reloaded"), 0);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(test_server_calls(&cluster.nodes[i], "script|load"), 4);
    ck_assert_int_gt(test_server_calls(&cluster.nodes[2], "evalsha_ro"), 0);
    test_cluster_stop(&cluster);
}

static void refused(const char *text, int exit_status, const char *says)
{
    write_workload(text);
    call_expect(&call, exit_status, &at_server, "--workload %s/w.yaml -n 10 --prefill", tree.path);
    ck_assert_msg(strstr(call.program.err, says) != NULL, "%s: %s", says, call.program.err);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    call_free(&call);
}

TEST(what_a_server_does_not_take_is_told_in_its_words)
{
    /* Breaks when a mistake in a script is found out by the errors of a whole run, or after the keys were written. */
#define PREFILL "prefill: {keys: k, command: 'SET {key} x'}\n"
    refused("name: s\nkeys: {k: {count: 9}}\nscripts: {bad: {text: \"return return\"}}\n"
            "classes: [{name: a, command: 'EVALSHA {script bad} 0'}]\n" PREFILL,
            3, "the script bad, SCRIPT LOAD at 127.0.0.1:");
    refused("name: s\nkeys: {k: {count: 9}}\nfunctions: {bad: {text: \"return 1\"}}\n"
            "classes: [{name: a, command: 'FCALL f 0'}]\n" PREFILL,
            3, "ERR Missing library metadata");
    memset(&call, 0, sizeof call);
}

TEST_SUITE_WITH(script_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
