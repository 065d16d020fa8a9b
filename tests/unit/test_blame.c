/* Whose doing it was that requests went out or came back late: the target's or volley's own. By a whole
 * worker against a scripted server. */
#include <netinet/in.h>
#include <string.h>

#include "common/clock.h"
#include "common/slots.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

#define SERVICE_NS (100 * NS_PER_US)
#define STALL_AT_NS (1500 * NS_PER_MS)
#define STALL_NS (3 * NS_PER_SECOND)

static struct simulated_run simulated;
static uint64_t base_ns; /* what the script's times count from */
static uint64_t stopped_at_ns;
static uint64_t stall_ns;
static uint64_t service_ns;
static bool unseen; /* no wait ends for it: replies are read before the tick */

static void set_up(void)
{
    simulated_run_init(&simulated);
    simulated.stop_after_ns = 8 * NS_PER_SECOND;
    base_ns = stopped_at_ns = 0;
    stall_ns = STALL_NS;
    service_ns = SERVICE_NS;
    unseen = false;
}

static void answer(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n", service_ns);
}

/* Between the two instants it answers nothing; then all at once. */
static void answer_but_stall(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    uint64_t now_ns = simulation_now_ns();
    (void)bytes;
    (void)byte_count;
    if (base_ns == 0)
        base_ns = now_ns;
    bool stalls = now_ns >= base_ns + STALL_AT_NS && now_ns < base_ns + STALL_AT_NS + STALL_NS;
    scripted_say_text(peer, "+OK\r\n",
                      stalls ? base_ns + STALL_AT_NS + STALL_NS - now_ns : SERVICE_NS);
}

/* As a signal does. */
static void stand_still(void *argument)
{
    (void)argument;
    stopped_at_ns = simulation_now_ns();
    if (unseen)
        simulation_pass(stall_ns);
    else
        simulation_stop(stall_ns);
}

static void stop_the_worker(void *argument)
{
    (void)argument;
    simulation_at(simulation_now_ns() + STALL_AT_NS, stand_still, NULL);
}

/* Once the simulation is on: with the first connection. */
static void plan_stop(struct scripted_peer *peer)
{
    if (peer->number == 0)
        stop_the_worker(NULL);
}

static const struct scripted_server friendly_to_a_stopped = {.command = answer,
                                                             .connected = plan_stop};

/* The worker stops while it writes a request. */
static void answer_and_stop_the_worker(struct scripted_peer *peer, const char *bytes,
                                       size_t byte_count)
{
    answer(peer, bytes, byte_count);
    if (base_ns == 0)
        base_ns = simulation_now_ns();
    if (stopped_at_ns == 0 && simulation_now_ns() >= base_ns + STALL_AT_NS)
        stand_still(NULL);
}

static const struct scripted_server stopping_a_writer = {.command = answer_and_stop_the_worker};

static const struct histogram *times(enum interval_histogram_kind kind)
{
    return &simulated.measured->histograms[kind];
}

static void expect_parts(void)
{
    ck_assert_uint_eq(simulated.measured->counters[COUNTER_SENT],
                      simulated.measured->counters[COUNTER_OK]);
    ck_assert_uint_eq(times(HISTOGRAM_RESPONSE_OK)->sum_ns, times(HISTOGRAM_SERVICE_OK)->sum_ns +
                                                                times(HISTOGRAM_WAIT)->sum_ns +
                                                                times(HISTOGRAM_SLIP)->sum_ns);
}

static void expect_stop(void)
{
    uint64_t length_ns = simulated.own_stop.to_ns - simulated.own_stop.from_ns;
    ck_assert_uint_ge(length_ns, STALL_NS);
    ck_assert_uint_le(length_ns, STALL_NS + 60 * NS_PER_MS); /* a tick */
    ck_assert_uint_eq(simulated.measured->counters[COUNTER_STOOD_STILL_NS], length_ns);
}

/* ---- Waits. ---- */

