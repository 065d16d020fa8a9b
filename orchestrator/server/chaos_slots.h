/* Those actions of --chaos that move slots between the nodes of a cluster. Called by chaos_work.c; blocks as that
 * does. */
#ifndef ORCHESTRATOR_SERVER_CHAOS_SLOTS_H
#define ORCHESTRATOR_SERVER_CHAOS_SLOTS_H

#include "orchestrator/server/managed_cluster.h"

MUST_USE enum err_code chaos_reshard(const struct managed_cluster *cluster, uint32_t from,
                                     uint32_t to, uint32_t slots, struct err *err);
MUST_USE enum err_code chaos_remove_node(const struct managed_cluster *cluster, uint32_t node,
                                         struct err *err);

#endif
