/* Events of a scenario that is over: in which phase they were, and in which order. Pure; called by the command before it
 * tells them. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_EVENTS_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_EVENTS_H

#include "orchestrator/scenario/phase_account.h"
#include "orchestrator/scenario/scenario.h"

/* What servers tell is heard later than it was, and its time is the beginning of a whole second: it belongs to the phase of
 * that second in which such a command can be, else to the first one of it. The others are in their phase already. By
 * time, then as they were heard. accounts: one a phase. */
void scenario_events_settle(struct scenario_events *events, const struct scenario *scenario,
                            const struct phase_account *accounts);

#endif