LOOP_TEST(test_a_target_that_stalls, 2)
{
    /* Breaks when requests that found every connection of a stalled target busy make volley late. */
    const struct scripted_server server = {.command = answer_but_stall};
    simulated.rate = 1000;
    simulated.share.connections = 1 + (uint32_t)_i * 3;
    simulated.run.pipeline = 1 + (uint64_t)_i;
    simulated_run_go(&simulated, &server);
    expect_parts();
    ck_assert_uint_gt(times(HISTOGRAM_WAIT)->max_ns, STALL_NS - 20 * NS_PER_MS);
    ck_assert_uint_lt(times(HISTOGRAM_SLIP)->max_ns, 5 * NS_PER_MS);
    ck_assert_uint_eq(simulated.own_stop.to_ns, 0);
    simulated_run_free(&simulated);
}

LOOP_TEST(test_a_volley_that_stops, 2)
{
    /* Breaks when a stop of volley itself makes its requests wait for the target: only behind the stop, while
     * what had piled up goes out, do they wait for each other. */
    simulated.rate = 1000;
    simulated.share.connections = 1 + (uint32_t)_i * 3;
    simulated_run_go(&simulated, &friendly_to_a_stopped);
    expect_parts();
    expect_stop();
    ck_assert_uint_gt(times(HISTOGRAM_SLIP)->max_ns, STALL_NS - 20 * NS_PER_MS);
    /* 3,000 requests at 10,000 a second over one connection */
    ck_assert_uint_lt(times(HISTOGRAM_WAIT)->max_ns, 400 * NS_PER_MS);
    simulated_run_free(&simulated);
}

TEST(test_a_busy_volley_that_stops)
{
    /* Breaks when the target is blamed for a stop because all connections happened to be busy when it
     * began: at 9,000 requests a second of some 10,000 that the only connection can carry. */
    simulated.rate = 9000;
    simulated_run_go(&simulated, &friendly_to_a_stopped);
    ck_assert_uint_gt(times(HISTOGRAM_SLIP)->max_ns, STALL_NS - 20 * NS_PER_MS);
    simulated_run_free(&simulated);
}

TEST(test_a_stop_in_a_closed_loop)
{
    /* Breaks when volley does not know that it stood still: the outage would be the target's. */
    simulated.share.connections = 3;
    simulated_run_go(&simulated, &friendly_to_a_stopped);
    expect_stop();
    simulated_run_free(&simulated);
}

LOOP_TEST(test_when_a_stop_began, 4)
{
    /* Breaks when the begin of a stop is told wrong: of one in a wait, or in a write; of one that ends in its
     * interval, or in a later one. */
    const struct scripted_server *servers[] = {&friendly_to_a_stopped, &stopping_a_writer};
    simulated.share.connections = 3;
    simulated.spec.load.interval_ns = NS_PER_SECOND;
    stall_ns = _i & 2 ? 300 * NS_PER_MS : STALL_NS;
    unseen = _i & 2;
    /* The CPU time that tells a stop from work is real: few requests, so that sanitizers do not make up for it. */
    service_ns = 5 * SERVICE_NS;
    simulated_run_go(&simulated, servers[_i & 1]);
    uint64_t from_ns = simulated.start_ns + simulated.own_stop.from_ns;
    ck_assert_uint_le(from_ns, stopped_at_ns);
    ck_assert_uint_gt(from_ns, stopped_at_ns - NS_PER_MS);
    ck_assert_uint_ge(simulated.start_ns + simulated.own_stop.to_ns, stopped_at_ns + stall_ns);
    ck_assert_uint_lt(simulated.start_ns + simulated.own_stop.to_ns,
                      stopped_at_ns + stall_ns + NS_PER_MS);
    simulated_run_free(&simulated);
}

