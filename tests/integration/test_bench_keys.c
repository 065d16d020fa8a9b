/* `volley bench`: which keys and values reach the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"

static void empty_server(void)
{
    free(test_server_text(&server, "FLUSHALL"));
    free(test_server_text(&server, "CONFIG RESETSTAT"));
}

static long long keys(void)
{
    return test_server_integer(&server, "DBSIZE");
}

static bool key_exists(const char *name)
{
    return test_server_integer(&server, "EXISTS %s", name) == 1;
}

/* One number for all keys and values, whatever their order. */
static char *digest(void)
{
    static const char script[] =
        "local names = redis.call('KEYS', '*') table.sort(names) local all = {} "
        "for i, name in ipairs(names) do all[i] = name .. '=' .. redis.call('GET', name) end "
        "return redis.sha1hex(table.concat(all, ','))";
    char *text = test_server_text(&server, "EVAL %s 0", script);
    ck_assert_uint_eq(strlen(text), 40);
    return text;
}

TEST(test_random_range)
{
    /* Breaks when -r uses keys outside of its range, or leaves a part of it out. */
    call_expect(&call, 0, &at_server, "-q -t set -r 50 --keyspace-offset 1000 -n 2000 -c 4");
    call_free(&call);
    ck_assert_int_eq(keys(), 50);
    ck_assert(key_exists("key:000000001000") && key_exists("key:000000001049"));
}

TEST(test_sequential_range)
{
    /* Breaks when --sequential leaves a key out or goes on beyond its range, for any number of
     * workers; half a pass writes half of the keys. */
    for (int workers = 1; workers <= 3; workers++) {
        empty_server();
        call_expect(&call, 0, &at_server,
                    "-q -t set --sequential 500 -n 250 -c 6 -P 4 --processes %d --cpus none",
                    workers);
        call_free(&call);
        ck_assert_int_eq(keys(), 250);
        ck_assert(key_exists("key:000000000000") && key_exists("key:000000000249"));
        call_expect(&call, 0, &at_server,
                    "-q -t set --sequential 500 -n 500 -c 6 --keyspace-offset 100 --processes %d "
                    "--cpus none",
                    workers);
        call_free(&call);
        ck_assert_int_eq(keys(), 600);
        ck_assert(key_exists("key:000000000599"));
    }
}

TEST(test_sequential_random_start)
{
    /* Breaks when a sequence that begins anywhere does not come round its end. */
    call_expect(&call, 0, &at_server,
                "-q -t set --sequential 1000 --sequential-random-start --seed 5 -n 300 -c 2");
    call_free(&call);
    ck_assert_int_eq(keys(), 300);
    ck_assert(!key_exists("key:000000000000") || !key_exists("key:000000000299"));
    call_expect(&call, 0, &at_server,
                "-q -t set --sequential 1000 --sequential-random-start --seed 5 -n 1000 -c 2");
    call_free(&call);
    ck_assert_int_eq(keys(), 1000);
    ck_assert(key_exists("key:000000000000") && key_exists("key:000000000999"));
}

TEST(test_split_does_not_matter)
{
    /* Breaks when the same seed gives other keys or values with another number of workers,
     * connections or requests in flight; each key is written once, so that order does not matter. */
    char *first = NULL;
    for (int workers = 1; workers <= 4; workers += 3) {
        empty_server();
        call_expect(&call, 0, &at_server,
                    "-q -r 100000000 -d 40 -n 500 --seed 11 -c %d -P %d --processes %d --cpus none"
                    " -- SET __key__ __data__",
                    workers * 2, workers * 3, workers);
        call_free(&call);
        ck_assert_int_eq(keys(), 500);
        char *this = digest();
        if (first == NULL)
            first = this;
        else
            ck_assert_str_eq(first, this);
        if (first != this)
            free(this);
    }
    empty_server();
    call_expect(&call, 0, &at_server, "-q -t set -r 100000000 -d 40 -n 500 --seed 12");
    call_free(&call);
    char *other = digest();
    ck_assert_str_ne(first, other);
    free(first);
    free(other);
}

