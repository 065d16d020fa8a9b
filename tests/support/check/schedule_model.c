#include "tests/support/check/schedule_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"

/* Random plans --------------------------------------------------------------------------------- */

uint64_t model_below(struct model_random *random, uint64_t bound)
{
    return rng_bounded(rng_at(random->seed, random->drawn++), bound);
}

uint64_t model_magnitude(struct model_random *random, uint64_t max)
{
    unsigned bits = 0;
    while (bits < 63 && max >> (bits + 1) != 0)
        bits++;
    uint64_t top = 1ull << model_below(random, bits + 1);
    uint64_t value = top + model_below(random, top);
    return value < max ? value : max;
}

static uint64_t rate(struct model_random *random, enum model_kind kind)
{
    switch (kind) {
    case MODEL_SLOW:
        return SCHEDULE_MICRO / 10 + model_below(random, SCHEDULE_MICRO);
    case MODEL_FAST:
        return SCHEDULE_RATE_MAX_MICRO / 2 + 1 + model_below(random, SCHEDULE_RATE_MAX_MICRO / 2);
    case MODEL_LONG:
    case MODEL_ANY:
        return model_magnitude(random, SCHEDULE_RATE_MAX_MICRO);
    default:
        return (1 + model_below(random, 100000)) * SCHEDULE_MICRO / (1 + model_below(random, 7));
    }
}

static uint64_t length(struct model_random *random, enum model_kind kind)
{
    switch (kind) {
    case MODEL_SLOW:
        return NS_PER_SECOND + model_below(random, MODEL_HOUR_NS);
    case MODEL_FAST:
        return 1 + model_below(random, NS_PER_SECOND);
    case MODEL_LONG:
        return MODEL_LENGTH_MAX_NS - model_below(random, 3);
    case MODEL_ANY:
        return model_magnitude(random, MODEL_LENGTH_MAX_NS);
    default: /* whole milliseconds, as people write them, and any nanosecond */
        return model_below(random, 2) == 0 ? (1 + model_below(random, 10000)) * NS_PER_MS
                                           : 1 + model_below(random, 10 * NS_PER_SECOND);
    }
}

static struct rate_step step(struct model_random *random, enum model_kind kind, uint32_t index)
{
    struct rate_step made = {.length_ns = length(random, kind), .from_micro = rate(random, kind)};
    made.to_micro = made.from_micro;
    uint64_t choice = model_below(random, 6);
    if (kind == MODEL_LINEAR || (kind >= MODEL_SLOW && choice < 2))
        made.shape = SCHEDULE_LINEAR;
    if (kind == MODEL_EXPONENTIAL || (kind >= MODEL_SLOW && choice >= 4))
        made.shape = SCHEDULE_EXPONENTIAL;
    if (made.shape != SCHEDULE_CONSTANT)
        made.to_micro = rate(random, kind);
    if (made.shape == SCHEDULE_LINEAR && model_below(random, 4) == 0)
        *(model_below(random, 2) == 0 ? &made.from_micro : &made.to_micro) = 0;
    if ((kind == MODEL_PAUSES && index % 2 == 0) ||
        (made.shape == SCHEDULE_CONSTANT && kind >= MODEL_SLOW && choice == 2))
        made.from_micro = made.to_micro = 0;
    return made;
}

static void make_ladder(struct schedule_model *model, struct model_random *random)
{
    uint64_t start = rate(random, MODEL_LADDER), change = rate(random, MODEL_LADDER);
    uint64_t interval = length(random, MODEL_LADDER);
    for (uint32_t i = 0; i < model->step_count; i++)
        model->steps[i] = (struct rate_step){.length_ns = interval,
                                             .from_micro = start + i * change,
                                             .to_micro = start + i * change};
}

void model_make(struct schedule_model *model, enum model_kind kind, struct model_random *random)
{
    *model = (struct schedule_model){.step_count = 1 + (uint32_t)model_below(random, 8)};
    if (kind == MODEL_LONG)
        model->step_count = 1;
    if (kind == MODEL_LADDER) {
        make_ladder(model, random);
        return;
    }
    for (uint32_t i = 0; i < model->step_count; i++)
        model->steps[i] = step(random, kind, i);
}

