/* All that was seen of a scenario, as its judges read it, and which of its numbers can be judged. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_OBSERVATION_H
#define ORCHESTRATOR_SCENARIO_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/scenario/phase_account.h"
#include "orchestrator/scenario/scenario.h"
#include "orchestrator/scenario/series.h"

struct observation {
    const struct scenario *scenario;
    const struct series *series;
    const struct phase_account *accounts; /* one for each phase of the scenario */
    bool jemalloc;                        /* what INFO calls mem_allocator begins so */
};

/* Some of the phases: one, the turns of a loop, all. */
struct phase_set {
    bool has[SCENARIO_PHASES_MAX];
};
struct phase_set phase_set_of(uint32_t index);
/* Those that ran: of this name, or turns of a loop that have it in the file ("shrink" is "shrink_1", "shrink_2"), or all
 * ("all", ""). Returns how many; *named: how many there are, whether they ran or not. */
uint32_t phase_set_named(struct phase_set *set, const struct observation *observation,
                         const char *name, uint32_t *named);

/* NULL, or why this number of a sample must not be judged: below 100 MB the fixed part of a process is what
 * mem_fragmentation_ratio and the other ratios of its resident memory measure, and without jemalloc what allocator_...
 * says is no measurement at all. */
const char *observation_doubt(const struct observation *observation,
                              const double values[SERIES_METRICS], enum series_metric metric);
/* A number of a sample; NAN: not known, or not to be judged. */
double observation_value(const struct observation *observation, const double values[SERIES_METRICS],
                         enum series_metric metric);
/* The known values of samples taken in these phases, in the order of time, and when, in minutes since the scenario began
 * (may be NULL). Both have room for as many as there are samples. */
size_t observation_samples(const struct observation *observation, const struct phase_set *set,
                           enum series_metric metric, double *minutes, double *values);

#endif
