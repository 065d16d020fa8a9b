#include "common/schedule.h"

#include <assert.h>
#include <math.h>

#include "common/clock.h"
#include "common/rng.h"

#define UNITS ((schedule_units)SCHEDULE_UNITS_PER_REQUEST)
#define UNITS_F 1e15
#define MICRO_F 1e6
/* No time lies behind it (292 years), so that a time can be added to a moment of the clock. */
#define LAST_NS ((uint64_t)INT64_MAX)
#define PI 3.14159265358979323846
#define GAMMA_DRAWS 48u /* of each block: 16 tries */

/* One segment ---------------------------------------------------------------------------------- */

static bool is_constant(const struct rate_step *step)
{
    return step->shape == SCHEDULE_CONSTANT || step->from_micro == step->to_micro;
}

/* The integral of a linear rate, from t + (to - from) t^2 / 2L, exact but for what is rounded down.
 * d t^2 has more than 128 bits, so d t = q L + r comes first: d t^2 / L = q t + r t / L. */
static schedule_units linear_units(const struct rate_step *step, uint64_t elapsed_ns)
{
    bool up = step->to_micro > step->from_micro;
    uint64_t difference =
        up ? step->to_micro - step->from_micro : step->from_micro - step->to_micro;
    schedule_units product = (schedule_units)difference * elapsed_ns;
    uint64_t quotient = (uint64_t)(product / step->length_ns);
    schedule_units rest = product - (schedule_units)quotient * step->length_ns;
    schedule_units share = rest * elapsed_ns / step->length_ns;
    schedule_units twice = (schedule_units)quotient * elapsed_ns + share;
    schedule_units flat = (schedule_units)step->from_micro * elapsed_ns;
    if (up)
        return flat + twice / 2;
    /* What is taken away is rounded up. */
    bool whole = twice % 2 == 0 && share * step->length_ns == rest * elapsed_ns;
    return flat - twice / 2 - !whole;
}

static double per_ns(uint64_t micro)
{
    return (double)micro / MICRO_F / (double)NS_PER_SECOND;
}

/* An exponential one has no exact integral: what a double holds, some 10^-15 of it. */
static schedule_units exponential_units(const struct rate_step *step, uint64_t elapsed_ns)
{
    double from = per_ns(step->from_micro), length_ns = (double)step->length_ns;
    double growth = log((double)step->to_micro / (double)step->from_micro);
    double requests = from * length_ns / growth * expm1(growth * ((double)elapsed_ns / length_ns));
    return (schedule_units)(requests * UNITS_F);
}

/* The integral over the first elapsed_ns of a segment; elapsed_ns up to its length. */
static schedule_units units_in(const struct rate_step *step, uint64_t elapsed_ns)
{
    if (is_constant(step))
        return (schedule_units)step->from_micro * elapsed_ns;
    return step->shape == SCHEDULE_LINEAR ? linear_units(step, elapsed_ns)
                                          : exponential_units(step, elapsed_ns);
}

/* A time within the segment, 1 at least; NaN and what is beyond are its end. */
static uint64_t within(const struct rate_step *step, double time_ns)
{
    if (!(time_ns < (double)step->length_ns))
        return step->length_ns;
    return time_ns > 1 ? (uint64_t)time_ns : 1;
}

/* More than 128 bits: high * 2^64 + low. */
struct wide {
    schedule_units high;
    uint64_t low;
};

static struct wide wide_product(schedule_units a, uint64_t b)
{
    schedule_units low = (schedule_units)(uint64_t)a * b;
    return (struct wide){.high = (schedule_units)(uint64_t)(a >> 64) * b + (low >> 64),
                         .low = (uint64_t)low};
}