TEST(test_replies_that_came_in_a_stop)
{
    /* Breaks when requests are given up after a stop of volley that was longer than --request-timeout, with
     * their replies unread in the socket. */
    simulated.share.connections = 3;
    simulated.spec.endpoint.request_timeout_ns = NS_PER_SECOND;
    simulated_run_go(&simulated, &friendly_to_a_stopped);
    ck_assert_uint_gt(simulated.own_stop.to_ns, 0);
    ck_assert_uint_eq(simulated.measured->counters[COUNTER_TIMED_OUT], 0);
    ck_assert_uint_eq(simulated.measured->counters[COUNTER_CONNECTIONS_LOST], 0);
    simulated_run_free(&simulated);
}

static const struct own_stop several[] = {{1200 * NS_PER_MS, 1500 * NS_PER_MS},
                                          {1900 * NS_PER_MS, 4400 * NS_PER_MS},
                                          {4600 * NS_PER_MS, 4900 * NS_PER_MS}};
#define SEVERAL (sizeof several / sizeof several[0])
static uint32_t stops_made;

static void stop_again(void *argument)
{
    (void)argument;
    simulation_stop(several[stops_made].to_ns - several[stops_made].from_ns);
    stops_made++;
}

static void plan_several(struct scripted_peer *peer)
{
    base_ns = peer->number == 0 ? simulation_now_ns() : base_ns;
    for (size_t i = 0; peer->number == 0 && i < SEVERAL; i++)
        simulation_at(base_ns + several[i].from_ns, stop_again, NULL);
}

TEST(test_several_stops_in_an_interval)
{
    /* Breaks when a stop hides another of its interval, or the part of one there that goes on. */
    const struct scripted_server server = {.command = answer, .connected = plan_several};
    simulated.share.connections = 3;
    simulated.spec.load.interval_ns = NS_PER_SECOND;
    service_ns = 5 * SERVICE_NS; /* few requests, as above */
    stops_made = 0;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated.own_stops.count, SEVERAL);
    for (size_t i = 0; i < SEVERAL; i++) {
        uint64_t from_ns = simulated.own_stops.items[i].from_ns + simulated.start_ns - base_ns;
        uint64_t to_ns = simulated.own_stops.items[i].to_ns + simulated.start_ns - base_ns;
        ck_assert_uint_le(from_ns, several[i].from_ns + NS_PER_MS);
        ck_assert_uint_ge(from_ns, several[i].from_ns - NS_PER_MS);
        ck_assert_uint_ge(to_ns, several[i].to_ns);
        ck_assert_uint_le(to_ns, several[i].to_ns + 2 * NS_PER_MS);
    }
    simulated_run_free(&simulated);
}

TEST(test_a_stop_that_ends_the_warmup)
{
    /* Breaks when a stop that begins in the warm-up is judged in no part of what is measured, or in all of
     * it. */
    simulated.share.connections = 3;
    simulated.run.warmup_ns = 2 * NS_PER_SECOND;
    simulated_run_go(&simulated, &friendly_to_a_stopped);
    uint64_t from_ns = stopped_at_ns - simulated.start_ns;
    uint64_t warmup_ns = simulated.warmup->counters[COUNTER_STOOD_STILL_NS];
    uint64_t measured_ns = simulated.measured->counters[COUNTER_STOOD_STILL_NS];
    ck_assert_uint_eq(simulated.own_stop.to_ns - simulated.own_stop.from_ns,
                      warmup_ns + measured_ns);
    ck_assert_uint_ge(warmup_ns, simulated.run.warmup_ns - from_ns);
    ck_assert_uint_lt(warmup_ns, simulated.run.warmup_ns - from_ns + NS_PER_MS);
    simulated_run_free(&simulated);
}

TEST(test_nothing_happens)
{
    /* Breaks when a worker with nothing to do, or a target that is away, is taken for a stop of volley. */
    const struct scripted_server server = {.command = answer_but_stall};
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated.own_stop.to_ns, 0);
    ck_assert_uint_eq(simulated.measured->counters[COUNTER_STOOD_STILL_NS], 0);
    simulated_run_free(&simulated);
}

/* ---- Nodes. ---- */

#define FIRST_PORT 7000

