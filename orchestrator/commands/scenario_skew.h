/* Keys of a scenario that lie at one node of a cluster. For scenario_phase.c. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_SKEW_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_SKEW_H

#include "orchestrator/commands/scenario_run.h"

/* Puts what is known of keys with tags into the plan, and of new ones what the phase says. E_FAILED: the node has not so many
 * slots. */
MUST_USE enum err_code scenario_skew_plan(struct live_plan *plan, struct scenario_run *run,
                                          const struct phase *phase, struct err *err);

#endif
