/* Another protocol than RESP, and connections beside the load: by a whole worker against a scripted server. */
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/protocol/protocol.h"
#include "worker/protocol/replies.h"

static struct simulated_run simulated;

/* Echo: the reply to a request is its own bytes ------------------------------------------------- */

static void echo_reset(struct connection *connection)
{
    connection->walk.words[0] = 0; /* bytes of the oldest request that have come back */
}

static bool echo_between_replies(const struct connection *connection)
{
    return connection->walk.words[0] == 0;
}

static enum exchange_result echo_take(struct connection *connection, const char *at,
                                      const char *end, uint64_t done_ns)
{
    static char request[4096];
    struct stream *stream = connection->stream;
    struct reply_counts counts = replies_begin(connection);
    size_t whole_bytes = stream->generation.bytes;
    bool valid = true;
    for (; at < end && valid; at++) {
        valid = connection->in_flight > 0;
        if (!valid)
            break;
        stream->generation.kind->render(stream->generation.state, connection_slot(connection, 0),
                                        request);
        valid = *at == request[connection->walk.words[0]++];
        if (valid && connection->walk.words[0] == whole_bytes) {
            connection->walk.words[0] = 0;
            replies_ok(stream, connection, done_ns, &counts);
        }
    }
    replies_end(connection, done_ns, &counts);
    return valid ? EXCHANGE_DONE : EXCHANGE_LOST;
}

static const struct protocol echo = {
    .name = "echo",
    .reset = echo_reset,
    .take = echo_take,
    .between_replies = echo_between_replies,
};

static size_t cut_at_byte;

/* Back in two pieces, where no other one is under way. */
static void echo_back(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    size_t first = simulated.run.pipeline == 1 ? cut_at_byte : byte_count;
    if (first > byte_count)
        first = byte_count;
    scripted_say(peer, bytes, first, SCRIPTED_SERVICE_NS);
    if (first < byte_count)
        scripted_say(peer, bytes + first, byte_count - first, SCRIPTED_SERVICE_NS + 20 * NS_PER_US);
}

static void run_echo(uint64_t rate, uint64_t pipeline)
{
    const struct scripted_server server = {.command = echo_back};
    simulated_run_init(&simulated);
    simulated.run.protocol = &echo;
    simulated.run.requests = 20;
    simulated.run.pipeline = pipeline;
    simulated.rate = rate;
    simulated.share.connections = 2;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 20);
    ck_assert_uint_eq(scripted_peer_count(), 2); /* none was lost on the way */
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_uint_eq(scripted_peer(i)->received_bytes,
                          scripted_peer(i)->commands * workload_request_bytes(simulated.workload));
    simulated_run_free(&simulated);
}

TEST(test_echo)
{
    /* Breaks when something beside the protocol's own file takes what is read for RESP, or greets a server that
     * knows no greeting. */
    for (cut_at_byte = 1; cut_at_byte < 50; cut_at_byte += 7) {
        run_echo(0, 1);
        run_echo(0, 5);
        run_echo(1000, 1);
    }
}

/* One byte is another one. */
static void echo_wrongly(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    char copy[256];
    ck_assert_uint_le(byte_count, sizeof copy);
    memcpy(copy, bytes, byte_count);
    if (peer->commands == 5)
        copy[17]++;
    scripted_say(peer, copy, byte_count, SCRIPTED_SERVICE_NS);
}

TEST(test_out_of_step)
{
    /* Breaks when what a protocol does not take for a reply is counted as one, or goes on on that
     * connection. */
    const struct scripted_server server = {.command = echo_wrongly};
    simulated_run_init(&simulated);
    simulated.run.protocol = &echo;
    simulated.run.requests = 20;
    simulated_run_go(&simulated, &server);
    uint64_t lost = simulated_counter(&simulated, COUNTER_LOST_PROTOCOL);
    ck_assert_uint_ge(lost, 3);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK) + lost, 20);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_CONNECTIONS_PROTOCOL), lost);
    simulated_run_free(&simulated);
}

/* Connections beside the load that nothing is asked on ------------------------------------------ */

static bool in_arrays;

/* Whoever carries the load is answered; the others are told something every 5 ms, from the start on. */
static void publish(void *argument)
{
    static const char push[] = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";
    static const char array[] = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";
    (void)argument;
    for (uint32_t i = 1; i < scripted_peer_count(); i++)
        if (scripted_peer(i)->open && simulated.start_ns != 0)
            scripted_say_text(scripted_peer(i), in_arrays ? array : push, 0);
    simulation_at(simulation_now_ns() + 5 * NS_PER_MS, publish, NULL);
}

static void run_idle(bool arrays)
{
    const struct scripted_server server = {.command = scripted_answer};
    in_arrays = arrays;
    simulated_run_init(&simulated);
    simulated.spec.endpoint.resp3 = !arrays;
    simulated.share.idle = 2;
    simulated.run.duration_ns = NS_PER_SECOND;
    simulation_at(0, publish, NULL);
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(simulated_counter(&simulated, COUNTER_OK), 1000);
}

TEST(test_idle_takes_pushes)
{
    /* Breaks when a message out of band ends the connection that it comes on, or is not counted. */
    run_idle(false);
    ck_assert_uint_gt(simulated_counter(&simulated, COUNTER_PUSHES), 100);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_IDLE_LOST), 0);
    simulated_run_free(&simulated);
}

TEST(test_idle_takes_no_messages)
{
    /* Breaks when a connection that nothing was asked on takes a reply: its stream is out of step. */
    run_idle(true);
    ck_assert_uint_gt(simulated_counter(&simulated, COUNTER_IDLE_LOST), 1);
    simulated_run_free(&simulated);
}

TEST_SUITE(protocol)
