#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/schedule.h"
#include "tests/support/check/schedule_model.h"
#include "tests/support/check/suite.h"

#define UNITS ((schedule_units)SCHEDULE_UNITS_PER_REQUEST)
#define MILLION 1000000ull
#define ROUNDS 60u

/* What was planned, for the message of a failed property. */
static const char *describe(const struct schedule_model *model)
{
    static char text[4096];
    size_t used = 0;
    for (uint32_t i = 0; i < model->step_count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 " [%d: %" PRIu64 " ns, %" PRIu64 " to %" PRIu64 "]",
                                 (int)model->steps[i].shape, model->steps[i].length_ns,
                                 model->steps[i].from_micro, model->steps[i].to_micro);
    for (uint32_t i = 0; i < model->change_count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, " (%" PRIu64 " ns: %" PRIu64 ")",
                                 model->changes[i].at_ns, model->changes[i].rate_micro);
    return text;
}

static void assert_right_at(const struct schedule_model *model, const struct schedule *schedule,
                            uint64_t at_ns)
{
    const char *fault = model_fault_at(model, schedule, at_ns);
    ck_assert_msg(fault == NULL, "at %" PRIu64 " ns: %s;%s", at_ns, fault, describe(model));
}

/* At every edge and next to it, at random moments, and some tickets in a row from there on. */
static void assert_right(const struct schedule_model *model, const struct schedule *schedule,
                         struct model_random *random)
{
    uint64_t edge_ns = 0, end_ns = model_end_ns(model);
    for (uint32_t i = 0; i <= model->step_count + model->change_count; i++) {
        if (i > model->step_count)
            edge_ns = model->changes[i - model->step_count - 1].at_ns;
        for (uint64_t at_ns = edge_ns < 2 ? 0 : edge_ns - 2; at_ns <= edge_ns + 2; at_ns++)
            assert_right_at(model, schedule, at_ns);
        if (i < model->step_count)
            edge_ns += model->steps[i].length_ns;
    }
    for (unsigned i = 0; i < 20; i++) {
        uint64_t at_ns = model_below(random, end_ns + end_ns / 4 + 2);
        assert_right_at(model, schedule, at_ns);
        schedule_hint hint = 0;
        uint64_t ticket = schedule_tickets_before(schedule, at_ns, &hint);
        const char *fault = model_fault_from(schedule, ticket > 20 ? ticket - 20 : 0, 40);
        ck_assert_msg(fault == NULL, "tickets around %" PRIu64 ": %s;%s", ticket, fault,
                      describe(model));
    }
}

LOOP_TEST(counts_are_the_integral, MODEL_KINDS)
{
    /* Breaks when a schedule sends more or fewer requests than its rate says, in another order than
     * that of their tickets, or counts as due what is not. */
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct model_random random = {.seed = (uint64_t)_i << 32 | round};
        struct schedule_model model;
        model_make(&model, (enum model_kind)_i, &random);
        struct schedule *schedule = model_plan(&model);
        assert_right(&model, schedule, &random);
        free(schedule);
    }
}

TEST(times_are_the_first_nanosecond)
{
    /* Breaks when a ticket of a constant or linear step is a nanosecond early or late. */
    static const enum model_kind kinds[] = {MODEL_CONSTANT, MODEL_LADDER, MODEL_LINEAR,
                                            MODEL_PAUSES};
    struct model_random random = {.seed = 5};
    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        struct schedule_model model;
        model_make(&model, kinds[round % 4], &random);
        struct schedule *schedule = model_plan(&model);
        uint64_t tickets = (uint64_t)model_requests(&model, model_end_ns(&model)) + 2;
        schedule_hint hint = 0;
        for (unsigned i = 0; i < 100; i++) {
            uint64_t ticket = model_below(&random, tickets);
            uint64_t time_ns = schedule_time_ns(schedule, ticket, &hint);
            if (time_ns == SCHEDULE_NEVER)
                continue;
            ck_assert_msg(schedule_units_at(schedule, time_ns) >= ticket * UNITS,
                          "ticket %" PRIu64 " is early;%s", ticket, describe(&model));
            ck_assert_msg(time_ns == 0 ||
                              schedule_units_at(schedule, time_ns - 1) < ticket * UNITS ||
                              schedule_rate_micro(schedule, time_ns - 1) == 0,
                          "ticket %" PRIu64 " is late;%s", ticket, describe(&model));
        }
        free(schedule);
    }
}

