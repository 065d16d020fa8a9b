/* State machine of one connection: requests out, replies in.
 *
 * Where a service time starts and stops: `sent` is read just before the write that carries the
 * request's first byte, `done` just after the read that brought its reply's last byte. Rendering,
 * scanning and counting lie outside of both for the request at hand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "worker/worker_state.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)

/* A server's accept queue is 511 long by default; a burst above it costs a second per lost SYN. So
 * many connections are being opened at once over all workers. */
#define OPENING_AT_ONCE 256u
#define BACKOFF_FIRST_NS (10 * NS_PER_MS)
#define BACKOFF_LONGEST_NS NS_PER_SECOND
/* So many reads that fill the buffer (2 MB) on one connection; then the others have their turn, and
 * the timer: a value without end must not keep its own time-out from striking. */
#define READS_AT_ONCE 32u
/* A Unix socket's full accept queue answers at once; tried again so often before the start. */
#define FULL_QUEUE_ATTEMPTS 100u

static void on_io(evutil_socket_t fd, short what, void *argument);

static struct request_slot *slot_at(const struct connection *connection, uint32_t place)
{
    return &connection->slots[(connection->head_index + place) & connection->slot_mask];
}

static void publish_in_flight(struct worker *worker)
{
    atomic_store_explicit(&worker->live->in_flight, worker->in_flight, memory_order_relaxed);
}

static void publish_ready(struct worker *worker)
{
    atomic_store_explicit(&worker->live->connections_ready, worker->connections_ready,
                          memory_order_relaxed);
}

/* What has a ticket is known before its bytes go out: death in the middle of a write leaves no gap. */
static void publish_drawn(struct worker *worker)
{
    atomic_store_explicit(&worker->live->drawn, worker_total(worker, COUNTER_SENT) + worker->unsent,
                          memory_order_relaxed);
}

/* Closing -------------------------------------------------------------------------------------- */

static void set_read_cut(struct connection *connection, bool cut)
{
    connection->worker->reads_cut += cut;
    connection->worker->reads_cut -= connection->read_cut;
    connection->read_cut = cut;
}

static void close_descriptor(struct connection *connection)
{
    if (connection->fd < 0)
        return;
    set_read_cut(connection, false); /* the next descriptor has nothing to read yet */
    event_del(&connection->read_event);
    event_del(&connection->write_event);
    connection->write_waiting = false;
    connection->worker->transport->close(connection->fd);
    connection->fd = -1;
}

/* Takes what is in flight out of the accounts; requests with a ticket that were never sent stay and
 * go out when the connection is back, or on another one when the run has no other tickets. */
static void drop_in_flight(struct connection *connection, enum counter cause)
{
    struct worker *worker = connection->worker;
    worker_count(worker, cause, connection->in_flight);
    worker->in_flight -= connection->in_flight;
    connection->head_index += connection->in_flight;
    connection->in_flight = 0;
    connection->partial_bytes = 0;
    connection->head_replies = 0;
    connection->head_failed = false;
    publish_in_flight(worker);
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

/* A ready connection has ended. */
static void connection_lost(struct connection *connection, enum counter cause, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    drop_in_flight(connection, cause);
    close_descriptor(connection);
    worker_count(worker, COUNTER_CONNECTIONS_LOST, 1);
    worker->unsent_idle += connection->unsent;
    worker->connections_ready--;
    publish_ready(worker);
    back_off(connection, now_ns);
}

/* An attempt to connect has failed: for good while the worker opens its connections for the first
 * time, until the next try afterwards. */
static void attempt_failed(struct connection *connection, bool try_again, const char *why)
{
    struct worker *worker = connection->worker;
    close_descriptor(connection);
    worker->connections_opening--;
    if (worker->connected)
        worker_count(worker, COUNTER_CONNECT_FAILURES, 1);
    if (worker->connected || (try_again && connection->attempts < FULL_QUEUE_ATTEMPTS)) {
        back_off(connection, clock_now_ns());
        return;
    }
    worker->connections_failed++;
    connection->state = CONNECTION_BACKOFF;
    connection->deadline_ns = UINT64_MAX;
    err_set(&worker->err, E_CONNECT, "%s", why);
}

/* Sending -------------------------------------------------------------------------------------- */

/* Whether requests with a ticket of the warm-up wait to be sent though it is over. They stand before
 * all others. */
static bool unsent_is_stale(const struct connection *connection)
{
    return connection->unsent > 0 && !connection->worker->warming_up &&
           slot_at(connection, connection->in_flight)->ticket >= WORKLOAD_WARMUP_TICKET;
}

/* They become requests of the run, as far as it has any left. */
static void redraw_unsent(struct connection *connection)
{
    struct worker *worker = connection->worker;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < connection->unsent; i++) {
        uint64_t ticket = slot_at(connection, connection->in_flight + i)->ticket;
        if (ticket >= WORKLOAD_WARMUP_TICKET && !tickets_draw(worker, &ticket))
            continue;
        slot_at(connection, connection->in_flight + kept++)->ticket = ticket;
    }
    worker->unsent -= connection->unsent - kept;
    connection->unsent = kept;
    publish_drawn(worker);
}

