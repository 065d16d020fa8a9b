/* This host while a scenario runs on servers that are here: their processes, as the kernel sees them, and memory that is
 * left. For the other files of scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_HOST_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_HOST_H

#include "orchestrator/commands/scenario_run.h"

/* Fills what a sample has of this host; NAN: the servers are elsewhere. */
void scenario_host_look(const struct scenario_run *run, double values[SERIES_METRICS]);
/* Ends a phase that may make the data grow when this host runs short of memory, and says so; --force lets it. */
void scenario_host_guard(struct scenario_run *run, const double values[SERIES_METRICS]);

#endif
