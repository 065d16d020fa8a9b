/* A client that keeps what it has read: what it answers itself, and when it may not. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 60
#define KEY "key:000000000000"

static struct trial trial;
static char path[192];

#define RUN(text, ...)                                                                             \
    do {                                                                                           \
        snprintf(path, sizeof path, "%s/cache.yaml", world.tree.path);                             \
        temp_tree_write(&world.tree, "/cache.yaml", text, 0600);                                   \
        trial_start(&trial, "-p", world.server.port_text, "--buffer", path, "--cpus", "none",      \
                    __VA_ARGS__, NULL);                                                            \
    } while (0)

static long long cache(const char *key)
{
    const json_t *all = json_object_get(json_object_get(trial.run, "buffer"), "cache");
    const json_t *value = json_object_get(all, key);
    ck_assert_msg(json_is_integer(value), "buffer.cache.%s is missing", key);
    return json_integer_value(value);
}

static long long stage_count(const char *name)
{
    size_t i;
    json_t *stage;
    json_array_foreach(json_object_get(json_object_get(trial.run, "buffer"), "stages"), i, stage)
    {
        if (strcmp(json_string_value(json_object_get(stage, "name")), name) == 0)
            return json_integer_value(json_object_get(stage, "count"));
    }
    ck_abort_msg("there is no stage %s", name);
}

static void set_key(const char *value)
{
    free(test_server_text(&world.server, "SET %s %s", KEY, value));
}

TEST(each_key_is_read_once)
{
    /* breaks when a read that was answered is sent, one that was not is not, or either is counted as the other */
    test_server_start(&world.server, NULL);
    RUN("query: {cache_size: 1000}\n", "-t", "get", "-r", "300", "-n", "40000", "-c", "24",
        "--processes", "2", "--warmup", "100ms", "--prefill");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 40000);
    ck_assert_int_eq(cache("hits") + cache("misses"), 40000);
    ck_assert_int_gt(cache("hits"), 39000);
    ck_assert_int_eq(cache("evicted") + cache("expired") + cache("invalidated") + cache("cleared"),
                     0);
    ck_assert_int_ge(test_server_calls(&world.server, "get"), 300);
    ck_assert_int_lt(test_server_calls(&world.server, "get"), 1000);
    ck_assert_int_eq(stage_count("query:cached"), cache("hits"));
    ck_assert_int_eq(stage_count("query:total"), cache("misses"));
    trial_expect(&trial, PROGRAM_OUT, "near cache: answered");
    trial_free(&trial);
}