/* What a write call took: whole requests, and maybe the beginning of one more. */
static void count_written(struct connection *connection, size_t skipped_bytes, size_t written_bytes,
                          uint32_t rendered, bool all, uint64_t sent_ns)
{
    struct worker *worker = connection->worker;
    uint32_t begun = rendered;
    connection->partial_bytes = 0;
    if (!all) {
        size_t position = skipped_bytes + written_bytes;
        connection->partial_bytes = position % worker->request_bytes;
        begun = (uint32_t)(position / worker->request_bytes) + (connection->partial_bytes > 0);
    }
    uint32_t newly_sent = begun - (skipped_bytes > 0);
    for (uint32_t i = 0; i < newly_sent; i++)
        slot_at(connection, connection->in_flight + i)->sent_ns = sent_ns;
    connection->in_flight += newly_sent;
    connection->unsent -= newly_sent;
    worker->in_flight += newly_sent;
    worker->unsent -= newly_sent;
    worker_count(worker, COUNTER_SENT, newly_sent);
    worker_count(worker, COUNTER_BYTES_OUT, written_bytes);
    publish_in_flight(worker);
}

/* Renders the rest of a half-written request and as many unsent ones as fit. Every request is a
 * pure function of its ticket, so a short write needs no copy of what is left. */
static uint32_t render_batch(struct connection *connection)
{
    struct worker *worker = connection->worker;
    bool partial = connection->partial_bytes > 0;
    char *out = worker->out;
    if (partial) {
        workload_render(worker->run->workload,
                        slot_at(connection, connection->in_flight - 1)->ticket, out);
        out += worker->request_bytes;
    }
    uint32_t room = worker->out_requests - partial;
    uint32_t fresh = connection->unsent < room ? connection->unsent : room;
    for (uint32_t i = 0; i < fresh; i++, out += worker->request_bytes)
        workload_render(worker->run->workload,
                        slot_at(connection, connection->in_flight + i)->ticket, out);
    return partial + fresh;
}

static void wait_for_room(struct connection *connection)
{
    if (!connection->write_waiting && event_add(&connection->write_event, NULL) == 0)
        connection->write_waiting = true;
}

/* Writes until nothing is left, the socket is full, or the connection is gone. */
static void flush(struct connection *connection)
{
    struct worker *worker = connection->worker;
    while (connection->unsent > 0 || connection->partial_bytes > 0) {
        if (unsent_is_stale(connection)) {
            redraw_unsent(connection);
            continue;
        }
        uint32_t rendered = render_batch(connection);
        size_t skipped_bytes = connection->partial_bytes;
        size_t byte_count = rendered * worker->request_bytes - skipped_bytes;
        uint64_t sent_ns = clock_now_ns();
        if (sent_ns >= worker->edge_ns) {
            recorder_cut(worker, sent_ns);
            if (unsent_is_stale(connection))
                continue;
        }
        if (sent_ns >= worker->stop_at_ns) {
            /* Only what was begun is finished. */
            if (skipped_bytes == 0)
                return;
            rendered = 1;
            byte_count = worker->request_bytes - skipped_bytes;
        }
        size_t written_bytes = 0;
        int sys_errno = 0;
        enum io_status status = worker->transport->write(
            connection->fd, worker->out + skipped_bytes, byte_count, &written_bytes, &sys_errno);
        if (status == IO_FAILED || status == IO_CLOSED) {
            connection_lost(connection, COUNTER_LOST_DISCONNECT, sent_ns);
            return;
        }
        bool all = written_bytes == byte_count;
        count_written(connection, skipped_bytes, written_bytes, rendered, all, sent_ns);
        if (!all) {
            wait_for_room(connection);
            return;
        }
    }
    if (connection->write_waiting) {
        event_del(&connection->write_event);
        connection->write_waiting = false;
    }
}

