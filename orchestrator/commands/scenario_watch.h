/* What a scenario under way looks at: samples of its server, intervals of its load, and whether the end of the phase has come.
 * For the other files of scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_WATCH_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_WATCH_H

#include "orchestrator/commands/scenario_run.h"

const struct phase *scenario_phase_now(const struct scenario_run *run);
struct phase_account *scenario_account_now(const struct scenario_run *run);
/* The phase has reached its end: the first reason stays. Ends the fleet, or the wait, that is under way. */
void scenario_phase_end(struct scenario_run *run, const char *why);

/* Of latencies; NAN: there are none. */
struct latency_summary {
    double mean_ms, p50_ms, p95_ms, p99_ms, max_ms;
};
struct latency_summary scenario_latency(const struct histogram *latency);

/* What `until` looks at in these values of a sample, and what that is to be; NAN: not known, or it looks at nothing. */
double scenario_value_of(const struct scenario_run *run, const struct phase_until *until,
                         const double *values, double *wanted);
/* Waits for a sample that is asked for from now on, ten seconds at most; false: there is none. */
bool scenario_sample_now(struct scenario_run *run);
/* No server has answered any sample of this phase for ten seconds. A phase that only waits is ended then. */
bool scenario_server_gone(const struct scenario_run *run);

/* Listeners of the sampler and of the session's timeline; state is the run. */
void scenario_hear_sample(void *state, const struct server_sample *sample);
MUST_USE enum err_code scenario_hear_row(void *state, const struct interval_row *row,
                                         const struct error_kinds *error_kinds, struct err *err);

#endif
