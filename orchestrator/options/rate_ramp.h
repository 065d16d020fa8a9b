/* A rate that goes from one value to another: options -> steps of a schedule. The rate at any moment
 * is a formula over the time since the start, never a running value. Pure. */
#ifndef ORCHESTRATOR_OPTIONS_RATE_RAMP_H
#define ORCHESTRATOR_OPTIONS_RATE_RAMP_H

#include "orchestrator/options/rate_steps.h"

enum ramp_mode { RAMP_LINEAR, RAMP_EXPONENTIAL, RAMP_SMOOTH };

struct rate_ramp {
    enum ramp_mode mode;
    uint64_t start_micro, end_micro; /* not the same */
    /* Every interval so much more (or less, towards the end), or times the factor; the rate stands
     * still in between. Smooth: it moves all the time, as much in an interval. */
    uint64_t interval_ns;
    uint64_t change_micro; /* above 0 in linear mode        */
    double factor;         /* leads from start to end in exponential mode */
    uint64_t length_ns;    /* smooth, with neither change nor factor: it takes so long */
};

/* Appends the ramp, and the end's rate for ever. steps->length_ns is then when the end is reached.
 * Exponential with a rate of 0 is a mistake of the caller (assert). Errors as rate_steps_add. */
MUST_USE enum err_code rate_ramp_steps(struct rate_steps *steps, const struct rate_ramp *ramp,
                                       struct err *reason);

#endif
