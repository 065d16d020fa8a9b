/* What a phase of a scenario asks a fleet to do: a step of a session, made of the phase and of which keys there are. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_PHASE_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_PHASE_H

#include "orchestrator/commands/scenario_run.h"

/* Owns its workload and rates. */
struct scenario_step {
    struct bench_step step;
    struct live_plan plan;
    struct workload_plan
        workload_plan;           /* of a phase with a workload: its keys are the scenario's */
    struct prefill_plan filling; /* of a load of one */
    struct plan_key_space *key_spaces;
    char *prefixes;
    struct rate_step *rates;
    uint32_t place;         /* of the phase in the scenario */
    uint64_t time_limit_ns; /* that the run itself does not know; 0: none */
};

/* part: below scenario_step_parts. Picks keys where the phase is about some. step->workload NULL: there is nothing to send, since no keys are picked. Errors
 * as workload_create. */
MUST_USE enum err_code scenario_step_make(struct scenario_step *made, struct scenario_run *run,
                                          const struct phase *phase, uint32_t part,
                                          struct err *err);
/* Parts that the phase is sent in, one after the other: 1, but for a load of a workload with several prefills. */
uint32_t scenario_step_parts(const struct phase *phase);
void scenario_step_free(struct scenario_step *made); /* safe on a zeroed struct */

/* The mean of what a key that the phase loads holds: of its values, or of its vectors. */
double scenario_mean_bytes(const struct phase *phase);

/* Sizes drawn from those of a load, times a factor: with the same mean times the mean factor. */
struct size_wish scenario_scaled_sizes(const struct size_wish *sizes, double least_factor,
                                       double most_factor);

#endif
