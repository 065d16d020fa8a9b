/* volley analyze-memory against real servers: parts that come to used_memory, growth that was planted, nodes of a cluster. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"

static struct test_server server;
static struct program program;
static char large[8001]; /* a value */

static void set_up(void)
{
    test_server_start(&server, NULL);
    memset(large, 'x', sizeof large - 1);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
}

static json_t *printed(void)
{
    json_error_t error;
    json_t *json = json_loads(program.out, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, program.out);
    return json;
}

static const json_t *server_at(const json_t *json, size_t index)
{
    return json_array_get(json_object_get(json, "servers"), index);
}

/* The part of this name of a list. */
static const json_t *named(const json_t *list, const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *called = json_string_value(json_object_get(one, "name"));
        if (called != NULL && strcmp(called, name) == 0)
            return one;
    }
    return NULL;
}

static double sum(const json_t *list)
{
    double bytes = 0;
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) bytes += run_json_number(one, "bytes");
    return bytes;
}

TEST(test_components_come_to_used_memory)
{
    /* Breaks when a kind of overhead that this server counts is no part, or parts do not come to used_memory or the resident size. */
    free(test_server_text(&server, "SET a %s EX 1000", large));
    free(test_server_text(&server, "EVAL %s 0", "return 1"));
    program_run_volley(&program, "analyze-memory", "-p", server.port_text, "--duration", "0",
                       "--json", NULL);
    program_expect_status(&program, 0);
    json_t *json = printed();
    const json_t *one = server_at(json, 0), *parts = json_object_get(one, "components");
    ck_assert_str_eq(json_string_value(json_object_get(one, "source")), "MEMORY STATS");
    ck_assert_double_eq(sum(parts), run_json_number(one, "used_memory"));
    ck_assert_double_eq(run_json_number(named(parts, "left_over"), "bytes"), 0);
    ck_assert(run_json_number(named(parts, "dataset"), "bytes") > 8000);
    ck_assert(run_json_number(named(parts, "key_tables"), "bytes") > 0);
    ck_assert(run_json_number(named(parts, "expiry_tables"), "bytes") > 0);
    ck_assert(run_json_number(named(parts, "scripts"), "bytes") > 0);
    ck_assert_double_eq(run_json_number(one, "used_memory") + sum(json_object_get(one, "beyond")),
                        run_json_number(one, "used_memory_rss"));
    ck_assert_double_eq(run_json_number(one, "keys"), 1);
    ck_assert(json_string_length(json_object_get(one, "memory_doctor")) > 20);
    ck_assert(json_is_false(json_object_get(json_object_get(one, "potential_leaks"), "judged")));
    json_decref(json);
}

static void grow(const char *what, unsigned k)
{
    char text[9000];
    if (strcmp(what, "scripts") == 0) {
        snprintf(text, sizeof text, "return '%u%s'", k, large);
        free(test_server_text(&server, "EVAL %s 0", text));
    } else if (strcmp(what, "dataset") == 0)
        (void)test_server_integer(&server, "RPUSH list %s", large);
    else if (strcmp(what, "keys") == 0)
        free(test_server_text(&server, "SET new:%u %s", k, large));
}

static const struct {
    const char *what, *advice; /* NULL: nothing grows but keys */
} planted[] = {{"scripts", "scripts_grow"}, {"dataset", "values_grow"}, {"keys", NULL}, {"", NULL}};

/* Fragmentation follows whatever is planted; in Redis machines keep what they have compiled, and lists of scripts
 * count as data. */
static bool follows(const char *name, const char *what)
{
    return strcmp(name, "fragmentation") == 0 ||
           (strcmp(what, "scripts") == 0 &&
            (strcmp(name, "script_machines") == 0 || strcmp(name, "dataset") == 0));
}

LOOP_TEST(test_growth_that_was_planted, sizeof planted / sizeof planted[0])
{
    /* Breaks when what grows beside the keys is not told, or keys, or a quiet server, are called a leak. */
    const char *what = planted[_i].what;
    free(test_server_text(
        &server, "EVAL %s 0",
        "for i=1,1000 do redis.call('set','k'..i,string.rep('x',8000)) end return 1"));
    (void)test_server_integer(&server, "RPUSH list %s", large);
    program_start_volley(&program, "analyze-memory", "-p", server.port_text, "--duration", "2s",
                         "--samples", "16", "--json", NULL);
    for (unsigned k = 0; !program_wait_at_most(&program, 5); k++)
        grow(what, k);
    program_expect_status(&program, 0);
    json_t *json = printed();
    const json_t *one = server_at(json, 0), *leaks = json_object_get(one, "potential_leaks");
    size_t i;
    const json_t *series;
    ck_assert(json_is_true(json_object_get(leaks, "judged")));
    ck_assert_double_eq(run_json_number(leaks, "samples"), 16);
    json_array_foreach(json_object_get(leaks, "parts"), i, series)
    {
        const char *name = json_string_value(json_object_get(series, "name"));
        const bool wanted = planted[_i].advice != NULL && strcmp(name, what) == 0;
        if (wanted || !follows(name, what))
            ck_assert_msg(json_is_true(json_object_get(series, "grows")) == wanted,
                          "%s: from %.0f to %.0f", name, run_json_number(series, "first_bytes"),
                          run_json_number(series, "last_bytes"));
    }
    if (planted[_i].advice != NULL)
        program_expect_text(program.out, planted[_i].advice);
    json_decref(json);
}