TEST(a_key_that_others_change)
{
    /* breaks when what was kept outlives the server's word that it has changed */
    test_server_start(&world.server, NULL);
    set_key("one");
    RUN("query: {cache_size: 10}\n", "-t", "get", "-r", "1", "--duration", "600", "-c", "1",
        "--processes", "1");
    for (long long calls = 1; calls <= 5; calls++) {
        trial_wait_calls("get", calls); /* it is read again, so the one before is gone */
        set_key("another");
    }
    trial_wait_calls("get", 6);
    kill(trial.program.pid, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_eq(cache("invalidated"), 5);
    ck_assert_int_eq(cache("cleared"), 0);
    ck_assert_int_eq(cache("misses"), 6);
    ck_assert_int_eq(test_server_calls(&world.server, "get"), 6);
    trial_free(&trial);
}

LOOP_TEST(all_replies_go, 2)
{
    /* breaks when FLUSHALL, which names no key, leaves something; or what was read over a connection is kept behind its end,
     * where nobody would say that it has changed; or they are said to have gone since their key had changed */
    test_server_start(&world.server, NULL);
    set_key("one");
    RUN("query: {cache_size: 10}\n", "-t", "get", "-r", "1", "--duration", "600", "-c", "1",
        "--processes", "1");
    trial_wait_calls("get", 1);
    free(_i == 0 ? test_server_text(&world.server, "FLUSHALL")
                 : test_server_text(&world.server, "CLIENT KILL TYPE normal"));
    trial_wait_calls("get", 2);
    kill(trial.program.pid, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_eq(cache("cleared"), 1);
    ck_assert_int_eq(cache("invalidated"), 0);
    trial_free(&trial);
}

TEST(replies_that_get_old)
{
    /* breaks when a reply is given that is older than it may get */
    test_server_start(&world.server, NULL);
    set_key("one");
    RUN("query: {cache_size: 10, cache_ttl: 50ms}\n", "-t", "get", "-r", "1", "--duration", "600",
        "-c", "1", "--processes", "1");
    trial_wait_calls("get", 8);
    kill(trial.program.pid, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_ge(cache("expired"), 7);
    ck_assert_int_eq(cache("misses"), cache("expired") + 1);
    ck_assert_int_eq(cache("misses"), test_server_calls(&world.server, "get"));
    trial_free(&trial);
}

TEST(less_room_than_keys)
{
    /* breaks when a cache that is full takes nothing more, or more than it has room for */
    test_server_start(&world.server, NULL);
    RUN("query: {cache_size: 100}\n", "-t", "get", "-r", "1000", "-n", "20000", "-c", "8",
        "--processes", "1", "--prefill");
    trial_end(&trial, 0);
    ck_assert_int_gt(cache("evicted"), 10000);
    ck_assert_int_ge(cache("misses") - cache("evicted"), 100);
    ck_assert_int_gt(cache("hits"), 1000);
    trial_free(&trial);
}

static void check_values(const char *processes)
{
    test_server_start(&world.server, NULL);
    RUN("round_buffer: {max_size: 4}\nquery: {cache_size: 100}\n", "--mix", "set:30,get:70",
        "--verify", "-r", "50", "-d", "64", "-n", "60000", "-c", "48", "--processes", processes);
    trial_end(&trial, 0);
    ck_assert_int_gt(cache("hits"), 1000);
    ck_assert_int_gt(cache("invalidated"), 1000);
    ck_assert_int_gt(trial_count(&trial, "values", "verified"), 10000);
    ck_assert_int_eq(trial_count(&trial, "verification", "corrupted"), 0);
    ck_assert_int_eq(trial_count(&trial, "verification", "lost_writes"), 0);
}

TEST(own_writes_are_seen)
{
    /* breaks when a read is answered with what was there before a write that this worker has had acknowledged */
    check_values("1");
    ck_assert_int_eq(trial_count(&trial, "verification", "stale"), 0);
    trial_free(&trial);
}

TEST(nothing_false_is_read)
{
    /* breaks when a reply is another key's, or is kept though its key has changed again: what others write is stale at
     * most until they say so */
    check_values("2");
    trial_free(&trial);
}

static const char *const loads[][3] = {{"--qps", "2000", NULL}, {"--interval", "100ms", NULL}};

LOOP_TEST(cleared_by_hand, 2)
{
    /* breaks when clear-cache leaves something, with a rate or of users without one, is told as if the run were to stop, what it
     * clears is said to have changed, or it is taken by a run that has no cache */
    struct program program;
    char socket[192];
    test_server_start(&world.server, NULL);
    set_key("one");
    snprintf(socket, sizeof socket, "%s/control", world.tree.path);
    RUN("query: {cache_size: 10}\n", "-t", "get", "-r", "1", "--duration", "600", "-c", "4",
        "--processes", "1", "--control", socket, loads[_i][0], loads[_i][1]);
    trial_wait_calls("get", 1);
    program_run_volley(&program, "ctl", socket, "clear-cache", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_msg(strstr(program.out, "the near caches are emptied") != NULL, "%s", program.out);
    program_free(&program);
    trial_wait_calls("get", 2);
    kill(trial.program.pid, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_eq(cache("cleared"), 1);
    ck_assert_int_eq(cache("invalidated"), 0);
    trial_free(&trial);
    RUN("{}\n", "-t", "get", "-r", "1", "--duration", "600", "-c", "4", "--processes", "1",
        "--control", socket, loads[_i][0], loads[_i][1]);
    trial_wait_calls("get", 100);
    program_run_volley(&program, "ctl", socket, "clear-cache", NULL);
    ck_assert_int_eq(program.exit_status, 1);
    ck_assert_msg(strstr(program.err, "has no near cache") != NULL, "%s", program.err);
    program_free(&program);
    kill(trial.program.pid, SIGINT);
    trial_end(&trial, 130);
    trial_free(&trial);
}

TEST(a_server_without_tracking)
{
    /* breaks when replies are kept though nobody would say that they have changed */
    static const char *const renamed[] = {"--rename-command", "HELLO", "hidden", NULL};
    const struct test_server_options options = {.args = renamed};
    test_server_start(&world.server, &options);
    RUN("query: {cache_size: 10}\n", "-t", "get", "-n", "10", "-c", "4");
    program_wait(&trial.program);
    ck_assert_int_eq(trial.program.exit_status, 5);
    trial_expect(&trial, PROGRAM_ERR, "the near cache of --buffer need");
    ck_assert_int_eq(test_server_calls(&world.server, "get"), 0);
    trial_free(&trial);
}

TEST(what_contradicts_it)
{
    /* breaks when a cache is begun whose client is told not to hear of changes */
    snprintf(world.server.port_text, sizeof world.server.port_text, "1");
    RUN("query: {cache_size: 10}\n", "-t", "get", "--resp3=false");
    program_wait(&trial.program);
    ck_assert_int_eq(trial.program.exit_status, 2);
    trial_expect(&trial, PROGRAM_ERR, "leave out --resp3=false");
    trial_free(&trial);
}

TEST_SUITE_WITH(near_reads, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