static bool wide_less(struct wide a, struct wide b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

/* linear_units(step, elapsed_ns) >= units, without its divisions: multiplied by 2L. */
static bool linear_come(const struct rate_step *step, schedule_units units, uint64_t elapsed_ns)
{
    bool up = step->to_micro > step->from_micro;
    uint64_t difference =
        up ? step->to_micro - step->from_micro : step->from_micro - step->to_micro;
    schedule_units flat = (schedule_units)step->from_micro * elapsed_ns;
    struct wide moved = wide_product((schedule_units)elapsed_ns * elapsed_ns, difference);
    if (up)
        return flat >= units ||
               !wide_less(moved, wide_product(2 * (units - flat), step->length_ns));
    return flat >= units && !wide_less(wide_product(2 * (flat - units), step->length_ns), moved);
}

/* The root of the quadratic, in the form without cancellation, is near; then the integral decides.
 * Mostly that takes one step down; close to a rate of zero the root may be far off. */
static uint64_t linear_time(const struct rate_step *step, schedule_units units)
{
    double from = per_ns(step->from_micro), to = per_ns(step->to_micro);
    double requests = (double)units / UNITS_F;
    double square = from * from + 2 * (to - from) / (double)step->length_ns * requests;
    double root = 2 * requests / (from + sqrt(square > 0 ? square : 0));
    uint64_t low = 0, high = step->length_ns; /* units come after low, and by high */
    uint64_t probe = within(step, ceil(root));
    for (uint64_t reach = 1; high - low > 1; reach *= 2) {
        bool come = probe == high || linear_come(step, units, probe);
        if (come)
            high = probe;
        else
            low = probe;
        if (reach >= (high - low + 1) / 2)
            probe = low + (high - low) / 2;
        else
            probe = come ? high - reach : low + reach;
    }
    return high;
}

static uint64_t exponential_time(const struct rate_step *step, schedule_units units)
{
    double scale = (double)step->length_ns / log((double)step->to_micro / (double)step->from_micro);
    double requests = (double)units / UNITS_F;
    return within(step, ceil(scale * log1p(requests / (per_ns(step->from_micro) * scale))));
}

/* The first nanosecond of the segment at which `units` of its own, above 0, have come; they do come. */
static uint64_t time_in(const struct rate_step *step, schedule_units units)
{
    if (is_constant(step)) {
        assert(step->from_micro > 0);
        schedule_units time_ns = (units + step->from_micro - 1) / step->from_micro;
        return time_ns < SCHEDULE_NEVER ? (uint64_t)time_ns : SCHEDULE_NEVER;
    }
    return step->shape == SCHEDULE_LINEAR ? linear_time(step, units)
                                          : exponential_time(step, units);
}

static uint64_t rate_in(const struct rate_step *step, uint64_t elapsed_ns)
{
    double from = (double)step->from_micro, to = (double)step->to_micro;
    if (is_constant(step))
        return step->from_micro;
    double part = (double)elapsed_ns / (double)step->length_ns;
    if (step->shape == SCHEDULE_LINEAR)
        return (uint64_t)(from + (to - from) * part + 0.5);
    return (uint64_t)(from * pow(to / from, part) + 0.5);
}

/* Planning ------------------------------------------------------------------------------------- */

size_t schedule_bytes(uint32_t planned_count, bool changes)
{
    /* One more: what is held at the end. */
    size_t capacity = (size_t)planned_count + 1 + (changes ? SCHEDULE_CHANGES_MAX : 0);
    return sizeof(struct schedule) + capacity * sizeof(struct schedule_segment);
}

static void check_step(const struct rate_step *step)
{
    assert(step->length_ns > 0);
    assert(step->from_micro <= SCHEDULE_RATE_MAX_MICRO);
    assert(step->to_micro <= SCHEDULE_RATE_MAX_MICRO);
    assert(step->shape != SCHEDULE_CONSTANT || step->from_micro == step->to_micro);
    assert(step->shape != SCHEDULE_EXPONENTIAL || (step->from_micro > 0 && step->to_micro > 0));
    (void)step;
}

void schedule_plan(struct schedule *schedule, const struct rate_step *steps, uint32_t step_count,
                   bool changes)
{
    uint64_t start_ns = 0;
    schedule_units start_units = 0;
    uint32_t count = 0;
    assert(step_count > 0);
    for (uint32_t i = 0; i < step_count; i++) {
        const struct rate_step *step = &steps[i];
        check_step(step);
        schedule->segments[count++] = (struct schedule_segment){.step = *step,
                                                                .start_ns = start_ns,
                                                                .start_units = start_units,
                                                                .first_units = start_units};
        if (step->length_ns > LAST_NS - start_ns)
            break;
        start_ns += step->length_ns;
        start_units += units_in(step, step->length_ns);
    }
    const struct schedule_segment *last_segment = &schedule->segments[count - 1];
    const struct rate_step *last = &last_segment->step;
    if (last->length_ns <= LAST_NS - last_segment->start_ns) {
        struct rate_step held = {.length_ns = SCHEDULE_NEVER,
                                 .from_micro = last->to_micro,
                                 .to_micro = last->to_micro,
                                 .shape = SCHEDULE_CONSTANT};
        schedule->segments[count++] = (struct schedule_segment){.step = held,
                                                                .start_ns = start_ns,
                                                                .start_units = start_units,
                                                                .first_units = start_units};
    }
    schedule->planned_count = count;
    schedule->capacity = count + (changes ? SCHEDULE_CHANGES_MAX : 0);
    /* Relaxed: no worker exists yet, and fork publishes everything. */
    atomic_store_explicit(&schedule->count, count, memory_order_relaxed);
}

/* Looking up ----------------------------------------------------------------------------------- */

static uint32_t count_of(const struct schedule *schedule)
{
    /* Acquire: partner is schedule_change's release store behind a new entry. */
    return atomic_load_explicit(&schedule->count, memory_order_acquire);
}

/* Each request of an open loop is looked up: what looks knows, where it is compiled, which kind of place it
 * looks for. */
#define INLINE static inline __attribute__((always_inline))

/* A place of the integral, or of time. */
struct place {
    bool in_time;
    schedule_units at; /* or nanoseconds */
};

/* Whether entry `later` has taken over at this place. Changes replace all that was planned behind them. */
INLINE bool reached(const struct schedule *schedule, uint32_t later, struct place place)
{
    const struct schedule_segment *segment = &schedule->segments[later];
    return (place.in_time ? segment->start_ns : segment->first_units) <= place.at;
}

/* The entries in force are the planned ones up to the first change, then the changes. Both halves are
 * in order, so that the entry for a place is the last one that has reached it: of the changes if any
 * has, else of the planned ones. An entry without requests of its own (a pause) starts at the same
 * place as the one behind it, and the later one wins. */
INLINE uint32_t find(const struct schedule *schedule, struct place place, schedule_hint *hint)
{
    uint32_t count = count_of(schedule), planned = schedule->planned_count, found = *hint;
    bool changed = count > planned && reached(schedule, planned, place);
    uint32_t first = changed ? planned : 0, end = changed ? count : planned;
    if (found >= first && found < end && reached(schedule, found, place) &&
        (found + 1 == end || !reached(schedule, found + 1, place)))
        return found;
    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        if (reached(schedule, middle, place))
            first = middle;
        else
            end = middle;
    }
    *hint = first;
    return first;
}

