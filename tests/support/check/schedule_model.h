/* What a schedule should be, computed another way: random plans, and the integral of their rate by
 * numerical quadrature in long double. For the property tests and the fuzz target of
 * common/schedule.h. Nothing here needs Check: a fault is a sentence. */
#ifndef TESTS_SUPPORT_SCHEDULE_MODEL_H
#define TESTS_SUPPORT_SCHEDULE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/schedule.h"

#define MODEL_STEPS_MAX 64u
#define MODEL_CHANGES_MAX 64u
#define MODEL_HOUR_NS (3600ull * 1000000000ull)
#define MODEL_LENGTH_MAX_NS (1000 * MODEL_HOUR_NS)

struct model_change {
    uint64_t at_ns, rate_micro;
    long double requests; /* before it */
};

/* Fill in the steps, or have them made; model_plan and model_change fill in the rest. */
struct schedule_model {
    struct rate_step steps[MODEL_STEPS_MAX];
    uint32_t step_count;
    long double requests[MODEL_STEPS_MAX + 1]; /* planned before each step, and in all */
    struct model_change changes[MODEL_CHANGES_MAX];
    uint32_t change_count;
    /* By how much the schedule may be off beside the one request that counting costs: what doubles
     * lose in an exponential step. */
    long double tolerance;
};

/* A stream of random numbers of a test; start it with {seed, 0}. */
struct model_random {
    uint64_t seed, drawn;
};
uint64_t model_below(struct model_random *random, uint64_t bound); /* 0..bound-1 */
/* From 1 to max, every order of magnitude as likely as the others. */
uint64_t model_magnitude(struct model_random *random, uint64_t max);

enum model_kind {
    MODEL_CONSTANT,
    MODEL_LADDER, /* the steps of a ramp                                                        */
    MODEL_LINEAR,
    MODEL_EXPONENTIAL,
    MODEL_PAUSES, /* every other step at rate 0                                                 */
    MODEL_SLOW,   /* around 0.5 per second, for hours                                           */
    MODEL_FAST,   /* up to 100 million per second                                               */
    MODEL_LONG,   /* 1000 hours                                                                 */
    MODEL_ANY,    /* a mixture of all, any order of magnitude                                   */
    MODEL_KINDS
};
void model_make(struct schedule_model *model, enum model_kind kind, struct model_random *random);

/* The planned schedule, with room for MODEL_CHANGES_MAX changes; the caller frees. */
struct schedule *model_plan(struct schedule_model *model);
/* A change in both. False as schedule_change. */
bool model_change(struct schedule_model *model, struct schedule *schedule, uint64_t at_ns,
                  uint64_t rate_micro);
/* Where the last planned step ends, or the last change lies, whatever is later. */
uint64_t model_end_ns(const struct schedule_model *model);
/* Requests before at_ns, and the rate at that moment, in requests per second. */
long double model_requests(const struct schedule_model *model, uint64_t at_ns);
long double model_rate(const struct schedule_model *model, uint64_t at_ns);

/* NULL, or what is wrong around this moment: the count against the integral, the count against the
 * intended times (exactly), and the rate. */
const char *model_fault_at(const struct schedule_model *model, const struct schedule *schedule,
                           uint64_t at_ns);
/* NULL, or what is wrong with so many tickets from this one on: order, hints. */
const char *model_fault_from(const struct schedule *schedule, uint64_t ticket, uint32_t count);
/* NULL, or what is wrong with a change at this moment, given the schedule as it was: tickets from
 * before keep their times, the others are not before it. */
const char *model_fault_of_change(const struct schedule *before, const struct schedule *after,
                                  uint64_t at_ns, uint64_t ticket);
/* A copy as of now; the caller frees. */
struct schedule *model_copy(const struct schedule *schedule);

#endif
