/* The search against servers that are made up: each knows its limit, and how surely a window passes at
 * a rate. */
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "common/schedule.h"
#include "orchestrator/capacity/search.h"
#include "tests/support/check/suite.h"

#define WINDOWS 5
#define PRECISION 0.02

struct server {
    double limit; /* requests per second at which a window passes with probability 1/2 */
    double noise; /* the wider, the less sure a window is near the limit; 0: not at all */
    uint64_t seed, drawn;
    double seconds; /* that the search has taken */
};

static double draw(struct server *server)
{
    return (double)(rng_at(server->seed, server->drawn++) >> 11) * 0x1p-53;
}

/* Seconds that a probe takes beside its windows: a second of warm-up, and connecting. */
#define AROUND_PROBE_SECONDS 1.25

/* As find-max measures it: a re-test whole, others until a majority has passed or failed, and while the
 * search climbs one window with much to spare. */
static struct search_outcome probe(struct server *server, const struct search *search,
                                   uint64_t rate_micro)
{
    double rate = (double)rate_micro / (double)SCHEDULE_MICRO;
    const bool whole = search_seen(search, rate_micro) != NULL;
    double passes = server->noise > 0 ? 1 / (1 + exp(-log(server->limit / rate) / server->noise))
                                      : (rate <= server->limit ? 1 : 0);
    struct search_outcome outcome = {.rate_micro = rate_micro,
                                     .close = rate > 0.7 * server->limit,
                                     .clear = rate > 1.3 * server->limit};
    const bool climbing = search->high_micro == 0 && !outcome.close;
    for (bool enough = false; outcome.windows < WINDOWS && !enough;) {
        outcome.windows++;
        outcome.passed += draw(server) < passes;
        const uint32_t failed = outcome.windows - outcome.passed;
        enough = !whole && (2 * outcome.passed > WINDOWS || 2 * failed > WINDOWS ||
                            (climbing && outcome.passed == 1 && failed == 0));
    }
    server->seconds += AROUND_PROBE_SECONDS + outcome.windows;
    return outcome;
}

static struct search_limits usual_limits(void)
{
    return (struct search_limits){.start_micro = 1000 * SCHEDULE_MICRO,
                                  .lowest_micro = 10 * SCHEDULE_MICRO,
                                  .highest_micro = SCHEDULE_RATE_MAX_MICRO,
                                  .precision = PRECISION,
                                  .probes_max = 60};
}

/* Returns how many probes it took. */
static uint32_t run(struct search *search, const struct search_limits *limits,
                    struct server *server)
{
    uint64_t rate_micro;
    uint32_t probes = 0;
    search_init(search, limits);
    while ((rate_micro = search_next(search)) != 0) {
        ck_assert_uint_ge(rate_micro, limits->lowest_micro);
        ck_assert_uint_le(rate_micro, limits->highest_micro);
        struct search_outcome outcome = probe(server, search, rate_micro);
        search_feed(search, &outcome);
        ck_assert_uint_le(++probes, limits->probes_max);
    }
    return probes;
}

static double per_second(uint64_t rate_micro)
{
    return (double)rate_micro / (double)SCHEDULE_MICRO;
}

static bool is_within(double value, double wanted, double part)
{
    return value >= wanted / (1 + part) && value <= wanted * (1 + part);
}

static double limit_of(uint64_t seed)
{
    return 50 * pow(10, 5 * (double)(rng_at(seed, 99) >> 11) * 0x1p-53); /* 50 to 5,000,000 */
}

TEST(test_sign_test)
{
    /* Breaks when the tail of the binomial distribution is not exact. */
    ck_assert_double_eq(search_sign_test(5, 5), 1.0 / 32);
    ck_assert_double_eq(search_sign_test(10, 10), 1.0 / 1024);
    ck_assert_double_eq(search_sign_test(8, 10), 56.0 / 1024);
    ck_assert_double_eq(search_sign_test(0, 7), 1);
    ck_assert_double_eq(search_sign_test(0, 0), 1);
    ck_assert_double_eq_tol(search_sign_test(50, 99), 0.5, 1e-12);
    ck_assert_double_eq_tol(search_sign_test(2500, 5000), 0.5126125, 1e-6); /* as 500 of 1000 */
}