/* Gives every free slot a ticket and sends: the pipeline is a sliding window. */
static void fill_and_send(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (now_ns >= worker->stop_at_ns || connection->write_waiting)
        return;
    uint32_t free_slots =
        (uint32_t)worker->run->pipeline - connection->in_flight - connection->unsent;
    uint64_t ticket;
    while (free_slots > 0 && tickets_draw(worker, &ticket)) {
        slot_at(connection, connection->in_flight + connection->unsent)->ticket = ticket;
        connection->unsent++;
        worker->unsent++;
        free_slots--;
    }
    publish_drawn(worker);
    flush(connection);
}

/* Receiving ------------------------------------------------------------------------------------ */

struct reply_counts {
    uint64_t ok, hits, misses;
};

static void count_reading(struct reply_counts *counts, enum read_kind kind,
                          const struct resp_reply *reply)
{
    if (kind == READ_NONE)
        return;
    bool aggregate = reply->type == '*' || reply->type == '~' || reply->type == '%';
    if (kind == READ_EACH && aggregate && reply->integer > 0) {
        counts->misses += reply->nulls;
        counts->hits += (uint64_t)reply->integer - reply->nulls;
    } else if (reply->is_null || (aggregate && reply->integer == 0)) {
        counts->misses++;
    } else {
        counts->hits++;
    }
}

/* An error reply, a reply with errors inside, or one of several replies of a sequence. */
static void take_unusual_reply(struct connection *connection, const struct resp_reply *reply,
                               uint64_t done_ns, struct reply_counts *counts)
{
    struct worker *worker = connection->worker;
    if (reply->is_error || reply->errors > 0) {
        /* One request is one error, whatever number of its parts fail: the first one names it. It
         * is counted with the last reply, which may come in a later interval, or never. */
        if (!connection->head_failed && reply->is_error)
            connection->head_kind = recorder_error_kind(worker, reply->text, reply->text_bytes);
        else if (!connection->head_failed)
            connection->head_kind =
                recorder_error_kind(worker, "NESTED an error inside an aggregate reply", 41);
        connection->head_failed = true;
    } else {
        count_reading(counts, workload_read_kind(worker->run->workload, connection->head_replies),
                      reply);
    }
    if (++connection->head_replies < worker->replies_per_request)
        return;
    uint64_t service_ns = done_ns - slot_at(connection, 0)->sent_ns;
    enum interval_histogram_kind kind =
        connection->head_failed ? HISTOGRAM_SERVICE_ERROR : HISTOGRAM_SERVICE_OK;
    interval_histogram_record(&worker->interval->histograms[kind], service_ns);
    if (connection->head_failed)
        recorder_error_reply(worker, connection->head_kind);
    else
        counts->ok++;
    connection->head_replies = 0;
    connection->head_failed = false;
    connection->head_index++;
    connection->in_flight--;
    worker->in_flight--;
}