static uint32_t find_time(const struct schedule *schedule, uint64_t at_ns)
{
    schedule_hint hint = 0;
    return find(schedule, (struct place){.in_time = true, .at = at_ns}, &hint);
}

uint64_t schedule_time_of(const struct schedule *schedule, schedule_units units,
                          schedule_hint *hint)
{
    const struct place place = {.at = units};
    const struct schedule_segment *segment = &schedule->segments[find(schedule, place, hint)];
    const struct rate_step *step = &segment->step;
    if (step->from_micro == 0 && step->to_micro == 0)
        return SCHEDULE_NEVER; /* a pause without end: one that ends is never found */
    bool come = units <= segment->start_units; /* before it began */
    uint64_t own_ns = come ? 0 : time_in(step, units - segment->start_units);
    return own_ns <= LAST_NS - segment->start_ns ? segment->start_ns + own_ns : SCHEDULE_NEVER;
}

schedule_units schedule_units_at(const struct schedule *schedule, uint64_t at_ns)
{
    const struct schedule_segment *segment = &schedule->segments[find_time(schedule, at_ns)];
    return segment->start_units + units_in(&segment->step, at_ns - segment->start_ns);
}

uint64_t schedule_rate_micro(const struct schedule *schedule, uint64_t at_ns)
{
    const struct schedule_segment *segment = &schedule->segments[find_time(schedule, at_ns)];
    return rate_in(&segment->step, at_ns - segment->start_ns);
}

