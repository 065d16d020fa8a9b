/* volley profile against a real server: operations that were sent, a peak that was planted, counters that go back. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"

static struct test_server server;
static struct program program;

static void set_up(void)
{
    test_server_start(&server, NULL);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
}

/* Until volley has asked so many times more. Each question of the test's own is one more, too. */
static void await_looks(long long before, long long count)
{
    for (long long own = 1; test_server_calls(&server, "info") < before + own + count; own++)
        ck_assert(!program_wait_at_most(&program, 10));
}

/* Returns once the first look has been taken: with the second one. */
static void begin(const char *duration)
{
    const long long before = test_server_calls(&server, "info");
    program_start_volley(&program, "profile", "-p", server.port_text, "--duration", duration,
                         "--interval", "100ms", "--json", NULL);
    await_looks(before, 2);
}

static json_t *end(void)
{
    json_error_t error;
    program_wait(&program);
    program_expect_status(&program, 0);
    json_t *json = json_loads(program.out, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, program.out);
    return json;
}

static double calls_of(const json_t *json, const char *command, const char *kind)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(json, "commands"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "command")), command) != 0)
            continue;
        ck_assert_str_eq(json_string_value(json_object_get(one, "kind")), kind);
        return run_json_number(one, "calls");
    }
    return 0;
}

TEST(test_operations_and_a_peak)
{
    /* Breaks when calls are counted twice or missed, a write is a query, or a peak of memory is not seen. */
    free(test_server_text(&server, "SET before 1"));
    begin("3s");
    for (int i = 0; i < 7; i++)
        free(test_server_text(&server, "SET a%d 1", i));
    for (int i = 0; i < 11; i++)
        free(test_server_text(&server, "GET a0"));
    (void)test_server_integer(&server, "SETRANGE peak 8000000 x");
    await_looks(test_server_calls(&server, "info"), 2);
    (void)test_server_integer(&server, "DEL peak");
    json_t *json = end();
    ck_assert_double_eq(calls_of(json, "set", "write_ops"), 7);
    ck_assert_double_eq(calls_of(json, "get", "query_ops"), 11);
    ck_assert_double_eq(run_json_number(json, "write_ops.calls"), 9); /* SETRANGE and DEL, too */
    ck_assert_double_eq(run_json_number(json, "query_ops.calls"), 11);
    ck_assert(run_json_number(json, "write_ops.per_second") > 0);
    const json_t *peak = json_array_get(json_object_get(json, "memory_peaks"), 0);
    ck_assert(run_json_number(peak, "used_memory") > 8e6);
    json_decref(json);
}

TEST(test_a_slow_command_is_named)
{
    /* Breaks when the command that takes the server's time is not told. */
    begin("1s");
    free(test_server_text(&server, "EVAL %s 0",
                          "local x = 0 for i = 1, 3000000 do x = x + i end return x"));
    json_t *json = end();
    program_expect_text(program.out, "\"rule\": \"slow_command\"");
    program_expect_text(program.out, "eval takes ");
    json_decref(json);
}

TEST(test_counters_that_are_reset)
{
    /* Breaks when what is left of counters that were reset is told as what was called. */
    begin("1s");
    free(test_server_text(&server, "CONFIG RESETSTAT"));
    program_wait(&program);
    program_expect_status(&program, 4);
    program_expect_text(program.err, "have gone back");
    ck_assert_str_eq(program.out, "");
}

TEST(test_a_server_that_goes_away_ends_the_profile)
{
    /* Breaks when half a profile passes for a whole one. */
    begin("60s");
    test_server_kill(&server);
    program_wait(&program);
    program_expect_status(&program, 5);
    ck_assert_str_eq(program.out, "");
}

TEST(test_bad_words_are_refused)
{
    /* Breaks when a mistake is found after connecting. */
    static const char *const cases[][3] = {{"127.0.0.1:1", "-q", "the server is named by"},
                                           {"--duration=0", "--json", "--duration 0"},
                                           {"--duration=1d", "--interval=50ms", "more than"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_run_volley(&program, "profile", cases[i][0],
                           strcmp(cases[i][1], "-q") == 0 ? NULL : cases[i][1], NULL);
        program_expect_status(&program, 2);
        program_expect_text(program.err, cases[i][2]);
        program_free(&program);
    }
}

TEST(test_primaries_of_a_cluster)
{
    /* Breaks when of a cluster one node alone is profiled, a replica's repeated writes are counted, or the whole is not the sum. */
    static struct test_cluster cluster;
    test_cluster_start(&cluster, 2, 1, NULL);
    const long long before = test_server_calls(&cluster.nodes[1], "info");
    program_start_volley(&program, "profile", "-p", cluster.nodes[0].port_text, "--duration", "2s",
                         "--interval", "100ms", "--json", NULL);
    for (long long own = 1; test_server_calls(&cluster.nodes[1], "info") < before + own + 3; own++)
        ck_assert(!program_wait_at_most(&program, 10));
    for (int i = 0; i < 40; i++)
        free(test_server_text(&cluster.nodes[i % 2], "SET key%d 1", i)); /* or MOVED: no call */
    json_t *json = end();
    const json_t *nodes = json_object_get(json, "nodes");
    double writes = 0, memory = 0;
    ck_assert_str_eq(json_string_value(json_object_get(json, "server")), "cluster of 2 primaries");
    ck_assert_uint_eq(json_array_size(nodes), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *node = json_array_get(nodes, i);
        ck_assert_ptr_nonnull(
            strstr(json_string_value(json_object_get(node, "server")), cluster.nodes[i].port_text));
        ck_assert_double_gt(calls_of(node, "set", "write_ops"), 0);
        writes += calls_of(node, "set", "write_ops");
        memory += run_json_number(node, "memory_last.used_memory");
    }
    ck_assert_double_gt(writes, 10);
    ck_assert_double_eq(calls_of(json, "set", "write_ops"), writes);
    ck_assert_double_eq(run_json_number(json, "memory_last.used_memory"), memory);
    json_decref(json);
    program_free(&program);
    program_run_volley(&program, "profile", "-p", cluster.nodes[2].port_text, "--duration", "200ms",
                       NULL); /* whichever node is named */
    program_expect_status(&program, 0);
    program_expect_text(program.out, "cluster of 2 primaries, ");
    program_expect_text(program.out, cluster.nodes[1].port_text);
    test_cluster_stop(&cluster);
}

TEST(test_text)
{
    /* Breaks when the text has not what JSON has. */
    program_run_volley(&program, "profile", "-p", server.port_text, "--duration", "300ms", NULL);
    program_expect_status(&program, 0);
    static const char *const wanted[] = {"writes ", "queries ",       "us a call",
                                         "info ",   "without a peak", "bottlenecks:"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        program_expect_text(program.out, wanted[i]);
}

TEST_SUITE_WITH(profile, .set_up = set_up, .tear_down = tear_down)
