/* Replicas that are on their way when a run begins: loading, being filled, connecting to their primary.
 * Steps of topology_discover. */
#ifndef ORCHESTRATOR_SERVER_REPLICA_WAIT_H
#define ORCHESTRATOR_SERVER_REPLICA_WAIT_H

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/sightings.h"

/* A replica that sentinels have not found yet is one that its primary, whose control it is, has more of
 * than they. seen: what they said, and gets the others. E_CONNECT: no answer. */
MUST_USE enum err_code replicas_ask_unknown(struct sightings *seen, const struct server_role *role,
                                            struct control *primary, struct err *err);

/* Asks the replicas of a cluster that are said to be loading themselves, and nodes without slots, which
 * may have become replicas: they know before the others do. Those that are filled are replicas in the
 * table. One that does not answer stays what it was, and so do those that are left after --wait-ready.
 * E_INTERRUPTED, E_CONNECT: more nodes than fit. */
MUST_USE enum err_code replicas_ask_themselves(struct topology *topology, struct sightings *seen,
                                               const struct endpoint *endpoint,
                                               const volatile int *interrupted, struct err *err);

/* A wait for what is on its way, since began_ns. */
struct replica_wait {
    uint64_t began_ns, pause_ns;
    bool told;
};
/* Waits a little before the next look, and says once that and for whom. *over: the endpoint's wait_ready_ns
 * have passed. E_INTERRUPTED. */
MUST_USE enum err_code replica_wait_step(struct replica_wait *wait, bool *over,
                                         const struct sightings *seen,
                                         const struct endpoint *endpoint,
                                         const volatile int *interrupted, struct err *err);
/* The end of it: E_CONNECT with all that was seen when there is no replica; a warning when some of
 * those on their way are left out. where: the target, for messages. */
MUST_USE enum err_code replica_wait_conclude(const struct topology *topology,
                                             const struct sightings *seen,
                                             const struct endpoint *endpoint, const char *where,
                                             struct err *err);

#endif
