/* What each test of the table leaves behind on a server: every row, with random and sequential keys, by one
 * worker and by several. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "worker/generate/workload.h"

#define TEST_TIMEOUT_SECONDS 120

static struct test_server server;

/* Type, number of things, the first and the last of them by name, the sum of the counters or scores, and how many
 * members have another score than their number. Things are keys, or what a collection holds. */
static const char held_script[] =
    "local things, kind, sum, apart = {}, 'nothing', 0, 0 "
    "for _, key in ipairs(redis.call('KEYS', '*')) do "
    "kind = redis.call('TYPE', key).ok "
    "if kind == 'string' then things[#things + 1] = key "
    "if key:sub(1, 7) == 'counter' then sum = sum + redis.call('GET', key) "
    "elseif redis.call('STRLEN', key) ~= 3 then apart = apart + 1 end "
    "elseif kind == 'set' then things = redis.call('SMEMBERS', key) "
    "elseif kind == 'hash' then things = redis.call('HKEYS', key) "
    "elseif kind == 'list' then "
    "for i = 1, redis.call('LLEN', key) do things[i] = key end "
    "elseif kind == 'stream' then "
    "for i = 1, redis.call('XLEN', key) do things[i] = key end "
    "elseif kind == 'zset' then local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') "
    "for i = 1, #all, 2 do things[#things + 1] = all[i] sum = sum + all[i + 1] "
    "if tonumber(all[i]:sub(9)) ~= tonumber(all[i + 1]) then apart = apart + 1 end end "
    "end end table.sort(things) "
    "return table.concat({kind, #things, things[1] or '', things[#things] or '', sum, apart}, ' ')";

/* 300 requests: over 300 keys in turn, or over 20 at random. What is "" is not looked at. */
#define REQUESTS 300
static const struct {
    const char *name, *options; /* %s: instead of the keys' own */
    const char *sequential, *random;
    unsigned hits_each;
} rows[] = {
    {"ping_inline", "", "nothing 0   0 0", "nothing 0   0 0", 0},
    {"ping_mbulk", "", "nothing 0   0 0", "nothing 0   0 0", 0},
    {"set", "", "string 300 key:000000000000 key:000000000299 0 0",
     "string 20 key:000000000000 key:000000000019 0 0", 0},
    {"get", "--prefill", "string 300 key:000000000000 key:000000000299 0 0",
     "string 20 key:000000000000 key:000000000019 0 0", 1},
    {"incr", "", "string 300 counter:000000000000 counter:000000000299 300 0",
     "string 20 counter:000000000000 counter:000000000019 300 0", 0},
    {"lpush", "", "list 300 mylist mylist 0 0", "list 300 mylist mylist 0 0", 0},
    {"rpush", "", "list 300 mylist mylist 0 0", "list 300 mylist mylist 0 0", 0},
    {"lpop", "--prefill", "nothing 0   0 0", "nothing 0   0 0", 1},
    {"rpop", "--prefill", "nothing 0   0 0", "nothing 0   0 0", 1},
    {"sadd", "", "set 300 element:000000000000 element:000000000299 0 0",
     "set 20 element:000000000000 element:000000000019 0 0", 0},
    {"hset", "", "hash 300 element:000000000000 element:000000000299 0 0",
     "hash 20 element:000000000000 element:000000000019 0 0", 0},
    {"spop", "--prefill", "nothing 0   0 0", "nothing 0   0 0", 1},
    {"zadd", "", "zset 300 element:000000000000 element:000000000299 44850 0",
     "zset 20 element:000000000000 element:000000000019 ", 0},
    {"zpopmin", "--prefill", "nothing 0   0 0", "nothing 0   0 0", 1},
    {"lrange_100", "--prefill", "list 100 mylist mylist 0 0", "list 100 mylist mylist 0 0", 1},
    {"lrange_300", "--prefill", "list 300 mylist mylist 0 0", "list 300 mylist mylist 0 0", 1},
    {"lrange_500", "--prefill", "list 500 mylist mylist 0 0", "list 500 mylist mylist 0 0", 1},
    {"lrange_600", "--prefill", "list 600 mylist mylist 0 0", "list 600 mylist mylist 0 0", 1},
    {"mset", "", "string 300 key:000000000000 key:000000000299 0 0",
     "string 20 key:000000000000 key:000000000019 0 0", 0},
    {"mget", "--prefill", "string 300 key:000000000000 key:000000000299 0 0",
     "string 20 key:000000000000 key:000000000019 0 0", 10},
    {"xadd", "", "stream 300 mystream mystream 0 0", "stream 300 mystream mystream 0 0", 0},
    {"function_load", "", "nothing 0   0 0", "nothing 0   0 0", 0},
    {"fcall", "", "nothing 0   0 0", "nothing 0   0 0", 0},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void assert_held(const char *expected, const char *what)
{
    char *held = test_server_text(&server, "EVAL %s 0", held_script);
    ck_assert_msg(held != NULL && strncmp(held, expected, strlen(expected)) == 0,
                  "%s: the server holds \"%s\", not \"%s\"", what, held, expected);
    free(held);
}

static void run_row(size_t i, bool sequential, unsigned workers)
{
    const struct bench_setting at_server = {.port = server.port_text};
    struct bench_call call;
    char what[64];
    free(test_server_text(&server, "FLUSHALL"));
    snprintf(what, sizeof what, "%s, %s, %u", rows[i].name, sequential ? "in turn" : "random",
             workers);
    call_expect(&call, 0, &at_server, "-q -n %d -c 6 -P 2 %s --processes %u --cpus none -t %s%s%s",
                REQUESTS, sequential ? "--sequential 300" : "-r 20", workers, rows[i].name,
                rows[i].options[0] != '\0' ? " " : "", rows[i].options);
    const size_t last = json_array_size(json_object_get(call.root, "runs")) - 1;
    ck_assert_int_eq(run_json_count(&call, last, "requests.ok"), REQUESTS);
    ck_assert_msg(run_json_count(&call, last, "requests.hits") == REQUESTS * rows[i].hits_each,
                  "%s: %lld hits", what, run_json_count(&call, last, "requests.hits"));
    call_free(&call);
    assert_held(sequential ? rows[i].sequential : rows[i].random, what);
}

LOOP_TEST(test_what_the_server_holds, 4)
{
    /* Breaks when a row reaches other keys, members or scores than its own: with a counter that two places of
     * a request share, a sequence of ZADD has half of its members, for ever. */
    const bool sequential = _i % 2 == 0;
    test_server_start(&server, NULL);
    for (size_t i = 0; i < ROW_COUNT; i++)
        run_row(i, sequential, _i < 2 ? 1 : 3);
    test_server_stop(&server);
}

TEST(test_no_row_is_missing)
{
    /* Breaks when a test of the table is not looked at here. */
    size_t count = 0;
    for (; workload_test_at(count) != NULL; count++)
        ck_assert_str_eq(workload_test_at(count)->name, rows[count].name);
    ck_assert_uint_eq(count, ROW_COUNT);
}

TEST(test_ten_keys_a_request)
{
    /* Breaks when requests with several keys leave keys of a sequence out. */
    const struct bench_setting at_server = {.port = server.port_text};
    struct bench_call call;
    test_server_start(&server, NULL);
    call_expect(&call, 0, &at_server, "-q -n 300 -c 6 --processes 2 --sequential 3000 -t mset");
    call_free(&call);
    assert_held("string 3000 key:000000000000 key:000000002999 0 0", "mset");
    call_expect(&call, 0, &at_server, "-q -n 300 -c 6 --sequential 3000 -t mget");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 3000);
    call_free(&call);
    test_server_stop(&server);
}

