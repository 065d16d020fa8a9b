/* Keys, slots and {tag} on a real cluster of three primaries. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"

#define PRIMARIES 3u

static struct test_cluster cluster;
static struct bench_call call;

static void set_up(void)
{
    test_cluster_start(&cluster, PRIMARIES, 0, NULL);
}

static void free_call(void)
{
    if (call.directory[0] != '\0')
        call_free(&call);
    memset(&call, 0, sizeof call);
}

static void tear_down(void)
{
    free_call();
    test_cluster_stop(&cluster);
}

/* `volley bench --cluster` against the first node; every request a success, and none sent on. */
#define expect_all_ok(requests, ...)                                                               \
    do {                                                                                           \
        const struct bench_setting setting = {.port = cluster.nodes[0].port_text};                 \
        free_call();                                                                               \
        call_expect(&call, 0, &setting, "--cluster --processes 2 -c 12 " __VA_ARGS__);             \
        ck_assert_int_eq(count("requests.ok"), (requests));                                        \
        ck_assert_int_eq(count("redirections.moved"), 0);                                          \
        ck_assert_int_eq(count("redirections.resent"), 0);                                         \
    } while (0)

/* Of the last run of the call. */
static long long count(const char *path)
{
    const size_t runs = json_array_size(json_object_get(call.root, "runs"));
    return run_json_count(&call, runs - 1, path);
}

static void refuse(const char *words, const char *said)
{
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    free_call();
    call_expect(&call, 2, &setting, "--cluster %s", words);
    ck_assert_msg(strstr(call.program.err, said) != NULL, "%s: %s", words, call.program.err);
}

static long long keys_in_all(void)
{
    long long keys = 0;
    for (uint32_t i = 0; i < PRIMARIES; i++)
        keys += test_server_integer(&cluster.nodes[i], "DBSIZE");
    return keys;
}

TEST(test_load_is_even)
{
    /* Breaks when uniform keys load one node by 1 % more than another, or a request goes to a node that does
     * not have its key, so that servers have seen other numbers than volley. */
    long long calls[PRIMARIES];
    for (uint32_t i = 0; i < PRIMARIES; i++)
        calls[i] = test_server_calls(&cluster.nodes[i], "get");
    expect_all_ok(300000, "-t get -r 1000000 -n 300000 -P 16");
    const json_t *nodes = json_object_get(run_json_at(call.root, 0), "nodes");
    ck_assert_uint_eq(json_array_size(nodes), PRIMARIES);
    for (uint32_t i = 0; i < PRIMARIES; i++) {
        calls[i] = test_server_calls(&cluster.nodes[i], "get") - calls[i];
        ck_assert_msg(calls[i] >= 99000 && calls[i] <= 101000, "node %u: %lld of 300000", i,
                      calls[i]);
        bool found = false;
        for (size_t at = 0; at < PRIMARIES; at++) {
            const json_t *node = json_array_get(nodes, at);
            const char *address = json_string_value(json_object_get(node, "address"));
            if (strstr(address, cluster.nodes[i].port_text) == NULL)
                continue;
            found = true;
            ck_assert_int_eq(json_integer_value(json_object_get(node, "ok")), calls[i]);
        }
        ck_assert_msg(found, "node %u is not in the report", i);
    }
}

TEST(test_functions_on_every_primary)
{
    /* Breaks when a call of fcall finds no function on one of the nodes, or its keys are in different slots. */
    expect_all_ok(3000, "-t fcall -n 3000 -c 6 --num-keys-in-fcall 3");
    for (uint32_t i = 0; i < PRIMARIES; i++) {
        ck_assert_int_gt(test_server_calls(&cluster.nodes[i], "fcall"), 900);
        ck_assert_int_eq(test_server_info(&cluster.nodes[i], "number_of_functions"), 1);
    }
    expect_all_ok(300, "-t function_load -n 300 -c 6");
    for (uint32_t i = 0; i < PRIMARIES; i++)
        ck_assert_int_eq(test_server_info(&cluster.nodes[i], "number_of_functions"), 10);
}

TEST(test_keys_of_all_nodes_count)
{
    /* Breaks when only one node is asked for its keys, or emptied. */
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    call_expect(&call, 0, &setting, "--cluster --prefill-only -t get -r 3000 -c 6");
    ck_assert_int_eq(keys_in_all(), 3000);
    call_free(&call);
    call_expect(&call, 0, &setting,
                "--cluster --prefill-only -t mget -r 900 -c 6 --flush-before --allow-flush");
    ck_assert_int_eq(keys_in_all(), 900);
}