TEST(test_prefill_gives_hits)
{
    /* Breaks when a test finds nothing though its keys were to be written before: every row of the
     * table that reads, with each order of keys. */
    static const struct {
        const char *options;
        int keys;      /* -1: not looked at */
        int hits_each; /* keys that a request reads */
    } cases[] = {{"-t get -r 300", 300, 1},
                 {"-t get --sequential 300 --keyspace-offset 77", 300, 1},
                 {"-t get --sequential 300 --sequential-random-start", 300, 1},
                 {"-t get", 1, 1},
                 {"-t mget -r 300", 300, 10},
                 {"-t lpop", -1, 1},
                 {"-t rpop -r 10", -1, 1},
                 {"-t spop", -1, 1},
                 {"-t spop -r 10", -1, 1},
                 {"-t zpopmin", -1, 1},
                 {"-t zpopmin -r 10 --keyspace-offset 5", -1, 1},
                 {"-t lrange_100", -1, 1},
                 {"-t lrange_600 -r 10", -1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        empty_server();
        call_expect(&call, 0, &at_server, "-q -n 400 -c 4 --prefill %s", cases[i].options);
        ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), 2);
        ck_assert(json_is_true(json_object_get(run_json_at(call.root, 0), "prefill")));
        ck_assert_msg(run_json_count(&call, 1, "requests.hits") == 400 * cases[i].hits_each &&
                          run_json_count(&call, 1, "requests.misses") == 0,
                      "%s: %lld hits, %lld misses", cases[i].options,
                      run_json_count(&call, 1, "requests.hits"),
                      run_json_count(&call, 1, "requests.misses"));
        if (cases[i].keys >= 0)
            ck_assert_int_eq(keys(), cases[i].keys);
        call_free(&call);
    }
    call_expect(&call, 2, &at_server, "-q -n 10000000000000000 --prefill -t zpopmin");
    call_free(&call);
}

TEST(test_prefill_of_own_commands)
{
    /* Breaks when --prefill beside a command of the user's writes nothing, or not all that the command reads. */
    static const struct {
        const char *command;
        int runs, hits_each;
    } cases[] = {{"GET k:__rand_int__", 2, 1},
                 {"MGET a:__rand_int__ b:__rand_int__", 2, 2},
                 {"HGET h f:__rand_int__", 2, 1},
                 {"HMGET h:__rand_int__ f g", 2, 2},
                 {"HGETALL h:__rand_int__", 2, 1},
                 {"LRANGE l:__rand_int__ 0 9", 2, 1},
                 {"LINDEX l 4", 2, 1},
                 {"SMEMBERS s:__rand_int__", 2, 1},
                 {"ZSCORE z m:__rand_int__", 2, 1},
                 {"ZMSCORE z m:__rand_int__ n:__rand_int__", 2, 2},
                 {"ZRANGE z:__rand_int__ 0 -1", 2, 1},
                 {"XRANGE x:__rand_int__ - +", 2, 1},
                 {"SPOP s", 2, 1},
                 {"ZPOPMAX z ; ZPOPMAX z", 2, 2},
                 {"LPOP l ; INCR c ; GET k:__rand_int__", 3, 2}};
    static const char *const orders[] = {"-r 200", "--sequential 200 --keyspace-offset 7"};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const char *command = cases[i / 2].command;
        empty_server();
        call_expect(&call, 0, &at_server, "-q -n 400 -c 4 --prefill %s -- %s", orders[i % 2],
                    command);
        const size_t last = json_array_size(json_object_get(call.root, "runs")) - 1;
        ck_assert_msg(last + 1 == (size_t)cases[i / 2].runs, "%s: %zu runs", command, last + 1);
        ck_assert_msg(run_json_count(&call, last, "requests.hits") ==
                              400 * cases[i / 2].hits_each &&
                          run_json_count(&call, last, "requests.misses") == 0,
                      "%s: %lld misses", command, run_json_count(&call, last, "requests.misses"));
        call_free(&call);
    }
    call_expect(&call, 2, &at_server, "-q -n 4 --prefill -- EVAL x 0");
    ck_assert_msg(strstr(call.program.err, "what EVAL reads") != NULL, "%s", call.program.err);
    call_free(&call);
}

