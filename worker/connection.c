/* Life of a connection: opening, greeting, closing, backing off, and all connections of a worker. What it
 * carries is in exchange.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/transport_tls.h"
#include "worker/worker_state.h"

/* A server's accept queue is 511 long by default; a burst above it costs a second per lost SYN. So
 * many connections are being opened at once over all workers. */
#define OPENING_AT_ONCE 256u
#define BACKOFF_FIRST_NS (10 * NS_PER_MS)
#define BACKOFF_LONGEST_NS NS_PER_SECOND
/* A Unix socket's full accept queue answers at once; tried again so often before the start. */
#define FULL_QUEUE_ATTEMPTS 100u

static void on_io(evutil_socket_t fd, short what, void *argument);
static void open_connection(struct connection *connection, uint64_t now_ns);

static void publish_ready(struct worker *worker)
{
    atomic_store_explicit(&worker->live->connections_ready, worker->connections_ready,
                          memory_order_relaxed);
}

/* Closing -------------------------------------------------------------------------------------- */

void connection_set_read_cut(struct connection *connection, bool cut)
{
    connection->worker->reads_cut += cut;
    connection->worker->reads_cut -= connection->read_cut;
    connection->read_cut = cut;
}

static void close_descriptor(struct connection *connection)
{
    if (connection->wire.fd < 0)
        return;
    connection_set_read_cut(connection, false); /* the next descriptor has nothing to read yet */
    event_del(&connection->read_event);
    event_del(&connection->write_event);
    connection->write_waiting = false;
    connection->worker->transport->close(&connection->wire);
}

/* What a user of the server saw of it. */
static void note_failure(struct connection *connection, enum node_counter counter, uint64_t count,
                         uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    struct node_figures *node = worker_node(worker, connection->node);
    outcome_failed(&worker->interval->header.times, now_ns);
    if (node == NULL)
        return;
    node->counters[counter] += count;
    outcome_failed(&node->times, now_ns);
}

/* Takes what is in flight out of the accounts; requests with a ticket that were never sent stay and
 * go out when the connection is back, or on another one when the run has no other tickets. */
static void drop_in_flight(struct connection *connection, enum counter cause, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (connection->in_flight > 0 && worker->start_ns != 0)
        note_failure(connection, NODE_LOST, connection->in_flight, now_ns);
    worker_count(worker, cause, connection->in_flight);
    worker->in_flight -= connection->in_flight;
    connection->head_index += connection->in_flight;
    connection->in_flight = 0;
    connection->partial_bytes = 0;
    connection->again_in_flight = 0;
    connection->asking_in_flight = 0;
    connection->head_replies = 0;
    connection->head_redirects = 0;
    connection->head_failed = false;
    connection->head_asked = false;
    worker_publish_in_flight(worker);
}

/* How a failed attempt, or a connection that has ended, is counted for its node. */
static void count_for_node(const struct connection *connection, enum node_counter counter)
{
    struct node_figures *node = worker_node(connection->worker, connection->node);
    if (node != NULL)
        node->counters[counter]++;
}

static void back_off(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    uint32_t doublings = connection->attempts < 7 ? connection->attempts : 7;
    uint64_t longest_ns = BACKOFF_FIRST_NS << doublings;
    if (longest_ns > BACKOFF_LONGEST_NS)
        longest_ns = BACKOFF_LONGEST_NS;
    /* Half of it by chance, so that connections that broke together do not come back together. */
    uint64_t random =
        rng_at(worker->spec->seed ^ now_ns, (uint64_t)(connection - worker->connections));
    connection->deadline_ns = now_ns + longest_ns / 2 + rng_bounded(random, longest_ns / 2);
    connection->attempts++;
    connection->state = CONNECTION_BACKOFF;
    worker->reconnects_pending = true;
}

/* Not ready any more: what it had not sent is for others. */
static void leave_ready(struct connection *connection)
{
    struct worker *worker = connection->worker;
    close_descriptor(connection);
    connection->pool->ready -= !connection->idle;
    if (connection->idle)
        worker->idle_ready--;
    else
        worker->connections_ready--;
    publish_ready(worker);
    if (worker->router.by_slot)
        router_take_back(connection);
    else
        worker->unsent_idle += connection->unsent;
}

