/* The launcher of clusters, replicas and sentinels that other integration tests stand on. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"

static struct test_cluster cluster;

TEST(cluster_changes)
{
    /* Breaks when a test's cluster is not the one it asked for, or not after it was changed. */
    test_cluster_start(&cluster, 2, 2, NULL);
    ck_assert_uint_eq(cluster.node_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_le(cluster.nodes[i].port, 55535);
        ck_assert_int_eq(test_cluster_owner(&cluster, i, 0), 0);
        ck_assert_int_eq(test_cluster_owner(&cluster, i, 8191), 0);
        ck_assert_int_eq(test_cluster_owner(&cluster, i, 8192), 1);
        ck_assert_int_eq(test_cluster_owner(&cluster, i, 16383), 1);
    }
    for (int i = 0; i < 25; i++)
        free(test_server_text(&cluster.nodes[1], "SET {foo}%d x", i)); /* slot 12182 */
    test_cluster_move_slot(&cluster, 12182, 1, 0);
    ck_assert_int_eq(test_server_integer(&cluster.nodes[0], "DBSIZE"), 25);
    ck_assert_int_eq(test_server_integer(&cluster.nodes[1], "DBSIZE"), 0);
    ck_assert_int_eq(test_cluster_owner(&cluster, 2, 12182), 0);
    test_cluster_promote(&cluster, 2);
    const uint32_t added = test_cluster_add(&cluster);
    ck_assert_uint_eq(added, 4);
    test_cluster_move_slot(&cluster, 0, 2, 4);
    test_cluster_move_slot(&cluster, 0, 4, 2);
    test_cluster_remove(&cluster, added);
    test_cluster_await_ok(&cluster);
    test_cluster_stop(&cluster);
}

TEST(sentinels_fail_over)
{
    /* Breaks when sentinels do not watch what a test gave them. */
    struct test_replicated replicated;
    struct test_sentinels sentinels;
    test_replicated_start(&replicated, 1, NULL);
    test_sentinels_start(&sentinels, 3, "main", &replicated);
    ck_assert_uint_eq(test_sentinels_failover(&sentinels, "main"), replicated.replicas[0].port);
    test_sentinels_stop(&sentinels);
    test_replicated_stop(&replicated);
}

TEST_SUITE_WITH(cluster_support, .timeout_seconds = 120)
