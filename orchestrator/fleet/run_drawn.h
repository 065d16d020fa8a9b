/* What was asked of a run's distributions beside what was drawn. Called when the run is over. */
#ifndef ORCHESTRATOR_FLEET_RUN_DRAWN_H
#define ORCHESTRATOR_FLEET_RUN_DRAWN_H

#include "common/drawn.h"
#include "worker/worker.h"

/* sent: requests of the measured part. Nothing is told without memory for it, which is logged. */
void run_drawn_find(struct drawn *drawn, const struct worker_run *run, uint64_t sent);

#endif
