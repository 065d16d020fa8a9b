/* The servers that volley starts and stops itself: one, one with replicas, or a cluster. Nodes are
 * numbered from 0: the primaries, then the replicas (of primary 0, 1, ... in turn), then those that
 * were added. The ports that a cluster begins with rise with the numbers.
 *
 * The nodes of a cluster take one another for failed after MANAGED_NODE_TIMEOUT_MS. Nothing is
 * persistent: a primary that is killed and started again is empty, unless a replica has taken over. */
#ifndef ORCHESTRATOR_SERVER_MANAGED_CLUSTER_H
#define ORCHESTRATOR_SERVER_MANAGED_CLUSTER_H

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/managed_server.h"

struct managed_cluster {
    struct managed_server nodes[MANAGED_NODES_MAX];
    uint32_t count; /* of nodes, with those that do not run; 0: nothing is managed */
    uint32_t primaries, replicas;
    struct managed_server_setup setup; /* of every node but for replica_of */
};

/* As wish (spec.managed) says, with the password and the TLS client of the endpoint; program, CPUs and certificates of every
 * server are given. What all of them point to outlives the cluster. Returns when all of them answer, all
 * replicas are linked to their primaries, and every node of a cluster knows all others, lists all replicas and calls the
 * cluster ok; after a failure nothing is left. E_CONNECT: that did not come about within 30 s
 * and a second for each node, or the endpoint's wait_ready_ns where that is longer, with what the nodes that
 * are missing say; or as managed_server_start. */
MUST_USE enum err_code managed_cluster_start(struct managed_cluster *cluster,
                                             const struct managed_wish *wish,
                                             const struct endpoint *endpoint,
                                             const struct managed_server_setup *given,
                                             const volatile int *interrupted, struct err *err);
/* A connection to one of its nodes, as managed_node_open; E_FAILED: it does not run. */
MUST_USE enum err_code managed_cluster_connect(struct control **control,
                                               const struct managed_cluster *cluster, uint32_t node,
                                               struct err *err);
/* Launches one more node, empty and alone so far, and does not wait. Its number is count - 1 then, also
 * after a failure, when it does not run. */
MUST_USE enum err_code managed_cluster_add(struct managed_cluster *cluster, struct err *err);
/* Logs which nodes have ended since the last call without having been told to, and how. Does not wait. */
void managed_cluster_tell_deaths(struct managed_cluster *cluster);
/* Stops what runs. Safe when nothing does. */
void managed_cluster_stop(struct managed_cluster *cluster);

#endif
