/* Where loads that follow one another get worse: the degradation point and the breaking point of a sweep, and of a load test. Pure. */
#ifndef ORCHESTRATOR_CAPACITY_DEGRADATION_H
#define ORCHESTRATOR_CAPACITY_DEGRADATION_H

#include <stdbool.h>

#include "orchestrator/report/figures.h"

#define DEGRADATION_GAIN_MIN                                                                       \
    0.10 /* less throughput gained from one load to the next: degradation */
#define DEGRADATION_ACHIEVED_MIN 0.99 /* of what was asked for: less of it answered */
#define DEGRADATION_SLOW 2.0          /* times the first load's percentile */
#define BREAKING_SLOW 10.0
#define BREAKING_ERRORS 0.01

enum degradation_note {
    DEGRADATION_BASELINE = 1u << 0, /* the first load, which the others are compared with */
    DEGRADATION_POINT = 1u << 1,    /* the first one that gains too little, or is twice as slow */
    DEGRADATION_BREAKING = 1u << 2  /* the first one with errors, or ten times as slow */
};

/* What a load came to. */
struct degradation_load {
    double rate;   /* that was answered */
    double target; /* that was asked for; below 0: none was, and more load has to answer more */
    double error_share;
    struct figure_percentile
        time; /* one that cannot be known, since too much was not answered, counts as too long */
};

/* What went before. */
struct degradation {
    unsigned percent; /* of the time: 95 or 99; the caller's, the rest is zeroed */
    bool begun, degraded, broken;
    struct figure_percentile baseline;
    double rate_before;
};

/* The notes of the next load. Why it is a point, in words; NULL: it is none. Those that cannot be judged are left out by the
 * caller: nothing is compared with them. */
unsigned degradation_note(struct degradation *before, const struct degradation_load *load,
                          const char **why_degraded, const char **why_broken);

#endif
