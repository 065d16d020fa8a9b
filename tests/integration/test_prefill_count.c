/* `volley bench --prefill`: whether the keys fit, are there, and nothing else is touched. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
    at_server_tear_down();
}

static long long keys(void)
{
    return test_server_integer(&server, "DBSIZE");
}

static void configure(const char *parameter, long long value)
{
    free(test_server_text(&server, "CONFIG SET %s %lld", parameter, value));
}

/* So many bytes from now on. */
static void leave_memory(long long bytes)
{
    configure("maxmemory", test_server_info(&server, "used_memory") + bytes);
}

static void expect_said(const char *said)
{
    ck_assert_msg(strstr(call.program.err, said) != NULL, "%s is not in: %s", said,
                  call.program.err);
}

TEST(test_only_the_prefill)
{
    /* Breaks when --prefill-only measures something, or does not write all that the tests read. */
    static const struct {
        const char *options;
        size_t runs;
        long long keys;
    } cases[] = {
        {"-t get,mget -r 300", 2, 300},
        {"-t set,get,lpop -r 300 -n 10", 2, 301},
        {"-t lrange_100", 1, 1},
        {"-r 200 -- GET a:__rand_int__ ; HGET b:__rand_int__ f ; LPOP l", 2, 401},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        free(test_server_text(&server, "FLUSHALL"));
        call_expect(&call, 0, &at_server, "-c 4 --prefill-only %s", cases[i].options);
        ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), cases[i].runs);
        for (size_t k = 0; k < cases[i].runs; k++)
            ck_assert(json_is_true(json_object_get(run_json_at(call.root, k), "prefill")));
        ck_assert_ptr_eq(strstr(call.program.out, "Prefill for "), call.program.out);
        ck_assert_ptr_null(strstr(call.program.out, "Not run"));
        ck_assert_int_eq(keys(), cases[i].keys);
        call_free(&call);
    }
    ck_assert_int_eq(test_server_calls(&server, "get"), 0);
    call_expect(&call, 2, &at_server, "--prefill-only -t set,ping_mbulk");
    expect_said("--prefill-only: there is nothing to write");
    call_free(&call);
}

TEST(test_missing_keys_end_it)
{
    /* Breaks when a test reads keys that its prefill did not leave behind, and passes for one that hits. */
    char path[160];
    temp_tree_write(&tree, "/w.yaml",
                    "name: w\nkeys: {k: {prefix: 'k:', count: 500}}\n"
                    "classes: [{name: read, command: 'GET {key:k}'}]\n"
                    "prefill: {keys: k, command: 'UNLINK {key:k}'}\n",
                    0600);
    snprintf(path, sizeof path, "%s/w.yaml", tree.path);
    call_expect(&call, 4, &at_server, "-n 100 --prefill --workload %s", path);
    expect_said("the server holds 0 of 500 keys, so that reads would miss: something deletes them");
    ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), 1);
    call_free(&call);
    /* Keys that others have left behind do count: they may be the same. */
    call_expect(&call, 0, &at_server, "-q -t set --sequential 500 -n 500");
    call_free(&call);
    call_expect(&call, 0, &at_server, "-q -n 100 --prefill --workload %s", path);
    call_free(&call);
}

TEST(test_refused_writes_end_it)
{
    /* Breaks when a prefill of errors alone is followed by a test. */
    free(test_server_text(&server, "LPUSH key:000000000000 x"));
    free(test_server_text(&server, "ACL SETUSER default -set"));
    call_expect(&call, 1, &at_server, "-t get -r 10 -n 100 --prefill");
    expect_said("the keys could not be written");
    ck_assert_int_eq(test_server_calls(&server, "get"), 0);
    call_free(&call);
}

