/* Those actions of --chaos that have to talk to servers. Blocks, each wait with a limit: only for a
 * process of its own, see chaos.c, which also ends it when it takes too long. */
#ifndef ORCHESTRATOR_SERVER_CHAOS_WORK_H
#define ORCHESTRATOR_SERVER_CHAOS_WORK_H

#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/server/managed_cluster.h"

/* Does it and waits until it is done:
 *
 *   restart, add-node   the process was launched: the node answers, and is part of the whole again
 *   bgsave              it has been written
 *   client-kill         the connections are closed
 *   failover            the replica is the primary
 *   reshard             the slots are served by the other node, with their keys
 *   remove-node         no other node knows it, and it serves nothing: its process can be stopped
 *
 * E_FAILED, E_CONNECT: why not. What was done until then stays. */
MUST_USE enum err_code chaos_work(const struct managed_cluster *cluster,
                                  const struct chaos_action *action, struct err *err);

/* Those that move slots between the nodes of a cluster (chaos_slots.c). Called by chaos_work, and block as that
 * does. */
MUST_USE enum err_code chaos_reshard(const struct managed_cluster *cluster, uint32_t from,
                                     uint32_t to, uint32_t slots, struct err *err);
MUST_USE enum err_code chaos_remove_node(const struct managed_cluster *cluster, uint32_t node,
                                         struct err *err);

#endif