/* The second node never answers a request. */
static void answer_of_the_first(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    bool greeting = memmem(bytes, byte_count, "PING", 4) != NULL;
    if (peer->port == FIRST_PORT || greeting)
        scripted_say_text(peer, "+OK\r\n", SERVICE_NS);
}

/* Each has half of the slots. */
static void two_nodes(void)
{
    static struct topology topology;
    topology = (struct topology){.kind = TOPOLOGY_SLOTS};
    for (uint16_t i = 0; i < 2; i++) {
        uint16_t port = (uint16_t)(FIRST_PORT + i);
        ck_assert_int_eq(topology_add(&topology, "127.0.0.1", port), i);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&topology.nodes[i].address.address, &address, sizeof address);
        topology.nodes[i].address.address_bytes = sizeof address;
    }
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology.owner[slot] = slot >= SLOTS_COUNT / 2;
    simulated.topology = &topology;
    simulated.share.connections = 4;
}

static uint64_t of_node(uint32_t node, enum node_counter counter)
{
    return simulated.measured->nodes[node].counters[counter];
}

LOOP_TEST(test_a_node_that_is_away, 2)
{
    /* Breaks when tickets that wait for a node which does not answer make volley late, or are not counted as
     * that node's: with the node's own list of tickets, and for the other node's when it is full. */
    const struct scripted_server server = {.command = answer_of_the_first};
    two_nodes();
    simulated.rate = _i == 0 ? 1000 : 10000;
    simulated.spec.endpoint.request_timeout_ns = 4 * NS_PER_SECOND;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(simulated.measured->counters[COUNTER_TIMED_OUT], 0);
    ck_assert_uint_gt(times(HISTOGRAM_WAIT)->max_ns, 3 * NS_PER_SECOND);
    ck_assert_uint_lt(times(HISTOGRAM_SLIP)->max_ns, 5 * NS_PER_MS);
    uint64_t full_ns = simulated.measured->counters[COUNTER_RING_FULL_NS];
    ck_assert_int_eq(full_ns > 0, _i == 1);
    ck_assert_uint_eq(of_node(1, NODE_RING_FULL_NS), full_ns);
    ck_assert_uint_eq(of_node(0, NODE_RING_FULL_NS), 0);
    ck_assert_uint_gt(of_node(1, NODE_UNSENT), 3000);
    ck_assert_uint_lt(of_node(0, NODE_UNSENT), 10);
    simulated_run_free(&simulated);
}

TEST(test_what_is_shed_for_a_node)
{
    /* Breaks when what --shed-after drops of a node that does not answer is not counted as that node's, or
     * some of the other's is. */
    const struct scripted_server server = {.command = answer_of_the_first};
    two_nodes();
    simulated.rate = 1000;
    simulated.spec.rate.shed_after_ns = 100 * NS_PER_MS;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(simulated.measured->counters[COUNTER_SHED_LATE], 3000);
    ck_assert_uint_eq(of_node(1, NODE_UNSENT), simulated.measured->counters[COUNTER_SHED_LATE] +
                                                   simulated.last.backlog_after);
    ck_assert_uint_eq(of_node(0, NODE_UNSENT), 0);
    simulated_run_free(&simulated);
}

TEST(test_what_a_stopped_volley_sheds)
{
    /* Breaks when nodes are blamed for what volley itself dropped after it had stood still, though all their
     * connections were busy when it stopped. */
    two_nodes();
    simulated.rate = 18000;
    simulated.share.connections = 2;
    simulated.spec.rate.shed_after_ns = 100 * NS_PER_MS;
    simulated_run_go(&simulated, &friendly_to_a_stopped);
    expect_stop();
    ck_assert_uint_gt(simulated.measured->counters[COUNTER_SHED_LATE], 18000);
    ck_assert_uint_lt(of_node(0, NODE_UNSENT) + of_node(1, NODE_UNSENT),
                      simulated.measured->counters[COUNTER_SHED_LATE] / 20);
    simulated_run_free(&simulated);
}

TEST_SUITE_WITH(blame, .set_up = set_up)
