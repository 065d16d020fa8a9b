/* The steps of a schedule as they are gathered from options or a plan file. A value of the
 * orchestrator; the spec borrows items. */
#ifndef ORCHESTRATOR_OPTIONS_RATE_STEPS_H
#define ORCHESTRATOR_OPTIONS_RATE_STEPS_H

#include <stdint.h>

#include "common/err.h"
#include "common/schedule.h"

#define RATE_STEPS_LONGEST_NS (1000ull * 3600 * 1000000000)

struct rate_steps {
    struct rate_step *items; /* owned */
    uint32_t count, capacity;
    uint64_t length_ns; /* all of them together, but for one that lasts for ever */
};

/* E_USAGE, with the reason alone: more than SCHEDULE_STEPS_MAX steps, or longer than 1000 hours in
 * all. Zeroed before the first; rate_steps_free in any case. */
MUST_USE enum err_code rate_steps_add(struct rate_steps *steps, const struct rate_step *step,
                                      struct err *reason);
void rate_steps_free(struct rate_steps *steps);

/* One rate for ever. */
struct rate_step rate_step_constant(uint64_t rate_micro);

/* The first rate above 0, where a moving one that begins at 0 counts with its end; 0: there is none. */
uint64_t rate_steps_first_micro(const struct rate_steps *steps);

/* The schedule that the steps make, in memory of its own (free); NULL: out of memory. */
struct schedule *rate_steps_schedule(const struct rate_step *items, uint32_t count);

/* A rate that goes from one value to another. The rate at any moment is a formula over the time since the start,
 * never a running value. */
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
