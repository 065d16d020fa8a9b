#include <inttypes.h>

#include "common/client_ramp.h"
#include "common/clock.h"
#include "tests/support/check/schedule_model.h"
#include "tests/support/check/suite.h"

static void assert_counts(const struct client_ramp *ramp, const uint64_t (*expected)[2],
                          unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_msg(client_ramp_count(ramp, expected[i][0]) == expected[i][1],
                      "%" PRIu64 " connections at %" PRIu64 " ns, not %" PRIu64,
                      client_ramp_count(ramp, expected[i][0]), expected[i][0], expected[i][1]);
}

TEST(linear)
{
    /* Breaks when connections are opened early, late, or more of them than the last step has room
     * for. */
    static const struct client_ramp ramp = {
        .start_clients = 10, .end_clients = 100, .per_step = 40, .interval_ns = 2500 * NS_PER_MS};
    static const uint64_t expected[][2] = {{0, 10},
                                           {2500 * NS_PER_MS - 1, 10},
                                           {2500 * NS_PER_MS, 50},
                                           {5000 * NS_PER_MS - 1, 50},
                                           {5000 * NS_PER_MS, 90},
                                           {7500 * NS_PER_MS - 1, 90},
                                           {7500 * NS_PER_MS, 100},
                                           {UINT64_MAX, 100}};
    assert_counts(&ramp, expected, 8);
    ck_assert_uint_eq(client_ramp_opens_ns(&ramp, 0), 0);
    ck_assert_uint_eq(client_ramp_opens_ns(&ramp, 9), 0);
    ck_assert_uint_eq(client_ramp_opens_ns(&ramp, 10), 2500 * NS_PER_MS);
    ck_assert_uint_eq(client_ramp_opens_ns(&ramp, 49), 2500 * NS_PER_MS);
    ck_assert_uint_eq(client_ramp_opens_ns(&ramp, 50), 5000 * NS_PER_MS);
    ck_assert_uint_eq(client_ramp_opens_ns(&ramp, 99), 7500 * NS_PER_MS);
    ck_assert_uint_eq(client_ramp_length_ns(&ramp), 7500 * NS_PER_MS);
}

TEST(exponential)
{
    /* Breaks when the steps of an exponential ramp are not the start times a power of the factor,
     * rounded once, or when it ends beyond the end. */
    static const struct client_ramp doubling = {
        .start_clients = 3, .end_clients = 40, .factor = 2, .interval_ns = NS_PER_SECOND};
    static const uint64_t doubled[][2] = {{0, 3},
                                          {NS_PER_SECOND, 6},
                                          {2 * NS_PER_SECOND, 12},
                                          {3 * NS_PER_SECOND, 24},
                                          {4 * NS_PER_SECOND - 1, 24},
                                          {4 * NS_PER_SECOND, 40},
                                          {1000 * NS_PER_SECOND, 40}};
    assert_counts(&doubling, doubled, 7);
    ck_assert_uint_eq(client_ramp_length_ns(&doubling), 4 * NS_PER_SECOND);
    /* 100 x 1.1^i; rounding each step on its own would give 237 at the ninth. */
    static const struct client_ramp tenth = {
        .start_clients = 100, .end_clients = 1000, .factor = 1.1, .interval_ns = NS_PER_SECOND};
    static const uint64_t grown[][2] = {{NS_PER_SECOND, 110},      {2 * NS_PER_SECOND, 121},
                                        {3 * NS_PER_SECOND, 133},  {4 * NS_PER_SECOND, 146},
                                        {5 * NS_PER_SECOND, 161},  {9 * NS_PER_SECOND, 236},
                                        {24 * NS_PER_SECOND, 985}, {25 * NS_PER_SECOND, 1000}};
    assert_counts(&tenth, grown, 8);
    /* A factor that would stand still: one more each step. */
    static const struct client_ramp slow = {
        .start_clients = 2, .end_clients = 6, .factor = 1.001, .interval_ns = NS_PER_SECOND};
    static const uint64_t crept[][2] = {{0, 2},
                                        {NS_PER_SECOND, 3},
                                        {2 * NS_PER_SECOND, 4},
                                        {3 * NS_PER_SECOND, 5},
                                        {4 * NS_PER_SECOND, 6}};
    assert_counts(&slow, crept, 5);
    static const struct client_ramp leap = {
        .start_clients = 1, .end_clients = 100000, .factor = 1e300, .interval_ns = 1};
    static const uint64_t leapt[][2] = {{0, 1}, {1, 100000}, {UINT64_MAX, 100000}};
    assert_counts(&leap, leapt, 3);
}

TEST(no_ramp)
{
    /* Breaks when a run without a ramp waits for connections, or divides by its interval of 0. */
    static const struct client_ramp none = {.end_clients = 50};
    static const struct client_ramp empty = {0};
    ck_assert_uint_eq(client_ramp_count(&none, 0), 50);
    ck_assert_uint_eq(client_ramp_count(&none, NS_PER_SECOND), 50);
    ck_assert_uint_eq(client_ramp_opens_ns(&none, 49), 0);
    ck_assert_uint_eq(client_ramp_length_ns(&none), 0);
    ck_assert_uint_eq(client_ramp_length_ns(&empty), 0);
}

TEST(moments_and_counts_agree)
{
    /* Breaks when the moments at which connections are opened do not add up to the count: each one is
     * open at its moment and not a nanosecond before, in the order of their numbers. */
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct model_random random = {.seed = seed};
        struct client_ramp ramp = {.start_clients = model_magnitude(&random, 5000)};
        ramp.end_clients = ramp.start_clients + model_magnitude(&random, 20000);
        ramp.interval_ns = model_magnitude(&random, MODEL_HOUR_NS);
        if (seed % 2 == 0)
            ramp.per_step = model_magnitude(&random, ramp.end_clients - ramp.start_clients);
        else
            ramp.factor = 1 + 1 / (double)model_magnitude(&random, 100000);
        uint64_t before_ns = 0, length_ns = client_ramp_length_ns(&ramp);
        ck_assert_uint_eq(client_ramp_count(&ramp, 0), ramp.start_clients);
        for (uint64_t i = 0; i < ramp.end_clients; i++) {
            uint64_t opens_ns = client_ramp_opens_ns(&ramp, i);
            ck_assert_uint_ge(opens_ns, before_ns);
            ck_assert_uint_eq(opens_ns % ramp.interval_ns, 0);
            ck_assert_uint_gt(client_ramp_count(&ramp, opens_ns), i);
            if (opens_ns > 0)
                ck_assert_uint_le(client_ramp_count(&ramp, opens_ns - 1), i);
            else
                ck_assert_uint_lt(i, ramp.start_clients);
            before_ns = opens_ns;
        }
        ck_assert_uint_eq(before_ns, length_ns);
        ck_assert_uint_eq(client_ramp_count(&ramp, length_ns), ramp.end_clients);
    }
}

TEST_SUITE(client_ramp)