/* To the node that it is to go to from now on, while it has no descriptor. */
static void change_node(struct connection *connection)
{
    if (!connection->retiring)
        return;
    connection->retiring = false;
    connection->quota = UINT64_MAX;
    connection->pool->assigned--;
    connection->node = connection->next_node;
    connection->pool = worker_pool(connection->worker, connection->node);
    connection->pool->assigned++;
    connection->attempts = 0;
}

/* A ready connection has ended. */
void connection_lost(struct connection *connection, enum counter cause, enum counter event,
                     uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    drop_in_flight(connection, cause, now_ns);
    leave_ready(connection);
    worker_count(worker, connection->idle ? COUNTER_IDLE_LOST : COUNTER_CONNECTIONS_LOST, 1);
    if (event != COUNTER_CONNECTIONS_LOST)
        worker_count(worker, event, 1);
    count_for_node(connection, NODE_CONNECTIONS_LOST);
    back_off(connection, now_ns);
    router_connection_changed(connection);
    change_node(connection);
    router_want_refresh(worker);
}

bool connection_is_spent(const struct connection *connection)
{
    return connection->in_flight == 0 && connection->unsent == 0 && connection->quota == 0 &&
           connection->state == CONNECTION_READY &&
           (connection->retiring || !connection->worker->tickets_exhausted);
}

void connection_recycle(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    leave_ready(connection);
    worker_count(worker, COUNTER_CONNECTIONS_RECYCLED, 1);
    connection->state = CONNECTION_WAITING;
    connection->deadline_ns = now_ns;
    router_connection_changed(connection);
    change_node(connection);
    if (now_ns < worker->stop_at_ns)
        open_connection(connection, now_ns);
}