/* Walks the bytes just read. False: they are not replies to what was asked. */
static bool take_replies(struct connection *connection, size_t byte_count, uint64_t done_ns)
{
    struct worker *worker = connection->worker;
    struct reply_counts counts = {0};
    const char *at = worker->in, *end = worker->in + byte_count;
    bool single = worker->replies_per_request == 1;
    bool valid = true;
    while (at < end) {
        struct resp_reply reply;
        size_t used_bytes;
        enum resp_status status =
            resp_scan(&connection->scanner, at, (size_t)(end - at), &used_bytes, &reply);
        if (status == RESP_MORE)
            break;
        at += used_bytes;
        if (status == RESP_INVALID) {
            valid = false;
            break;
        }
        if (reply.type == '>') {
            worker_count(worker, COUNTER_PUSHES, 1);
            continue;
        }
        if (connection->in_flight == 0) {
            valid = false;
            break;
        }
        if (LIKELY(single && !reply.is_error && reply.errors == 0)) {
            interval_histogram_record(&worker->interval->histograms[HISTOGRAM_SERVICE_OK],
                                      done_ns - slot_at(connection, 0)->sent_ns);
            count_reading(&counts, worker->read_kind, &reply);
            counts.ok++;
            connection->head_index++;
            connection->in_flight--;
            worker->in_flight--;
        } else {
            take_unusual_reply(connection, &reply, done_ns, &counts);
        }
    }
    worker_count(worker, COUNTER_OK, counts.ok);
    if (counts.hits > 0)
        worker_count(worker, COUNTER_HITS, counts.hits);
    if (counts.misses > 0)
        worker_count(worker, COUNTER_MISSES, counts.misses);
    atomic_store_explicit(&worker->live->last_done_ns, done_ns, memory_order_relaxed);
    publish_in_flight(worker);
    /* A reply to a request that is only half written: the stream is out of step. */
    return valid && (connection->in_flight > 0 || connection->partial_bytes == 0);
}

/* One read per wake-up, more while a read fills the buffer, or to the end when the peer has closed:
 * an edge is not repeated for what is still there. What goes on and on is continued by
 * connections_resume. */
static void receive(struct connection *connection, bool closed_by_peer)
{
    struct worker *worker = connection->worker;
    size_t got_bytes;
    uint64_t done_ns;
    bool more;
    uint32_t reads = 0;
    do {
        int sys_errno = 0;
        got_bytes = 0;
        enum io_status status = worker->transport->read(connection->fd, worker->in,
                                                        WORKER_READ_BYTES, &got_bytes, &sys_errno);
        done_ns = clock_now_ns();
        if (done_ns >= worker->edge_ns)
            recorder_cut(worker, done_ns);
        more = false;
        if (status == IO_AGAIN)
            break;
        if (status != IO_DONE) {
            connection_lost(connection, COUNTER_LOST_DISCONNECT, done_ns);
            return;
        }
        /* The first read of a turn is the wake-up; a clock reading of its own before that read
         * would cost every request more than it tells. */
        if (worker->wakeup_ns == 0)
            worker->wakeup_ns = done_ns;
        interval_histogram_record(&worker->interval->histograms[HISTOGRAM_LOOP_LAG],
                                  done_ns - worker->wakeup_ns);
        worker_count(worker, COUNTER_BYTES_IN, got_bytes);
        if (!take_replies(connection, got_bytes, done_ns)) {
            connection_lost(connection, COUNTER_LOST_PROTOCOL, done_ns);
            return;
        }
        more = got_bytes == WORKER_READ_BYTES || closed_by_peer;
    } while (more && ++reads < READS_AT_ONCE);
    if (more != connection->read_cut)
        set_read_cut(connection, more);
    fill_and_send(connection, done_ns);
}

/* Connecting ----------------------------------------------------------------------------------- */

static void connection_ready(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    connection->state = CONNECTION_READY;
    connection->attempts = 0;
    worker->unsent_idle -= connection->unsent;
    worker->connections_opening--;
    worker->connections_ready++;
    publish_ready(worker);
    if (!worker->connected)
        return;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    worker_count(worker, COUNTER_CONNECTIONS_OPENED, 1);
    worker->reconnected++;
    if (worker->start_ns != 0)
        fill_and_send(connection, now_ns);
}

