/* A cluster of thousands of nodes that is one process: it listens on as many loopback addresses (127.0.1.1,
 * 127.0.1.2, ...) on one port, answers PING, SELECT and GET on each, and CLUSTER SHARDS with all of them.
 * Slots are shared evenly; as many more nodes as asked for have none. Dies with the test. */
#ifndef TESTS_SUPPORT_CHECK_LARGE_CLUSTER_H
#define TESTS_SUPPORT_CHECK_LARGE_CLUSTER_H

#include <stdint.h>
#include <sys/types.h>

#define LARGE_CLUSTER_MAX 5000u

struct large_cluster {
    pid_t pid;
    uint16_t port;
    char address[24];           /* of the first node: host:port */
    volatile uint64_t *gets;    /* by node; shared memory       */
    volatile uint64_t *accepts; /* connections, by node         */
};

void large_cluster_start(struct large_cluster *cluster, uint32_t owners, uint32_t empty);
void large_cluster_stop(struct large_cluster *cluster);

#endif
