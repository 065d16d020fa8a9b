/* How long requests fell due in an open loop: a target is what fell due divided by that, not by the time
 * that the last replies took. Pure. */
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

#endif
