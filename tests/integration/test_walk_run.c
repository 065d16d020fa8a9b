/* SCAN and its like with their cursors followed, at real servers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define TEXT                                                                                       \
    "name: w\nkeys: {user: {count: 2000}, big: {count: 20}}\nclasses:\n"                           \
    "- {name: all, weight: 2, command: 'SCAN {cursor} COUNT 100'}\n"                               \
    "- {name: some, weight: 1, command: 'ZSCAN {key:big} {cursor} COUNT 20'}\n"                    \
    "- {name: get, weight: 7, command: 'GET {key:user}'}\n"                                        \
    "prefill:\n- {keys: user, command: 'SET {key:user} x'}\n"

static struct temp_tree tree;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/w.yaml", TEXT, 0600);
}

static void tear_down(void)
{
    at_server_tear_down();
    temp_tree_remove(&tree);
}

/* Scores in each of 20 keys, more than a list holds, so that a walk through one has pages. */
static void fill_sets(const struct test_server *at)
{
    for (int key = 0; key < 20; key++)
        for (int i = 0; i < 300; i += 10)
            (void)test_server_integer(
                at, "ZADD big:%012d 1 a%d 1 b%d 1 c%d 1 d%d 1 e%d 1 f%d 1 g%d 1 h%d 1 i%d 1 j%d",
                key, i, i, i, i, i, i, i, i, i, i);
}

TEST(walks_come_to_their_end)
{
    /* Breaks when a cursor is not that of the last reply: a walk over 2,020 keys then has no end, or one page. */
    fill_sets(&server);
    call_expect(&call, 0, &at_server, "--workload %s/w.yaml --prefill -c 4 -n 20000", tree.path);
    const long long walks = run_json_count(&call, 1, "walks.completed");
    ck_assert_int_eq(run_json_count(&call, 1, "requests.ok"), 20000);
    /* 4,000 pages of about 100 of 2,020 keys, and 2,000 of 20 of 300 members. */
    ck_assert_int_gt(walks, 4000 / 40 + 2000 / 30);
    ck_assert_int_lt(walks, 4000 / 10 + 2000 / 8);
    ck_assert_int_eq(run_json_count(&call, 1, "requests.misses"), 0);
    ck_assert_ptr_nonnull(strstr(call.program.out, "Walks by cursors: "));
    ck_assert_ptr_nonnull(
        strstr(call.program.out, "\nNot the same in each run with this seed: {cursor}\n"));
}

TEST(walks_of_a_cluster_stay_with_their_node)
{
    /* Breaks when a page is asked of another node than the one that said its cursor. */
    static struct test_cluster cluster;
    test_cluster_start(&cluster, 3, 0, NULL);
    const struct bench_setting setting = {.port = cluster.nodes[0].port_text};
    call_expect(&call, 0, &setting, "--cluster --workload %s/w.yaml --prefill -c 6 -n 20000",
                tree.path);
    ck_assert_int_eq(run_json_count(&call, 1, "requests.ok"), 20000);
    ck_assert_int_gt(run_json_count(&call, 1, "walks.completed"), 4000 / 15);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_gt(test_server_calls(&cluster.nodes[i], "scan"), 500);
    test_cluster_stop(&cluster);
}

static void refused(const char *options, const char *says)
{
    call_expect(&call, 2, &at_server, "--workload %s/w.yaml -n 10 %s", tree.path, options);
    ck_assert_msg(strstr(call.program.err, says) != NULL, "%s: %s", says, call.program.err);
    call_free(&call);
}

TEST(what_a_page_looks_like_is_told)
{
    /* Breaks when nobody says before the run what is sent, or values are said to be checked that are not. */
    call_run(&call, &at_server, "--workload %s/w.yaml --explain=20", tree.path);
    ck_assert_ptr_nonnull(strstr(call.program.out, "{cursor} is 0 where a walk begins"));
    ck_assert_ptr_nonnull(strstr(call.program.out, "SCAN"));
    call_free(&call);
    refused("--verify", "--verify: class all follows a cursor");
    memset(&call, 0, sizeof call);
}

TEST_SUITE_WITH(walk_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
