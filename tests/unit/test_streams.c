/* Several loads of one worker beside each other: each with its own rate, tickets, connections and accounts. By a
 * whole worker against a scripted server, in simulated time. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

static struct simulated_run streams[WORKER_STREAMS_MAX];
static struct simulated_run *order[WORKER_STREAMS_MAX];
static const struct scripted_server answers = {.command = scripted_answer};

/* Of so many streams; each is the test's to change before `go`. */
static void begin(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        simulated_run_init(&streams[i]);
        order[i] = &streams[i];
    }
}

/* The streams of one kind of loop together. */
static void check_sum(size_t count, bool open_loop, uint64_t *sent)
{
    struct err err = {.code = OK};
    struct interval_row *sum = interval_row_create();
    ck_assert_ptr_nonnull(sum);
    for (size_t i = 0; i < count; i++) {
        const struct interval_header *last = &streams[i].last;
        if (streams[i].run.open_loop != open_loop)
            continue;
        interval_row_add(sum, streams[i].measured);
        sum->header.flags |= last->flags;
        sum->header.in_flight_after += last->in_flight_after;
        sum->header.backlog_after += last->backlog_after;
    }
    enum err_code code = interval_row_check(sum, &err);
    ck_assert_msg(code == OK, "%s", err.text);
    *sent += sum->counters[COUNTER_SENT];
    free(sum);
}

/* Each stream's books are right, record by record; those of the sum are, too, and the server has seen as much. */
static void go(size_t count, const struct scripted_server *server)
{
    uint64_t sent = 0;
    simulated_runs_go(order, count, server);
    check_sum(count, false, &sent);
    check_sum(count, true, &sent);
    ck_assert_uint_eq(sent, scripted_requests());
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(streams[i].live->state, WORKER_DONE);
}

TEST(test_two_rates)
{
    /* Breaks when a stream's tickets are drawn by another's schedule, or one waits for the other's times. */
    begin(2);
    for (size_t i = 0; i < 2; i++) {
        streams[i].rate = i == 0 ? 1000 : 370;
        streams[i].share.connections = 4;
        streams[i].stop_after_ns = 2 * NS_PER_SECOND;
    }
    go(2, &answers);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(simulated_counter(&streams[i], COUNTER_DUE), 2 * streams[i].rate);
        ck_assert_uint_eq(simulated_counter(&streams[i], COUNTER_OK), 2 * streams[i].rate);
        ck_assert_uint_lt(streams[i].measured->histograms[HISTOGRAM_SLIP].max_ns, 200 * NS_PER_US);
        ck_assert_uint_lt(streams[i].measured->histograms[HISTOGRAM_RESPONSE_OK].max_ns,
                          SCRIPTED_SERVICE_NS + 200 * NS_PER_US);
    }
    simulated_runs_free(order, 2);
}

TEST(test_closed_beside_open)
{
    /* Breaks when a closed loop, which is never at rest, keeps a schedule from its times, or is counted in it. */
    begin(2);
    streams[0].share.connections = 3;
    streams[0].stop_after_ns = streams[1].stop_after_ns = NS_PER_SECOND;
    streams[1].rate = 500;
    go(2, &answers);
    ck_assert_uint_gt(simulated_counter(&streams[0], COUNTER_OK), 3 * 5000);
    ck_assert_uint_eq(streams[0].measured->histograms[HISTOGRAM_RESPONSE_OK].count, 0);
    ck_assert_uint_eq(simulated_counter(&streams[1], COUNTER_OK), 500);
    ck_assert_uint_lt(streams[1].measured->histograms[HISTOGRAM_SLIP].max_ns, 200 * NS_PER_US);
    simulated_runs_free(order, 2);
}

