/* What a scenario is going to do, for people who have not started it yet. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_PLAN_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_PLAN_H

#include "orchestrator/report/output.h"
#include "orchestrator/scenario/scenario.h"

/* A line a phase: what ends it, its clients and its rate; what stands in branches and side by side is indented. */
void scenario_plan_print(struct output *out, const struct scenario *scenario);

#endif