static void assert_times(const struct rate_step *steps, uint32_t step_count,
                         const uint64_t (*expected)[2], unsigned count)
{
    struct schedule *schedule = calloc(1, schedule_bytes(step_count, false));
    ck_assert_ptr_nonnull(schedule);
    schedule_plan(schedule, steps, step_count, false);
    schedule_hint hint = 0;
    for (unsigned i = 0; i < count; i++)
        ck_assert_msg(schedule_time_ns(schedule, expected[i][0], &hint) == expected[i][1],
                      "ticket %" PRIu64 " at %" PRIu64 " ns, not %" PRIu64, expected[i][0],
                      schedule_time_ns(schedule, expected[i][0], &hint), expected[i][1]);
    free(schedule);
}

TEST(known_times)
{
    /* Breaks when the arithmetic is changed: times worked out by hand. */
    static const struct rate_step half[] = {{SCHEDULE_NEVER, 500000, 500000, SCHEDULE_CONSTANT}};
    static const uint64_t half_times[][2] = {{0, 0},
                                             {1, 2 * NS_PER_SECOND},
                                             {1800000, 1000 * MODEL_HOUR_NS},
                                             {1800001, 1000 * MODEL_HOUR_NS + 2 * NS_PER_SECOND}};
    assert_times(half, 1, half_times, 4);
    static const struct rate_step third[] = {
        {SCHEDULE_NEVER, 3 * MILLION, 3 * MILLION, SCHEDULE_CONSTANT}};
    static const uint64_t third_times[][2] = {
        {1, 333333334}, {2, 666666667}, {3, NS_PER_SECOND}, {3000000001, 1000000000333333334}};
    assert_times(third, 1, third_times, 4);
    static const struct rate_step most[] = {
        {SCHEDULE_NEVER, SCHEDULE_RATE_MAX_MICRO, SCHEDULE_RATE_MAX_MICRO, SCHEDULE_CONSTANT}};
    static const uint64_t most_times[][2] = {{1, 10}, {360000000000007, 1000 * MODEL_HOUR_NS + 70}};
    assert_times(most, 1, most_times, 2);
    /* 10/s for a second, a pause of two, 5/s. Ticket 10 is the first that the pause holds up. */
    static const struct rate_step pause[] = {
        {NS_PER_SECOND, 10 * MILLION, 10 * MILLION, SCHEDULE_CONSTANT},
        {2 * NS_PER_SECOND, 0, 0, SCHEDULE_CONSTANT},
        {NS_PER_SECOND, 5 * MILLION, 5 * MILLION, SCHEDULE_CONSTANT}};
    static const uint64_t pause_times[][2] = {{9, 900 * NS_PER_MS},
                                              {10, 3 * NS_PER_SECOND},
                                              {11, 3200 * NS_PER_MS},
                                              {20, 5 * NS_PER_SECOND}};
    assert_times(pause, 3, pause_times, 4);
    static const struct rate_step silent[] = {
        {NS_PER_SECOND, 10 * MILLION, 10 * MILLION, SCHEDULE_CONSTANT},
        {NS_PER_SECOND, 0, 0, SCHEDULE_CONSTANT}};
    static const uint64_t silent_times[][2] = {
        {9, 900 * NS_PER_MS}, {10, SCHEDULE_NEVER}, {UINT64_MAX, SCHEDULE_NEVER}};
    assert_times(silent, 2, silent_times, 3);
}

