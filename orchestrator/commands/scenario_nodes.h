/* What a scenario sees of the nodes of a cluster. For the other files of scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_NODES_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_NODES_H

#include "orchestrator/commands/scenario_run.h"

/* Keeps what each node said, and puts what follows from it into the row of the sample. */
void scenario_nodes_hear(struct scenario_run *run, const struct server_sample *sample,
                         struct series_row *row);
/* What a run met with, beside what is there. */
void scenario_nodes_account(struct phase_trouble *trouble, const struct run_result *result);
/* The number by which phases name a node: of servers of volley's own as managed_cluster.h counts them, of others as the
 * topology does. */
uint32_t scenario_node_number(const struct session *session, uint32_t index);

#endif