uint64_t schedule_tickets_before(const struct schedule *schedule, uint64_t at_ns,
                                 schedule_hint *hint)
{
    /* Near enough by the integral, and then by the intended times themselves: what counts as due is
     * exactly what may be drawn, whatever was rounded on the way. */
    if (at_ns > LAST_NS)
        at_ns = LAST_NS + 1;
    uint64_t tickets = (uint64_t)(schedule_units_at(schedule, at_ns) / UNITS);
    while (tickets > 0 && schedule_time_ns(schedule, tickets - 1, hint) >= at_ns)
        tickets--;
    while (schedule_time_ns(schedule, tickets, hint) < at_ns)
        tickets++;
    return tickets;
}

/* The first place of the integral that is not intended for before at_ns. */
static schedule_units first_after(const struct schedule *schedule, uint64_t at_ns)
{
    if (at_ns == 0)
        return 0;
    const struct schedule_segment *last = &schedule->segments[find_time(schedule, at_ns - 1)];
    if (last->step.from_micro == 0 && last->step.to_micro == 0)
        return last->first_units;
    schedule_units units = schedule_units_at(schedule, at_ns - 1) + 1;
    /* An exponential integral and its inverse are rounded: the tickets themselves decide. */
    schedule_hint hint = 0;
    uint64_t tickets = schedule_tickets_before(schedule, at_ns, &hint);
    if (tickets > 0 && units <= (tickets - 1) * UNITS)
        return (tickets - 1) * UNITS + 1;
    return units < tickets * UNITS ? units : tickets * UNITS;
}

bool schedule_change(struct schedule *schedule, uint64_t at_ns, uint64_t rate_micro)
{
    uint32_t count = count_of(schedule);
    assert(rate_micro <= SCHEDULE_RATE_MAX_MICRO);
    if (count == schedule->capacity)
        return false;
    schedule->segments[count] = (struct schedule_segment){
        .step = {.length_ns = SCHEDULE_NEVER,
                 .from_micro = rate_micro,
                 .to_micro = rate_micro,
                 .shape = SCHEDULE_CONSTANT},
        .start_ns = at_ns,
        .start_units = schedule_units_at(schedule, at_ns),
        .first_units = first_after(schedule, at_ns),
    };
    /* Release: partner is count_of in the workers. */
    atomic_store_explicit(&schedule->count, count + 1, memory_order_release);
    return true;
}

/* Arrivals ------------------------------------------------------------------------------------- */

/* In (0, 1], of 53 bits: its logarithm is finite. */
static double uniform_at(uint64_t seed, uint64_t index)
{
    return ((double)(rng_at(seed, index) >> 11) + 1.0) * (1.0 / 9007199254740992.0);
}

static double exponential_at(uint64_t seed, uint64_t index)
{
    return -log(uniform_at(seed, index));
}

/* The sum of ARRIVALS_BLOCK exponential numbers of mean 1: Marsaglia and Tsang, "A simple method for
 * generating gamma variables", ACM TOMS 26 (2000), with a normal number by Box and Muller. A try fails
 * once in some thousand times; that all fail is less likely than any error of the machine. */
static double gamma_at(uint64_t seed, uint64_t block)
{
    const double d = ARRIVALS_BLOCK - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (uint64_t draw = block * GAMMA_DRAWS; draw < (block + 1) * GAMMA_DRAWS; draw += 3) {
        double radius = sqrt(2.0 * exponential_at(seed, draw));
        double normal = radius * cos(2.0 * PI * uniform_at(seed, draw + 1));
        double root = 1.0 + c * normal, v = root * root * root;
        if (v > 0 &&
            log(uniform_at(seed, draw + 2)) < 0.5 * normal * normal + d - d * v + d * log(v))
            return d * v;
    }
    return ARRIVALS_BLOCK;
}

/* In units of the integral: a request of this worker is N of the whole schedule. */
static double block_units(const struct arrivals *arrivals, uint64_t block)
{
    return gamma_at(~arrivals->seed, block) * UNITS_F * arrivals->workers;
}