TEST(test_server_without_noise)
{
    /* Breaks when a sharp limit is missed, or the interval does not hold it. */
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct server server = {.limit = limit_of(seed), .seed = seed};
        struct search search;
        const struct search_limits limits = usual_limits();
        uint32_t probes = run(&search, &limits, &server);
        struct search_finding finding = search_find(&search);
        ck_assert_int_eq(finding.status, SEARCH_FOUND);
        ck_assert_uint_le(probes, 30);
        ck_assert_double_le(per_second(finding.rate_micro), server.limit);
        ck_assert(is_within(per_second(finding.rate_micro), server.limit, PRECISION * 1.05));
        ck_assert_double_le(per_second(finding.lower_micro), server.limit);
        ck_assert_double_ge(per_second(finding.upper_micro), server.limit);
        ck_assert_uint_eq(finding.lower_micro, finding.rate_micro);
        ck_assert_uint_eq(finding.upper_micro, finding.first_failing_micro);
        ck_assert_uint_eq(finding.passed, finding.windows);
        ck_assert_uint_gt(finding.windows, 0);
    }
}

LOOP_TEST(test_noisy_server, 3)
{
    /* Breaks when noise throws the search off: of 100 searches 95 must end within the precision, and
     * 95 of the intervals must hold the limit. */
    static const double noises[] = {0.002, 0.005, 0.01};
    uint32_t near = 0, held = 0, found = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct server server = {.limit = limit_of(seed), .noise = noises[_i], .seed = seed};
        struct search search;
        const struct search_limits limits = usual_limits();
        (void)run(&search, &limits, &server);
        struct search_finding finding = search_find(&search);
        found += finding.status == SEARCH_FOUND;
        near += is_within(per_second(finding.rate_micro), server.limit, PRECISION);
        held += per_second(finding.lower_micro) <= server.limit &&
                (finding.upper_micro == 0 || per_second(finding.upper_micro) >= server.limit);
    }
    ck_assert_uint_ge(near, 95);
    ck_assert_uint_ge(held, 95);
    ck_assert_uint_ge(found, 95);
}

LOOP_TEST(test_settled_within_three_minutes, 4)
{
    /* Breaks when a search at default options against a server that is only a little noisy takes
     * longer than 3 minutes. */
    static const double noises[] = {0, 0.005, 0.01, 0.02};
    uint32_t in_time = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        const double limit = 20000 * pow(10, (double)seed / 100); /* up to 200,000 */
        struct server server = {.limit = limit, .noise = noises[_i], .seed = seed};
        struct search search;
        const struct search_limits limits = usual_limits();
        (void)run(&search, &limits, &server);
        in_time += server.seconds <= 180 && search_find(&search).status == SEARCH_FOUND;
    }
    ck_assert_uint_ge(in_time, 95);
}

TEST(test_very_noisy_server)
{
    /* Breaks when the interval does not grow with the noise, so that it is wrong. */
    uint32_t held = 0;
    double widths = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct server server = {.limit = limit_of(seed), .noise = 0.03, .seed = seed};
        struct search search;
        const struct search_limits limits = usual_limits();
        (void)run(&search, &limits, &server);
        struct search_finding finding = search_find(&search);
        held += per_second(finding.lower_micro) <= server.limit &&
                (finding.upper_micro == 0 || per_second(finding.upper_micro) >= server.limit);
        if (finding.lower_micro > 0 && finding.upper_micro > 0)
            widths += per_second(finding.upper_micro) / per_second(finding.lower_micro) - 1;
    }
    ck_assert_uint_ge(held, 92);
    ck_assert_double_ge(widths / 100, 2 * PRECISION);
}

TEST(test_coin_flips)
{
    /* Breaks when a server whose windows say nothing keeps the search going for ever, or makes it leave
     * its limits. */
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct search search;
        struct search_limits limits = usual_limits();
        limits.probes_max = 1 + (uint32_t)(seed * 7 % SEARCH_PROBES_MAX);
        uint32_t probes = 0;
        uint64_t rate_micro;
        search_init(&search, &limits);
        while ((rate_micro = search_next(&search)) != 0) {
            uint64_t random = rng_at(seed, probes);
            ck_assert_uint_le(++probes, limits.probes_max);
            ck_assert_uint_ge(rate_micro, limits.lowest_micro);
            ck_assert_uint_le(rate_micro, limits.highest_micro);
            struct search_outcome outcome = {.rate_micro = rate_micro,
                                             .windows = 1 + (uint32_t)(random >> 60),
                                             .close = (random & 1) != 0,
                                             .clear = (random & 2) != 0};
            outcome.passed = (uint32_t)((random >> 8) % (outcome.windows + 1));
            search_feed(&search, &outcome);
            struct search_finding finding = search_find(&search);
            if (finding.rate_micro > 0 && finding.first_failing_micro > 0)
                ck_assert_uint_lt(finding.rate_micro, finding.first_failing_micro);
            if (finding.lower_micro > 0 && finding.upper_micro > 0)
                ck_assert_uint_lt(finding.lower_micro, finding.upper_micro);
        }
    }
}

