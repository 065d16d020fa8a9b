/* Phases of a scenario that do something to nodes of a cluster, perhaps under a load: failover and rebalance. For the other
 * files of scenario_run.h, and `volley run`. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_DISTURB_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_DISTURB_H

#include "orchestrator/commands/scenario_run.h"

/* Before anything connects. E_USAGE: such a phase is for nodes that volley did not start, without leave; or for others than
 * it will start. */
MUST_USE enum err_code scenario_disturb_allowed(const struct managed_wish *wish,
                                                const struct scenario *scenario, bool others,
                                                struct err *err);
/* Does it, by the actions of --chaos, and sends the load beside, where there is one. Returns when it is done, the load has
 * ended, and the cluster is whole again, which later phases find as it is then. E_FAILED: it did not come about; errors
 * of scenario_send but E_FAILED, since requests are to fail here. */
MUST_USE enum err_code scenario_disturb(struct scenario_run *run, const struct phase *phase,
                                        struct err *err);

/* Listener of the session's timeline; state is the run. */
MUST_USE enum err_code scenario_hear_begin(void *state, const struct run_facts *facts,
                                           struct err *err);

#endif
