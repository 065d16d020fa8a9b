/* All connections of a worker: set up, opened in their turn, timed out, given up. The life of each one is
 * in connection.c. */
#include "worker/connections.h"

#include <stdlib.h>

#include "worker/consume.h"
#include "worker/protocol/protocol.h"
#include "worker/stream.h"

/* A server's accept queue is 511 long by default; a burst above it costs a second per lost SYN. So
 * many connections are being opened at once over all workers. */
#define OPENING_AT_ONCE 256u

/* When this worker's connection is opened, since the start of measuring. Number i of worker w of N is
 * number w + i N of all. */
static uint64_t ramp_opens_ns(const struct stream *stream, uint32_t index)
{
    return client_ramp_opens_ns(&stream->spec->load.client_ramp,
                                stream->share->index + (uint64_t)index * stream->run->worker_count);
}

uint32_t connections_at_start(const struct stream *stream)
{
    uint32_t count = 0;
    while (count < stream->connection_count && ramp_opens_ns(stream, count) == 0)
        count++;
    return count;
}

/* Later ones are opened later: the first that waits is the next one. */
static void find_next_opening(struct stream *stream)
{
    stream->next_opening_ns = UINT64_MAX;
    for (uint32_t i = 0; i < stream->connection_count; i++)
        if (stream->connections[i].state == CONNECTION_WAITING) {
            stream->next_opening_ns = stream->connections[i].deadline_ns;
            return;
        }
}

void connections_plan_ramp(struct stream *stream)
{
    if (stream->ramp_planned || stream->warmup_ns == IPC_NEVER ||
        stream->spec->load.client_ramp.start_clients == 0)
        return;
    stream->ramp_planned = true;
    for (uint32_t i = connections_at_start(stream); i < stream->connection_count; i++)
        if (stream->connections[i].state == CONNECTION_WAITING)
            stream->connections[i].deadline_ns = stream->measure_ns + ramp_opens_ns(stream, i);
    find_next_opening(stream);
}

enum err_code connections_create(struct stream *stream, struct err *err)
{
    uint32_t idle = stream->share->idle + consume_connections(stream);
    uint32_t count = stream->share->connections + idle;
    uint32_t slot_count = 1;
    while (slot_count < stream->run->pipeline)
        slot_count *= 2;
    stream->connections = calloc(count, sizeof stream->connections[0]);
    struct request_slot *slots = calloc((size_t)count * slot_count, sizeof slots[0]);
    if (stream->connections == NULL || slots == NULL) {
        free(slots);
        return err_set(err, E_SYSTEM, "cannot allocate %u connections with a pipeline of %u", count,
                       slot_count);
    }
    stream->connection_count = stream->share->connections;
    stream->idle_count = idle;
    for (uint32_t i = 0; i < count; i++)
        stream->connections[i] = (struct connection){
            .stream = stream,
            .wire = {.fd = -1},
            .state = CONNECTION_WAITING,
            .carries_load = i < stream->connection_count,
            .quota = UINT64_MAX,
            .deadline_ns =
                i < stream->connection_count && ramp_opens_ns(stream, i) > 0 ? UINT64_MAX : 0,
            .listed_load = CONNECTION_UNLISTED,
            .slots = slots + (size_t)i * slot_count,
            .slot_mask = slot_count - 1,
        };
    enum err_code code = router_create(stream, err);
    return code == OK ? consume_create(stream, err) : code;
}

void connections_destroy(struct stream *stream)
{
    consume_destroy(stream);
    router_destroy(stream);
    if (stream->connections == NULL)
        return;
    for (uint32_t i = 0; i < stream->connection_count + stream->idle_count; i++)
        connection_close(&stream->connections[i]);
    free(stream->connections[0].slots);
    free(stream->connections);
    stream->connections = NULL;
}

/* The oldest request of a connection is over its time: RESP has no ids, so the connection must go,
 * and with it what was behind the late reply. */
static void time_out(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    uint64_t timeout_ns = stream->spec->endpoint.request_timeout_ns;
    uint32_t late = 0;
    for (uint32_t i = 0; i < connection->in_flight; i++)
        late += now_ns - connection_slot(connection, i)->sent_ns >= timeout_ns;
    connection_note_failure(connection, NODE_TIMED_OUT, late, now_ns);
    for (uint32_t i = 0; i < late; i++)
        stream_unanswered(stream, connection_slot(connection, i), COUNTER_TIMED_OUT, now_ns);
    stream->in_flight -= late;
    connection->in_flight -= late;
    connection->head_index += late;
    connection_lost(connection, COUNTER_LOST_TIMEOUT, COUNTER_CONNECTIONS_TIMED_OUT, now_ns);
}