TEST(test_functions)
{
    /* Breaks when function_load loads another number of functions than asked for, or fcall finds its own
     * missing, or another test's in its place. */
    const struct bench_setting at_server = {.port = server.port_text};
    struct bench_call call;
    test_server_start(&server, NULL);
    call_expect(&call, 0, &at_server, "-q -n 50 -c 3 -t fcall,function_load");
    call_free(&call);
    ck_assert_int_eq(test_server_info(&server, "number_of_functions"), 10);
    call_expect(&call, 0, &at_server, "-q -n 50 -c 3 -t function_load --num-functions 3");
    call_free(&call);
    ck_assert_int_eq(test_server_info(&server, "number_of_functions"), 3);
    ck_assert_int_eq(test_server_integer(&server, "FCALL foo3 0"), 0);
    call_expect(&call, 0, &at_server, "-q -n 50 -c 3 -t function_load,fcall --num-keys-in-fcall 2");
    call_free(&call);
    ck_assert_int_eq(test_server_info(&server, "number_of_functions"), 1);
    ck_assert_int_eq(test_server_info(&server, "number_of_libraries"), 1);
    char *reply = test_server_text(&server, "FCALL foo1 2 key1 key2");
    ck_assert_str_eq(reply, "key1");
    free(reply);
    call_expect(&call, 0, &at_server, "-q -n 50 -c 3 -t fcall --num-keys-in-fcall 0");
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "FCALL foo1 0"), 0);
    test_server_stop(&server);
}

TEST(test_no_functions)
{
    /* Breaks when a server without functions is measured with nothing but errors, or is not named. */
    static const char *const args[] = {"--rename-command", "FUNCTION", "", NULL};
    const struct bench_setting at_server = {.port = server.port_text};
    struct bench_call call;
    test_server_start(&server, &(struct test_server_options){.args = args});
    for (int i = 0; i < 2; i++) {
        call_expect(&call, 2, &at_server, "-q -n 50 -c 3 -t set,%s",
                    i == 0 ? "fcall" : "function_load");
        ck_assert_msg(strstr(call.program.err, "leave this test out") != NULL, "%s",
                      call.program.err);
        call_free(&call);
    }
    ck_assert_int_eq(test_server_calls(&server, "set"), 0);
    test_server_stop(&server);
}

TEST_SUITE_WITH(table, .timeout_seconds = TEST_TIMEOUT_SECONDS)
