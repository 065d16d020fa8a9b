#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/schedule.h"
#include "tests/support/check/schedule_model.h"
#include "tests/support/check/suite.h"

#define MILLION 1000000ull
#define WORKERS_MAX 16u
#define ROUNDS 40u
#define MERGED 3000u
#define STATISTICS_SECONDS 20u
#define STATISTICS_BINS (STATISTICS_SECONDS * 1000u) /* a millisecond each */
#define KS_1_PERCENT 1.6276 /* of D sqrt(n), n large: Kolmogorov's distribution */

static struct schedule *constant(uint64_t rate_micro)
{
    struct schedule_model model = {
        .steps = {{SCHEDULE_NEVER, rate_micro, rate_micro, SCHEDULE_CONSTANT}}, .step_count = 1};
    return model_plan(&model);
}

/* The worker whose next number is intended for the earliest time; the lower ticket of equals. */
static uint32_t earliest(const struct arrivals *workers, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t ticket = i + workers[i].number * count;
        uint64_t best = found + workers[found].number * count;
        if (workers[i].time_ns < workers[found].time_ns ||
            (workers[i].time_ns == workers[found].time_ns && ticket < best))
            found = i;
    }
    return found;
}

/* Even ----------------------------------------------------------------------------------------- */

LOOP_TEST(workers_make_the_schedule_together, MODEL_KINDS)
{
    /* Breaks when N workers make another load than one: their streams, merged by time, must be the
     * tickets of the schedule, one after the other, at exactly its times. */
    static const uint32_t counts[] = {1, 2, 3, 4, 7, WORKERS_MAX};
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct model_random random = {.seed = (uint64_t)_i << 32 | round};
        struct schedule_model model;
        model_make(&model, (enum model_kind)_i, &random);
        struct schedule *schedule = model_plan(&model);
        uint32_t count = counts[round % 6];
        uint64_t start_ns = model_below(&random, model_end_ns(&model));
        schedule_hint hint = 0;
        uint64_t ticket = schedule_tickets_before(schedule, start_ns, &hint);
        struct arrivals workers[WORKERS_MAX] = {{.schedule = NULL}};
        for (uint32_t i = 0; i < count; i++) {
            arrivals_init(&workers[i], schedule, ARRIVAL_EVEN, 42, i, count, 0);
            arrivals_seek(&workers[i], start_ns);
        }
        for (unsigned j = 0; j < MERGED; j++, ticket++) {
            struct arrivals *next = &workers[earliest(workers, count)];
            if (next->time_ns == SCHEDULE_NEVER)
                break;
            ck_assert_uint_eq(next->index + next->number * count, ticket);
            ck_assert_uint_eq(next->time_ns, schedule_time_ns(schedule, ticket, &hint));
            arrivals_advance(next);
        }
        free(schedule);
    }
}

static void assert_same(const struct arrivals *a, const struct arrivals *b)
{
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->time_ns, b->time_ns);
    ck_assert(a->position == b->position);
}

LOOP_TEST(seeking_is_advancing, ARRIVAL_POISSON + 1)
{
    /* Breaks when a worker that jumps (a replacement, or one that sheds) takes other tickets than one
     * that goes through them all. */
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct model_random random = {.seed = (uint64_t)_i << 32 | round};
        struct schedule_model model;
        model_make(&model, (enum model_kind)(round % MODEL_KINDS), &random);
        struct schedule *schedule = model_plan(&model);
        uint32_t count = 1 + (uint32_t)model_below(&random, WORKERS_MAX);
        struct arrivals walker;
        arrivals_init(&walker, schedule, (enum arrival)_i, round,
                      (uint32_t)model_below(&random, count), count,
                      round % 2 == 0 ? 0 : 1 + model_below(&random, 2000 * count));
        for (unsigned i = 0; i < 30 && walker.time_ns != SCHEDULE_NEVER; i++) {
            struct arrivals jumper = walker, ahead = walker;
            /* within a block of Poisson gaps, and over several */
            unsigned steps = (unsigned)model_below(&random, i % 5 == 0 ? 2000 : 100);
            for (unsigned j = 0; j < steps && ahead.time_ns != SCHEDULE_NEVER; j++)
                arrivals_advance(&ahead);
            uint64_t at_ns =
                ahead.time_ns == SCHEDULE_NEVER ? walker.time_ns + 1 : ahead.time_ns + i % 3;
            while (walker.time_ns < at_ns)
                arrivals_advance(&walker);
            arrivals_seek(&jumper, at_ns);
            assert_same(&walker, &jumper);
            arrivals_seek(&jumper, at_ns > 1000 ? at_ns - 1000 : 0); /* never back */
            assert_same(&walker, &jumper);
        }
        free(schedule);
    }
}

