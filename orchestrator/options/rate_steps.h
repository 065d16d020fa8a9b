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

#endif
