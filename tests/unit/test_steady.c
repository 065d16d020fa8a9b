
#include "common/rng.h"
#include "orchestrator/fleet/steady.h"
#include "tests/support/check/suite.h"

#define LATENCY_NS 1e6

static struct steady steady;

static void add(double rate, double p99_ns, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        steady_add(&steady, rate, p99_ns);
}

TEST(not_before_there_are_enough)
{
    /* Breaks when two lucky intervals end a warm-up. */
    steady = (struct steady){.count = 0};
    add(1000, LATENCY_NS, STEADY_INTERVALS - 1);
    ck_assert(!steady_reached(&steady));
    add(1000, LATENCY_NS, 1);
    ck_assert(steady_reached(&steady));
}

TEST(still_speeding_up)
{
    /* Breaks when a load whose rate still grows by 1 % an interval passes for steady. */
    steady = (struct steady){.count = 0};
    double rate = 1000;
    for (uint32_t i = 0; i < 100; i++, rate *= 1.01) {
        add(rate, LATENCY_NS, 1);
        ck_assert(!steady_reached(&steady));
    }
    add(rate, LATENCY_NS, STEADY_INTERVALS);
    ck_assert(steady_reached(&steady));
}

TEST(backlog_that_grows)
{
    /* Breaks when an open loop above capacity, whose latency grows without end, passes for steady. */
    steady = (struct steady){.count = 0};
    for (uint32_t i = 1; i < 30; i++) {
        add(1000, i * 100e6, 1);
        ck_assert(!steady_reached(&steady));
    }
}

TEST(one_hiccup_does_not_decide)
{
    /* Breaks when a single bad interval keeps a settled load from being measured. */
    for (uint32_t place = 0; place < STEADY_INTERVALS; place++) {
        steady = (struct steady){.count = 0};
        for (uint32_t i = 0; i < STEADY_INTERVALS; i++)
            add(i == place ? 400 : 1000, i == place ? 50 * LATENCY_NS : LATENCY_NS, 1);
        ck_assert_msg(steady_reached(&steady), "hiccup at %u", place);
    }
}

TEST(noise_within_the_thresholds)
{
    /* Breaks when the usual noise of a shared machine (1 % of rate, 5 % of p99) is never steady, or
     * when the ring forgets which interval is the newest. */
    steady = (struct steady){.count = 0};
    for (uint32_t i = 0; i < 1000; i++) {
        double noise = (double)(rng_at(7, i) >> 11) / 9007199254740992.0 - 0.5;
        add(1000 * (1 + 0.02 * noise), LATENCY_NS * (1 + 0.1 * noise), 1);
        ck_assert(steady_reached(&steady) == (i + 1 >= STEADY_INTERVALS));
    }
}

TEST(silence_is_not_steady)
{
    /* Breaks when a server that answers nothing is taken for a settled one. */
    steady = (struct steady){.count = 0};
    add(0, 0, 2 * STEADY_INTERVALS);
    ck_assert(!steady_reached(&steady));
}

TEST_SUITE(steady)
