/* What the samples and accounts of a scenario say: statistics of each phase, trends of the whole, what lies far out, and
 * whether memory leaks. Pure; made once, when the scenario has ended. */
#ifndef ORCHESTRATOR_SCENARIO_ANALYSIS_H
#define ORCHESTRATOR_SCENARIO_ANALYSIS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/statistics.h"
#include "orchestrator/scenario/leak.h"
#include "orchestrator/scenario/observation.h"

/* Of the samples that are known and can be judged (observation.h). NAN: there are none, or, of stdev, only one. */
struct metric_summary {
    size_t count;
    double min, mean, max, p95, stdev, first, last;
};

struct phase_analysis {
    struct metric_summary metrics[SERIES_METRICS];
    double cleanup_efficiency, alloc_efficiency, stall_seconds; /* derived.h */
};

/* A metric against the minutes of the run. Samples lie close together, so p is too small; R^2 says how much of a trend
 * there is. */
struct metric_trend {
    struct statistics_line line; /* slope: by minute */
    double p;
};

/* A sample that is more than 3 times 1.4826 MAD from the median of its phase (Leys et al., statistics.h: as far as 3
 * sigma of normal numbers), and by more than 1 % of it. Of a phase with at least ANALYSIS_SAMPLES_LEAST samples. */
#define ANALYSIS_ANOMALIES_MAX 100u
#define ANALYSIS_SAMPLES_LEAST 8u
struct anomaly {
    enum series_metric metric;
    uint32_t phase;
    uint64_t at_ns;
    double value, median;
};

struct analysis {
    struct phase_analysis *phases; /* as many as the scenario has; owned */
    struct metric_summary whole[SERIES_METRICS];
    struct metric_trend growth; /* of used_memory in MB */
    struct metric_trend fragmentation;
    uint64_t anomaly_count;                           /* all of them; the first ones are kept: */
    struct anomaly anomalies[ANALYSIS_ANOMALIES_MAX]; /* by phase, metric, time */
    struct leak leak;
};

/* E_SYSTEM: no memory. analysis_free in any case. */
MUST_USE enum err_code analysis_make(struct analysis *analysis,
                                     const struct observation *observation, struct err *err);
void analysis_free(struct analysis *analysis); /* safe on a zeroed struct */

#endif
