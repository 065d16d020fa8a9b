/* The life of connections under load, by a whole worker against a scripted server: broken in the middle of
 * a write, opened anew by plan, and over the end of a warm-up. */

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

static struct simulated_run simulated;

static void set_up(void)
{
    simulated_run_init(&simulated);
}

/* Broken --------------------------------------------------------------------------------------- */

/* The first connection takes some requests. */
static size_t break_once(struct scripted_peer *peer, size_t byte_count)
{
    return peer->number == 0 && scripted_requests_of(peer) >= 3 ? SCRIPTED_FAILS : byte_count;
}

static void run_with_break(uint64_t rate, uint64_t pipeline, uint32_t connections)
{
    const struct scripted_server server = {.command = scripted_answer, .takes = break_once};
    simulated_run_init(&simulated);
    simulated.rate = rate;
    simulated.run.pipeline = pipeline;
    simulated.run.requests = 100;
    simulated.share.connections = connections;
    simulated_run_go(&simulated, &server);
    /* What a write did not take has not been sent: nothing is lost by it. */
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), 100);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK),
                      100 - simulated_counter(&simulated, COUNTER_LOST_DISCONNECT));
    ck_assert_uint_lt(simulated_counter(&simulated, COUNTER_LOST_DISCONNECT), pipeline);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_CONNECTIONS_LOST), 1);
    simulated_run_free(&simulated);
}

TEST(test_unsent_over_a_reconnect)
{
    /* Breaks when a ticket that a failed write left with its connection is sent by nobody: the run did not
     * end, and without a pipeline the connection carried nothing any more. */
    for (uint32_t connections = 1; connections <= 3; connections++)
        for (uint64_t pipeline = 1; pipeline <= 3; pipeline++) {
            run_with_break(0, pipeline, connections);
            run_with_break(1000, pipeline, connections);
            run_with_break(100000, pipeline, connections);
        }
}

/* Opened anew ---------------------------------------------------------------------------------- */

static uint64_t most_requests_of_one(void)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < scripted_peer_count(); i++)
        if (scripted_requests_of(scripted_peer(i)) > most)
            most = scripted_requests_of(scripted_peer(i));
    return most;
}

static unsigned refusals_left;

static bool refuse_for_a_while(uint16_t port)
{
    (void)port;
    if (scripted_peer_count() < 2 || refusals_left == 0)
        return false;
    refusals_left--;
    return true;
}

static size_t break_first(struct scripted_peer *peer, size_t byte_count)
{
    return peer->number == 0 && peer->greeting_bytes > 0 ? SCRIPTED_FAILS : byte_count;
}

/* From the third request of the first connection on, each takes 300 ms. */
static void answer_too_late(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    uint64_t request = scripted_requests_of(peer);
    if (peer->number > 0 || request < 3)
        scripted_answer(peer, bytes, byte_count);
    else
        scripted_say_text(peer, "+OK\r\n", request == 3 ? 300 * NS_PER_MS : 600 * NS_PER_MS);
}

TEST(test_timeout_takes_its_connection)
{
    /* Breaks when requests behind one that timed out are billed to the wrong cause, or not at all. The third
     * is answered after 300 ms, and the fifth goes out; the fourth is then over its time, and takes the fifth
     * with it. */
    const struct scripted_server server = {.command = answer_too_late};
    simulated.spec.endpoint.request_timeout_ns = 450 * NS_PER_MS;
    simulated.run.pipeline = 2;
    simulated.run.requests = 10;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_TIMED_OUT), 1);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_LOST_TIMEOUT), 1);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 8);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_CONNECTIONS_LOST), 1);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_CONNECTIONS_OPENED), 1);
    simulated_run_free(&simulated);
}

static void answer_late(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n",
                      peer->greeting_bytes > 0 ? 500 * NS_PER_MS : SCRIPTED_SERVICE_NS);
}

TEST(test_requests_a_connection_to_the_end)
{
    /* Breaks when a connection that is to be opened anew after two requests carries a third one: the
     * ticket of another that is away, at the end of a run. */
    const struct scripted_server server = {
        .command = answer_late, .takes = break_first, .refuses = refuse_for_a_while};
    refusals_left = 20;
    simulated.spec.connections.reconnect_every = 2;
    simulated.run.pipeline = 2;
    simulated.run.requests = 3;
    simulated.share.connections = 2;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 3);
    ck_assert_uint_eq(most_requests_of_one(), 2);
    simulated_run_free(&simulated);
}

#define WARMUP_NS (200 * NS_PER_MS)
#define CONNECTIONS 8u

static uint64_t ahead_of_edge_ns;

/* The worker finds some time gone: some of what it gives its connections now is written beyond the warm-up's
 * end. */
static void sleep_up_to_edge(void *argument)
{
    (void)argument;
    uint64_t until_ns = simulated.start_ns + WARMUP_NS - ahead_of_edge_ns;
    if (simulation_now_ns() < until_ns)
        simulation_pass(until_ns - simulation_now_ns());
}

