/* Life of a connection: opening, greeting, closing, backing off. What it carries is in exchange.c, all of
 * them together in connections.c. */
#include "worker/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/transport_tls.h"
#include "worker/edges.h"
#include "worker/protocol/protocol.h"
#include "worker/stream.h"

#define BACKOFF_FIRST_NS (10 * NS_PER_MS)
#define BACKOFF_LONGEST_NS NS_PER_SECOND
/* A Unix socket's full accept queue answers at once; tried again so often before the start. */
#define FULL_QUEUE_ATTEMPTS 100u
#define GREETING_READS_AT_ONCE 16u

/* Only this process writes it. */
static void add(_Atomic uint32_t *word, uint32_t by)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* A connection has become ready (by 1), or is so no more (by -1). */
static void count_ready(struct connection *connection, int by)
{
    struct stream *stream = connection->stream;
    if (!connection->carries_load) {
        stream->idle_ready += (uint32_t)by;
        return;
    }
    connection->pool->ready += (uint32_t)by;
    stream->connections_ready += (uint32_t)by;
    add(&connection_live_node(connection)->connected, (uint32_t)by);
    atomic_store_explicit(&stream->live->connections_ready, stream->connections_ready,
                          memory_order_relaxed);
}

/* Closing -------------------------------------------------------------------------------------- */

void connection_close(struct connection *connection)
{
    if (connection->wire.fd < 0)
        return;
    exchange_set_read_cut(connection, false); /* the next descriptor has nothing to read yet */
    event_del(&connection->read_event);
    event_del(&connection->write_event);
    connection->write_waiting = false;
    connection->write_failed = false;
    connection->stream->transport->close(&connection->wire);
}

/* What a user of the server saw of it. */
void connection_note_failure(struct connection *connection, enum node_counter counter,
                             uint64_t count, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    struct node_figures *node = stream_node(stream, connection->node);
    outcome_failed(&stream->recorder.interval->header.times, now_ns);
    if (node == NULL)
        return;
    node->counters[counter] += count;
    outcome_failed(&node->times, now_ns);
}

/* Requests with a ticket that were never sent stay. */
void connection_drop_in_flight(struct connection *connection, enum counter cause, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    if (connection->in_flight > 0 && stream->start_ns != 0)
        connection_note_failure(connection, NODE_LOST, connection->in_flight, now_ns);
    for (uint32_t i = 0; i < connection->in_flight; i++)
        stream_unanswered(stream, connection_slot(connection, i), cause, now_ns);
    stream->in_flight -= connection->in_flight;
    connection->head_index += connection->in_flight;
    connection->in_flight = 0;
    connection->partial_bytes = 0;
    connection->again_in_flight = 0;
    connection->asking_in_flight = 0;
    connection_reset_head(connection);
    stream_publish_in_flight(stream);
}

/* How a failed attempt, or a connection that has ended, is counted for its node. */
static void count_for_node(const struct connection *connection, enum node_counter counter)
{
    struct node_figures *node = stream_node(connection->stream, connection->node);
    if (node != NULL)
        node->counters[counter]++;
}

static void back_off(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    uint32_t doublings = connection->attempts < 7 ? connection->attempts : 7;
    uint64_t longest_ns = BACKOFF_FIRST_NS << doublings;
    if (longest_ns > BACKOFF_LONGEST_NS)
        longest_ns = BACKOFF_LONGEST_NS;
    /* Half of it by chance, so that connections that broke together do not come back together. */
    uint64_t random =
        rng_at(stream->spec->load.seed ^ now_ns, (uint64_t)(connection - stream->connections));
    connection->deadline_ns = now_ns + longest_ns / 2 + rng_bounded(random, longest_ns / 2);
    connection->attempts++;
    connection->state = CONNECTION_BACKOFF;
    stream->reconnects_pending = true;
}

/* Not ready any more: what it had not sent is for others. */
static void leave_ready(struct connection *connection)
{
    connection_close(connection);
    think_forget(connection);
    count_ready(connection, -1);
    pools_take_back(connection);
}

/* To the node that it is to go to from now on, while it has no descriptor. */
static void change_node(struct connection *connection)
{
    if (!connection->retiring)
        return;
    connection->retiring = false;
    connection->quota = UINT64_MAX;
    connection->pool->assigned -= connection->carries_load;
    connection->node = connection->next_node;
    connection->pool = stream_pool(connection, connection->node);
    connection->pool->assigned += connection->carries_load;
    connection->attempts = 0;
}

