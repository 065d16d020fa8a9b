/* WAIT and WAITAOF in workload files at real servers: what is not acknowledged is a miss, and no success. */
#include <stdio.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define REQUESTS 200

static const char text[] = "name: durable\n"
                           "keys: {order: {count: 100}}\n"
                           "classes:\n"
                           "- name: place\n"
                           "  unit: sequence\n"
                           "  commands: ['SET {key#1} x', 'WAIT 1 %d']\n";

static struct temp_tree tree;
static struct bench_call call;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    call_free(&call);
    temp_tree_remove(&tree);
}

static long long part(unsigned index, const char *figure)
{
    char path[64];
    snprintf(path, sizeof path, "classes.0.parts.%u.%s", index, figure);
    return run_json_count(&call, 0, path);
}

/* With WAIT for one replica, and at most so many milliseconds. */
static void run_with(const struct bench_setting *setting, const char *options, int timeout_ms)
{
    char content[256];
    snprintf(content, sizeof content, text, timeout_ms);
    temp_tree_write(&tree, "/durable.yaml", content, 0600);
    call_expect(&call, 0, setting, "%s -c 4 -n %d --workload %s/durable.yaml", options, REQUESTS,
                tree.path);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), REQUESTS);
    ck_assert_int_eq(part(0, "hits") + part(0, "misses"), 0);
}

TEST(nobody_acknowledges_without_replicas)
{
    /* Breaks when a write that no replica has looks as safe as one that it has. */
    struct test_server server;
    test_server_start(&server, NULL);
    const struct bench_setting setting = {.port = server.port_text};
    run_with(&setting, "-P 2", 1);
    ck_assert_int_eq(part(1, "misses"), REQUESTS);
    ck_assert_int_eq(part(1, "hits"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.misses"), REQUESTS);
    ck_assert_ptr_nonnull(strstr(call.program.out, "100.00%"));
    ck_assert_ptr_null(strstr(call.program.out, "the keys were not there"));
    test_server_stop(&server);
}

TEST(a_replica_acknowledges)
{
    /* Breaks when an acknowledged write counts as a miss. */
    run_with(&(struct bench_setting){.port = NULL}, "--managed replicas=1", 20000);
    ck_assert_int_eq(part(1, "hits"), REQUESTS);
    ck_assert_int_eq(part(1, "misses"), 0);
}

TEST_SUITE_WITH(wait, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