TEST(test_each_ends_by_itself)
{
    /* Breaks when the end of one stream ends the others, holds their connections, or waits for theirs. */
    begin(3);
    streams[0].run.requests = 100;
    streams[1].stop_after_ns = 2 * NS_PER_SECOND;
    streams[1].rate = 100;
    streams[2].run.duration_ns = 500 * NS_PER_MS;
    go(3, &answers);
    ck_assert_uint_eq(simulated_counter(&streams[0], COUNTER_SENT), 100);
    ck_assert_uint_lt(streams[0].last.end_ns, 100 * NS_PER_MS);
    ck_assert_uint_eq(simulated_counter(&streams[1], COUNTER_OK), 200);
    ck_assert_uint_ge(streams[1].last.end_ns, 2 * NS_PER_SECOND);
    ck_assert_uint_ge(streams[2].last.end_ns, 500 * NS_PER_MS);
    ck_assert_uint_lt(streams[2].last.end_ns, 600 * NS_PER_MS);
    simulated_runs_free(order, 3);
}

/* The connections of the stream that connects first are ended after some requests. */
static void end_some(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    scripted_answer(peer, bytes, byte_count);
    if (peer->number == 0 && scripted_requests_of(peer) == 20)
        scripted_end(peer, SCRIPTED_SERVICE_NS / 2);
}

TEST(test_what_one_loses)
{
    /* Breaks when a connection that ends takes the requests, or the accounts, of another stream with it. */
    const struct scripted_server server = {.command = end_some};
    begin(2);
    streams[0].rate = streams[1].rate = 200;
    streams[0].stop_after_ns = streams[1].stop_after_ns = NS_PER_SECOND;
    go(2, &server);
    ck_assert_uint_eq(simulated_counter(&streams[0], COUNTER_LOST_DISCONNECT), 1);
    ck_assert_uint_eq(simulated_counter(&streams[0], COUNTER_CONNECTIONS_OPENED), 1);
    ck_assert_uint_eq(simulated_counter(&streams[1], COUNTER_OK), 200);
    ck_assert_uint_eq(simulated_counter(&streams[1], COUNTER_CONNECTIONS_LOST), 0);
    simulated_runs_free(order, 2);
}

TEST(test_as_many_as_there_may_be)
{
    /* Breaks when sixteen streams are more than a worker holds. */
    begin(WORKER_STREAMS_MAX);
    for (size_t i = 0; i < WORKER_STREAMS_MAX; i++) {
        streams[i].rate = 100 + i;
        streams[i].stop_after_ns = NS_PER_SECOND;
    }
    go(WORKER_STREAMS_MAX, &answers);
    for (size_t i = 0; i < WORKER_STREAMS_MAX; i++)
        ck_assert_uint_eq(simulated_counter(&streams[i], COUNTER_OK), streams[i].rate);
    simulated_runs_free(order, WORKER_STREAMS_MAX);
}

static void stop_volley(void *argument)
{
    (void)argument;
    simulation_stop(3 * NS_PER_SECOND);
}

static void plan_stop(struct scripted_peer *peer)
{
    if (peer->number == 0)
        simulation_at(simulation_now_ns() + 2 * NS_PER_SECOND, stop_volley, NULL);
}

TEST(test_all_know_of_a_stop)
{
    /* Breaks when only the stream that looks first knows that volley stood still: the others would give up requests
     * whose replies are there to be read. */
    const struct scripted_server server = {.command = scripted_answer, .connected = plan_stop};
    begin(3);
    for (size_t i = 0; i < 3; i++) {
        streams[i].share.connections = 3;
        streams[i].spec.endpoint.request_timeout_ns = NS_PER_SECOND;
        streams[i].stop_after_ns = 6 * NS_PER_SECOND;
    }
    streams[2].rate = 1000;
    go(3, &server);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(streams[i].own_stops.count, 1);
        ck_assert_uint_eq(simulated_counter(&streams[i], COUNTER_TIMED_OUT), 0);
        ck_assert_uint_eq(simulated_counter(&streams[i], COUNTER_CONNECTIONS_LOST), 0);
    }
    simulated_runs_free(order, 3);
}

TEST_SUITE(streams)