/* A ready connection has ended. */
void connection_lost(struct connection *connection, enum counter cause, enum counter event,
                     uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    if (now_ns >= stream->edge_ns)
        edges_cut(stream, now_ns);
    connection_drop_in_flight(connection, cause, now_ns);
    recorder_heed_failures(stream, now_ns);
    if (!connection->write_waiting)
        connection->unwritable_ns = now_ns;
    pools_waited_to_write(connection, now_ns);
    leave_ready(connection);
    if (stream->near.cache != NULL)
        near_reads_clear(stream, now_ns);
    if (connection->consumer == NULL) /* who counts for itself */
        stream_count(stream,
                     !connection->carries_load ? COUNTER_IDLE_LOST : COUNTER_CONNECTIONS_LOST, 1);
    if (connection->carries_load) {
        stream_count(stream, event, 1);
        add(&connection_live_node(connection)->lost, 1);
    }
    count_for_node(connection, NODE_CONNECTIONS_LOST);
    back_off(connection, now_ns);
    pools_connection_changed(connection);
    change_node(connection);
    stream_want_refresh(stream);
}

bool connection_is_spent(const struct connection *connection)
{
    const struct stream *stream = connection->stream;
    return connection->in_flight == 0 && connection->unsent == 0 && connection->quota == 0 &&
           connection->state == CONNECTION_READY &&
           (connection->retiring || !stream->tickets_exhausted ||
            stream->unsent + stream->in_flight > 0);
}

void connection_recycle(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    if (now_ns >= stream->edge_ns)
        edges_cut(stream, now_ns);
    leave_ready(connection);
    if (stream->near.cache != NULL)
        near_reads_clear(stream, now_ns);
    stream_count(stream, COUNTER_CONNECTIONS_RECYCLED, 1);
    connection->state = CONNECTION_WAITING;
    connection->deadline_ns = now_ns;
    pools_connection_changed(connection);
    change_node(connection);
    if (now_ns < stream->stop_at_ns)
        connection_open(connection);
}

void connection_move(struct connection *connection, uint32_t node, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    if (connection->pool == NULL) { /* it never had one */
        connection->node = (uint16_t)node;
        connection->pool = stream_pool(connection, node);
        connection->pool->assigned += connection->carries_load;
        return;
    }
    connection->next_node = (uint16_t)node;
    connection->retiring = node != connection->node;
    if (connection->retiring)
        connection->quota = 0;
    pools_connection_changed(connection);
    if (!connection->retiring)
        return;
    switch (connection->state) {
    case CONNECTION_READY:
        if (connection->partial_bytes == 0)
            pools_take_back(connection);
        if (connection_is_spent(connection))
            connection_recycle(connection, now_ns);
        return;
    case CONNECTION_CONNECTING:
    case CONNECTION_HANDSHAKE:
    case CONNECTION_GREETING:
        connection_close(connection);
        stream->connections_opening--;
        break;
    case CONNECTION_GIVEN_UP:
        return;
    case CONNECTION_BACKOFF:
    case CONNECTION_WAITING:
        break;
    }
    change_node(connection);
    if (connection->state != CONNECTION_WAITING || connection->deadline_ns != UINT64_MAX) {
        connection->state = CONNECTION_WAITING;
        connection->deadline_ns = now_ns;
    }
}

static void give_up(struct connection *connection)
{
    struct stream *stream = connection->stream;
    connection->state = CONNECTION_GIVEN_UP;
    connection->deadline_ns = UINT64_MAX;
    add(&stream->live->given_up, 1);
}

/* What has failed, beside that it has: COUNTER_CONNECT_FAILURES is nothing special. */
static enum counter failure_of(int sys_errno)
{
    switch (sys_errno) {
    case ECONNREFUSED:
        return COUNTER_CONNECT_REFUSED;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
        return COUNTER_CONNECT_NO_PORT;
    case ETIMEDOUT:
        return COUNTER_CONNECT_TIMED_OUT;
    default:
        return COUNTER_CONNECT_FAILURES;
    }
}

static const char *why_of(int sys_errno)
{
    if (sys_errno == EADDRNOTAVAIL || sys_errno == EADDRINUSE)
        return "no local port is free; give --reset-on-close or more addresses with "
               "--source-address";
    return strerror(sys_errno);
}