TEST(test_advice_can_be_followed)
{
    /* Breaks when --prefill is advised for what it cannot write, or when it was given; or is not where it could
     * help. */
    static const struct {
        const char *options;
        bool advised;
    } cases[] = {{"-r 50 -- GET k:__rand_int__", true},
                 {"-r 50 -- GETDEL k:__rand_int__", false},
                 {"-r 50 -- HGET h:__rand_int__ f:__rand_int__", false},
                 {"--prefill -r 50 -- GET k:__rand_int__ ; GETDEL k:__rand_int__", false},
                 {"-t get -r 50", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        empty_server();
        call_expect(&call, 0, &at_server, "-n 400 -c 4 %s", cases[i].options);
        ck_assert_ptr_nonnull(strstr(call.program.out, "Warning: more than 1% of the keys"));
        ck_assert_msg((strstr(call.program.out, "with --prefill") != NULL) == cases[i].advised,
                      "%s: %s", cases[i].options, call.program.out);
        call_free(&call);
    }
}

TEST(test_one_key_is_said)
{
    /* Breaks when a command whose key never changes passes for a load on a key space, or one without a key
     * is warned of. */
    static const struct {
        const char *options;
        const char *warning; /* NULL: none */
    } cases[] = {
        {"-- GET fixed", "give __key__ in its place, and -r KEYSPACE or --sequential"},
        {"-- SET a b ; GET a", "give __key__ in its place, and -r KEYSPACE or --sequential"},
        {"-- GET __key__", "every request has the same key; give -r KEYSPACE or --sequential"},
        {"-r 10 -- GET __key__", NULL},
        {"-- PING", NULL},
        {"-- CONFIG GET save", NULL},
        {"--template -- SET {uuid} x", NULL},
        {"--template -- SET {key}:{seq} x", NULL},
        {"--template -- SET {new} x", NULL},
        {"--template -- SET k {seq}", "every request has the same key; more keys are more like"},
        {"--template -- SET {key} {seq}", "give -r KEYSPACE or --sequential"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call_expect(&call, 0, &at_server, "-q -n 40 -c 4 %s", cases[i].options);
        const char *said = strstr(call.program.err, "every request has the same key");
        ck_assert_msg((said != NULL) == (cases[i].warning != NULL), "%s", cases[i].options);
        ck_assert_msg(said == NULL || strstr(call.program.err, cases[i].warning) != NULL, "%s",
                      call.program.err);
        call_free(&call);
    }
}

TEST(test_lists_have_their_length)
{
    /* Breaks when the list for LRANGE is shorter than what is asked of it. */
    call_expect(&call, 0, &at_server, "-q -n 10 -c 2 --prefill -t lrange_300 -d 10");
    ck_assert_int_eq(run_json_count(&call, 1, "requests.hits"), 10);
    ck_assert_int_gt(run_json_count(&call, 1, "bytes.in"), 10 * 300 * 10);
    ck_assert_int_ge(test_server_integer(&server, "LLEN mylist"), 300);
    call_free(&call);
}

TEST(test_misses_are_shown)
{
    /* Breaks when reads that find nothing are not told from hits. */
    free(test_server_text(&server, "SET key:000000000001 x"));
    call_expect(&call, 0, &at_server, "-t get --sequential 4 -n 400 -c 4");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 100);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.misses"), 300);
    ck_assert_ptr_nonnull(strstr(call.program.out, "Misses: 300 (75.00%)"));
    ck_assert_ptr_nonnull(strstr(call.program.out, "--prefill"));
    call_free(&call);
    call_expect(&call, 0, &at_server, "-q -t mget --sequential 4 -n 100 -c 4");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.hits"), 250);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.misses"), 750);
    call_free(&call);
    call_expect(&call, 0, &at_server, "-q -t lpop,spop,zpopmin,lrange_100 -n 50 -c 4");
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(run_json_count(&call, i, "requests.misses"), 50);
    ck_assert_int_eq(run_json_count(&call, 4, "requests.hits"), 50);
    call_free(&call);
}