/* The block of arrivals->number, its first, begins where the one before it ended. */
static void begin_block(struct arrivals *arrivals)
{
    double length = block_units(arrivals, arrivals->number / ARRIVALS_BLOCK), sum = 0;
    for (uint64_t i = 0; i < ARRIVALS_BLOCK; i++)
        sum += exponential_at(arrivals->seed, arrivals->number + i);
    arrivals->block_end = arrivals->position + (schedule_units)length;
    arrivals->gap_scale = length / sum;
}

/* Moves the position on to arrivals->number. */
static void add_gap(struct arrivals *arrivals)
{
    if (arrivals->number % ARRIVALS_BLOCK == 0)
        begin_block(arrivals);
    arrivals->position +=
        (schedule_units)(exponential_at(arrivals->seed, arrivals->number) * arrivals->gap_scale);
    if (arrivals->number % ARRIVALS_BLOCK == ARRIVALS_BLOCK - 1 ||
        arrivals->position >
            arrivals->block_end) /* rounding adds up to the block, no more, no less */
        arrivals->position = arrivals->block_end;
}

static void look_up(struct arrivals *arrivals)
{
    arrivals->time_ns =
        arrivals->number >= arrivals->limit
            ? SCHEDULE_NEVER
            : schedule_time_of(arrivals->schedule, arrivals->position, &arrivals->hint);
}

void arrivals_init(struct arrivals *arrivals, const struct schedule *schedule, enum arrival arrival,
                   uint64_t seed, uint32_t index, uint32_t workers, uint64_t requests)
{
    *arrivals = (struct arrivals){
        .schedule = schedule,
        .arrival = arrival,
        /* A stream of its own for each worker, apart from those of keys and values. */
        .seed = rng_at(seed ^ 0x6172726976616c73ull, index),
        .index = index,
        .workers = workers,
        .limit = requests == 0      ? UINT64_MAX
                 : index < requests ? (requests - index + workers - 1) / workers
                                    : 0,
    };
    if (arrival == ARRIVAL_EVEN)
        arrivals->position = index * UNITS;
    else
        add_gap(arrivals);
    arrivals_reload(arrivals);
}

void arrivals_reload(struct arrivals *arrivals)
{
    arrivals->changes_seen = count_of(arrivals->schedule);
    look_up(arrivals);
}

void arrivals_advance(struct arrivals *arrivals)
{
    arrivals->number++;
    if (arrivals->arrival == ARRIVAL_EVEN)
        arrivals->position += arrivals->workers * UNITS;
    else
        add_gap(arrivals);
    look_up(arrivals);
}

/* To the last number of a block, as far as whole blocks lie before at_ns. */
static void pass_blocks(struct arrivals *arrivals, uint64_t at_ns)
{
    uint64_t last = arrivals->number | (ARRIVALS_BLOCK - 1);
    schedule_units end = arrivals->block_end;
    while (last < arrivals->limit &&
           schedule_time_of(arrivals->schedule, end, &arrivals->hint) < at_ns) {
        arrivals->number = last;
        arrivals->position = end;
        end += (schedule_units)block_units(arrivals, last / ARRIVALS_BLOCK + 1);
        last += ARRIVALS_BLOCK;
    }
}

void arrivals_seek(struct arrivals *arrivals, uint64_t at_ns)
{
    arrivals_refresh(arrivals);
    if (arrivals->arrival == ARRIVAL_POISSON) {
        if (arrivals->time_ns < at_ns)
            pass_blocks(arrivals, at_ns);
        while (arrivals->time_ns < at_ns)
            arrivals_advance(arrivals);
        return;
    }
    if (arrivals->time_ns >= at_ns)
        return;
    uint64_t before = schedule_tickets_before(arrivals->schedule, at_ns, &arrivals->hint);
    uint64_t number = before > arrivals->index
                          ? (before - arrivals->index + arrivals->workers - 1) / arrivals->workers
                          : 0;
    arrivals->number = number < arrivals->limit ? number : arrivals->limit;
    arrivals->position = arrivals->index * UNITS + arrivals->number * arrivals->workers * UNITS;
    look_up(arrivals);
}