static size_t bytes_of(const struct schedule *schedule)
{
    return sizeof *schedule + schedule->capacity * sizeof schedule->segments[0];
}

struct schedule *model_copy(const struct schedule *schedule)
{
    struct schedule *copy = malloc(bytes_of(schedule));
    if (copy == NULL)
        abort();
    memcpy(copy, schedule, bytes_of(schedule));
    return copy;
}

/* The integral --------------------------------------------------------------------------------- */

static long double step_rate(const struct rate_step *step, long double elapsed_ns)
{
    long double from = step->from_micro / 1e6L, to = step->to_micro / 1e6L;
    long double part = elapsed_ns / step->length_ns;
    switch (step->shape) {
    case SCHEDULE_LINEAR:
        return from + (to - from) * part;
    case SCHEDULE_EXPONENTIAL:
        return from * powl(to / from, part);
    default:
        return from;
    }
}

static long double growth(const struct rate_step *step)
{
    return fabsl(logl((long double)step->to_micro / step->from_micro));
}

/* Gauss and Legendre's five points on each of so many slices that the rate changes little in one. */
static long double step_requests(const struct rate_step *step, uint64_t elapsed_ns)
{
    static const long double at[] = {0, 0.538469310105683091036314420700208805L,
                                     0.906179845938663992797626878299392965L};
    static const long double weight[] = {0.568888888888888888888888888888888889L,
                                         0.478628670499366468041291514835638193L,
                                         0.236926885056189087514264040719917363L};
    unsigned slices = 1;
    if (step->shape == SCHEDULE_EXPONENTIAL)
        slices += (unsigned)(4 * growth(step));
    long double half = (long double)elapsed_ns / slices / 2, sum = 0;
    for (unsigned i = 0; i < slices; i++) {
        long double middle = (2 * i + 1) * half;
        sum += weight[0] * step_rate(step, middle);
        for (unsigned j = 1; j < 3; j++)
            sum += weight[j] * (step_rate(step, middle - at[j] * half) +
                                step_rate(step, middle + at[j] * half));
    }
    return sum * half / 1e9L;
}

/* The planned rate alone, up to at_ns, and at that moment. */
static long double planned(const struct schedule_model *model, uint64_t at_ns, long double *rate_at)
{
    for (uint32_t i = 0; i < model->step_count; i++) {
        const struct rate_step *one = &model->steps[i];
        if (at_ns < one->length_ns) {
            *rate_at = step_rate(one, at_ns);
            return model->requests[i] + step_requests(one, at_ns);
        }
        at_ns -= one->length_ns;
    }
    *rate_at = model->steps[model->step_count - 1].to_micro / 1e6L;
    return model->requests[model->step_count] + *rate_at * at_ns / 1e9L;
}

static long double integral(const struct schedule_model *model, uint64_t at_ns,
                            long double *rate_at)
{
    for (uint32_t i = model->change_count; i-- > 0;) {
        const struct model_change *last = &model->changes[i];
        if (last->at_ns > at_ns)
            continue;
        *rate_at = last->rate_micro / 1e6L;
        return last->requests + *rate_at * (at_ns - last->at_ns) / 1e9L;
    }
    return planned(model, at_ns, rate_at);
}

struct schedule *model_plan(struct schedule_model *model)
{
    /* Room for the changes of a model only: the fuzz target makes many schedules. */
    struct schedule *schedule =
        calloc(1, schedule_bytes(model->step_count + MODEL_CHANGES_MAX, false));
    if (schedule == NULL)
        abort();
    model->tolerance = 1e-6L; /* of the quadrature */
    for (uint32_t i = 0; i < model->step_count; i++) {
        long double own = step_requests(&model->steps[i], model->steps[i].length_ns);
        model->requests[i + 1] = model->requests[i] + own;
        model->tolerance += 1e-18L * own; /* of long double */
        if (model->steps[i].shape == SCHEDULE_EXPONENTIAL)
            model->tolerance += (1e-15L + 2e-16L * growth(&model->steps[i])) * own;
    }
    schedule_plan(schedule, model->steps, model->step_count, false);
    schedule->capacity += MODEL_CHANGES_MAX;
    return schedule;
}

