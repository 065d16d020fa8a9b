#include "orchestrator/options/rate_steps.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

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

/* Ramps ---------------------------------------------------------------------------------------- */

static uint64_t range_of(const struct rate_ramp *ramp)
{
    return ramp->start_micro < ramp->end_micro ? ramp->end_micro - ramp->start_micro
                                               : ramp->start_micro - ramp->end_micro;
}

/* The rate after so many intervals. Exponential: rounded from the start each time, so that no error
 * adds up. */
static uint64_t rate_after(const struct rate_ramp *ramp, uint64_t intervals)
{
    bool up = ramp->start_micro < ramp->end_micro;
    if (ramp->mode == RAMP_LINEAR) {
        wide change = (wide)ramp->change_micro * intervals;
        if (change >= range_of(ramp))
            return ramp->end_micro;
        return up ? ramp->start_micro + (uint64_t)change : ramp->start_micro - (uint64_t)change;
    }
    double rate = (double)ramp->start_micro * pow(ramp->factor, (double)intervals) + 0.5;
    if (up ? rate >= (double)ramp->end_micro : rate < (double)ramp->end_micro + 1)
        return ramp->end_micro;
    return (uint64_t)rate;
}

static enum err_code add_stairs(struct rate_steps *steps, const struct rate_ramp *ramp,
                                struct err *reason)
{
    for (uint64_t intervals = 0;; intervals++) {
        uint64_t micro = rate_after(ramp, intervals);
        if (micro == ramp->end_micro)
            return OK;
        struct rate_step stair = {.length_ns = ramp->interval_ns,
                                  .from_micro = micro,
                                  .to_micro = micro,
                                  .shape = SCHEDULE_CONSTANT};
        enum err_code code = rate_steps_add(steps, &stair, reason);
        if (code != OK)
            return code;
    }
}

/* How long a smooth ramp takes; above RATE_STEPS_LONGEST_NS: too long. */
static uint64_t smooth_length_ns(const struct rate_ramp *ramp)
{
    double length;
    if (ramp->change_micro > 0)
        length = (double)range_of(ramp) / (double)ramp->change_micro * (double)ramp->interval_ns;
    else if (ramp->factor > 0)
        length = log((double)ramp->end_micro / (double)ramp->start_micro) / log(ramp->factor) *
                 (double)ramp->interval_ns;
    else
        return ramp->length_ns;
    if (!(length < (double)RATE_STEPS_LONGEST_NS * 2))
        return UINT64_MAX - 1; /* not for ever: refused as too long */
    return length < 1 ? 1 : (uint64_t)(length + 0.5);
}

enum err_code rate_ramp_steps(struct rate_steps *steps, const struct rate_ramp *ramp,
                              struct err *reason)
{
    bool exponential =
        ramp->mode == RAMP_EXPONENTIAL || (ramp->mode == RAMP_SMOOTH && ramp->factor > 0);
    assert(ramp->start_micro != ramp->end_micro);
    assert(!exponential || (ramp->start_micro > 0 && ramp->end_micro > 0));
    enum err_code code;
    if (ramp->mode == RAMP_SMOOTH) {
        struct rate_step slope = {.length_ns = smooth_length_ns(ramp),
                                  .from_micro = ramp->start_micro,
                                  .to_micro = ramp->end_micro,
                                  .shape = exponential ? SCHEDULE_EXPONENTIAL : SCHEDULE_LINEAR};
        code = rate_steps_add(steps, &slope, reason);
    } else {
        code = add_stairs(steps, ramp, reason);
    }
    struct rate_step held = {.length_ns = SCHEDULE_NEVER,
                             .from_micro = ramp->end_micro,
                             .to_micro = ramp->end_micro,
                             .shape = SCHEDULE_CONSTANT};
    return code == OK ? rate_steps_add(steps, &held, reason) : code;
}
