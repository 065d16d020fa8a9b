/* How long a session will last, as far as that is known before. For certificates that are made for it. */
#ifndef ORCHESTRATOR_COMMANDS_PLANNED_TIME_H
#define ORCHESTRATOR_COMMANDS_PLANNED_TIME_H

#include <stdint.h>

#include "orchestrator/commands/bench_steps.h"

/* A run without a rate and without a duration takes as long as the server lets it: it counts as nothing. What
 * has no end (--loop) counts as a month, and nothing counts as more than a year. */
uint64_t planned_time_ns(const struct bench_steps *steps);

#endif