bool model_change(struct schedule_model *model, struct schedule *schedule, uint64_t at_ns,
                  uint64_t rate_micro)
{
    if (model->change_count == MODEL_CHANGES_MAX || !schedule_change(schedule, at_ns, rate_micro))
        return false;
    long double requests = model_requests(model, at_ns);
    model->changes[model->change_count++] = (struct model_change){at_ns, rate_micro, requests};
    return true;
}

uint64_t model_end_ns(const struct schedule_model *model)
{
    uint64_t end_ns = 0;
    for (uint32_t i = 0; i < model->step_count; i++)
        end_ns += model->steps[i].length_ns;
    if (model->change_count > 0 && model->changes[model->change_count - 1].at_ns > end_ns)
        end_ns = model->changes[model->change_count - 1].at_ns;
    return end_ns;
}

long double model_requests(const struct schedule_model *model, uint64_t at_ns)
{
    long double rate_at;
    return integral(model, at_ns, &rate_at);
}

long double model_rate(const struct schedule_model *model, uint64_t at_ns)
{
    long double rate_at;
    (void)integral(model, at_ns, &rate_at);
    return rate_at;
}

/* Faults --------------------------------------------------------------------------------------- */

const char *model_fault_at(const struct schedule_model *model, const struct schedule *schedule,
                           uint64_t at_ns)
{
    schedule_hint hint = 0;
    uint64_t tickets = schedule_tickets_before(schedule, at_ns, &hint);
    if (tickets > 0 && schedule_time_ns(schedule, tickets - 1, &hint) >= at_ns)
        return "the last ticket that is counted is not intended for before";
    if (schedule_time_ns(schedule, tickets, &hint) < at_ns)
        return "the first ticket that is not counted is intended for before";
    long double requests = model_requests(model, at_ns),
                room = model->tolerance + requests * 1e-18L;
    if (fabsl((long double)tickets - requests) > 1 + room)
        return "the count and the integral differ by more than one";
    if (fabsl((long double)schedule_units_at(schedule, at_ns) / 1e15L - requests) > room + 1e-15L)
        return "the integral is wrong";
    long double expected = model_rate(model, at_ns) * 1e6L;
    if (fabsl((long double)schedule_rate_micro(schedule, at_ns) - expected) > 1 + expected * 1e-12L)
        return "the rate is wrong";
    return NULL;
}

const char *model_fault_from(const struct schedule *schedule, uint64_t ticket, uint32_t count)
{
    schedule_hint hint = 0;
    uint64_t before_ns = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t time_ns = schedule_time_ns(schedule, ticket + i, &hint);
        schedule_hint other = (schedule_hint)rng_at(ticket, i);
        if (i % 2 == 0)
            other %= schedule->capacity;
        if (schedule_time_ns(schedule, ticket + i, &other) != time_ns)
            return "the time depends on the hint";
        if (time_ns < before_ns)
            return "a ticket is intended for before the one before it";
        before_ns = time_ns;
    }
    return NULL;
}

const char *model_fault_of_change(const struct schedule *before, const struct schedule *after,
                                  uint64_t at_ns, uint64_t ticket)
{
    schedule_hint hint = 0, hint_after = 0;
    uint64_t was_ns = schedule_time_ns(before, ticket, &hint);
    uint64_t is_ns = schedule_time_ns(after, ticket, &hint_after);
    if (was_ns < at_ns && is_ns != was_ns)
        return "a ticket from before the change has moved";
    if (was_ns >= at_ns && is_ns < at_ns)
        return "a ticket has moved to before the change";
    return NULL;
}