TEST(test_prefill_of_an_own_command)
{
    /* Breaks when what --prefill writes for a command of the user's has other tags than what is read. */
    expect_all_ok(
        2000, "-r 500 -n 2000 -c 6 --prefill -- mget a:{tag}:__rand_int__ b:{tag}:__rand_int__");
    ck_assert_int_eq(count("requests.hits"), 4000);
    expect_all_ok(2000, "-r 500 -n 2000 -c 6 --prefill -- hget h:__rand_1st__ f:__rand_1st__");
    ck_assert_int_eq(count("requests.hits"), 2000);
}

TEST(test_built_in_multi_key_tests)
{
    /* Breaks when MSET and MGET meet CROSSSLOT, or --prefill and MSET write other keys than MGET reads. */
    expect_all_ok(5000, "-t mget -r 20000 -n 5000 --prefill");
    ck_assert_int_eq(count("requests.hits"), 50000);
    ck_assert_int_eq(keys_in_all(), 20000);
    expect_all_ok(2000, "-t mset --sequential 20000 -n 2000");
    ck_assert_int_eq(keys_in_all(), 20000);
    free(test_server_text(&cluster.nodes[0], "FLUSHALL"));
    free(test_server_text(&cluster.nodes[1], "FLUSHALL"));
    free(test_server_text(&cluster.nodes[2], "FLUSHALL"));
    expect_all_ok(2000, "-t mset --sequential 20000 -n 2000");
    expect_all_ok(5000, "-t mget -r 20000 -n 5000 --seed 77");
    ck_assert_int_eq(count("requests.hits"), 50000);
}

TEST(test_own_commands)
{
    /* Breaks when a multi-key command with {tag} is refused, meets CROSSSLOT, or reads other keys than were
     * written with another seed and order. */
    expect_all_ok(3000, "--sequential 3000 -n 3000 -- set k:{tag}:__rand_int__ __data__");
    ck_assert_int_eq(keys_in_all(), 3000);
    expect_all_ok(2000, "-r 3000 -n 2000 --seed 9 -- mget k:{tag}:__rand_int__ "
                        "k:{tag}:__rand_int__ k:{tag}:__rand_int__");
    ck_assert_int_eq(count("requests.hits"), 6000);
    expect_all_ok(500, "-r 3000 -n 500 -- del k:{tag}:__rand_int__ k:{tag}:__rand_int__");
    expect_all_ok(500, "-n 500 -- eval return(1) 2 a:{tag} b:{tag} c");
    expect_all_ok(500, "-n 500 -- xread count 1 streams {tag}a {tag}b 0 0");
    expect_all_ok(500, "-n 500 -- zunionstore {tag}d 2 {tag}a {tag}b");
    expect_all_ok(500,
                  "-r 1000 -n 500 -- multi ; incr n:{tag} ; set k:{tag}:__rand_int__ x ; exec");
    expect_all_ok(500, "-n 500 -- ping");
    expect_all_ok(500, "-n 500 -P 8 -- mset {user}a 1 {user}b 2");
}

TEST(test_tags_reach_every_slot)
{
    /* Breaks when {tag} leaves slots out, or a rate changes which keys are asked for. */
    expect_all_ok(16384, "-n 16384 -P 4 -- incr n:{tag}");
    ck_assert_int_eq(keys_in_all(), 16384);
    expect_all_ok(4000, "-n 4000 --qps 8000 -- get n:{tag}");
    ck_assert_int_eq(count("requests.hits"), 4000);
}

TEST(test_refusals)
{
    /* Breaks when a request that no node can serve is sent all the same. */
    refuse("-- mset a 1 b 2",
           "MSET with keys in different slots cannot run on a cluster: put {tag}");
    refuse("-r 1000 -- mget k:__rand_int__ k:__rand_int__", "MGET with keys in different slots");
    refuse("-- multi ; incr a ; incr b ; exec", "a sequence with keys in different slots");
    refuse("-- eval return(1) 2 a b", "EVAL with keys in different slots");
    refuse("-- nosuch a", "does not know the command nosuch");
    for (uint32_t i = 0; i < PRIMARIES; i++) {
        ck_assert_int_eq(test_server_calls(&cluster.nodes[i], "mset"), 0);
        ck_assert_int_eq(test_server_calls(&cluster.nodes[i], "incr"), 0);
    }
}

TEST_SUITE_WITH(cluster_keys, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
