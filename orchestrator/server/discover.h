/* Finds out who serves what, before the runs: a server, several, a primary with its replicas, what
 * sentinels watch, or a cluster. Called by the session; the scout uses the parts. Every wait is that
 * of a control connection. */
#ifndef ORCHESTRATOR_SERVER_DISCOVER_H
#define ORCHESTRATOR_SERVER_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"
#include "orchestrator/server/control.h"

/* Fills *topology, with every node's address resolved, and leaves *control connected to the node
 * whose address is *first: the first host, the primary that sentinels name, or the seed of a cluster
 * that answered. Of several hosts each must answer; of the seeds of a cluster and of sentinels one is
 * enough. When requests go to replicas, those that are on their way (loading, being filled, connecting)
 * are waited for, wait_ready_ns at most; what is not ready then is left out with a warning. So is a
 * cluster that has just been put together. *interrupted as in control_connect. *probe: what connections
 * ask to see that they are served. What servers refuse to say beside that (INFO, CLUSTER INFO) is done
 * without.
 *
 * E_USAGE: --cluster for a server that is in none, or none for one that is in a cluster. E_CONNECT:
 * nobody answers; a cluster is down or has slots that nobody owns; no sentinel knows the name; a
 * replica is asked for where there is none, with every node that was seen; a node is refused by
 * --redirect-hosts; more than TOPOLOGY_NODES_MAX nodes. Whom reach.h does not
 * allow is left alone; from its return on it says so. */
MUST_USE enum err_code topology_discover(struct topology *topology, struct control **control,
                                         enum server_probe *probe, struct target_address *first,
                                         const struct endpoint *endpoint,
                                         const volatile int *interrupted, struct err *err);

/* "cluster of 3 primaries and 3 replicas at 127.0.0.1:7000"; of one server just its text. Returns
 * text. */
char *topology_describe(char *text, size_t text_bytes, const struct topology *topology,
                        const struct target_address *first, const struct endpoint *endpoint);

/* ---- parts ---- */

/* What a node of a cluster thinks of it. */
struct cluster_view {
    bool enabled; /* it is a node of a cluster at all                                     */
    bool ok;      /* cluster_state:ok                                                     */
    uint64_t epoch;
    uint64_t slots_failed;    /* owned by nodes that are down */
    uint64_t slots_suspected; /* owned by nodes that do not answer the one that was asked */
};
/* CLUSTER INFO. OK with enabled false: cluster support is disabled. Refused: enabled and ok. */
MUST_USE enum err_code cluster_ask_view(struct cluster_view *view, struct control *control,
                                        struct err *err);
struct sightings;
/* CLUSTER SHARDS, of older servers CLUSTER SLOTS, into the table as in cluster_reply.h. asked: whose
 * control it is. seen may be NULL. */
MUST_USE enum err_code cluster_ask_nodes(struct topology *topology, struct sightings *seen,
                                         struct control *control,
                                         const struct target_address *asked, bool tls,
                                         struct err *err);
/* The node of this name, added if it is new, as the primary that all others of its role give way to:
 * they are TOPOLOGY_GONE. -1: no room. */
int topology_sole_primary(struct topology *topology, const struct host_name *name);
/* Finds addresses of nodes that have only a name, for 5 s in all, and takes those away that reach_allow
 * refuses. E_CONNECT: the first without an address; the others are tried too. *interrupted (may be NULL) is
 * looked at. */
MUST_USE enum err_code topology_resolve(struct topology *topology, const volatile int *interrupted,
                                        struct err *err);

#endif
