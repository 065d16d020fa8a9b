/* Real clusters, replicas and sentinels for one test, on free loopback ports. All of them die with
 * the test; whatever goes wrong here fails it. Every wait has a limit of 30 s. */
#ifndef TESTS_SUPPORT_CLUSTER_H
#define TESTS_SUPPORT_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/check/server.h"

#define TEST_CLUSTER_NODES_MAX 16
#define TEST_NODE_ID_BYTES 41

struct test_cluster {
    struct test_server nodes[TEST_CLUSTER_NODES_MAX];
    char ids[TEST_CLUSTER_NODES_MAX][TEST_NODE_ID_BYTES];
    uint32_t node_count;
    const char *args[TEST_SERVER_ARGS_MAX]; /* of every node */
    struct test_server_options options;
};

/* nodes[0 .. primaries-1] share all slots evenly and in order; nodes[primaries + i] is a replica of
 * nodes[i % primaries]. options (NULL: none) hold for every node; cluster is set by this. A node that
 * does not answer for TEST_CLUSTER_NODE_TIMEOUT_MS is taken for dead by the others. With certificates
 * the nodes speak TLS with each other as well; the plain port stays open for the test. Returns when
 * every node says cluster_state:ok, knows all others, and every replica is in sync and called online. */
void test_cluster_start(struct test_cluster *cluster, uint32_t primaries, uint32_t replicas,
                        const struct test_server_options *options);
#define TEST_CLUSTER_NODE_TIMEOUT_MS 1000
void test_cluster_stop(struct test_cluster *cluster);

/* Waits until every running node says cluster_state:ok and knows all other running nodes. */
void test_cluster_await_ok(struct test_cluster *cluster);
/* A further node without slots, known to all; returns its index. */
uint32_t test_cluster_add(struct test_cluster *cluster);
/* Stops the node and makes all others forget it. It must own no slot. */
void test_cluster_remove(struct test_cluster *cluster, uint32_t node);
/* Makes a replica the primary (CLUSTER FAILOVER) and waits until it says so. */
void test_cluster_promote(struct test_cluster *cluster, uint32_t replica);
/* Moves one slot with its keys to another node, as redis-cli would; every node knows when it
 * returns. */
void test_cluster_move_slot(struct test_cluster *cluster, unsigned slot, uint32_t from,
                            uint32_t to);
/* Index of the node that owns the slot, as nodes[asked] sees it; -1: none of ours. */
int test_cluster_owner(const struct test_cluster *cluster, uint32_t asked, unsigned slot);

/* A primary with replicas, all in sync, without cluster. */
#define TEST_REPLICAS_MAX 4
struct test_replicated {
    struct test_server primary;
    struct test_server replicas[TEST_REPLICAS_MAX];
    uint32_t replica_count;
};
void test_replicated_start(struct test_replicated *replicated, uint32_t replicas,
                           const struct test_server_options *options);
void test_replicated_stop(struct test_replicated *replicated);
/* Waits until the server says it is a replica in sync. */
void test_replica_await_sync(const struct test_server *replica);

/* Sentinels that watch one primary under a name; two of them agree on a failover. */
#define TEST_SENTINELS_MAX 5
struct test_sentinels {
    struct test_server sentinels[TEST_SENTINELS_MAX];
    char paths[TEST_SENTINELS_MAX][64];
    uint32_t count;
    char list[160]; /* "127.0.0.1:26379,...": for --sentinel */
};
/* Returns when every sentinel knows the others and all replicas. When the primary speaks TLS they do,
 * too, and ports that they tell are those for it. */
void test_sentinels_start(struct test_sentinels *sentinels, uint32_t count, const char *name,
                          const struct test_replicated *watched);
void test_sentinels_stop(struct test_sentinels *sentinels);
/* SENTINEL FAILOVER name, and waits until the sentinels name another primary; returns its port. */
uint16_t test_sentinels_failover(struct test_sentinels *sentinels, const char *name);

#endif
