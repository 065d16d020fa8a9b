/* What a connection sends and receives, by a whole worker against a scripted server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

static struct simulated_run simulated;

static void set_up(void)
{
    simulated_run_init(&simulated);
}

TEST(test_plain_run)
{
    /* Breaks when a worker in simulated time does not do what it does in real time: exactly so many
     * requests, one after the other, each with the time that the server took. */
    const struct scripted_server server = {.command = scripted_answer};
    simulated.run.requests = 100;
    simulated.share.connections = 2;
    simulated_run_go(&simulated, &server);
    const struct histogram *service = &simulated.measured->histograms[HISTOGRAM_SERVICE_OK];
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 100);
    ck_assert_uint_eq(scripted_requests(), 100);
    ck_assert_uint_ge(service->min_ns, SCRIPTED_SERVICE_NS);
    ck_assert_uint_lt(service->max_ns, SCRIPTED_SERVICE_NS + 50 * NS_PER_US);
    simulated_run_free(&simulated);
}

/* Writes that are cut ---------------------------------------------------------------------------- */

static size_t cut_at_byte;

/* Of what follows the greeting: so much, then nothing until the socket is writable again, then the rest. */
static size_t take_up_to_cut(struct scripted_peer *peer, size_t byte_count)
{
    size_t cut = peer->greeting_bytes + cut_at_byte;
    if (peer->greeting_bytes == 0 || peer->received_bytes > cut)
        return byte_count;
    if (peer->received_bytes == cut) {
        bool again = peer->memo++ > 0; /* written to once more by the event that tells of room */
        if (!again)
            scripted_wake(peer, 20 * NS_PER_US);
        return again ? byte_count : 0;
    }
    size_t room_bytes = cut - peer->received_bytes;
    if (room_bytes < byte_count)
        scripted_wake(peer, 20 * NS_PER_US);
    return room_bytes < byte_count ? room_bytes : byte_count;
}

/* All bytes that the only connection has sent are the requests of tickets 0, 1, 2, ... */
static void check_stream(uint64_t requests)
{
    const struct scripted_peer *peer = scripted_peer(0);
    size_t each_bytes = workload_request_bytes(simulated.workload);
    char *request = malloc(each_bytes);
    ck_assert_ptr_nonnull(request);
    ck_assert_uint_eq(peer->received_bytes, peer->greeting_bytes + requests * each_bytes);
    for (uint64_t ticket = 0; ticket < requests; ticket++) {
        workload_render(simulated.workload, ticket, request);
        ck_assert_mem_eq(peer->received + peer->greeting_bytes + ticket * each_bytes, request,
                         each_bytes);
    }
    free(request);
}

static void run_with_cut(size_t at_byte, uint64_t pipeline, size_t data_bytes)
{
    const struct scripted_server server = {.command = scripted_answer, .takes = take_up_to_cut};
    cut_at_byte = at_byte;
    simulated_run_init(&simulated);
    simulated.spec.load.data_bytes = data_bytes;
    simulated.run.pipeline = pipeline;
    simulated.run.requests = 2 * pipeline + 1;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), simulated.run.requests);
    check_stream(simulated.run.requests);
    simulated_run_free(&simulated);
}

TEST(test_write_cut_at_every_byte)
{
    /* Breaks when the rest of a write that the socket took only in part is not sent exactly once, in
     * its place, wherever the cut is. */
    size_t request_bytes = 46; /* SET key:000000000123 xxx */
    for (uint64_t pipeline = 1; pipeline <= 4; pipeline++)
        for (size_t at = 0; at <= pipeline * request_bytes; at++)
            run_with_cut(at, pipeline, 3);
}

TEST(test_write_cut_in_windows)
{
    /* Breaks when a request that is longer than the buffer goes on at another byte than the one at which
     * the socket was full: at, before and behind each window's end. */
    static const size_t windows[] = {0, 1u << 20, 2u << 20, (2u << 20) + 77};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        for (size_t beside = 0; beside < 3; beside++)
            run_with_cut(windows[i] + beside - (windows[i] > 0), 2, (2u << 20) + 100);
}

/* Stamps --------------------------------------------------------------------------------------- */

static uint64_t server_total_ns, edge_offset_ns;

/* So that the worker reads the reply a little ahead of an interval's end, each time somewhat later. */
static void answer_close_to_edge(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    uint64_t after_ns = SCRIPTED_SERVICE_NS, now_ns = simulation_now_ns();
    if (simulated.start_ns != 0 && now_ns >= simulated.start_ns) {
        uint64_t interval_ns = simulated.spec.load.interval_ns;
        uint64_t into_ns = (now_ns - simulated.start_ns) % interval_ns;
        after_ns = 2 * interval_ns - into_ns - 20 * NS_PER_US + edge_offset_ns;
        edge_offset_ns += NS_PER_US / 2;
        server_total_ns += after_ns;
    }
    scripted_say_text(peer, "+OK\r\n", after_ns);
}

TEST(test_edge_between_stamp_and_write)
{
    /* Breaks when a request's time begins before volley's own work at the end of an interval: the time
     * was read, the record of the interval encoded, and only then the request written. */
    const struct scripted_server server = {.command = answer_close_to_edge};
    simulated.run.requests = 80;
    simulation_set_cut_ns(5 * NS_PER_MS);
    simulated_run_go(&simulated, &server);
    const struct histogram *service = &simulated.measured->histograms[HISTOGRAM_SERVICE_OK];
    ck_assert_uint_eq(service->count, 80);
    ck_assert_uint_ge(service->sum_ns, server_total_ns);
    ck_assert_uint_lt(service->sum_ns, server_total_ns + 5 * NS_PER_MS);
    simulated_run_free(&simulated);
}

