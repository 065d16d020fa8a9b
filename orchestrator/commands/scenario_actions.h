/* What is done to servers while a phase of a scenario is under way (its `actions`, those of --chaos), and what is told of it
 * and of other things that happen: events on the scenario's own time axis. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_ACTIONS_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_ACTIONS_H

#include "orchestrator/commands/scenario_run.h"

/* Plans all of them before anything connects. E_CONFIG, as "name:line:column: what is wrong": a target that is not
 * volley's own, and what chaos_plan_make refuses. */
MUST_USE enum err_code scenario_actions_plan(struct scenario_run *run, const struct file *file,
                                             struct err *err);
/* Those of the phase under way: from its first sample to its end. E_SYSTEM: no memory. */
MUST_USE enum err_code scenario_actions_begin(struct scenario_run *run, struct err *err);
/* A server that is paused goes on, and what was not over is told as failed. After FLUSHALL a new map begins: E_SYSTEM. */
MUST_USE enum err_code scenario_actions_end(struct scenario_run *run, struct err *err);
void scenario_actions_free(struct scenario_run *run);

/* What servers keep of slow commands and stalls becomes events, from here on. E_SYSTEM: no memory. */
MUST_USE enum err_code scenario_events_begin(struct scenario_run *run, struct err *err);

/* A note whose times count from the beginning of the scenario. The first ten thousand are kept. */
void scenario_note(struct scenario_run *run, const struct note *note);

#endif