void connection_move(struct connection *connection, uint32_t node, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (connection->pool == NULL) { /* it never had one */
        connection->node = (uint16_t)node;
        connection->pool = worker_pool(worker, node);
        connection->pool->assigned += !connection->idle;
        return;
    }
    connection->next_node = (uint16_t)node;
    connection->retiring = node != connection->node;
    if (connection->retiring)
        connection->quota = 0;
    router_connection_changed(connection);
    if (!connection->retiring)
        return;
    switch (connection->state) {
    case CONNECTION_READY:
        if (worker->router.by_slot && connection->partial_bytes == 0)
            router_take_back(connection);
        if (connection_is_spent(connection))
            connection_recycle(connection, now_ns);
        return;
    case CONNECTION_CONNECTING:
    case CONNECTION_HANDSHAKE:
    case CONNECTION_GREETING:
        close_descriptor(connection);
        worker->connections_opening--;
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
    struct worker *worker = connection->worker;
    connection->state = CONNECTION_GIVEN_UP;
    connection->deadline_ns = UINT64_MAX;
    _Atomic uint32_t *given_up = &worker->live->given_up;
    atomic_store_explicit(given_up, atomic_load_explicit(given_up, memory_order_relaxed) + 1,
                          memory_order_relaxed);
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
static void attempt_failed(struct connection *connection, bool try_again, enum counter failure,
                           const char *why)
{
    struct worker *worker = connection->worker;
    close_descriptor(connection);
    worker->connections_opening--;
    if (worker->connected) {
        worker_count(worker, COUNTER_CONNECT_FAILURES, 1);
        if (failure != COUNTER_CONNECT_FAILURES)
            worker_count(worker, failure, 1);
        count_for_node(connection, NODE_CONNECT_FAILURES);
        connection->pool->failing = connection->pool->ready == 0;
        router_want_refresh(worker);
    }
    if (worker->connected || (try_again && connection->attempts < FULL_QUEUE_ATTEMPTS)) {
        back_off(connection, clock_now_ns());
        if (worker->connected && worker->spec->max_reconnects > 0 &&
            connection->attempts > worker->spec->max_reconnects)
            give_up(connection);
        change_node(connection);
        return;
    }
    worker->connections_failed++;
    connection->state = CONNECTION_BACKOFF;
    connection->deadline_ns = UINT64_MAX;
    err_set(&worker->err, E_CONNECT, "%s", why);
}

void connection_wait_writable(struct connection *connection)
{
    if (!connection->write_waiting && event_add(&connection->write_event, NULL) == 0)
        connection->write_waiting = true;
}

/* Connecting ----------------------------------------------------------------------------------- */

static void connection_ready(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    connection->state = CONNECTION_READY;
    connection->attempts = 0;
    connection->quota =
        worker->spec->reconnect_every > 0 ? worker->spec->reconnect_every : UINT64_MAX;
    if (!worker->router.by_slot)
        worker->unsent_idle -= connection->unsent;
    worker->connections_opening--;
    connection->pool->ready += !connection->idle;
    connection->pool->failing &= connection->idle;
    if (connection->idle)
        worker->idle_ready++;
    else
        worker->connections_ready++;
    publish_ready(worker);
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    interval_histogram_record(&worker->interval->histograms[HISTOGRAM_CONNECT],
                              now_ns - connection->connect_ns);
    router_connection_changed(connection);
    if (!worker->connected)
        return;
    worker->reconnected++;
    if (connection->idle)
        return;
    worker_count(worker, COUNTER_CONNECTIONS_OPENED, 1);
    count_for_node(connection, NODE_CONNECTIONS_OPENED);
    if (connection->retiring)
        connection_recycle(connection, now_ns);
    else if (worker->start_ns != 0)
        exchange_fill(connection, now_ns);
}

/* A replica of a cluster sends every read away unless it is told not to. */
static const struct greeting *greeting_of(const struct connection *connection)
{
    const struct worker *worker = connection->worker;
    const struct topology *topology = worker->router.topology;
    bool replica = topology->kind == TOPOLOGY_SLOTS &&
                   topology->nodes[connection->node].role == TOPOLOGY_REPLICA;
    return replica ? &worker->replica_greeting : &worker->greeting;
}

static void send_greeting(struct connection *connection)
{
    struct worker *worker = connection->worker;
    size_t left_bytes = connection->greeting->byte_count - connection->greeting_sent_bytes;
    size_t written_bytes = 0;
    int sys_errno = 0;
    enum io_status status = worker->transport->write(
        &connection->wire, connection->greeting->bytes + connection->greeting_sent_bytes,
        left_bytes, &written_bytes, &sys_errno);
    if (status == IO_FAILED || status == IO_CLOSED) {
        attempt_failed(connection, false, failure_of(sys_errno), why_of(sys_errno));
        return;
    }
    connection->greeting_sent_bytes += written_bytes;
    if (written_bytes < left_bytes) {
        connection_wait_writable(connection);
    } else if (connection->write_waiting) {
        event_del(&connection->write_event);
        connection->write_waiting = false;
    }
}

static void greet(struct connection *connection)
{
    connection->state = CONNECTION_GREETING;
    connection->greeting = greeting_of(connection);
    connection->greeting_replies = 0;
    connection->greeting_sent_bytes = 0;
    resp_scanner_reset(&connection->scanner);
    if (event_add(&connection->read_event, NULL) != 0) {
        attempt_failed(connection, false, COUNTER_CONNECT_FAILURES,
                       "the event loop refused the socket");
        return;
    }
    send_greeting(connection);
}

static void go_on_with_handshake(struct connection *connection)
{
    struct worker *worker = connection->worker;
    struct err err = {.code = OK};
    bool wants_write = false;
    enum io_status status = worker->transport->handshake(&connection->wire, &wants_write, &err);
    if (status == IO_AGAIN) {
        if (wants_write)
            connection_wait_writable(connection);
        return;
    }
    if (status != IO_DONE) {
        attempt_failed(connection, false, COUNTER_CONNECT_TLS, err.text);
        return;
    }
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    interval_histogram_record(&worker->interval->histograms[HISTOGRAM_HANDSHAKE],
                              now_ns - connection->handshake_ns);
    worker_count(worker, COUNTER_HANDSHAKES, 1);
    if (tls_resumed(&connection->wire))
        worker_count(worker, COUNTER_HANDSHAKES_RESUMED, 1);
    greet(connection);
}

/* The socket is connected. */
static void shake_hands(struct connection *connection)
{
    if (connection->worker->transport->handshake == NULL) {
        greet(connection);
        return;
    }
    connection->state = CONNECTION_HANDSHAKE;
    connection->handshake_ns = clock_now_ns();
    if (event_add(&connection->read_event, NULL) != 0)
        attempt_failed(connection, false, COUNTER_CONNECT_FAILURES,
                       "the event loop refused the socket");
    else
        go_on_with_handshake(connection);
}

/* Local addresses take turns. */
static const struct target_address *next_source(struct worker *worker)
{
    const struct wire_setup *setup = &worker->run->wire_setup;
    if (setup->source_count == 0)
        return NULL;
    uint32_t number = worker->share->index + worker->router.next_source++;
    return &setup->sources[number % setup->source_count];
}

static void open_connection(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    int sys_errno = 0;
    worker->connections_opening++;
    connection->connect_ns = now_ns;
    connection->deadline_ns = now_ns + worker->spec->connection_timeout_ns;
    enum io_status status = worker->transport->connect(
        &connection->wire, &worker->run->wire_setup,
        &worker->router.topology->nodes[connection->node].address, next_source(worker), &sys_errno);
    if (status == IO_FAILED) {
        attempt_failed(connection, sys_errno == EAGAIN, failure_of(sys_errno), why_of(sys_errno));
        return;
    }
    /* The null transport's number is no descriptor; its events are only ever made active by hand. */
    evutil_socket_t watched = worker->transport->answers_at_once ? -1 : connection->wire.fd;
    event_assign(&connection->read_event, worker->base, watched,
                 EV_READ | EV_CLOSED | EV_PERSIST | EV_ET, on_io, connection);
    event_assign(&connection->write_event, worker->base, watched, EV_WRITE | EV_PERSIST | EV_ET,
                 on_io, connection);
    if (worker->transport->answers_at_once) {
        connection_ready(connection, now_ns);
    } else if (status == IO_DONE) {
        shake_hands(connection);
    } else {
        connection->state = CONNECTION_CONNECTING;
        connection_wait_writable(connection);
    }
}

static void finish_connect(struct connection *connection)
{
    int sys_errno = 0;
    event_del(&connection->write_event);
    connection->write_waiting = false;
    if (connection->worker->transport->connected(&connection->wire, &sys_errno) != IO_DONE)
        attempt_failed(connection, false, failure_of(sys_errno), why_of(sys_errno));
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
        attempt_failed(connection, step == GREETING_NOT_YET, COUNTER_CONNECT_FAILURES, why);
        break;
    }
}

static void receive_greeting(struct connection *connection)
{
    struct worker *worker = connection->worker;
    size_t got_bytes = 0;
    int sys_errno = 0;
    enum io_status status = worker->transport->read(&connection->wire, worker->in,
                                                    WORKER_READ_BYTES, &got_bytes, &sys_errno);
    if (status == IO_AGAIN)
        return;
    if (status != IO_DONE) {
        char why[TLS_FAILURE_BYTES]; /* the transport's own goes with the connection */
        const char *tls_why = tls_failure(&connection->wire);
        const char *plain_why =
            status == IO_CLOSED ? "the server closed the connection" : strerror(sys_errno);
        snprintf(why, sizeof why, "%s", tls_why != NULL ? tls_why : plain_why);
        attempt_failed(connection, false,
                       tls_why != NULL ? COUNTER_CONNECT_TLS : COUNTER_CONNECT_FAILURES, why);
        return;
    }
    uint64_t now_ns = clock_now_ns();
    const char *at = worker->in, *end = worker->in + got_bytes;
    while (at < end && connection->state == CONNECTION_GREETING) {
        struct resp_reply reply;
        size_t used_bytes;
        enum resp_status scanned =
            resp_scan(&connection->scanner, at, (size_t)(end - at), &used_bytes, &reply);
        if (scanned == RESP_MORE)
            return;
        at += used_bytes;
        if (scanned == RESP_INVALID)
            attempt_failed(connection, false, COUNTER_CONNECT_FAILURES,
                           "the answer is not RESP; is this a Valkey server?");
        else if (reply.type != '>')
            take_greeting_reply(connection, &reply, now_ns);
    }
}

static void flush_waiting(struct connection *connection)
{
    const struct worker *worker = connection->worker;
    exchange_flush(connection);
    if ((worker->open_loop || worker->router.by_slot) && connection->state == CONNECTION_READY)
        exchange_fill(connection, clock_now_ns());
}

static void on_io(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd;
    switch (connection->state) {
    case CONNECTION_READY:
        if (what & (EV_READ | EV_CLOSED))
            exchange_receive(connection, what & EV_CLOSED);
        if ((what & EV_WRITE) && connection->state == CONNECTION_READY)
            flush_waiting(connection);
        break;
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
    case CONNECTION_BACKOFF:
    case CONNECTION_WAITING:
    case CONNECTION_GIVEN_UP:
        break;
    }
}

/* All connections of the worker ---------------------------------------------------------------- */

/* When this worker's connection is opened, since the start of measuring. Number i of worker w of N is
 * number w + i N of all. */
static uint64_t ramp_opens_ns(const struct worker *worker, uint32_t index)
{
    return client_ramp_opens_ns(&worker->spec->client_ramp,
                                worker->share->index + (uint64_t)index * worker->run->worker_count);
}

uint32_t connections_at_start(const struct worker *worker)
{
    uint32_t count = 0;
    while (count < worker->connection_count && ramp_opens_ns(worker, count) == 0)
        count++;
    return count;
}

/* Later ones are opened later: the first that waits is the next one. */
static void find_next_opening(struct worker *worker)
{
    worker->next_opening_ns = UINT64_MAX;
    for (uint32_t i = 0; i < worker->connection_count; i++)
        if (worker->connections[i].state == CONNECTION_WAITING) {
            worker->next_opening_ns = worker->connections[i].deadline_ns;
            return;
        }
}

void connections_plan_ramp(struct worker *worker)
{
    if (worker->spec->client_ramp.start_clients == 0)
        return;
    for (uint32_t i = connections_at_start(worker); i < worker->connection_count; i++)
        if (worker->connections[i].state == CONNECTION_WAITING)
            worker->connections[i].deadline_ns = worker->measure_ns + ramp_opens_ns(worker, i);
    find_next_opening(worker);
}

enum err_code connections_create(struct worker *worker, struct err *err)
{
    uint32_t count = worker->share->connections + worker->share->idle;
    uint32_t slot_count = 1;
    while (slot_count < worker->run->pipeline)
        slot_count *= 2;
    worker->connections = calloc(count, sizeof worker->connections[0]);
    struct request_slot *slots = calloc((size_t)count * slot_count, sizeof slots[0]);
    if (worker->connections == NULL || slots == NULL) {
        free(slots);
        return err_set(err, E_SYSTEM, "cannot allocate %u connections with a pipeline of %u", count,
                       slot_count);
    }
    worker->connection_count = worker->share->connections;
    worker->idle_count = worker->share->idle;
    for (uint32_t i = 0; i < count; i++)
        worker->connections[i] = (struct connection){
            .worker = worker,
            .wire = {.fd = -1},
            .state = CONNECTION_WAITING,
            .idle = i >= worker->connection_count,
            .quota = UINT64_MAX,
            .deadline_ns =
                i < worker->connection_count && ramp_opens_ns(worker, i) > 0 ? UINT64_MAX : 0,
            .listed_load = PACER_UNLISTED,
            .slots = slots + (size_t)i * slot_count,
            .slot_mask = slot_count - 1,
        };
    return router_create(worker, err);
}

void connections_destroy(struct worker *worker)
{
    router_destroy(worker);
    if (worker->connections == NULL)
        return;
    for (uint32_t i = 0; i < worker->connection_count + worker->idle_count; i++)
        close_descriptor(&worker->connections[i]);
    free(worker->connections[0].slots);
    free(worker->connections);
    worker->connections = NULL;
}

/* The oldest request of a connection is over its time: RESP has no ids, so the connection must go,
 * and with it what was behind the late reply. */
static void time_out(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    uint64_t timeout_ns = worker->spec->request_timeout_ns;
    uint32_t late = 0;
    for (uint32_t i = 0; i < connection->in_flight; i++)
        late += now_ns - connection_slot(connection, i)->sent_ns >= timeout_ns;
    note_failure(connection, NODE_TIMED_OUT, late, now_ns);
    worker_count(worker, COUNTER_TIMED_OUT, late);
    worker->in_flight -= late;
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
        if (now_ns >=
            connection_slot(connection, i)->sent_ns + connection->worker->spec->request_timeout_ns)
            return true;
    return false;
}

/* A reset that came together with data is no second edge, and is not reported as closing. Mostly the
 * next write finds it; where none will follow for what is in flight, the tick reads once more. Done
 * there and not behind every read, since it would double the reads of large values. */
static bool must_look_again(const struct connection *connection, uint64_t now_ns)
{
    const struct worker *worker = connection->worker;
    return connection->in_flight > 0 && (!resp_scanner_idle(&connection->scanner) ||
                                         worker->tickets_exhausted || now_ns >= worker->stop_at_ns);
}

/* Once the run has no more tickets, a connection with free slots sends what others drew that are not
 * ready now: the server may never take those back. What is of a warm-up that is over stands for no
 * request of the run. */
static void take_idle_tickets(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    uint32_t free_slots =
        (uint32_t)worker->run->pipeline - connection->in_flight - connection->unsent;
    for (uint32_t i = 0; i < worker->connection_count && free_slots > 0; i++) {
        struct connection *idle = &worker->connections[i];
        while (idle->state != CONNECTION_READY && idle->unsent > 0 && free_slots > 0) {
            uint64_t ticket = connection_slot(idle, idle->in_flight + --idle->unsent)->ticket;
            worker->unsent--;
            worker->unsent_idle--;
            if (ticket >= WORKLOAD_WARMUP_TICKET && !worker->warming_up)
                continue;
            connection_slot(connection, connection->in_flight + connection->unsent++)->ticket =
                ticket;
            worker->unsent++;
            free_slots--;
        }
    }
    exchange_fill(connection, now_ns);
}

void connections_tick(struct worker *worker, uint64_t now_ns)
{
    uint32_t opening_at_once = OPENING_AT_ONCE / worker->run->worker_count;
    if (opening_at_once == 0)
        opening_at_once = 1;
    worker->reconnects_pending = false;
    for (uint32_t i = 0; i < worker->connection_count + worker->idle_count; i++) {
        struct connection *connection = &worker->connections[i];
        switch (connection->state) {
        case CONNECTION_READY:
            if (has_timed_out(connection, now_ns))
                time_out(connection, now_ns);
            else if (worker->unsent_idle > 0 && worker->tickets_exhausted && !worker->open_loop &&
                     !connection->idle)
                take_idle_tickets(connection, now_ns);
            else if (must_look_again(connection, now_ns))
                event_active(&connection->read_event, EV_READ, 0);
            break;
        case CONNECTION_CONNECTING:
        case CONNECTION_HANDSHAKE:
        case CONNECTION_GREETING:
            if (now_ns >= connection->deadline_ns)
                attempt_failed(connection, false, COUNTER_CONNECT_TIMED_OUT,
                               "no answer within --connection-timeout");
            break;
        case CONNECTION_BACKOFF:
        case CONNECTION_WAITING:
            if (now_ns >= connection->deadline_ns && !worker->stopping &&
                worker->connections_opening < opening_at_once)
                open_connection(connection, now_ns);
            break;
        case CONNECTION_GIVEN_UP:
            break;
        }
        worker->reconnects_pending |=
            connection->state != CONNECTION_READY && connection->state != CONNECTION_GIVEN_UP &&
            (connection->state != CONNECTION_WAITING || now_ns >= connection->deadline_ns);
    }
    if (worker->next_opening_ns != UINT64_MAX)
        find_next_opening(worker);
    router_tick(worker, now_ns);
    worker->reconnects_pending |= worker->router.retry.count > 0;
}

void connections_fill(struct worker *worker)
{
    if (worker->router.by_slot) {
        router_send(worker, clock_now_ns());
        return;
    }
    for (uint32_t i = 0; i < worker->connection_count; i++)
        if (worker->connections[i].state == CONNECTION_READY)
            exchange_fill(&worker->connections[i], clock_now_ns());
}

void connections_activate(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->connection_count; i++)
        if (worker->connections[i].in_flight > 0)
            event_active(&worker->connections[i].read_event, EV_READ, 0);
}

void connections_resume(struct worker *worker)
{
    /* As if the peer had closed: until nothing is left, since whether it has is forgotten. */
    for (uint32_t i = 0; i < worker->connection_count; i++)
        if (worker->connections[i].read_cut)
            event_active(&worker->connections[i].read_event, EV_READ | EV_CLOSED, 0);
}

void connections_abandon(struct worker *worker)
{
    uint64_t now_ns = clock_now_ns();
    for (uint32_t i = 0; i < worker->connection_count + worker->idle_count; i++) {
        if (worker->router.by_slot)
            router_take_back(&worker->connections[i]);
        drop_in_flight(&worker->connections[i], COUNTER_LOST_DRAIN, now_ns);
        close_descriptor(&worker->connections[i]);
    }
    router_abandon(worker, COUNTER_LOST_DRAIN);
    /* A worker that is done does not keep a run alive whose target is gone for the others. */
    atomic_store_explicit(&worker->live->connections_ready, 0, memory_order_relaxed);
}

uint64_t connections_recount(const struct worker *worker)
{
    uint64_t in_flight = 0;
    for (uint32_t i = 0; i < worker->connection_count; i++)
        in_flight += worker->connections[i].in_flight;
    return in_flight + router_recount_in_flight(worker);
}