TEST(test_maxmemory_is_looked_at)
{
    /* Breaks when a prefill is begun that cannot end well, one that fits is refused, or one that was done before. */
    leave_memory(2000000);
    call_expect(&call, 4, &at_server, "-t get -r 100000 -d 100 --prefill -n 10");
    expect_said("of the server's maxmemory are left: write fewer or smaller keys, or raise it");
    ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), 0);
    ck_assert_int_eq(keys(), 0);
    call_free(&call);
    leave_memory(20000000);
    call_expect(&call, 0, &at_server, "-t get -r 10000 -d 100 --prefill -n 10");
    ck_assert_str_eq(call.program.err, "");
    call_free(&call);
    leave_memory(1000000);
    call_expect(&call, 0, &at_server, "-t get -r 10000 -d 100 --prefill -n 10 -c 4");
    call_free(&call);
}

TEST(test_eviction_is_said)
{
    /* Breaks when a cache that evicts is refused, or passes for one that holds all of its keys. */
    free(test_server_text(&server, "CONFIG SET maxmemory-policy allkeys-lru"));
    leave_memory(4000000);
    call_expect(&call, 0, &at_server, "-t get -r 20000 -d 1000 --prefill -n 10 -c 4");
    expect_said("the server will evict keys");
    expect_said("the server has evicted ");
    ck_assert_int_lt(keys(), 20000);
    call_free(&call);
}

TEST(test_flush_needs_leave)
{
    /* Breaks when keys of others are deleted without leave, in another database, or not at all. */
    free(test_server_text(&server, "SET theirs x"));
    call_expect(&call, 2, &at_server, "-t get -r 10 --prefill -n 10 --flush-before");
    expect_said("--flush-before would delete every key in database 0");
    ck_assert_int_eq(keys(), 1);
    call_free(&call);
    call_expect(&call, 0, &at_server,
                "-q -t get -r 10 --prefill -n 10 --flush-before --allow-flush --dbnum 3");
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "EXISTS theirs"), 1);
    call_expect(&call, 0, &at_server,
                "-q -t get -r 10 --prefill -n 10 --flush-before --allow-flush");
    call_free(&call);
    ck_assert_int_eq(keys(), 10);
    /* Each repetition finds what the first one found. */
    call_expect(&call, 0, &at_server,
                "-q -t lpop --prefill -n 10 --runs 2 --flush-before --allow-flush");
    call_free(&call);
    ck_assert_int_eq(keys(), 0);
    struct bench_setting managed = {.port = NULL};
    call_expect(&call, 0, &managed, "-q -t get -r 10 --prefill -n 10 --flush-before --managed");
    call_free(&call);
}

TEST(test_keys_that_nobody_counts)
{
    /* Breaks when a server that does not tell its keys cannot be measured, or passes for a checked one. */
    free(test_server_text(&server, "ACL SETUSER default -dbsize"));
    call_expect(&call, 0, &at_server, "-q -t get -r 10 --prefill -n 10 -c 4");
    expect_said("the keys of the prefill for GET cannot be counted");
    ck_assert_int_eq(run_json_count(&call, 1, "requests.hits"), 10);
    call_free(&call);
    call_expect(&call, 5, &at_server, "-q -t get -r 10 --prefill-only -c 4");
    expect_said("the keys cannot be counted");
    call_free(&call);
}

TEST(test_interrupted_prefill)
{
    /* Breaks when Ctrl+C does not end a prefill, or what is missing then is taken for lost. */
    free(test_server_text(&server, "LPUSH mylist x"));
    call_start(&call, &at_server, "-t lpop -n 900000000 --prefill -c 4 --progress");
    program_wait_text(&call.program, PROGRAM_ERR, " left, RPS: ");
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    ck_assert_ptr_nonnull(strstr(call.program.out, ", interrupted\n"));
    ck_assert_ptr_null(strstr(call.program.err, "would miss"));
    ck_assert_uint_eq(json_array_size(json_object_get(call.root, "runs")), 1);
    call_free(&call);
}

TEST_SUITE_WITH(prefill_count, .set_up = set_up, .tear_down = tear_down)
