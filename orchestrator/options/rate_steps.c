#include "orchestrator/options/rate_steps.h"

#include <stdlib.h>

enum err_code rate_steps_add(struct rate_steps *steps, const struct rate_step *step,
                             struct err *reason)
{
    if (steps->count == SCHEDULE_STEPS_MAX)
        return err_set(reason, E_USAGE, "more than 100,000 steps");
    if (step->length_ns != SCHEDULE_NEVER) {
        if (step->length_ns > RATE_STEPS_LONGEST_NS - steps->length_ns)
            return err_set(reason, E_USAGE, "longer than 1,000 hours in all");
        steps->length_ns += step->length_ns;
    }
    if (steps->count == steps->capacity) {
        uint32_t capacity = steps->capacity == 0 ? 32 : steps->capacity * 2;
        struct rate_step *grown = realloc(steps->items, capacity * sizeof *grown);
        if (grown == NULL)
            return err_set(reason, E_SYSTEM, "out of memory");
        steps->items = grown;
        steps->capacity = capacity;
    }
    steps->items[steps->count++] = *step;
    return OK;
}

struct rate_step rate_step_constant(uint64_t rate_micro)
{
    return (struct rate_step){.length_ns = SCHEDULE_NEVER,
                              .from_micro = rate_micro,
                              .to_micro = rate_micro,
                              .shape = SCHEDULE_CONSTANT};
}

void rate_steps_free(struct rate_steps *steps)
{
    free(steps->items);
    *steps = (struct rate_steps){.items = NULL};
}

uint64_t rate_steps_first_micro(const struct rate_steps *steps)
{
    for (uint32_t i = 0; i < steps->count; i++) {
        if (steps->items[i].from_micro > 0)
            return steps->items[i].from_micro;
        if (steps->items[i].to_micro > 0)
            return steps->items[i].to_micro;
    }
    return 0;
}

struct schedule *rate_steps_schedule(const struct rate_step *items, uint32_t count)
{
    struct schedule *schedule = calloc(1, schedule_bytes(count, false));
    if (schedule != NULL)
        schedule_plan(schedule, items, count, false);
    return schedule;
}
