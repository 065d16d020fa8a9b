/* The target's nodes as the reports name them, from the table in the shared segment. */
#ifndef ORCHESTRATOR_FLEET_RUN_NODES_H
#define ORCHESTRATOR_FLEET_RUN_NODES_H

#include "orchestrator/report/timeline.h"

/* Fills nodes and node_count from the table that was published before the run; one plain server has
 * none, unless it is followed: another may take its place. segment: ipc.h. */
void run_nodes_begin(struct run_facts *run, void *segment, bool followed);
/* Names the nodes that came since then, and renews the roles. */
void run_nodes_renew(struct run_facts *run, void *segment);

#endif
