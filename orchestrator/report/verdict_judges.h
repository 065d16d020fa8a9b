/* What judges the checks of a verdict. Private to verdict*.c. */
#ifndef ORCHESTRATOR_REPORT_VERDICT_JUDGES_H
#define ORCHESTRATOR_REPORT_VERDICT_JUDGES_H

#include <stdio.h>

#include "orchestrator/report/timeline.h"

#define say(check, ...) snprintf((check)->text, sizeof(check)->text, __VA_ARGS__)
#define advise(check, ...) snprintf((check)->advice, sizeof(check)->advice, __VA_ARGS__)

/* Sets the check's value and text; also the thresholds where they depend on the run, the advice where it
 * depends on the evidence, and the level or the note where the value alone does not decide. */
typedef void judge_function(struct verdict_check *check, const struct run_result *result);

/* Of the target, and what it was asked: verdict_target.c. */
judge_function judge_errors, judge_lost_or_timed_out, judge_censored, judge_misses;
judge_function judge_values, judge_messages, judge_one_key, judge_outage, judge_tls_handshakes;
judge_function judge_local_ports, judge_node_ring, judge_node_load, judge_steady;
judge_function judge_clamped, judge_few_samples, judge_failed, judge_short_run;

#endif
