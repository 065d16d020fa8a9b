/* --explain: the effective plan, for people, without connecting. */
#ifndef ORCHESTRATOR_COMMANDS_EXPLAIN_H
#define ORCHESTRATOR_COMMANDS_EXPLAIN_H

#include <stdio.h>

#include "orchestrator/commands/bench_steps.h"
#include "orchestrator/fleet/plan.h"
#include "orchestrator/options/options.h"

void explain_print(FILE *out, const struct option_values *values, const struct bench_steps *steps,
                   const struct plan *plan);

#endif
