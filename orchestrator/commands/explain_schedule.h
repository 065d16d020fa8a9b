/* The part of --explain about time: when requests are sent and connections opened. */
#ifndef ORCHESTRATOR_COMMANDS_EXPLAIN_SCHEDULE_H
#define ORCHESTRATOR_COMMANDS_EXPLAIN_SCHEDULE_H

#include <stdio.h>

#include "common/spec.h"

/* The first intended times and whose they are, the rate over time, the client ramp. Nothing in a
 * closed loop without a ramp. */
void explain_schedule(FILE *out, const struct spec *spec, uint32_t worker_count);

#endif
