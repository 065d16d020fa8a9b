/* What a cluster node says about its cluster -> a topology. Pure functions on hiredis replies; any
 * reply is safe. Called by the orchestrator and its scout.
 *
 * Nodes that the table knows keep their index, others are added, and those that are no longer
 * announced become TOPOLOGY_GONE. In an empty table the primaries come first, in the order of their
 * slots. After an error the table is of no use. */
#ifndef ORCHESTRATOR_SERVER_CLUSTER_REPLY_H
#define ORCHESTRATOR_SERVER_CLUSTER_REPLY_H

#include <stdbool.h>

#include "common/err.h"
#include "common/topology.h"

struct redisReply;
struct sightings;

/* Whom the reply is from. */
struct cluster_asked {
    const char *host; /* as it was named: stands for a node that announces no host of its own */
    const char *text; /* for messages */
    bool tls;         /* nodes are known by their TLS ports */
    struct sightings *seen; /* NULL, or to be told of every node that is announced */
    /* Each node is looked for among all others, and a reply may name any number of them. */
    uint64_t until_ns;               /* of the clock; 0: no limit               */
    const volatile int *interrupted; /* NULL, or not 0 once somebody interrupts */
};

/* CLUSTER SHARDS (7.0 and later, Valkey) and CLUSTER SLOTS. E_CONNECT: the reply makes no sense, has
 * no node with a port for us, takes too long to be read, or more than TOPOLOGY_NODES_MAX nodes have been
 * seen. E_INTERRUPTED. */
MUST_USE enum err_code cluster_reply_shards(struct topology *topology,
                                            const struct redisReply *reply,
                                            const struct cluster_asked *asked, struct err *err);
MUST_USE enum err_code cluster_reply_slots(struct topology *topology,
                                           const struct redisReply *reply,
                                           const struct cluster_asked *asked, struct err *err);

#endif
