/* Keys that an earlier run of the same scenario has left on somebody's server: they count in every figure of memory, and the
 * keys that are new in this run would take their places. For `volley run`. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_LEFTOVERS_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_LEFTOVERS_H

#include "orchestrator/commands/scenario_run.h"

/* Asks whether keys are there that the first loads would write: the first ones, and some of each power of two, about a
 * thousand. E_DATA: some are, and how to remove them. Nothing is asked of a run that goes on, or one that empties the
 * database before it loads. Errors as control_connect_to. After session_reach. */
MUST_USE enum err_code scenario_leftovers_check(const struct scenario_run *run, struct err *err);

#endif