/* Requests stand in the order of their sending, but for those that were sent before elsewhere. */
static bool has_timed_out(const struct connection *connection, uint64_t now_ns)
{
    uint32_t checked = connection->again_in_flight > 0 ? connection->in_flight : 1;
    if (connection->in_flight == 0)
        return false;
    for (uint32_t i = 0; i < checked; i++)
        if (now_ns >= connection_slot(connection, i)->sent_ns +
                          connection->stream->spec->endpoint.request_timeout_ns)
            return true;
    return false;
}

/* A reset that came together with data is no second edge, and is not reported as closing. Mostly the
 * next write finds it; where none will follow for what is in flight, the tick reads once more. Done
 * there and not behind every read, since it would double the reads of large values. */
static bool must_look_again(const struct connection *connection, uint64_t now_ns)
{
    const struct stream *stream = connection->stream;
    return connection->in_flight > 0 &&
           (!stream->protocol->between_replies(connection) || stream->tickets_exhausted ||
            stream->think.waits || now_ns >= stream->stop_at_ns);
}

void connections_tick(struct stream *stream, uint64_t now_ns)
{
    uint32_t opening_at_once = OPENING_AT_ONCE / stream->run->worker_count;
    if (opening_at_once == 0)
        opening_at_once = 1;
    /* What the sockets hold after a stop of volley's own is read before anything is given up. */
    bool woke = stream->recorder.woken_turns > 0;
    /* Ahead of the others: connections that are to go to another node are opened below. */
    router_tick(stream, now_ns);
    repeat_tick(stream, now_ns);
    connections_plan_ramp(stream);
    stream->reconnects_pending = false;
    for (uint32_t i = 0; i < stream->connection_count + stream->idle_count; i++) {
        struct connection *connection = &stream->connections[i];
        switch (connection->state) {
        case CONNECTION_READY:
            if (!woke && has_timed_out(connection, now_ns))
                time_out(connection, now_ns);
            else if (must_look_again(connection, now_ns))
                event_active(&connection->read_event, EV_READ, 0);
            break;
        case CONNECTION_CONNECTING:
        case CONNECTION_HANDSHAKE:
        case CONNECTION_GREETING:
            if (now_ns >= connection->deadline_ns)
                connection_attempt_failed(connection, false, COUNTER_CONNECT_TIMED_OUT,
                                          "no answer within --connection-timeout");
            break;
        case CONNECTION_BACKOFF:
        case CONNECTION_WAITING:
            if (now_ns >= connection->deadline_ns && !stream->stopping &&
                stream->connections_opening < opening_at_once)
                dispatch_open(connection);
            break;
        case CONNECTION_GIVEN_UP:
            break;
        }
        stream->reconnects_pending |=
            connection->state != CONNECTION_READY && connection->state != CONNECTION_GIVEN_UP &&
            (connection->state != CONNECTION_WAITING || now_ns >= connection->deadline_ns);
    }
    if (stream->next_opening_ns != UINT64_MAX)
        find_next_opening(stream);
    stream->reconnects_pending |= stream->router.retry.count > 0;
    consume_tick(stream, now_ns);
    dispatch_tick(stream, now_ns);
}

void connections_make_writable(struct stream *stream, bool on)
{
    if (stream->transport->answers_at_once)
        return;
    /* They stand first, and all of them are open, as those of consumers are, which stand last. */
    const uint32_t count = connections_at_start(stream), consumers = stream->consume.count;
    const uint32_t all = stream->connection_count + stream->idle_count;
    for (uint32_t i = 0; i < all; i++) {
        if (i == count)
            i = all - consumers;
        if (i >= all)
            break;
        if (on)
            event_add(&stream->connections[i].write_event, NULL);
        else
            event_del(&stream->connections[i].write_event);
    }
}

void connections_activate(struct stream *stream)
{
    struct connection *connection = stream->connections;
    const struct connection *const end = connection + stream->connection_count;
    for (; connection < end; connection++)
        if (connection->in_flight > 0)
            event_active(&connection->read_event, EV_READ, 0);
}

void connections_resume(struct stream *stream)
{
    /* As if the peer had closed: until nothing is left, since whether it has is forgotten. */
    for (uint32_t i = 0; i < stream->connection_count; i++)
        if (stream->connections[i].read_cut)
            event_active(&stream->connections[i].read_event, EV_READ | EV_CLOSED, 0);
}

void connections_abandon(struct stream *stream)
{
    uint64_t now_ns = clock_now_ns();
    for (uint32_t i = 0; i < stream->connection_count + stream->idle_count; i++) {
        pools_take_back(&stream->connections[i]);
        connection_drop_in_flight(&stream->connections[i], COUNTER_LOST_DRAIN, now_ns);
        connection_close(&stream->connections[i]);
    }
    repeat_abandon(stream, COUNTER_LOST_DRAIN, now_ns);
    router_abandon(stream, COUNTER_LOST_DRAIN, now_ns);
    /* A worker that is done does not keep a run alive whose target is gone for the others. */
    ipc_worker_disconnected(stream->live);
}