static void send_greeting(struct connection *connection)
{
    struct worker *worker = connection->worker;
    size_t left_bytes = worker->greeting_bytes - connection->greeting_sent_bytes;
    size_t written_bytes = 0;
    int sys_errno = 0;
    enum io_status status =
        worker->transport->write(connection->fd, worker->greeting + connection->greeting_sent_bytes,
                                 left_bytes, &written_bytes, &sys_errno);
    if (status == IO_FAILED || status == IO_CLOSED) {
        attempt_failed(connection, false, strerror(sys_errno));
        return;
    }
    connection->greeting_sent_bytes += written_bytes;
    if (written_bytes < left_bytes) {
        wait_for_room(connection);
    } else if (connection->write_waiting) {
        event_del(&connection->write_event);
        connection->write_waiting = false;
    }
}

static void greet(struct connection *connection)
{
    connection->state = CONNECTION_GREETING;
    connection->greeting_replies = 0;
    connection->greeting_sent_bytes = 0;
    resp_scanner_reset(&connection->scanner);
    if (event_add(&connection->read_event, NULL) != 0) {
        attempt_failed(connection, false, "the event loop refused the socket");
        return;
    }
    send_greeting(connection);
}

static void open_connection(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    int fd, sys_errno = 0;
    worker->connections_opening++;
    connection->deadline_ns = now_ns + worker->spec->connection_timeout_ns;
    enum io_status status = worker->transport->connect(&fd, worker->run->target, &sys_errno);
    if (status == IO_FAILED) {
        attempt_failed(connection, sys_errno == EAGAIN, strerror(sys_errno));
        return;
    }
    connection->fd = fd;
    /* The null transport's number is no descriptor; its events are only ever made active by hand. */
    evutil_socket_t watched = worker->transport->answers_at_once ? -1 : fd;
    event_assign(&connection->read_event, worker->base, watched,
                 EV_READ | EV_CLOSED | EV_PERSIST | EV_ET, on_io, connection);
    event_assign(&connection->write_event, worker->base, watched, EV_WRITE | EV_PERSIST | EV_ET,
                 on_io, connection);
    if (worker->transport->answers_at_once) {
        connection_ready(connection, now_ns);
    } else if (status == IO_DONE) {
        greet(connection);
    } else {
        connection->state = CONNECTION_CONNECTING;
        wait_for_room(connection);
    }
}

static void finish_connect(struct connection *connection)
{
    int sys_errno = 0;
    event_del(&connection->write_event);
    connection->write_waiting = false;
    if (connection->worker->transport->connected(connection->fd, &sys_errno) != IO_DONE)
        attempt_failed(connection, false, strerror(sys_errno));
    else
        greet(connection);
}

static void take_greeting_reply(struct connection *connection, const struct resp_reply *reply,
                                uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (reply->is_error) {
        char why[RESP_LINE_BYTES + 1];
        memcpy(why, reply->text, reply->text_bytes);
        why[reply->text_bytes] = '\0';
        attempt_failed(connection, strncmp(why, "LOADING", 7) == 0, why);
    } else if (++connection->greeting_replies == worker->greeting_replies) {
        connection_ready(connection, now_ns);
    }
}

static void receive_greeting(struct connection *connection)
{
    struct worker *worker = connection->worker;
    size_t got_bytes = 0;
    int sys_errno = 0;
    enum io_status status = worker->transport->read(connection->fd, worker->in, WORKER_READ_BYTES,
                                                    &got_bytes, &sys_errno);
    if (status == IO_AGAIN)
        return;
    if (status != IO_DONE) {
        attempt_failed(connection, false,
                       status == IO_CLOSED ? "the server closed the connection"
                                           : strerror(sys_errno));
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
            attempt_failed(connection, false, "the answer is not RESP; is this a Valkey server?");
        else if (reply.type != '>')
            take_greeting_reply(connection, &reply, now_ns);
    }
}

static void on_io(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd;
    switch (connection->state) {
    case CONNECTION_READY:
        if (what & (EV_READ | EV_CLOSED))
            receive(connection, what & EV_CLOSED);
        if ((what & EV_WRITE) && connection->state == CONNECTION_READY)
            flush(connection);
        break;
    case CONNECTION_CONNECTING:
        finish_connect(connection);
        break;
    case CONNECTION_GREETING:
        if (what & EV_WRITE)
            send_greeting(connection);
        if ((what & (EV_READ | EV_CLOSED)) && connection->state == CONNECTION_GREETING)
            receive_greeting(connection);
        break;
    case CONNECTION_BACKOFF:
    case CONNECTION_WAITING:
        break;
    }
}