/* An attempt to connect has failed: for good while the worker opens its connections for the first
 * time, until the next try afterwards. */
void connection_attempt_failed(struct connection *connection, bool try_again, enum counter failure,
                               const char *why)
{
    struct stream *stream = connection->stream;
    connection_close(connection);
    stream->connections_opening--;
    if (stream->connected) {
        stream_count(stream, COUNTER_CONNECT_FAILURES, 1);
        if (failure != COUNTER_CONNECT_FAILURES)
            stream_count(stream, failure, 1);
        count_for_node(connection, NODE_CONNECT_FAILURES);
        struct ipc_node *live = connection_live_node(connection);
        atomic_store_explicit(&live->failed_by, (uint32_t)failure, memory_order_relaxed);
        add(&live->failed, 1);
        connection->pool->failing = connection->pool->ready == 0;
        stream_want_refresh(stream);
    }
    if (stream->connected || (try_again && connection->attempts < FULL_QUEUE_ATTEMPTS)) {
        back_off(connection, clock_now_ns());
        if (stream->connected && stream->spec->connections.max_reconnects > 0 &&
            connection->attempts > stream->spec->connections.max_reconnects)
            give_up(connection);
        change_node(connection);
        return;
    }
    stream->connections_failed++;
    connection->state = CONNECTION_BACKOFF;
    connection->deadline_ns = UINT64_MAX;
    const struct topology *topology = stream->router.topology;
    if (topology->node_count > 1 && connection->node < topology->node_count)
        err_set(&stream->err, E_CONNECT, "%s: %s", topology->nodes[connection->node].address.text,
                why);
    else
        err_set(&stream->err, E_CONNECT, "%s", why);
}

/* Connecting ----------------------------------------------------------------------------------- */

static void connection_ready(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    connection->state = CONNECTION_READY;
    connection->attempts = 0;
    connection->database = (uint32_t)stream->spec->endpoint.database;
    connection->quota = stream->spec->connections.reconnect_every > 0
                            ? stream->spec->connections.reconnect_every
                            : UINT64_MAX;
    stream->connections_opening--;
    connection->pool->failing &= !connection->carries_load;
    count_ready(connection, 1);
    if (now_ns >= stream->edge_ns)
        edges_cut(stream, now_ns);
    interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_CONNECT],
                              now_ns - connection->connect_ns);
    pools_connection_able(connection, now_ns);
    if (!stream->connected)
        return;
    stream->reconnected++;
    if (!connection->carries_load)
        return;
    stream_count(stream, COUNTER_CONNECTIONS_OPENED, 1);
    count_for_node(connection, NODE_CONNECTIONS_OPENED);
}

/* A replica of a cluster sends every read away unless it is told not to. */
static const struct greeting *greeting_of(const struct connection *connection)
{
    const struct stream *stream = connection->stream;
    const struct topology *topology = stream->router.topology;
    if (connection->consumer != NULL)
        return &stream->consume.greeting;
    bool replica = topology->kind == TOPOLOGY_SLOTS &&
                   topology->nodes[connection->node].role == TOPOLOGY_REPLICA;
    return replica ? &stream->replica_greeting : &stream->greeting;
}

static void receive_greeting(struct connection *connection);

static void send_greeting(struct connection *connection)
{
    struct stream *stream = connection->stream;
    size_t left_bytes = connection->greeting->byte_count - connection->greeting_sent_bytes;
    size_t written_bytes = 0;
    int sys_errno = 0;
    enum io_status status = stream->transport->write(
        &connection->wire, connection->greeting->bytes + connection->greeting_sent_bytes,
        left_bytes, &written_bytes, &sys_errno);
    if (status == IO_FAILED || status == IO_CLOSED) {
        receive_greeting(connection); /* a server that refuses a connection says why, and closes */
        if (connection->state == CONNECTION_GREETING)
            connection_attempt_failed(connection, false, failure_of(sys_errno), why_of(sys_errno));
        else if (connection->state == CONNECTION_READY)
            connection_lost(connection, COUNTER_LOST_DISCONNECT, COUNTER_CONNECTIONS_RESET,
                            clock_now_ns());
        return;
    }
    connection->greeting_sent_bytes += written_bytes;
    if (written_bytes < left_bytes) {
        exchange_wait_writable(connection);
    } else {
        exchange_writable(connection);
    }
}