static void plan_sleep(void *argument)
{
    (void)argument;
    if (simulated.start_ns == 0)
        simulation_at(simulation_now_ns() + NS_PER_MS, plan_sleep, NULL);
    else
        simulation_at(simulated.start_ns + WARMUP_NS - 20 * NS_PER_MS, sleep_up_to_edge, NULL);
}

static void plan_once(struct scripted_peer *peer)
{
    if (peer->number == 0)
        simulation_at(simulation_now_ns() + NS_PER_MS, plan_sleep, NULL);
}

static void answer_in_5_ms(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n", 5 * NS_PER_MS);
}

static void run_over_warmup(uint64_t rate, uint64_t reconnect_every, uint64_t ahead_ns)
{
    const struct scripted_server server = {.command = answer_in_5_ms, .connected = plan_once};
    ahead_of_edge_ns = ahead_ns;
    simulated_run_init(&simulated);
    simulated.rate = rate;
    simulated.spec.connections.reconnect_every = reconnect_every;
    simulated.share.connections = CONNECTIONS;
    simulated.run.warmup_ns = WARMUP_NS;
    simulated.run.duration_ns = 300 * NS_PER_MS;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(simulated_counter(&simulated, COUNTER_OK), 100);
    for (uint32_t i = 0; i + 2 * CONNECTIONS < scripted_peer_count(); i++)
        ck_assert_msg(scripted_requests_of(scripted_peer(i)) > 0,
                      "connection %u has carried nothing", i);
    ck_assert_uint_le(most_requests_of_one(), reconnect_every);
    simulated_run_free(&simulated);
}

TEST(test_warmup_edge_with_few_requests_a_connection)
{
    /* Breaks when a ticket of the warm-up that is dropped at its end leaves its connection without the
     * right to carry another one: it stayed open, and idle, for the rest of the run. */
    for (uint64_t ahead_us = 1; ahead_us < 100; ahead_us += 3) {
        run_over_warmup(0, 1, ahead_us * NS_PER_US);
        run_over_warmup(5000, 1, ahead_us * NS_PER_US);
        run_over_warmup(5000, 2, ahead_us * NS_PER_US);
    }
}

static size_t break_ahead_of_edge(struct scripted_peer *peer, size_t byte_count)
{
    bool breaks = peer->number == 0 && simulated.start_ns != 0 &&
                  simulation_now_ns() > simulated.start_ns + WARMUP_NS - 20 * NS_PER_MS;
    return breaks ? SCRIPTED_FAILS : byte_count;
}

static bool refuse_over_edge(uint16_t port)
{
    (void)port;
    return simulated.start_ns != 0 &&
           simulation_now_ns() < simulated.start_ns + WARMUP_NS + 10 * NS_PER_MS;
}

static void be_away_over_edge(uint64_t rate, uint64_t reconnect_every)
{
    const struct scripted_server server = {
        .command = scripted_answer, .takes = break_ahead_of_edge, .refuses = refuse_over_edge};
    simulated_run_init(&simulated);
    simulated.rate = rate;
    simulated.spec.connections.reconnect_every = reconnect_every;
    simulated.run.warmup_ns = WARMUP_NS;
    simulated.run.duration_ns = 300 * NS_PER_MS;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(simulated_counter(&simulated, COUNTER_OK), 100);
    if (reconnect_every > 0)
        ck_assert_uint_le(most_requests_of_one(), reconnect_every);
    simulated_run_free(&simulated);
}

TEST(test_ticket_of_the_warmup_over_a_reconnect)
{
    /* Breaks when a connection that was away over the end of the warm-up, with a ticket of it, carries
     * nothing for the rest of the run, or one request more than it may. */
    for (uint64_t reconnect_every = 0; reconnect_every <= 2; reconnect_every++) {
        be_away_over_edge(0, reconnect_every);
        be_away_over_edge(5000, reconnect_every);
    }
}

/* Connecting ----------------------------------------------------------------------------------- */

static void connect_slowly(struct scripted_peer *peer)
{
    (void)peer;
    simulation_pass(NS_PER_MS);
}

TEST(test_connect_time_is_its_own)
{
    /* Breaks when the time to connect contains that which volley took to open others before it. */
    const struct scripted_server server = {.command = scripted_answer, .connected = connect_slowly};
    simulated.run.requests = 100;
    simulated.share.connections = 50;
    simulated_run_go(&simulated, &server);
    const struct histogram *connect = &simulated.measured->histograms[HISTOGRAM_CONNECT];
    ck_assert_uint_eq(connect->count, 50);
    ck_assert_uint_ge(connect->min_ns, NS_PER_MS);
    /* The first one's answer waits until all have been opened. */
    ck_assert_uint_lt(connect->sum_ns, 50 * 51 / 2 * NS_PER_MS + 50 * NS_PER_MS);
    simulated_run_free(&simulated);
}

TEST_SUITE_WITH(connection, .set_up = set_up)