/* All connections of the worker ---------------------------------------------------------------- */

enum err_code connections_create(struct worker *worker, struct err *err)
{
    uint32_t count = worker->share->connections;
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
    worker->connection_count = count;
    for (uint32_t i = 0; i < count; i++)
        worker->connections[i] = (struct connection){
            .worker = worker,
            .fd = -1,
            .state = CONNECTION_WAITING,
            .slots = slots + (size_t)i * slot_count,
            .slot_mask = slot_count - 1,
        };
    return OK;
}

void connections_destroy(struct worker *worker)
{
    if (worker->connections == NULL)
        return;
    for (uint32_t i = 0; i < worker->connection_count; i++)
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
    while (late < connection->in_flight &&
           now_ns - slot_at(connection, late)->sent_ns >= timeout_ns)
        late++;
    worker_count(worker, COUNTER_TIMED_OUT, late);
    worker->in_flight -= late;
    connection->in_flight -= late;
    connection->head_index += late;
    connection_lost(connection, COUNTER_LOST_TIMEOUT, now_ns);
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
            uint64_t ticket = slot_at(idle, idle->in_flight + --idle->unsent)->ticket;
            worker->unsent--;
            worker->unsent_idle--;
            if (ticket >= WORKLOAD_WARMUP_TICKET && !worker->warming_up)
                continue;
            slot_at(connection, connection->in_flight + connection->unsent++)->ticket = ticket;
            worker->unsent++;
            free_slots--;
        }
    }
    fill_and_send(connection, now_ns);
}

void connections_tick(struct worker *worker, uint64_t now_ns)
{
    uint32_t opening_at_once = OPENING_AT_ONCE / worker->run->worker_count;
    if (opening_at_once == 0)
        opening_at_once = 1;
    worker->reconnects_pending = false;
    for (uint32_t i = 0; i < worker->connection_count; i++) {
        struct connection *connection = &worker->connections[i];
        switch (connection->state) {
        case CONNECTION_READY:
            if (connection->in_flight > 0 &&
                now_ns >= slot_at(connection, 0)->sent_ns + worker->spec->request_timeout_ns)
                time_out(connection, now_ns);
            else if (worker->unsent_idle > 0 && worker->tickets_exhausted)
                take_idle_tickets(connection, now_ns);
            else if (must_look_again(connection, now_ns))
                event_active(&connection->read_event, EV_READ, 0);
            break;
        case CONNECTION_CONNECTING:
        case CONNECTION_GREETING:
            if (now_ns >= connection->deadline_ns)
                attempt_failed(connection, false, "no answer within --connection-timeout");
            break;
        case CONNECTION_BACKOFF:
        case CONNECTION_WAITING:
            if (now_ns >= connection->deadline_ns && !worker->stopping &&
                worker->connections_opening < opening_at_once)
                open_connection(connection, now_ns);
            break;
        }
        worker->reconnects_pending |= connection->state != CONNECTION_READY;
    }
}

void connections_fill(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->connection_count; i++)
        if (worker->connections[i].state == CONNECTION_READY)
            fill_and_send(&worker->connections[i], clock_now_ns());
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
    for (uint32_t i = 0; i < worker->connection_count; i++) {
        drop_in_flight(&worker->connections[i], COUNTER_LOST_DRAIN);
        close_descriptor(&worker->connections[i]);
    }
    /* A worker that is done does not keep a run alive whose target is gone for the others. */
    atomic_store_explicit(&worker->live->connections_ready, 0, memory_order_relaxed);
}

uint64_t connections_recount(const struct worker *worker)
{
    uint64_t in_flight = 0;
    for (uint32_t i = 0; i < worker->connection_count; i++)
        in_flight += worker->connections[i].in_flight;
    return in_flight;
}
