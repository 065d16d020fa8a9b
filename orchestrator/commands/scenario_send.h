/* Phases of a scenario that a fleet carries out. For the other files of scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_SEND_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_SEND_H

#include "orchestrator/commands/scenario_run.h"

/* Sends what the phase asks for, until its end. Errors as session_run, and of the run itself. */
MUST_USE enum err_code scenario_send(struct scenario_run *run, const struct phase *phase,
                                     struct err *err);
/* The children of a parallel phase, in one fleet: their accounts begin here, and end with the phase's own. Errors as
 * scenario_send. */
MUST_USE enum err_code scenario_send_children(struct scenario_run *run, const struct phase *phase,
                                              struct err *err);
void scenario_end_children(struct scenario_run *run, const struct phase *phase);

#endif
