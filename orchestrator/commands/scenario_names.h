/* What keys of a scenario are called, beside their numbers: hash tags of those that lie at one node of a cluster, and prefixes
 * that phases give to what they load. For scenario_phase.c. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_NAMES_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_NAMES_H

#include "orchestrator/commands/scenario_run.h"

/* Puts what is known of keys with tags and prefixes into the plan, and of new ones what the phase says. E_FAILED: the node has
 * not so many slots. */
MUST_USE enum err_code scenario_names_plan(struct live_plan *plan, struct scenario_run *run,
                                           const struct phase *phase, struct err *err);
/* Numbers of keys that were loaded with a prefix; none: a count of 0. Returns how many ranges there are. */
uint32_t scenario_names_ranges(struct live_range ranges[SCENARIO_PREFIXES_MAX],
                               const struct scenario_run *run, const char *prefix);

#endif