static void greet(struct connection *connection)
{
    connection->state = CONNECTION_GREETING;
    connection->greeting = greeting_of(connection);
    connection->greeting_replies = 0;
    connection->greeting_sent_bytes = 0;
    connection->stream->protocol->reset(connection);
    if (event_add(&connection->read_event, NULL) != 0) {
        connection_attempt_failed(connection, false, COUNTER_CONNECT_FAILURES,
                                  "the event loop refused the socket");
        return;
    }
    if (connection->stream->protocol->greets && connection->greeting->replies > 0)
        send_greeting(connection);
    else
        connection_ready(connection, clock_now_ns());
}

static void go_on_with_handshake(struct connection *connection)
{
    struct stream *stream = connection->stream;
    struct err err = {.code = OK};
    bool wants_write = false;
    enum io_status status = stream->transport->handshake(&connection->wire, &wants_write, &err);
    if (status == IO_AGAIN) {
        if (wants_write)
            exchange_wait_writable(connection);
        return;
    }
    if (status != IO_DONE) {
        connection_attempt_failed(connection, false, COUNTER_CONNECT_TLS, err.text);
        return;
    }
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= stream->edge_ns)
        edges_cut(stream, now_ns);
    interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_HANDSHAKE],
                              now_ns - connection->handshake_ns);
    stream_count(stream, COUNTER_HANDSHAKES, 1);
    if (tls_resumed(&connection->wire))
        stream_count(stream, COUNTER_HANDSHAKES_RESUMED, 1);
    greet(connection);
}

/* The socket is connected. */
static void shake_hands(struct connection *connection)
{
    if (connection->stream->transport->handshake == NULL) {
        greet(connection);
        return;
    }
    connection->state = CONNECTION_HANDSHAKE;
    connection->handshake_ns = clock_now_ns();
    if (event_add(&connection->read_event, NULL) != 0)
        connection_attempt_failed(connection, false, COUNTER_CONNECT_FAILURES,
                                  "the event loop refused the socket");
    else
        go_on_with_handshake(connection);
}

/* Local addresses take turns. */
static const struct target_address *next_source(struct stream *stream)
{
    const struct wire_setup *setup = &stream->run->wire_setup;
    if (setup->source_count == 0)
        return NULL;
    uint32_t number = stream->share->index + stream->next_source++;
    return &setup->sources[number % setup->source_count];
}

void connection_open(struct connection *connection)
{
    struct stream *stream = connection->stream;
    int sys_errno = 0;
    uint64_t now_ns = clock_now_ns(); /* others may have been opened since the caller's */
    stream->connections_opening++;
    connection->connect_ns = now_ns;
    connection->deadline_ns = now_ns + stream->spec->endpoint.connection_timeout_ns;
    enum io_status status = stream->transport->connect(
        &connection->wire, &stream->run->wire_setup,
        &stream->router.topology->nodes[connection->node].address, next_source(stream), &sys_errno);
    if (status == IO_FAILED) {
        connection_attempt_failed(connection, sys_errno == EAGAIN, failure_of(sys_errno),
                                  why_of(sys_errno));
        return;
    }
    /* The null transport's number is no descriptor; its events are only ever made active by hand. */
    evutil_socket_t watched = stream->transport->answers_at_once ? -1 : connection->wire.fd;
    event_callback_fn on_io = connection->consumer != NULL ? stream->consume.on_io : stream->on_io;
    event_assign(&connection->read_event, stream->worker->base, watched,
                 EV_READ | EV_CLOSED | EV_PERSIST | EV_ET, on_io, connection);
    event_assign(&connection->write_event, stream->worker->base, watched,
                 EV_WRITE | EV_PERSIST | EV_ET, on_io, connection);
    if (stream->transport->answers_at_once) {
        connection_ready(connection, now_ns);
    } else if (status == IO_DONE) {
        shake_hands(connection);
    } else {
        connection->state = CONNECTION_CONNECTING;
        exchange_wait_writable(connection);
    }
}

static void finish_connect(struct connection *connection)
{
    int sys_errno = 0;
    exchange_writable(connection);
    if (connection->stream->transport->connected(&connection->wire, &sys_errno) != IO_DONE)
        connection_attempt_failed(connection, false, failure_of(sys_errno), why_of(sys_errno));
    else
        shake_hands(connection);
}

