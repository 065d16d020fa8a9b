/* Who serves what in a cluster, found out once more between runs, when something has happened to its nodes. */
#ifndef ORCHESTRATOR_SERVER_TOPOLOGY_RENEW_H
#define ORCHESTRATOR_SERVER_TOPOLOGY_RENEW_H

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"

/* Asks each node that answers soon. OK: all of them call the cluster ok, and by the newest epoch each slot is served by a
 * primary that answers: the topology is renewed, nodes keep their index. E_CONNECT: not so now, and why; E_INTERRUPTED. The
 * topology is as it was then. */
MUST_USE enum err_code topology_renew(struct topology *topology, const struct endpoint *endpoint,
                                      const volatile int *interrupted, struct err *err);

/* A replica of the node takes over without its primary's consent: returns when it is the primary, after half a minute at
 * most. Blocks: for a process of its own. E_CONNECT: it has no replica that answers; E_FAILED: none took over. */
MUST_USE enum err_code topology_force_failover(const struct topology *topology, uint32_t node,
                                               const struct endpoint *endpoint, struct err *err);

#endif