TEST(test_own_command)
{
    /* Breaks when a command behind the options, its placeholders, sequences or repeats, does not do
     * on the server what it says. */
    call_expect(&call, 0, &at_server,
                "-q --sequential 100 -n 100 -d 7 -- HSET h:__rand_1st__ n __rand_1st__ v "
                "__data__ ; 3 INCR c:__rand_1st__ ; LPUSH l __rand_int__ __rand_int__");
    call_free(&call);
    ck_assert_int_eq(test_server_calls(&server, "hset"), 100);
    ck_assert_int_eq(test_server_calls(&server, "incr"), 300);
    ck_assert_int_eq(test_server_integer(&server, "LLEN l"), 200);
    char *number = test_server_text(&server, "HGET h:000000000042 n");
    char *value = test_server_text(&server, "HGET h:000000000042 v");
    char *times = test_server_text(&server, "GET c:000000000042");
    /* Three numbers a request and 100 keys: every one is the first of one request. */
    ck_assert(number != NULL && value != NULL && times != NULL);
    ck_assert_str_eq(number, "000000000042");
    ck_assert_uint_eq(strlen(value), 7);
    ck_assert_str_eq(times, "3");
    free(number);
    free(value);
    free(times);
    call_expect(&call, 0, &at_server, "-q -n 5 set plain word");
    call_free(&call);
    char *plain = test_server_text(&server, "GET plain");
    ck_assert_str_eq(plain, "word");
    free(plain);
    call_expect(&call, 2, &at_server, "-q -n 5 -- set plain __init__");
    ck_assert_msg(strstr(call.program.err, "\\__init__ sends the word") != NULL, "%s",
                  call.program.err);
    call_free(&call);
    call_expect(&call, 0, &at_server, "-q -n 5 -- set plain \\__init__");
    call_free(&call);
    plain = test_server_text(&server, "GET plain");
    ck_assert_str_eq(plain, "__init__");
    free(plain);
}

TEST(test_last_argument_from_stdin)
{
    /* Breaks when -x does not take standard input whole, with its line breaks, as the last
     * argument. */
    struct bench_setting setting = at_server;
    setting.stdin_text = "two\nlines \xff\n";
    call_expect(&call, 0, &setting, "-q -n 5 -x -- SET k");
    call_free(&call);
    char *value = test_server_text(&server, "GET k");
    ck_assert_str_eq(value, "two\nlines \xff\n");
    free(value);
    setting.stdin_text = NULL;
    call_expect(&call, 0, &setting, "-q -n 5 -x -- SET empty");
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "STRLEN empty"), 0);
    ck_assert(key_exists("empty"));
    /* What would be placeholders, a sequence or an escape in an argument is data here. */
    static const char *const as_they_are[] = {"__init__", "a __data__ {tag} __rand_int__", ";",
                                              "\\__key__"};
    for (size_t i = 0; i < sizeof as_they_are / sizeof as_they_are[0]; i++) {
        setting.stdin_text = as_they_are[i];
        call_expect(&call, 0, &setting, "-q -n 5 -x -r 10 -- SET k");
        call_free(&call);
        char *held = test_server_text(&server, "GET k");
        ck_assert_str_eq(held, as_they_are[i]);
        free(held);
    }
    setting.stdin_text = NULL;
    call_expect(&call, 2, &setting, "-q -n 5 -x -t set");
    ck_assert_ptr_null(call.root);
    call_free(&call);
}

TEST_SUITE_WITH(bench_keys, .set_up = at_server_set_up, .tear_down = at_server_tear_down)