static void take_greeting_reply(struct connection *connection, const struct resp_reply *reply,
                                uint64_t now_ns)
{
    char why[GREETING_TEXT_BYTES];
    enum greeting_step step =
        greeting_take(connection->greeting, connection->greeting_replies++, reply, why, sizeof why);
    switch (step) {
    case GREETING_GOES_ON:
        break;
    case GREETING_COMPLETE:
        connection_ready(connection, now_ns);
        break;
    case GREETING_NOT_YET:
    case GREETING_REFUSED:
        if (connection->stream->connected)
            recorder_closing_words(connection->stream, why, strlen(why));
        connection_attempt_failed(connection, step == GREETING_NOT_YET, COUNTER_CONNECT_FAILURES,
                                  why);
        break;
    }
}

/* What has come behind the last reply of the greeting: no request asked for it. */
static void take_rest(struct connection *connection, const char *at, const char *end,
                      uint64_t now_ns)
{
    if (connection->stream->protocol->take(connection, at, end, now_ns) == EXCHANGE_LOST)
        connection_lost(connection, COUNTER_LOST_PROTOCOL, COUNTER_CONNECTIONS_PROTOCOL, now_ns);
}

static void take_greeting_bytes(struct connection *connection, size_t byte_count, uint64_t now_ns)
{
    const char *at = connection->stream->exchange.in, *end = at + byte_count;
    while (at < end && connection->state == CONNECTION_GREETING) {
        struct resp_reply reply = {0};
        size_t used_bytes;
        enum resp_status scanned =
            resp_scan(&connection->walk.resp, at, (size_t)(end - at), &used_bytes, &reply);
        if (scanned == RESP_MORE)
            return;
        at += used_bytes;
        if (scanned == RESP_INVALID)
            connection_attempt_failed(connection, false, COUNTER_CONNECT_FAILURES,
                                      "the answer is not RESP; is this a Valkey server?");
        else if (reply.type != '>')
            take_greeting_reply(connection, &reply, now_ns);
    }
    if (at < end && connection->state == CONNECTION_READY)
        take_rest(connection, at, end, now_ns);
}

static void greeting_broken(struct connection *connection, enum io_status status, int sys_errno)
{
    char why[TLS_FAILURE_BYTES]; /* the transport's own goes with the connection */
    const char *tls_why = tls_failure(&connection->wire);
    const char *plain_why =
        status == IO_CLOSED ? "the server closed the connection" : strerror(sys_errno);
    snprintf(why, sizeof why, "%s", tls_why != NULL ? tls_why : plain_why);
    connection_attempt_failed(
        connection, false, tls_why != NULL ? COUNTER_CONNECT_TLS : COUNTER_CONNECT_FAILURES, why);
}

/* Reads on until nothing is there: an end of the stream that came with the last bytes is no second
 * edge. */
static void receive_greeting(struct connection *connection)
{
    struct stream *stream = connection->stream;
    for (uint32_t reads = 0;
         reads < GREETING_READS_AT_ONCE && connection->state == CONNECTION_GREETING; reads++) {
        size_t got_bytes = 0;
        int sys_errno = 0;
        enum io_status status = stream->transport->read(&connection->wire, stream->exchange.in,
                                                        WORKER_READ_BYTES, &got_bytes, &sys_errno);
        if (status == IO_AGAIN)
            return;
        if (status == IO_DONE)
            take_greeting_bytes(connection, got_bytes, clock_now_ns());
        else
            greeting_broken(connection, status, sys_errno);
    }
}

void connection_go_on(struct connection *connection, short what)
{
    switch (connection->state) {
    case CONNECTION_CONNECTING:
        finish_connect(connection);
        break;
    case CONNECTION_HANDSHAKE:
        go_on_with_handshake(connection);
        break;
    case CONNECTION_GREETING:
        if (what & EV_WRITE)
            send_greeting(connection);
        if ((what & (EV_READ | EV_CLOSED)) && connection->state == CONNECTION_GREETING)
            receive_greeting(connection);
        break;
    case CONNECTION_READY:
    case CONNECTION_BACKOFF:
    case CONNECTION_WAITING:
    case CONNECTION_GIVEN_UP:
        break;
    }
}