TEST(test_without_memory_stats)
{
    /* Breaks when a user who may not ask MEMORY STATS is told nothing, or not why there is less. */
    free(test_server_text(&server, "ACL SETUSER few on >secret ~* &* +@all -memory"));
    program_run_volley(&program, "analyze-memory", "-p", server.port_text, "--user", "few", "-a",
                       "secret", "--duration", "0", NULL);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "MEMORY STATS: NOPERM");
    program_expect_text(program.out, "parts are those of INFO memory");
    program_expect_text(program.out, "left over, tables of keys too");
    program_expect_text(program.out, "refused: NOPERM");
}

TEST(test_without_info)
{
    /* Breaks when a user who may not ask at all gets an empty table, or is not told what is needed. */
    free(test_server_text(&server, "ACL SETUSER none on >secret ~* &* +@all -info"));
    program_run_volley(&program, "analyze-memory", "-p", server.port_text, "--user", "none", "-a",
                       "secret", NULL);
    program_expect_status(&program, 5);
    program_expect_text(program.err, "refuses INFO memory: NOPERM");
    program_expect_text(program.err, "needs +info, +memory|stats");
    ck_assert_str_eq(program.out, "");
}

TEST(test_a_server_that_goes_away)
{
    /* Breaks when a server's end loses what was seen before, or is not told. */
    program_start_volley(&program, "analyze-memory", "-p", server.port_text, "--duration", "100s",
                         "--samples", "1000", NULL);
    while (test_server_calls(&server, "memory|doctor") == 0 &&
           test_server_calls(&server, "memory") == 0)
        ck_assert(!program_wait_at_most(&program, 5));
    test_server_kill(&server);
    program_wait(&program);
    program_expect_status(&program, 5);
    program_expect_text(program.out, "used_memory is");
    program_expect_text(program.out, "potential leaks: ");
}

TEST(test_an_end_before_its_time)
{
    /* Breaks when Ctrl+C loses what was seen, or passes for a whole look. */
    program_start_volley(&program, "analyze-memory", "-p", server.port_text, "--duration", "1h",
                         NULL);
    while (test_server_calls(&server, "memory|doctor") == 0 &&
           test_server_calls(&server, "memory") == 0)
        ck_assert(!program_wait_at_most(&program, 5));
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_expect_status(&program, 130);
    program_expect_text(program.out, "used_memory is");
    program_expect_text(program.err, "ended after 1 of 20 samples");
}

TEST(test_every_node_of_a_cluster)
{
    /* Breaks when of a cluster one node alone is looked at, or a replica is left out. */
    static struct test_cluster cluster;
    test_cluster_start(&cluster, 3, 1, NULL);
    program_run_volley(&program, "analyze-memory", "-p", cluster.nodes[0].port_text, "--duration",
                       "0", "--json", NULL);
    program_expect_status(&program, 0);
    json_t *json = printed();
    const json_t *servers = json_object_get(json, "servers");
    ck_assert_uint_eq(json_array_size(servers), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *one = json_array_get(servers, i);
        ck_assert_double_eq(sum(json_object_get(one, "components")),
                            run_json_number(one, "used_memory"));
    }
    for (uint32_t i = 0; i < 4; i++)
        program_expect_text(program.out, cluster.nodes[i].port_text);
    json_decref(json);
    test_cluster_stop(&cluster);
}

TEST(test_bad_words_are_refused)
{
    /* Breaks when a mistake is found after connecting, or passes. */
    static const char *const cases[][2] = {{"127.0.0.1:1", "the server is named by"},
                                           {"--samples=7", "allowed: 8 to 1,000"},
                                           {"--duration=8d", "--duration"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        program_run_volley(&program, "analyze-memory", cases[i][0], NULL);
        program_expect_status(&program, 2);
        program_expect_text(program.err, cases[i][1]);
        program_free(&program);
    }
}

TEST_SUITE_WITH(analyze_memory, .set_up = set_up, .tear_down = tear_down)
