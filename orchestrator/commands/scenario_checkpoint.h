/* What a checkpoint of a scenario asks beside a sample: all of INFO and MEMORY STATS, of each primary. For the other files of
 * scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_CHECKPOINT_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_CHECKPOINT_H

#include "orchestrator/commands/scenario_run.h"

/* Into the account of the phase under way. What a server does not tell is left out, and warned of. */
void scenario_checkpoint(struct scenario_run *run);

#endif
