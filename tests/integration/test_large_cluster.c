/* Clusters of thousands of nodes: found, reached and counted, one connection to each node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/large_cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define OWNERS 2000u

static struct trial trial;
static struct large_cluster cluster;

static void set_up(void)
{
    trial_set_up();
    memset(&cluster, 0, sizeof cluster);
}

static void start(uint32_t owners, uint32_t empty)
{
    large_cluster_start(&cluster, owners, empty);
    world.fake.pid = cluster.pid; /* a process that may be left when volley has ended */
}

static void tear_down(void)
{
    world.fake.pid = 0;
    large_cluster_stop(&cluster);
    trial_tear_down();
}

static void expect_every_owner_asked(void)
{
    uint64_t gets = 0;
    for (uint32_t i = 0; i < OWNERS; i++) {
        ck_assert_msg(cluster.gets[i] > 0, "node %u got no request", i);
        gets += cluster.gets[i];
    }
    ck_assert_uint_eq(gets, (uint64_t)trial_count(&trial, "requests", "sent"));
}

LOOP_TEST(test_two_thousand_nodes, 2)
{
    /* Breaks when a cluster of 2,000 primaries cannot be followed, or requests go to some of its nodes only;
     * in a closed loop and with a rate. The primary without slots gets no connection of the load (the scout
     * may have one), and is not among the 2,000 that the load needs. */
    bool open = _i != 0;
    start(OWNERS, 1);
    trial_start(&trial, "--cluster", "-h", cluster.address, "-t", "get", "-r", "1000000", "-c",
                "2000", "-n", "40000", "--processes", "1", open ? "--qps" : "--request-timeout",
                open ? "20k" : "20s", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 40000);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 0);
    expect_every_owner_asked();
    ck_assert_uint_eq(cluster.gets[OWNERS], 0);
    ck_assert_uint_le(cluster.accepts[OWNERS], 1);
    trial_expect(&trial, PROGRAM_OUT, "cluster of 2001 primaries");
    trial_free(&trial);
}

TEST(test_too_few_connections)
{
    /* Breaks when the least number of clients is not told, or counts a primary that has no slots. */
    start(1000, 2);
    trial_start(&trial, "--cluster", "-h", cluster.address, "-t", "get", "-r", "1000000", "-c",
                "999", "-n", "100", NULL);
    trial_end(&trial, 2);
    trial_expect(&trial, PROGRAM_ERR,
                 "--clients 999: at least 1,000 connections are needed, one to each node");
    trial_free(&trial);
    trial_start(&trial, "--cluster", "-h", cluster.address, "-t", "get", "-r", "1000000", "-c",
                "1999", "-n", "100", "--processes", "2", NULL);
    trial_end(&trial, 2);
    trial_expect(&trial, PROGRAM_ERR,
                 "each needs one to each of 1,000 nodes; raise --clients to 2000");
    trial_free(&trial);
}

TEST(test_numbered_databases)
{
    /* Breaks when --dbnum with --cluster is refused although servers since Valkey 9 have it, or when one that
     * refuses it is not understood. */
    static const struct fake_rule rules[] = {
        {.command = "SELECT",
         .action = FAKE_REPLY,
         .bytes = "-ERR SELECT is not allowed in cluster mode\r\n"}};
    start(3, 0);
    trial_start(&trial, "--cluster", "-h", cluster.address, "-t", "get", "-r", "1000", "-c", "6",
                "-n", "300", "--dbnum", "3", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 300);
    trial_free(&trial);
    large_cluster_stop(&cluster);
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = 1});
    trial_start(&trial, "--cluster", "-p", world.fake.port_text, "-t", "get", "-r", "1000", "-c",
                "6", "-n", "300", "--dbnum", "3", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "SELECT 3: ERR SELECT is not allowed in cluster mode");
    trial_expect(&trial, PROGRAM_ERR, "from Valkey 9 on");
    trial_free(&trial);
    fake_server_free(&world.fake);
}

TEST(test_more_than_can_be_followed)
{
    /* Breaks when a cluster above the limit is cut off silently. */
    start(4097, 0);
    trial_start(&trial, "--cluster", "-h", cluster.address, "-t", "get", "-r", "1000000", "-c",
                "5000", "-n", "100", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "has more nodes than volley can follow (4096)");
    trial_free(&trial);
}

TEST_SUITE_WITH(large_cluster, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