TEST(known_times_of_ramps)
{
    /* Breaks when a ramp's tickets drift from the integral: a linear one whose edge is a whole number
     * of requests has a ticket exactly there, and the next rate begins with it. */
    static const struct rate_step up[] = {
        {10 * NS_PER_SECOND, 1000 * MILLION, 2000 * MILLION, SCHEDULE_LINEAR}};
    /* 1000 t + 50 t^2 */
    static const uint64_t up_times[][2] = {{0, 0},
                                           {1050, NS_PER_SECOND},
                                           {6250, 5 * NS_PER_SECOND},
                                           {15000, 10 * NS_PER_SECOND},
                                           {15001, 10000500000},
                                           {17000, 11 * NS_PER_SECOND}};
    assert_times(up, 1, up_times, 6);
    static const struct rate_step down[] = {
        {10 * NS_PER_SECOND, 2000 * MILLION, 0, SCHEDULE_LINEAR},
        {NS_PER_SECOND, 0, 0, SCHEDULE_CONSTANT},
        {10 * NS_PER_SECOND, 0, 2000 * MILLION, SCHEDULE_LINEAR}};
    /* 2000 t - 100 t^2, a pause of a second, 100 t^2 */
    static const uint64_t down_times[][2] = {
        {1900, NS_PER_SECOND},       {7500, 5 * NS_PER_SECOND},   {9900, 9 * NS_PER_SECOND},
        {9999, 9900 * NS_PER_MS},    {10000, 11 * NS_PER_SECOND}, {10001, 11100 * NS_PER_MS},
        {10100, 12 * NS_PER_SECOND}, {20000, 21 * NS_PER_SECOND}};
    assert_times(down, 3, down_times, 8);
    /* Doubling every second from 100/s: 100 (2^t - 1) / ln 2 requests. */
    struct schedule_model model = {
        .steps = {{10 * NS_PER_SECOND, 100 * MILLION, 102400 * MILLION, SCHEDULE_EXPONENTIAL}},
        .step_count = 1};
    struct schedule *schedule = model_plan(&model);
    schedule_hint hint = 0;
    for (uint64_t second = 0; second <= 10; second++) {
        double requests = 100 * (exp2((double)second) - 1) / log(2);
        ck_assert_uint_eq(schedule_tickets_before(schedule, second * NS_PER_SECOND, &hint),
                          (uint64_t)ceil(requests));
        ck_assert_uint_eq(schedule_rate_micro(schedule, second * NS_PER_SECOND),
                          (100ull << second) * MILLION);
    }
    free(schedule);
}

TEST(linear_units_to_the_last)
{
    /* Breaks when the integral of a linear rate or its inverse is off by a single unit: every place of
     * small ramps against the fraction itself. */
    struct model_random random = {.seed = 8};
    for (unsigned round = 0; round < 300; round++) {
        uint64_t length = 1 + model_below(&random, 60);
        uint64_t from = model_below(&random, 40), to = 1 + model_below(&random, 40);
        struct schedule_model model = {.steps = {{length, from, to, SCHEDULE_LINEAR}},
                                       .step_count = 1};
        struct schedule *schedule = model_plan(&model);
        schedule_hint hint = 0;
        uint64_t place = 1; /* the next whose time is known */
        for (uint64_t at_ns = 1; at_ns <= length; at_ns++) {
            uint64_t twice_length = 2 * length * from * at_ns + to * at_ns * at_ns;
            uint64_t units = (twice_length - from * at_ns * at_ns) / (2 * length);
            ck_assert(schedule_units_at(schedule, at_ns) == units);
            for (; place <= units; place++)
                ck_assert_uint_eq(schedule_time_of(schedule, place, &hint), at_ns);
        }
        free(schedule);
    }
}

