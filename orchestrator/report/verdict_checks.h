/* What the table of checks (verdict.c) is made of: one judge a check. Private to the verdict. */
#ifndef ORCHESTRATOR_REPORT_VERDICT_CHECKS_H
#define ORCHESTRATOR_REPORT_VERDICT_CHECKS_H

#include "common/err.h"
#include "orchestrator/report/timeline.h"

/* Sets the check's value and text; also the thresholds where they depend on the run, the advice where it
 * depends on the evidence, and the level or the note where the value alone does not decide. */
typedef void verdict_judge_function(struct verdict_check *check, const struct run_result *result);

/* Of volley and the machine it runs on (verdict_client.c). */
verdict_judge_function verdict_worker_cpu, verdict_run_delay, verdict_loop_lag, verdict_slip,
    verdict_wait, verdict_target, verdict_shed, verdict_shared_cpu, verdict_steal_time,
    verdict_throttling, verdict_stood_still, verdict_lost_workers, verdict_late_records,
    verdict_accounting;
/* Of the target, and of what it was asked (verdict_load.c). */
verdict_judge_function verdict_errors, verdict_lost_or_timed_out, verdict_censored, verdict_misses,
    verdict_one_key, verdict_outage, verdict_tls_handshakes, verdict_local_ports, verdict_node_ring,
    verdict_node_load, verdict_steady, verdict_clamped, verdict_few_samples, verdict_short_run,
    verdict_failed;

#define verdict_say(check, ...) snprintf((check)->text, sizeof(check)->text, __VA_ARGS__)
#define verdict_advise(check, ...) snprintf((check)->advice, sizeof(check)->advice, __VA_ARGS__)

#endif
