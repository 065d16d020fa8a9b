/* The target's nodes as the reports name them, from the table in the shared segment. */
#ifndef ORCHESTRATOR_FLEET_RUN_NODES_H
#define ORCHESTRATOR_FLEET_RUN_NODES_H

#include "orchestrator/report/timeline.h"

/* Fills nodes and node_count from the table that was published before the run; one plain server has
 * none. segment: ipc.h. */
void run_nodes_begin(struct run_facts *run, void *segment);
/* Names the nodes that came since then, and renews the roles. */
void run_nodes_renew(struct run_facts *run, void *segment);

#endif