TEST(ramps_keep_their_rate_every_second)
{
    /* Breaks when a ramp sends another number of requests in a second than its formula says: more than
     * 0.5 % off, or one request where that is more. */
    struct schedule_model models[] = {
        {.steps = {{120 * NS_PER_SECOND, 1000 * MILLION, 50000 * MILLION, SCHEDULE_LINEAR}},
         .step_count = 1},
        {.steps = {{90 * NS_PER_SECOND, 20000 * MILLION, 0, SCHEDULE_LINEAR}}, .step_count = 1},
        {.steps = {{120 * NS_PER_SECOND, 100 * MILLION, 10000 * MILLION, SCHEDULE_EXPONENTIAL}},
         .step_count = 1},
        {.steps = {{60 * NS_PER_SECOND, 100000 * MILLION, MILLION / 2, SCHEDULE_EXPONENTIAL}},
         .step_count = 1},
        {.step_count = 11},
    };
    struct schedule_model *ladder = &models[4]; /* 1000 to 50000, 5000 more every 10 s */
    for (uint64_t i = 0; i < 11; i++) {
        uint64_t rate = i < 10 ? (1000 + 5000 * i) * MILLION : 50000 * MILLION;
        ladder->steps[i] = (struct rate_step){10 * NS_PER_SECOND, rate, rate, SCHEDULE_CONSTANT};
    }
    for (unsigned m = 0; m < sizeof models / sizeof models[0]; m++) {
        struct schedule *schedule = model_plan(&models[m]);
        schedule_hint hint = 0;
        for (uint64_t at_ns = 0; at_ns < model_end_ns(&models[m]); at_ns += NS_PER_SECOND) {
            uint64_t sent = schedule_tickets_before(schedule, at_ns + NS_PER_SECOND, &hint) -
                            schedule_tickets_before(schedule, at_ns, &hint);
            long double due = model_requests(&models[m], at_ns + NS_PER_SECOND) -
                              model_requests(&models[m], at_ns);
            ck_assert_msg(fabsl((long double)sent - due) <= fmaxl(1, 0.005L * due),
                          "ramp %u, second %" PRIu64 ": %" PRIu64 " and not %.1Lf", m,
                          (uint64_t)(at_ns / NS_PER_SECOND), sent, due);
        }
        free(schedule);
    }
}

TEST(the_end_of_time)
{
    /* Breaks when a lookup beyond what 64 bits of nanoseconds hold wraps around or never returns. */
    struct schedule_model models[] = {
        {.steps = {{SCHEDULE_NEVER, 1, 1, SCHEDULE_CONSTANT}}, .step_count = 1},
        {.steps = {{SCHEDULE_NEVER, SCHEDULE_RATE_MAX_MICRO, SCHEDULE_RATE_MAX_MICRO,
                    SCHEDULE_CONSTANT}},
         .step_count = 1},
        {.steps = {{SCHEDULE_NEVER - 10, 7 * MILLION, 7 * MILLION, SCHEDULE_CONSTANT},
                   {SCHEDULE_NEVER - 10, 9 * MILLION, 9 * MILLION, SCHEDULE_CONSTANT}},
         .step_count = 2},
        {.steps = {{NS_PER_SECOND, 0, 0, SCHEDULE_CONSTANT},
                   {SCHEDULE_NEVER - 1, MILLION, 5 * MILLION, SCHEDULE_LINEAR},
                   {NS_PER_SECOND, MILLION, MILLION, SCHEDULE_CONSTANT}},
         .step_count = 3},
        {.steps = {{SCHEDULE_NEVER - 1, MILLION, 5 * MILLION, SCHEDULE_EXPONENTIAL}},
         .step_count = 1},
    };
    static const uint64_t moments[] = {NS_PER_SECOND,      (uint64_t)INT64_MAX - 1,
                                       INT64_MAX,          (uint64_t)INT64_MAX + 1,
                                       SCHEDULE_NEVER - 1, SCHEDULE_NEVER};
    for (unsigned m = 0; m < sizeof models / sizeof models[0]; m++) {
        struct schedule *schedule = model_plan(&models[m]);
        schedule_hint hint = 0;
        uint64_t fewer = 0;
        for (unsigned i = 0; i < sizeof moments / sizeof moments[0]; i++) {
            uint64_t tickets = schedule_tickets_before(schedule, moments[i], &hint);
            ck_assert_uint_ge(tickets, fewer);
            if (tickets > 0)
                ck_assert_uint_lt(schedule_time_ns(schedule, tickets - 1, &hint), moments[i]);
            ck_assert_uint_ge(schedule_time_ns(schedule, tickets, &hint), moments[i]);
            fewer = tickets;
        }
        ck_assert_uint_eq(schedule_time_ns(schedule, UINT64_MAX, &hint), SCHEDULE_NEVER);
        /* A sum of a start and a time must not wrap. */
        ck_assert_uint_le(schedule_time_ns(schedule, fewer - 1, &hint), INT64_MAX);
        free(schedule);
    }
}