/* Pushes --------------------------------------------------------------------------------------- */

#define PUSH ">2\r\n$10\r\ninvalidate\r\n_\r\n"

static size_t push_cut_at_byte;

/* A message out of band behind the greeting and behind every reply, in two pieces. */
static void answer_and_push(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    (void)bytes;
    (void)byte_count;
    scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
    if (peer->greeting_bytes == 0)
        return;
    scripted_say(peer, PUSH, push_cut_at_byte, SCRIPTED_SERVICE_NS + 20 * NS_PER_US);
    scripted_say_text(peer, &PUSH[push_cut_at_byte], SCRIPTED_SERVICE_NS + 40 * NS_PER_US);
}

static size_t take_after_start(struct scripted_peer *peer, size_t byte_count)
{
    if (peer->greeting_bytes > 0)
        ck_assert_uint_ge(simulation_now_ns(), simulated.start_ns);
    ck_assert(peer->greeting_bytes == 0 || simulated.start_ns != 0);
    return byte_count;
}

static void run_with_pushes(uint64_t rate)
{
    const struct scripted_server server = {.command = answer_and_push, .takes = take_after_start};
    simulated_run_init(&simulated);
    simulated.rate = rate;
    simulated.spec.endpoint.resp3 = true;
    simulated.run.requests = 20;
    simulated.share.connections = 2;
    simulated.share.idle = 3;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 20);
    for (uint32_t i = 0; i < scripted_peer_count(); i++)
        if (i >= 2)
            ck_assert_uint_eq(scripted_peer(i)->received_bytes, scripted_peer(i)->greeting_bytes);
    simulated_run_free(&simulated);
}

TEST(test_pushes)
{
    /* Breaks when a message out of band makes a connection send: ahead of the common start, or one that
     * is to carry nothing. */
    for (push_cut_at_byte = 1; push_cut_at_byte < sizeof PUSH - 1; push_cut_at_byte++) {
        run_with_pushes(0);
        run_with_pushes(1000);
    }
}

/* Takes each request in two pieces, and says something out of band in between. */
static size_t take_half_and_push(struct scripted_peer *peer, size_t byte_count)
{
    bool second = peer->memo++ % 2 == 1;
    if (peer->greeting_bytes == 0 || second || byte_count < 2)
        return byte_count;
    scripted_say_text(peer, PUSH, 10 * NS_PER_US);
    scripted_wake(peer, 20 * NS_PER_US);
    return cut_at_byte < byte_count ? cut_at_byte : byte_count - 1;
}

static void run_with_halves(uint64_t pipeline, uint64_t warmup_ns, uint64_t reconnect_every)
{
    const struct scripted_server server = {.command = scripted_answer, .takes = take_half_and_push};
    simulated_run_init(&simulated);
    simulated.spec.endpoint.resp3 = true;
    simulated.spec.load.interval_ns = 10 * NS_PER_MS;
    simulated.spec.connections.reconnect_every = reconnect_every;
    simulated.run.pipeline = pipeline;
    simulated.run.warmup_ns = warmup_ns;
    simulated.run.duration_ns = 50 * NS_PER_MS;
    simulated.share.connections = 2;
    simulated_run_go(&simulated, &server);
    const uint64_t *counters = simulated.measured->counters;
    ck_assert_uint_gt(counters[COUNTER_PUSHES], 60);
    ck_assert_uint_eq(counters_lost(counters), 0);
    /* What the warm-up has sent may be answered behind it. */
    uint64_t before = warmup_ns > 0 ? 2 * pipeline : 0;
    ck_assert_uint_ge(counters[COUNTER_OK], counters[COUNTER_SENT]);
    ck_assert_uint_le(counters[COUNTER_OK], counters[COUNTER_SENT] + before);
    simulated_run_free(&simulated);
}

TEST(test_pushes_into_half_written_requests)
{
    /* Breaks when a message out of band, while a request is half written, over the end of a warm-up, on a
     * connection that is about to be opened anew, or while draining, is taken for a reply, makes room for a
     * request, or ends the connection. */
    for (cut_at_byte = 1; cut_at_byte < 46; cut_at_byte += 9) {
        run_with_halves(1, 0, 0);
        run_with_halves(4, 20 * NS_PER_MS, 0);
        run_with_halves(2, 0, 7);
    }
}

/* The second request is never answered; what comes instead is half a reply, and pushes. */
static void answer_once(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (peer->commands < 3) {
        scripted_answer(peer, bytes, byte_count);
        return;
    }
    scripted_say_text(peer, PUSH, 200 * NS_PER_MS);
    scripted_say_text(peer, "$2\r\nO", 400 * NS_PER_MS);
}

TEST(test_push_is_no_reply)
{
    /* Breaks when a message out of band, or the first half of a reply, counts as the last reply: then a
     * server that answers nothing any more is taken for one that does. */
    const struct scripted_server server = {.command = answer_once};
    simulated.run.requests = 2;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_TIMED_OUT), 1);
    ck_assert_uint_gt(simulated.measured->header.times.last_ok_ns, 0);
    ck_assert_uint_eq(atomic_load(&simulated.live->last_done_ns) - simulated.start_ns,
                      simulated.measured->header.times.last_ok_ns);
    simulated_run_free(&simulated);
}

TEST_SUITE_WITH(exchange, .set_up = set_up)
