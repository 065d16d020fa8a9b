/* What a bench session says about itself in the log: what it did at level info, with what at level
 * debug. Nothing of it is a result. */
#ifndef ORCHESTRATOR_COMMANDS_BENCH_LOG_H
#define ORCHESTRATOR_COMMANDS_BENCH_LOG_H

#include "orchestrator/commands/bench_steps.h"
#include "orchestrator/fleet/plan.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/server/managed_cluster.h"

void bench_log_plan(const struct plan *plan, const struct cpu_set_order *cpus);
void bench_log_servers_started(const struct managed_cluster *managed);
void bench_log_servers_stop(const struct managed_cluster *managed);
/* A warning: all requests of the step have the same key. */
void bench_log_one_key(const struct run_facts *run, const struct bench_step *step);
void bench_log_run_begin(const struct run_facts *run);
void bench_log_run_end(const struct run_facts *run, const struct run_result *result);

#endif