TEST(most_steps)
{
    /* Breaks when the longest plan is not searched right, or its integral drifts. */
    struct rate_step *steps = calloc(SCHEDULE_STEPS_MAX, sizeof *steps);
    struct schedule *schedule = calloc(1, schedule_bytes(SCHEDULE_STEPS_MAX, false));
    ck_assert(steps != NULL && schedule != NULL);
    for (uint32_t i = 0; i < SCHEDULE_STEPS_MAX; i++)
        steps[i] = (struct rate_step){NS_PER_MS, (i % 3) * 1000 * MILLION, (i % 3) * 1000 * MILLION,
                                      SCHEDULE_CONSTANT};
    schedule_plan(schedule, steps, SCHEDULE_STEPS_MAX, false);
    ck_assert_uint_eq(schedule->capacity, SCHEDULE_STEPS_MAX + 1);
    schedule_hint hint = 0, back = 0;
    for (uint32_t i = 0; i < SCHEDULE_STEPS_MAX - 1; i += 3) { /* 0, 1, 2 tickets in each three */
        uint64_t first_ns = i * NS_PER_MS;
        ck_assert_uint_eq(schedule_tickets_before(schedule, first_ns, &hint), i);
        ck_assert_uint_eq(schedule_time_ns(schedule, i, &hint), first_ns + NS_PER_MS);
        ck_assert_uint_eq(schedule_time_ns(schedule, i + 2, &hint), first_ns + 2500000);
        uint64_t ticket = SCHEDULE_STEPS_MAX - 4 - i;
        ck_assert_uint_eq(schedule_time_ns(schedule, ticket, &back), (ticket + 1) * NS_PER_MS);
    }
    free(schedule);
    free(steps);
}

/* Changes -------------------------------------------------------------------------------------- */

/* Any place of the integral, not only tickets: Poisson arrivals lie anywhere. */
static void assert_places(const struct schedule *before, const struct schedule *after,
                          uint64_t at_ns)
{
    for (uint32_t i = 0; i < before->planned_count; i++)
        if (before->segments[i].step.shape == SCHEDULE_EXPONENTIAL)
            return; /* rounded: there only tickets are held to their times */
    for (uint64_t edge_ns = at_ns < 2 ? 0 : at_ns - 2; edge_ns <= at_ns + 1; edge_ns++)
        for (unsigned i = 0; i < 3; i++) {
            schedule_units place = schedule_units_at(before, edge_ns) + i;
            if (place-- == 0)
                continue;
            schedule_hint hint = 0, hint_after = 0;
            uint64_t was_ns = schedule_time_of(before, place, &hint);
            uint64_t is_ns = schedule_time_of(after, place, &hint_after);
            ck_assert(was_ns < at_ns ? is_ns == was_ns : is_ns >= at_ns);
        }
}

static void change(struct schedule_model *model, struct schedule *schedule, uint64_t at_ns,
                   uint64_t rate_micro, struct model_random *random)
{
    struct schedule *before = model_copy(schedule);
    schedule_hint hint = 0;
    uint64_t tickets = schedule_tickets_before(before, at_ns, &hint);
    ck_assert(model_change(model, schedule, at_ns, rate_micro));
    ck_assert_uint_eq(schedule_tickets_before(schedule, at_ns, &hint), tickets);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t ticket = i < 20   ? (tickets + i >= 10 ? tickets + i - 10 : i)
                          : i < 40 ? model_below(random, tickets + 1)
                                   : tickets + model_magnitude(random, 1ull << 40);
        const char *fault = model_fault_of_change(before, schedule, at_ns, ticket);
        ck_assert_msg(fault == NULL, "ticket %" PRIu64 ": %s;%s", ticket, fault, describe(model));
    }
    ck_assert_uint_eq(schedule_rate_micro(schedule, at_ns), rate_micro);
    assert_places(before, schedule, at_ns);
    uint64_t later_ns = at_ns + model_magnitude(random, 10 * NS_PER_SECOND);
    uint64_t more = schedule_tickets_before(schedule, later_ns, &hint) - tickets;
    long double due = (long double)rate_micro * (later_ns - at_ns) / 1e15L;
    ck_assert_msg(fabsl((long double)more - due) <= 1.000001L + rate_micro / 1e15L,
                  "%" PRIu64 " and not %.3Lf;%s", more, due, describe(model));
    free(before);
}

