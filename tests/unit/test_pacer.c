/* An open loop's tickets in time, by a whole worker against a scripted server. */
#include <math.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

static struct simulated_run simulated;

static void set_up(void)
{
    simulated_run_init(&simulated);
    simulated.share.connections = 4;
}

static const struct histogram *times(enum interval_histogram_kind kind)
{
    return &simulated.measured->histograms[kind];
}

TEST(test_tickets_go_out_in_time)
{
    /* Breaks when a ticket goes out early, late, or not at all although the worker has nothing else to do:
     * what the timer is set for, and the slack that close tickets share, add up to less than 60 us. */
    static const uint64_t rates[] = {1, 17, 1000, 20000, 200000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct scripted_server server = {.command = scripted_answer};
        set_up();
        simulated.share.connections = 100;
        simulated.rate = rates[i];
        simulated.stop_after_ns = rates[i] > 1000 ? NS_PER_SECOND / 10 : 10 * NS_PER_SECOND;
        simulated_run_go(&simulated, &server);
        uint64_t expected = rates[i] * simulated.stop_after_ns / NS_PER_SECOND;
        ck_assert_uint_ge(simulated_counter(&simulated, COUNTER_DUE), expected - 1);
        ck_assert_uint_le(simulated_counter(&simulated, COUNTER_DUE), expected + 1);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE),
                          simulated_counter(&simulated, COUNTER_SENT) +
                              simulated.last.backlog_after);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK),
                          simulated_counter(&simulated, COUNTER_SENT));
        ck_assert_uint_lt(times(HISTOGRAM_SLIP)->max_ns, 120 * NS_PER_US);
        ck_assert_uint_lt(times(HISTOGRAM_RESPONSE_OK)->max_ns,
                          SCRIPTED_SERVICE_NS + 240 * NS_PER_US);
        simulated_run_free(&simulated);
    }
}

TEST(test_poisson_over_a_warmup)
{
    /* Breaks when random arrivals are others behind a warm-up, more or fewer than the rate says, or in no
     * account at its end. */
    const struct scripted_server server = {.command = scripted_answer};
    simulated.share.connections = 100;
    simulated.rate = 10000;
    simulated.spec.rate.arrival = ARRIVAL_POISSON;
    simulated.run.warmup_ns = NS_PER_SECOND;
    simulated.run.duration_ns = NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
    double measured = (double)simulated_counter(&simulated, COUNTER_DUE);
    double warmup = (double)simulated.warmup->counters[COUNTER_DUE];
    ck_assert_double_lt(fabs(measured - 10000), 5 * sqrt(10000));
    ck_assert_double_lt(fabs(warmup - 10000), 5 * sqrt(10000));
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE),
                      simulated_counter(&simulated, COUNTER_SENT) + simulated.last.backlog_after);
    ck_assert_uint_lt(times(HISTOGRAM_SLIP)->max_ns, 500 * NS_PER_US);
    simulated_run_free(&simulated);
}

TEST(test_woken_after_the_warmup)
{
    /* Breaks when what fell due in a warm-up that a worker slept through, on a busy machine, is in no
     * account: the books did not add up, and the run was untrusted. */
    const struct scripted_server server = {.command = scripted_answer};
    simulated.rate = 1000;
    simulated.run.warmup_ns = 200 * NS_PER_MS;
    simulated.run.duration_ns = 300 * NS_PER_MS;
    simulated.woken_late_ns = 300 * NS_PER_MS;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated.warmup->counters[COUNTER_DUE], 200);
    ck_assert_uint_eq(simulated.warmup->counters[COUNTER_SHED_LATE], 200);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE), 300);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 300);
    simulated_run_free(&simulated);
}

static void stand_still(void *argument)
{
    (void)argument;
    simulation_pass(2 * NS_PER_SECOND);
}

static void plan_stop(struct scripted_peer *peer)
{
    if (peer->number == 0)
        simulation_at(simulation_now_ns() + NS_PER_SECOND, stand_still, NULL);
}

TEST(test_shed_after_a_stop)
{
    /* Breaks when what is too late after a stop of the worker is sent, or is not counted. */
    const struct scripted_server server = {.command = scripted_answer, .connected = plan_stop};
    simulated.share.connections = 100;
    simulated.rate = 10000;
    simulated.spec.rate.shed_after_ns = 100 * NS_PER_MS;
    simulated.stop_after_ns = 5 * NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_ge(simulated_counter(&simulated, COUNTER_SHED_LATE), 18900);
    ck_assert_uint_le(simulated_counter(&simulated, COUNTER_SHED_LATE), 19200);
    ck_assert_uint_le(times(HISTOGRAM_SLIP)->max_ns, 101 * NS_PER_MS);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_DUE),
                      simulated_counter(&simulated, COUNTER_SENT) +
                          simulated_counter(&simulated, COUNTER_SHED_LATE) +
                          simulated.last.backlog_after);
    simulated_run_free(&simulated);
}

TEST_SUITE_WITH(pacer, .set_up = set_up)
