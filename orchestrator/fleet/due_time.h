/* How long requests fell due in an open loop, and at what rate they were to: a target is of that time,
 * without the time that the last replies took. Pure. */
#ifndef ORCHESTRATOR_FLEET_DUE_TIME_H
#define ORCHESTRATOR_FLEET_DUE_TIME_H

#include <stdint.h>

#include "common/schedule.h"
#include "worker/worker.h"

/* Nanoseconds from begin_ns, the start of measuring, to the planned end, the stop (both are clock
 * readings; IPC_NEVER: no stop; a stop before the start is none), or the moment at which the last one of -n is due, whichever is first. 0: no such moment, or a closed loop,
 * whose schedule may be NULL. */
uint64_t due_time_ns(const struct worker_run *run, const struct schedule *schedule,
                     uint64_t begin_ns, uint64_t stop_ns);

/* What was asked for in the first due_ns of the schedule, requests per second: its mean, which of a constant
 * rate is that rate, however many requests happened to fall due; or, when it was changed under way, the rate
 * in force at the end. 0: no such time, or a closed loop. */
double due_rate(const struct schedule *schedule, uint64_t due_ns, bool changed);

#endif