LOOP_TEST(changes_keep_what_was, MODEL_KINDS)
{
    /* Breaks when a change moves tickets that a worker may have drawn, loses or repeats some, or what
     * comes after does not have the new rate: several changes, pauses, in the middle of ramps, two at
     * the same moment. */
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct model_random random = {.seed = 0xc4a29eull << 32 | (uint64_t)_i << 16 | round};
        struct schedule_model model;
        model_make(&model, (enum model_kind)_i, &random);
        struct schedule *schedule = model_plan(&model);
        uint64_t at_ns = model_below(&random, model_end_ns(&model) + NS_PER_SECOND);
        unsigned changes = 1 + (unsigned)model_below(&random, 12);
        for (unsigned i = 0; i < changes; i++) {
            uint64_t rate = model_below(&random, 4) == 0
                                ? 0
                                : model_magnitude(&random, SCHEDULE_RATE_MAX_MICRO);
            schedule_hint hint = 0;
            uint64_t ticket = schedule_tickets_before(schedule, at_ns, &hint);
            uint64_t snapped_ns = schedule_time_ns(schedule, ticket, &hint);
            if (i % 2 == 0 && snapped_ns < at_ns + MODEL_HOUR_NS)
                at_ns = snapped_ns + i / 2 % 2; /* at a ticket's own nanosecond, or behind it */
            change(&model, schedule, at_ns, rate, &random);
            if (model_below(&random, 4) != 0)
                at_ns += model_magnitude(&random, 100 * NS_PER_SECOND);
        }
        assert_right(&model, schedule, &random);
        free(schedule);
    }
}

TEST(changes_where_doubles_round)
{
    /* Breaks when a change in a ramp of many hours, whose integral is a double, moves a ticket that is
     * intended for the nanosecond before it, or leaves one of its own nanosecond before it. */
    const struct rate_step step = {836890852394536, 1910710612334, 16951003261,
                                   SCHEDULE_EXPONENTIAL};
    struct model_random random = {.seed = 13};
    struct schedule_model model = {.steps = {step}, .step_count = 1};
    struct schedule *schedule = model_plan(&model);
    for (unsigned round = 0; round < 2000; round++) {
        schedule_hint hint = 0;
        uint64_t ticket = 1 + model_below(&random, 335000000000ull);
        uint64_t at_ns = schedule_time_ns(schedule, ticket, &hint) + round % 2;
        struct schedule *changed = model_copy(schedule);
        ck_assert(schedule_change(changed, at_ns, 0));
        for (uint64_t k = ticket - 1; k <= ticket + 1; k++) {
            const char *fault = model_fault_of_change(schedule, changed, at_ns, k);
            ck_assert_msg(fault == NULL, "ticket %" PRIu64 ": %s", k, fault);
            ck_assert((schedule_time_ns(changed, k, &hint) == SCHEDULE_NEVER) ==
                      (schedule_time_ns(schedule, k, &hint) >= at_ns));
        }
        free(changed);
    }
    free(schedule);
}