LOOP_TEST(limits_add_up, ARRIVAL_POISSON + 1)
{
    /* Breaks when -n is not met exactly: the limits of all workers are n, and each stream ends after
     * its own, also when there are more workers than requests. */
    static const uint64_t requests[] = {1, 2, 3, 7, 15, 16, 17, 100, 1001};
    struct schedule *schedule = constant(1000 * MILLION);
    for (unsigned r = 0; r < sizeof requests / sizeof requests[0]; r++)
        for (uint32_t count = 1; count <= WORKERS_MAX; count++) {
            uint64_t sum = 0;
            for (uint32_t i = 0; i < count; i++) {
                struct arrivals one;
                arrivals_init(&one, schedule, (enum arrival)_i, 7, i, count, requests[r]);
                uint64_t drawn = 0;
                for (; one.time_ns != SCHEDULE_NEVER; drawn++) {
                    ck_assert_uint_lt(i + one.number * count, requests[r]);
                    arrivals_advance(&one);
                }
                ck_assert_uint_eq(drawn, one.limit);
                sum += drawn;
                arrivals_reload(&one);
                ck_assert_uint_eq(one.time_ns, SCHEDULE_NEVER);
                arrivals_seek(&one, 1000 * MODEL_HOUR_NS);
                ck_assert_uint_eq(one.number, one.limit);
            }
            ck_assert_uint_eq(sum, requests[r]);
        }
    free(schedule);
}

LOOP_TEST(streams_follow_changes, ARRIVAL_POISSON + 1)
{
    /* Breaks when a worker that looked before a change and one that looks after it take different
     * tickets, or one that waits in a pause does not hear that it is over. */
    for (unsigned round = 0; round < 3 * ROUNDS; round++) {
        struct model_random random = {.seed = (uint64_t)_i << 32 | round};
        struct schedule_model model;
        /* Not the exponential kind: its doubles may move a Poisson ticket by a nanosecond. */
        static const enum model_kind kinds[] = {MODEL_CONSTANT, MODEL_LADDER, MODEL_LINEAR,
                                                MODEL_PAUSES};
        model_make(&model, kinds[round % 4], &random);
        struct schedule *schedule = model_plan(&model);
        uint32_t count = 1 + (uint32_t)model_below(&random, 4);
        struct arrivals early;
        arrivals_init(&early, schedule, (enum arrival)_i, round, 0, count, 0);
        uint64_t at_ns = 0;
        for (unsigned i = 0; i < 10; i++) {
            struct arrivals next = early;
            for (unsigned j = 0; j < 50 && next.time_ns != SCHEDULE_NEVER; j++)
                arrivals_advance(&next);
            at_ns = next.time_ns != SCHEDULE_NEVER ? next.time_ns + i % 2 : at_ns + NS_PER_SECOND;
            arrivals_seek(&early, at_ns); /* all before the change is drawn */
            ck_assert(schedule_change(schedule, at_ns, i % 3 == 2 ? 0 : (1 + i) * 1000 * MILLION));
            arrivals_refresh(&early);
            struct arrivals late;
            arrivals_init(&late, schedule, (enum arrival)_i, round, 0, count, 0);
            arrivals_seek(&late, at_ns);
            assert_same(&early, &late);
            ck_assert_uint_ge(early.time_ns, at_ns);
            if (i % 3 == 2)
                ck_assert_uint_eq(early.time_ns, SCHEDULE_NEVER);
            else if (_i == ARRIVAL_EVEN)
                ck_assert_uint_le(early.time_ns - at_ns, count * (MILLION / (1 + i)));
        }
        free(schedule);
    }
}

