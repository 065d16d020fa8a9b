/* How long replies wait to be read, by a whole worker against a scripted server in simulated time. */

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/stream.h"

#define SERVICE_NS (100 * NS_PER_US)
#define CUT_NS (5 * NS_PER_MS)
#define STEPS_NS (50 * NS_PER_US) /* more than the clock readings of one turn take */

static struct simulated_run simulated;

static void answer(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n", SERVICE_NS);
}

static const struct histogram *times(enum interval_histogram_kind kind)
{
    return &simulated.measured->histograms[kind];
}

/* Ten intervals of a closed loop. */
static void run(uint32_t connections)
{
    const struct scripted_server server = {.command = answer};
    simulated_run_init(&simulated);
    simulated.share.connections = connections;
    simulated.run.duration_ns = NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
}

TEST(test_a_reply_that_is_waited_for_has_no_lag)
{
    /* Breaks when a sleep, or the server's time, counts as time that a reply waited in volley. */
    run(1);
    ck_assert_uint_gt(times(HISTOGRAM_LOOP_LAG)->count, 1000);
    ck_assert_uint_eq(histogram_quantile(times(HISTOGRAM_LOOP_LAG), 0.99), 0);
    ck_assert_uint_eq(times(HISTOGRAM_LAGGED)->count, times(HISTOGRAM_UNLAGGED)->count);
    ck_assert_uint_lt(times(HISTOGRAM_LAGGED)->count, 20); /* around the edges */
    simulated_run_free(&simulated);
}

TEST(test_replies_wait_while_a_record_is_encoded)
{
    /* Breaks when a reply that came while the worker encoded a record, between one wait and the next, seems
     * to have been read at once: the lag was counted from the first read of a turn. */
    simulation_set_cut_ns(CUT_NS);
    run(2);
    const struct histogram *lag = times(HISTOGRAM_LOOP_LAG);
    ck_assert_uint_ge(lag->max_ns, CUT_NS);
    ck_assert_uint_lt(lag->max_ns, CUT_NS + STEPS_NS);
    /* And what a service time would have been without is known. */
    ck_assert_uint_ge(times(HISTOGRAM_LAGGED)->count, 9);
    ck_assert_uint_eq(times(HISTOGRAM_LAGGED)->count, times(HISTOGRAM_UNLAGGED)->count);
    ck_assert_uint_ge(histogram_quantile(times(HISTOGRAM_LAGGED), 0.99), CUT_NS);
    ck_assert_uint_le(times(HISTOGRAM_UNLAGGED)->max_ns, SERVICE_NS + STEPS_NS);
    simulated_run_free(&simulated);
}

/* Each request takes the worker 1 to 2 us, and the server 2 to 40 us, now and then 20 times as long: most
 * replies wait for others. */
static void answer_unevenly(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    static uint32_t random = 1;
    (void)bytes;
    (void)byte_count;
    random = random * 1664525u + 1013904223u;
    simulation_pass(1000 + (random >> 16) % 1000);
    uint64_t service_ns = 2000 + (random >> 8) % 38000;
    scripted_say_text(peer, "+OK\r\n", random >> 24 == 0 ? 20 * service_ns : service_ns);
}

struct lag_figures {
    double share;
    double lagged_ns[3], unlagged_ns[3];
};

static struct lag_figures run_unevenly(uint64_t interval_ns, uint64_t intervals)
{
    static const double quantiles[] = {0.5, 0.9, 0.99};
    const struct scripted_server server = {.command = answer_unevenly};
    simulated_run_init(&simulated);
    simulated.share.connections = 20;
    simulated.spec.load.interval_ns = interval_ns;
    simulated.run.duration_ns = intervals * interval_ns;
    simulated_run_go(&simulated, &server);
    const struct histogram *lagged = times(HISTOGRAM_LAGGED);
    struct lag_figures figures = {
        .share = (double)lagged->count / (double)times(HISTOGRAM_SERVICE_OK)->count,
    };
    ck_assert_uint_eq(lagged->count, times(HISTOGRAM_UNLAGGED)->count);
    for (int i = 0; i < 3; i++) {
        figures.lagged_ns[i] = (double)histogram_quantile(lagged, quantiles[i]);
        figures.unlagged_ns[i] =
            (double)histogram_quantile(times(HISTOGRAM_UNLAGGED), quantiles[i]);
    }
    simulated_run_free(&simulated);
    return figures;
}

TEST(test_a_sample_stands_for_all)
{
    /* Breaks when replies that are left out, because enough like them were recorded, are missing from the
     * share that waited, or move its percentiles. One long interval is recorded whole. */
    struct lag_figures whole = run_unevenly(100 * NS_PER_MS, 1);
    struct lag_figures sampled = run_unevenly(25 * NS_PER_MS, 4);
    ck_assert_double_eq_tol(sampled.share, whole.share, 0.05 * whole.share);
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(sampled.lagged_ns[i], whole.lagged_ns[i], 0.1 * whole.lagged_ns[i]);
        ck_assert_double_eq_tol(sampled.unlagged_ns[i], whole.unlagged_ns[i],
                                0.1 * whole.lagged_ns[i]);
    }
}

TEST(test_a_sleep_is_told_by_its_length)
{
    /* Breaks when a wait that returned at once, with many sockets ready, is taken for a sleep, so that what
     * came before it seems not to have waited; or when a sleep is not. */
    struct lag lag = {.slept_ns = lag_slept_ns(200), .looked_ns = 1000, .waiting_ns = 501000};
    lag_woke(&lag, lag.waiting_ns + 9 * NS_PER_US);
    ck_assert_uint_eq(lag.unread_since_ns, lag.looked_ns);
    lag.wakeup_ns = 0;
    lag_woke(&lag, lag.waiting_ns + 13 * NS_PER_US);
    ck_assert_uint_eq(lag.unread_since_ns, lag.waiting_ns + 13 * NS_PER_US);
}

TEST(test_one_wait_for_all_streams)
{
    /* Breaks when replies of one stream, read behind those of another, seem to have come when they were read. */
    struct lag lags[3];
    for (int i = 0; i < 3; i++) {
        lags[i] = (struct lag){.slept_ns = lag_slept_ns(3), .looked_ns = 1000, .waiting_ns = 1100};
        if (i > 0)
            lag_join(&lags[i], &lags[0]);
    }
    lag_woke(&lags[1], 901100);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(lags[i].wakeup_ns, 901100);
        ck_assert_uint_eq(lags[i].unread_since_ns, 901100);
    }
}

TEST_SUITE(loop_lag)