TEST(test_nothing_passes)
{
    /* Breaks when a limit below the lowest rate is not said to be so, or is searched for too long. */
    struct server server = {.limit = 5, .seed = 1};
    struct search search;
    const struct search_limits limits = usual_limits();
    ck_assert_uint_le(run(&search, &limits, &server), 16);
    struct search_finding finding = search_find(&search);
    ck_assert_int_eq(finding.status, SEARCH_NOTHING);
    ck_assert_uint_eq(finding.rate_micro, 0);
    ck_assert_uint_eq(finding.upper_micro, limits.lowest_micro);
}

TEST(test_everything_passes)
{
    /* Breaks when the highest rate is not probed, or a limit is made up. */
    struct server server = {.limit = 1e12, .seed = 1};
    struct search search;
    struct search_limits limits = usual_limits();
    limits.highest_micro = 12345 * SCHEDULE_MICRO;
    ck_assert_uint_le(run(&search, &limits, &server), 8);
    struct search_finding finding = search_find(&search);
    ck_assert_int_eq(finding.status, SEARCH_NO_LIMIT);
    ck_assert_uint_eq(finding.rate_micro, limits.highest_micro);
    ck_assert_uint_eq(finding.lower_micro, limits.highest_micro);
    ck_assert_uint_eq(finding.upper_micro, 0);
}

TEST(test_too_few_probes)
{
    /* Breaks when a search that was cut short claims to be over. */
    for (uint32_t probes_max = 1; probes_max < 9; probes_max++) {
        struct server server = {.limit = 90000, .seed = 1};
        struct search search;
        struct search_limits limits = usual_limits();
        limits.probes_max = probes_max;
        ck_assert_uint_eq(run(&search, &limits, &server), probes_max);
        ck_assert_int_eq(search_find(&search).status, SEARCH_UNFINISHED);
    }
}

TEST(test_one_hiccup)
{
    /* Breaks when one probe that fails by accident, whichever it is, spoils the result. */
    for (uint32_t spoiled = 0; spoiled < 12; spoiled++) {
        struct server server = {.limit = 90000, .seed = 3};
        struct search search;
        const struct search_limits limits = usual_limits();
        uint64_t rate_micro;
        search_init(&search, &limits);
        for (uint32_t i = 0; (rate_micro = search_next(&search)) != 0; i++) {
            struct search_outcome outcome = probe(&server, &search, rate_micro);
            if (i == spoiled)
                outcome.passed = 0;
            search_feed(&search, &outcome);
        }
        struct search_finding finding = search_find(&search);
        ck_assert_msg(is_within(per_second(finding.rate_micro), server.limit, 2 * PRECISION),
                      "probe %u: %f", spoiled, per_second(finding.rate_micro));
    }
}

TEST(test_few_windows)
{
    /* Breaks when probes of a single window can never settle a side. */
    struct search search;
    struct server server = {.limit = 90000, .seed = 1};
    const struct search_limits limits = usual_limits();
    uint64_t rate_micro;
    search_init(&search, &limits);
    while ((rate_micro = search_next(&search)) != 0) {
        struct search_outcome outcome = {.rate_micro = rate_micro, .windows = 1};
        outcome.passed = per_second(rate_micro) <= server.limit;
        search_feed(&search, &outcome);
    }
    ck_assert_int_eq(search_find(&search).status, SEARCH_FOUND);
}

TEST(test_first_steps)
{
    /* Breaks when the search does not climb by 2, more slowly when close, and bisect by the geometric
     * mean; or calls a first probe a re-test. */
    struct search search;
    const struct search_limits limits = usual_limits();
    const struct {
        double rate;
        uint32_t passed;
        bool close;
    } steps[] = {{1000, 5, false}, {2000, 5, false}, {4000, 5, true}, {6000, 0, false}};
    search_init(&search, &limits);
    for (size_t i = 0; i < 4; i++) {
        uint64_t rate_micro = search_next(&search);
        ck_assert_double_eq(per_second(rate_micro), steps[i].rate);
        ck_assert_ptr_null(search_seen(&search, rate_micro));
        const struct search_outcome outcome = {.rate_micro = rate_micro,
                                               .passed = steps[i].passed,
                                               .windows = WINDOWS,
                                               .close = steps[i].close,
                                               .clear = i == 3};
        search_feed(&search, &outcome);
        ck_assert_ptr_nonnull(search_seen(&search, rate_micro));
    }
    ck_assert_double_eq(per_second(search_next(&search)), 4899); /* of 4898.98 */
}

TEST_SUITE(search)