/* Poisson -------------------------------------------------------------------------------------- */

/* All times before end_ns of so many workers, merged; the caller frees. */
static uint64_t *poisson_times(const struct schedule *schedule, uint64_t seed, uint32_t workers,
                               uint64_t end_ns, size_t *count)
{
    struct arrivals streams[WORKERS_MAX] = {{.schedule = NULL}};
    /* A tenth more than are expected: far more than chance would take. */
    size_t room = (size_t)(schedule_units_at(schedule, end_ns) / SCHEDULE_UNITS_PER_REQUEST);
    room += room / 10;
    uint64_t *times = malloc(room * sizeof *times);
    ck_assert_ptr_nonnull(times);
    *count = 0;
    for (uint32_t i = 0; i < workers; i++)
        arrivals_init(&streams[i], schedule, ARRIVAL_POISSON, seed, i, workers, 0);
    for (;;) {
        struct arrivals *next = &streams[earliest(streams, workers)];
        if (next->time_ns >= end_ns)
            return times;
        ck_assert_uint_lt(*count, room);
        ck_assert(*count == 0 || next->time_ns >= times[*count - 1]);
        times[(*count)++] = next->time_ns;
        arrivals_advance(next);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* D sqrt(n) of gaps of mean 1 against the exponential distribution; sorts them. */
static double kolmogorov_smirnov(double *gaps, size_t count)
{
    double most = 0;
    qsort(gaps, count, sizeof *gaps, compare_doubles);
    for (size_t i = 0; i < count; i++) {
        double expected = -expm1(-gaps[i]);
        most = fmax(most, fmax((double)(i + 1) / (double)count - expected,
                               expected - (double)i / (double)count));
    }
    return most * sqrt((double)count);
}

/* Gaps between the times on the scale of the integral, where their mean is 1. */
static double *gaps_of(const struct schedule *schedule, const uint64_t *times, size_t count)
{
    double *gaps = malloc((count + 1) * sizeof *gaps);
    ck_assert_ptr_nonnull(gaps);
    schedule_units before = 0;
    for (size_t i = 0; i < count; i++) {
        schedule_units now = schedule_units_at(schedule, times[i]);
        gaps[i] = (double)(now - before) / 1e15;
        before = now;
    }
    return gaps;
}

static const uint64_t seeds[] = {1, 2, 3, 42, 0x8000000000000000ull};
static const uint32_t worker_counts[] = {1, 4, WORKERS_MAX};

LOOP_TEST(gaps_are_exponential, sizeof seeds / sizeof seeds[0])
{
    /* Breaks when the arrivals are no Poisson process: gaps against the exponential at the 1 % level,
     * for one stream and for the merged streams of several workers, at a constant rate and on a ramp. */
    struct schedule_model ramp = {.steps = {{STATISTICS_SECONDS * NS_PER_SECOND, 100 * MILLION,
                                             4000 * MILLION, SCHEDULE_LINEAR}},
                                  .step_count = 1};
    struct schedule *schedules[] = {constant(2000 * MILLION), model_plan(&ramp)};
    for (unsigned s = 0; s < 2; s++)
        for (unsigned w = 0; w < 3; w++) {
            size_t count;
            uint64_t *times = poisson_times(schedules[s], seeds[_i], worker_counts[w],
                                            STATISTICS_SECONDS * NS_PER_SECOND, &count);
            double *gaps = gaps_of(schedules[s], times, count);
            double distance = kolmogorov_smirnov(gaps, count);
            ck_assert_msg(distance < KS_1_PERCENT, "seed %" PRIu64 ", %u workers: D sqrt(n) = %.3f",
                          seeds[_i], worker_counts[w], distance);
            free(gaps);
            free(times);
        }
    free(schedules[0]);
    free(schedules[1]);
}

TEST(even_gaps_are_not_exponential)
{
    /* Breaks when the test above takes anything for a Poisson process. */
    static double gaps[1000];
    for (unsigned i = 0; i < 1000; i++)
        gaps[i] = 1;
    ck_assert_double_gt(kolmogorov_smirnov(gaps, 1000), 5);
    struct schedule *schedule = constant(2000 * MILLION);
    size_t count;
    uint64_t *times = poisson_times(schedule, 1, 1, STATISTICS_SECONDS * NS_PER_SECOND, &count);
    double *slower = gaps_of(schedule, times, count);
    for (size_t i = 0; i < count; i++)
        slower[i] *= 1.05;
    ck_assert_double_gt(kolmogorov_smirnov(slower, count), KS_1_PERCENT);
    free(slower);
    free(times);
    free(schedule);
}

/* Arrivals per millisecond of one worker, added to what is there; returns how many. */
static size_t count_arrivals(double bins[STATISTICS_BINS], const struct schedule *schedule,
                             uint64_t seed, uint32_t index, uint32_t workers)
{
    struct arrivals stream;
    arrivals_init(&stream, schedule, ARRIVAL_POISSON, seed, index, workers, 0);
    while (stream.time_ns < STATISTICS_BINS * NS_PER_MS) {
        bins[stream.time_ns / NS_PER_MS]++;
        arrivals_advance(&stream);
    }
    return stream.number;
}

/* Takes the mean away; returns the sum of the squares that are left. */
static double centre(double bins[STATISTICS_BINS], size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < STATISTICS_BINS; i++) {
        bins[i] -= (double)count / STATISTICS_BINS;
        squares += bins[i] * bins[i];
    }
    return squares;
}

LOOP_TEST(counts_vary_as_they_must, sizeof seeds / sizeof seeds[0])
{
    /* Breaks when the rate is not the one asked for (5 deviations), or arrivals per millisecond are
     * more regular or more bursty than chance: variance / mean 1.00 within 5 %. */
    static const uint64_t rates[] = {1000, 10000, 50000};
    static double bins[STATISTICS_BINS];
    for (unsigned r = 0; r < 3; r++)
        for (unsigned w = 0; w < 3; w++) {
            struct schedule *schedule = constant(rates[r] * MILLION);
            memset(bins, 0, sizeof bins);
            size_t count = 0;
            for (uint32_t i = 0; i < worker_counts[w]; i++)
                count += count_arrivals(bins, schedule, seeds[_i], i, worker_counts[w]);
            double expected = (double)(rates[r] * STATISTICS_SECONDS);
            ck_assert_msg(fabs((double)count - expected) < 5 * sqrt(expected),
                          "%zu arrivals and not %.0f", count, expected);
            double dispersion = centre(bins, count) / (double)count;
            ck_assert_msg(fabs(dispersion - 1) < 0.05, "%" PRIu64 "/s, %u workers: %.4f", rates[r],
                          worker_counts[w], dispersion);
            free(schedule);
        }
}

LOOP_TEST(counts_vary_over_blocks, sizeof seeds / sizeof seeds[0])
{
    /* Breaks when the sums of gaps are more regular, or less, than those of a Poisson process: arrivals in
     * windows of several blocks, whose variance / mean is within 5 deviations of 1. */
    enum { WINDOWS = 2000, MEAN = 1000 };
    static double counts[WINDOWS];
    struct schedule *schedule = constant(MEAN * MILLION);
    struct arrivals stream;
    double squares = 0;
    memset(counts, 0, sizeof counts);
    arrivals_init(&stream, schedule, ARRIVAL_POISSON, seeds[_i], 0, 1, 0);
    for (; stream.time_ns < WINDOWS * NS_PER_SECOND; arrivals_advance(&stream))
        counts[stream.time_ns / NS_PER_SECOND]++;
    for (unsigned i = 0; i < WINDOWS; i++)
        squares += (counts[i] - MEAN) * (counts[i] - MEAN);
    double dispersion = squares / WINDOWS / MEAN;
    ck_assert_msg(fabs(dispersion - 1) < 5 * sqrt(2.0 / WINDOWS), "%.4f", dispersion);
    free(schedule);
}

TEST(seeking_far_keeps_the_rate)
{
    /* Breaks when a jump passes over blocks and arrives elsewhere than the rate says, or goes from arrival to
     * arrival: 2 thousand million of them take longer than the case may. */
    struct schedule *schedule = constant(SCHEDULE_RATE_MAX_MICRO);
    struct arrivals stream;
    arrivals_init(&stream, schedule, ARRIVAL_POISSON, 1, 0, 1, 0);
    arrivals_seek(&stream, 20 * NS_PER_SECOND);
    double expected = 20 * (double)SCHEDULE_RATE_MAX_MICRO / MILLION;
    ck_assert_double_lt(fabs((double)stream.number - expected), 5 * sqrt(expected));
    ck_assert_uint_ge(stream.time_ns, 20 * NS_PER_SECOND);
    free(schedule);
}

TEST(workers_are_independent)
{
    /* Breaks when two workers, or two seeds, fire at the same moments: correlation of their arrivals
     * per millisecond, also one millisecond apart, within 4 deviations of none. */
    static double bins[5][STATISTICS_BINS];
    struct schedule *schedule = constant(20000 * MILLION);
    for (uint32_t i = 0; i < 5; i++) { /* the fifth: the first worker of another seed */
        size_t count = count_arrivals(bins[i], schedule, i < 4 ? 42 : 43, i % 4, 4);
        double norm = sqrt(centre(bins[i], count));
        for (size_t k = 0; k < STATISTICS_BINS; k++)
            bins[i][k] /= norm;
    }
    for (unsigned i = 0; i < 5; i++)
        for (unsigned j = 0; j <= i; j++)
            for (unsigned shift = i == j; shift < 2; shift++) {
                double correlation = 0;
                for (size_t k = shift; k < STATISTICS_BINS; k++)
                    correlation += bins[i][k] * bins[j][k - shift];
                ck_assert_msg(fabs(correlation) < 4 / sqrt(STATISTICS_BINS),
                              "streams %u and %u, shift %u: %.4f", i, j, shift, correlation);
            }
    free(schedule);
}

TEST(same_seed_same_times)
{
    /* Breaks when a run cannot be repeated: times of a seed worked out elsewhere, to the nanosecond that
     * another logarithm may round to. */
    static const uint64_t expected[2][4] = {{4264335, 7155499, 8410201, 11707349},
                                            {1573889, 2510763, 2815872, 7479041}};
    struct schedule *schedule = constant(1000 * MILLION);
    for (uint32_t i = 0; i < 2; i++) {
        struct arrivals stream;
        arrivals_init(&stream, schedule, ARRIVAL_POISSON, 42, i, 2, 0);
        for (unsigned j = 0; j < 4; j++) {
            ck_assert_msg(stream.time_ns + 1 >= expected[i][j] &&
                              stream.time_ns <= expected[i][j] + 1,
                          "worker %u, number %u: %" PRIu64, i, j, stream.time_ns);
            arrivals_advance(&stream);
        }
    }
    free(schedule);
}

TEST_SUITE_WITH(arrivals, .timeout_seconds = 120)