TEST(pause_and_resume)
{
    /* Breaks when requests are sent in a pause, or those held up are sent in a burst behind it. */
    struct schedule_model model = {
        .steps = {{SCHEDULE_NEVER, 1000 * MILLION, 1000 * MILLION, SCHEDULE_CONSTANT}},
        .step_count = 1};
    struct schedule *schedule = model_plan(&model);
    schedule_hint hint = 0;
    ck_assert(schedule_change(schedule, NS_PER_SECOND, 0));
    ck_assert_uint_eq(schedule_time_ns(schedule, 999, &hint), 999 * NS_PER_MS);
    ck_assert_uint_eq(schedule_time_ns(schedule, 1000, &hint), SCHEDULE_NEVER);
    ck_assert_uint_eq(schedule_tickets_before(schedule, 50 * NS_PER_SECOND, &hint), 1000);
    ck_assert(schedule_change(schedule, 10 * NS_PER_SECOND, 2000 * MILLION));
    ck_assert_uint_eq(schedule_time_ns(schedule, 999, &hint), 999 * NS_PER_MS);
    ck_assert_uint_eq(schedule_time_ns(schedule, 1000, &hint), 10 * NS_PER_SECOND);
    ck_assert_uint_eq(schedule_time_ns(schedule, 1001, &hint), 10 * NS_PER_SECOND + 500000);
    ck_assert_uint_eq(schedule_rate_micro(schedule, NS_PER_SECOND - 1), 1000 * MILLION);
    ck_assert_uint_eq(schedule_rate_micro(schedule, NS_PER_SECOND), 0);
    ck_assert_uint_eq(schedule_rate_micro(schedule, 10 * NS_PER_SECOND), 2000 * MILLION);
    free(schedule);
}

/* A constant rate, with room for all changes; the caller frees. */
static struct schedule *changeable(uint64_t rate_micro)
{
    const struct rate_step step = {NS_PER_SECOND, rate_micro, rate_micro, SCHEDULE_CONSTANT};
    struct schedule *schedule = calloc(1, schedule_bytes(1, true));
    ck_assert_ptr_nonnull(schedule);
    schedule_plan(schedule, &step, 1, true);
    return schedule;
}

TEST(the_same_rate_again)
{
    /* Breaks when a change to the rate that is in force moves anything. */
    struct schedule *schedule = changeable(1000 * MILLION);
    for (uint64_t i = 1; i <= 1000; i++)
        ck_assert(schedule_change(schedule, i * NS_PER_MS, 1000 * MILLION));
    for (uint64_t i = 1; i <= 1000; i++)
        ck_assert(schedule_change(schedule, NS_PER_SECOND + i * 1234567, 1000 * MILLION));
    schedule_hint hint = 0;
    for (uint64_t ticket = 0; ticket < 5000; ticket++)
        ck_assert_uint_eq(schedule_time_ns(schedule, ticket, &hint), ticket * NS_PER_MS);
    free(schedule);
}

TEST(no_room_for_more)
{
    /* Breaks when one change too many is written beyond the shared segment, or half of it counts. */
    struct schedule *schedule = changeable(1000 * MILLION);
    uint64_t at_ns = 0;
    for (uint32_t i = 0; i < SCHEDULE_CHANGES_MAX; i++)
        ck_assert(schedule_change(schedule, at_ns += NS_PER_MS, (1 + i % 5) * 1000 * MILLION));
    schedule_hint hint = 0;
    uint64_t tickets = schedule_tickets_before(schedule, at_ns + NS_PER_SECOND, &hint);
    ck_assert_uint_eq(tickets, 1 + 2000 * (1 + 2 + 3 + 4 + 5) - 5 + 5000);
    ck_assert(!schedule_change(schedule, at_ns + 1, 0));
    ck_assert_uint_eq(schedule_tickets_before(schedule, at_ns + NS_PER_SECOND, &hint), tickets);
    free(schedule);

    schedule = calloc(1, schedule_bytes(1, false));
    ck_assert_ptr_nonnull(schedule);
    const struct rate_step step = {NS_PER_SECOND, 1000 * MILLION, 1000 * MILLION,
                                   SCHEDULE_CONSTANT};
    schedule_plan(schedule, &step, 1, false);
    ck_assert(!schedule_change(schedule, 1, 0));
    ck_assert_uint_eq(schedule_rate_micro(schedule, 1), 1000 * MILLION);
    free(schedule);
}

TEST_SUITE_WITH(schedule, .timeout_seconds = 120)
