/* What was asked of a run's distributions beside what was drawn. Called when the run is over. */
#ifndef ORCHESTRATOR_FLEET_RUN_DRAWN_H
#define ORCHESTRATOR_FLEET_RUN_DRAWN_H

#include "orchestrator/report/timeline.h"
#include "worker/worker.h"

/* Fills result->drawn; its streams, facts and total are known. Rows of workloads side by side are called "NAME:ROW".
 * Nothing is told without memory for it, which is logged. */
void run_drawn_find(struct run_result *result, const struct run_facts *facts,
                    const struct worker_run *runs, uint64_t sent);

#endif
