/* What a ready connection carries: requests out, replies in. The hot path.
 *
 * Where a service time starts and stops: `sent` is read just before the write that carries the
 * request's first byte, `done` just after the read that brought its reply's last byte. Rendering,
 * scanning and counting lie outside of both for the request at hand. */
#include <string.h>

#include "worker/worker_state.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)

/* So many reads that fill the buffer (2 MB) on one connection; then the others have their turn, and
 * the timer: a value without end must not keep its own time-out from striking. */
#define READS_AT_ONCE 32u

/* In front of a request that a node has sent to the one that a slot is moving to. */
static const char asking_command[] = "*1\r\n$6\r\nASKING\r\n";
#define ASKING_BYTES (sizeof asking_command - 1)

/* How a broken connection is counted, beside being lost. */
static enum counter loss_event(enum io_status status)
{
    return status == IO_CLOSED ? COUNTER_CONNECTIONS_CLOSED : COUNTER_CONNECTIONS_RESET;
}

/* Sending -------------------------------------------------------------------------------------- */

/* Whether requests with a ticket of the warm-up wait to be sent though it is over. They stand before
 * all others, but for those that are sent again. */
static bool any_unsent_is_stale(const struct connection *connection)
{
    for (uint32_t i = 0; i < connection->unsent; i++) {
        const struct request_slot *slot = connection_slot(connection, connection->in_flight + i);
        if (slot->ticket >= WORKLOAD_WARMUP_TICKET && !slot->again)
            return true;
    }
    return false;
}

static inline bool unsent_is_stale(const struct connection *connection)
{
    const struct worker *worker = connection->worker;
    if (connection->unsent == 0 || worker->warming_up)
        return false;
    if (worker->router.by_slot)
        return worker->run->warmup_ns > 0 && any_unsent_is_stale(connection);
    return connection_slot(connection, connection->in_flight)->ticket >= WORKLOAD_WARMUP_TICKET;
}

/* They become requests of the run, as far as it has any left. */
static void redraw_unsent(struct connection *connection)
{
    struct worker *worker = connection->worker;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < connection->unsent; i++) {
        struct request_slot slot = *connection_slot(connection, connection->in_flight + i);
        /* In an open loop the pacer gives the run's tickets, each at its time; in a cluster another
         * ticket may belong to another node. */
        if (slot.ticket >= WORKLOAD_WARMUP_TICKET && !slot.again &&
            (worker->open_loop || worker->router.by_slot || !tickets_draw(worker, &slot.ticket)))
            continue;
        *connection_slot(connection, connection->in_flight + kept++) = slot;
    }
    uint32_t dropped = connection->unsent - kept;
    worker->unsent -= dropped;
    connection->unsent = kept;
    if (!connection->retiring)
        connection->quota += dropped; /* it has not sent them */
    worker_publish_drawn(worker);
}

/* Bytes ready to be written: a half-written request's rest and whole requests behind it, or a part of
 * one large request. */
struct batch {
    size_t byte_count;
    size_t each_bytes; /* of each request in it                                       */
    uint32_t requests; /* that it belongs to, a half-written one among them          */
    bool to_the_end;   /* its last byte is the last one of a request                */
};

static void count_to_node(struct connection *connection, uint32_t sent, uint32_t again)
{
    struct worker *worker = connection->worker;
    worker_node(worker, connection->node)->counters[NODE_SENT] += sent;
    connection->again_in_flight += again;
    worker_count(worker, COUNTER_RESENT, again);
}

/* Why a request of an open loop goes out after its time: volley's own slip is what is left when the wait for
 * a connection is taken off. */
static inline void record_lateness(struct worker *worker, const struct request_slot *slot,
                                   uint64_t sent_ns)
{
    struct interval_histogram *histograms = worker->interval->histograms;
    uint64_t waited_ns = slot->waited_ns;
    interval_histogram_record(&histograms[HISTOGRAM_SLIP], sent_ns - slot->intended_ns - waited_ns);
    if (LIKELY(waited_ns == 0))
        interval_histogram_record_zero(&histograms[HISTOGRAM_WAIT]);
    else
        interval_histogram_record(&histograms[HISTOGRAM_WAIT], waited_ns);
}

/* What a write call took: whole requests, and maybe the beginning of one more. */
static inline void count_written(struct connection *connection, const struct batch *batch,
                                 size_t written_bytes, uint64_t sent_ns)
{
    struct worker *worker = connection->worker;
    size_t skipped_bytes = connection->partial_bytes;
    uint32_t begun = batch->requests;
    connection->partial_bytes = 0;
    if (written_bytes < batch->byte_count || !batch->to_the_end) {
        size_t position = skipped_bytes + written_bytes;
        connection->partial_bytes = position % batch->each_bytes;
        begun = (uint32_t)(position / batch->each_bytes) + (connection->partial_bytes > 0);
    }
    uint32_t newly_sent = begun - (skipped_bytes > 0), again = 0;
    bool by_slot = worker->router.by_slot;
    for (uint32_t i = 0; i < newly_sent; i++) {
        struct request_slot *slot = connection_slot(connection, connection->in_flight + i);
        if (by_slot && slot->again) {
            /* In flight since it was sent for the first time, and measured from then. */
            connection->asking_in_flight += slot->asking;
            again++;
            continue;
        }
        if (worker->open_loop)
            record_lateness(worker, slot, sent_ns);
        slot->sent_ns = sent_ns;
    }
    connection->in_flight += newly_sent;
    connection->unsent -= newly_sent;
    worker->in_flight += newly_sent - again;
    worker->unsent -= newly_sent - again;
    worker_count(worker, COUNTER_SENT, newly_sent - again);
    if (worker->router.many_nodes)
        count_to_node(connection, newly_sent, again);
    worker_count(worker, COUNTER_BYTES_OUT, written_bytes);
    worker_publish_in_flight(worker);
}

/* The request to go on with: the half-written one, else the first unsent one. */
static const struct request_slot *next_slot(const struct connection *connection)
{
    return connection_slot(connection, connection->in_flight - (connection->partial_bytes > 0));
}

static size_t slot_bytes(const struct worker *worker, const struct request_slot *slot)
{
    return worker->request_bytes + (slot->asking ? ASKING_BYTES : 0);
}

/* Bytes [from, from + count) of what goes out for a request. */
static void render_part(const struct worker *worker, const struct request_slot *slot, size_t from,
                        size_t count, char *out)
{
    if (slot->asking && from < ASKING_BYTES) {
        size_t ahead = ASKING_BYTES - from < count ? ASKING_BYTES - from : count;
        memcpy(out, asking_command + from, ahead);
        out += ahead;
        from += ahead;
        count -= ahead;
    }
    if (count > 0)
        workload_render_part(worker->run->workload, slot->ticket,
                             from - (slot->asking ? ASKING_BYTES : 0), count, out);
}

/* A request longer than the buffer goes out window by window, and one behind ASKING on its own. */
__attribute__((noinline)) static struct batch render_alone(struct connection *connection)
{
    struct worker *worker = connection->worker;
    const struct request_slot *slot = next_slot(connection);
    size_t whole_bytes = slot_bytes(worker, slot);
    size_t left_bytes = whole_bytes - connection->partial_bytes;
    size_t count = left_bytes < worker->out_bytes ? left_bytes : worker->out_bytes;
    render_part(worker, slot, connection->partial_bytes, count, worker->out);
    return (struct batch){.byte_count = count,
                          .each_bytes = whole_bytes,
                          .requests = 1,
                          .to_the_end = count == left_bytes};
}

/* How many of the next unsent requests go out without ASKING. */
static uint32_t up_to_asking(const struct connection *connection, uint32_t most)
{
    uint32_t count = 0;
    while (count < most && !connection_slot(connection, connection->in_flight + count)->asking)
        count++;
    return count;
}

/* Renders the rest of a half-written request and as many unsent ones as fit. Every request is a
 * pure function of its ticket, so a short write needs no copy of what is left. */
static inline struct batch render_batch(struct connection *connection)
{
    struct worker *worker = connection->worker;
    const struct workload *workload = worker->run->workload;
    if (__builtin_expect(worker->request_bytes > worker->out_bytes, 0) ||
        (worker->router.asking && next_slot(connection)->asking))
        return render_alone(connection);
    char *out = worker->out;
    bool partial = connection->partial_bytes > 0;
    if (partial) {
        size_t left_bytes = worker->request_bytes - connection->partial_bytes;
        workload_render_part(workload, next_slot(connection)->ticket, connection->partial_bytes,
                             left_bytes, out);
        out += left_bytes;
    }
    uint32_t room = worker->out_requests - partial;
    uint32_t fresh = connection->unsent < room ? connection->unsent : room;
    if (worker->router.asking)
        fresh = up_to_asking(connection, fresh);
    for (uint32_t i = 0; i < fresh; i++, out += worker->request_bytes)
        workload_render(workload, connection_slot(connection, connection->in_flight + i)->ticket,
                        out);
    return (struct batch){.byte_count = (size_t)(out - worker->out),
                          .each_bytes = worker->request_bytes,
                          .requests = partial + fresh,
                          .to_the_end = true};
}

/* After the stop nothing begins: what is left of a half-written request, or nothing. */
static void keep_begun(const struct connection *connection, struct batch *batch)
{
    size_t left_bytes = batch->each_bytes - connection->partial_bytes;
    batch->requests = connection->partial_bytes > 0;
    if (batch->requests == 0)
        batch->byte_count = 0;
    else if (batch->byte_count >= left_bytes)
        *batch = (struct batch){.byte_count = left_bytes,
                                .each_bytes = batch->each_bytes,
                                .requests = 1,
                                .to_the_end = true};
}

/* The connection broke while it was written to. What the server had said before is still there to be read,
 * and may be why: a request that it refuses half way is answered, and then closed on. So it is read to the
 * end first, and lost there; at the latest when writing fails once more. */
__attribute__((noinline, cold)) static void write_failed(struct connection *connection,
                                                         enum io_status status)
{
    if (connection->write_failed) {
        connection_lost(connection, COUNTER_LOST_DISCONNECT, loss_event(status), clock_now_ns());
        return;
    }
    connection->write_failed = true;
    connection->write_waiting = true; /* takes no request until then */
    event_active(&connection->read_event, EV_READ | EV_CLOSED | EV_WRITE, 0);
}

/* What the transport keeps goes out before anything else. False: it has to wait. */
static bool flush_wire(struct connection *connection)
{
    int sys_errno = 0;
    if (!connection->wire.unflushed)
        return true;
    enum io_status status = connection->worker->transport->flush(&connection->wire, &sys_errno);
    if (status == IO_DONE)
        return true;
    if (status == IO_AGAIN)
        connection_wait_writable(connection);
    else
        write_failed(connection, status);
    return false;
}

void exchange_flush(struct connection *connection)
{
    struct worker *worker = connection->worker;
    if (!flush_wire(connection))
        return;
    while (connection->unsent > 0 || connection->partial_bytes > 0) {
        if (unsent_is_stale(connection)) {
            redraw_unsent(connection);
            continue;
        }
        struct batch batch = render_batch(connection);
        uint64_t sent_ns = clock_now_ns();
        if (sent_ns >= worker->edge_ns) {
            recorder_cut(worker, sent_ns);
            if (unsent_is_stale(connection))
                continue;
            sent_ns = clock_now_ns(); /* encoding a record is no part of a request's time */
        }
        if (sent_ns >= worker->stop_at_ns)
            keep_begun(connection, &batch);
        if (batch.byte_count == 0)
            return;
        size_t written_bytes = 0;
        int sys_errno = 0;
        enum io_status status = worker->transport->write(
            &connection->wire, worker->out, batch.byte_count, &written_bytes, &sys_errno);
        if (status == IO_FAILED || status == IO_CLOSED) {
            write_failed(connection, status);
            return;
        }
        count_written(connection, &batch, written_bytes, sent_ns);
        if (written_bytes < batch.byte_count || connection->wire.unflushed) {
            connection_wait_writable(connection);
            return;
        }
    }
    if (connection->write_waiting) {
        event_del(&connection->write_event);
        connection->write_waiting = false;
    }
}

/* Gives every free slot a ticket and sends: the pipeline is a sliding window. */
void exchange_fill(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    if (worker->open_loop) {
        router_connection_able(connection, now_ns);
        pacer_send_due(worker, now_ns);
        return;
    }
    if (worker->router.by_slot) {
        router_fill(connection, now_ns);
        return;
    }
    if (now_ns >= worker->stop_at_ns || connection->write_waiting)
        return;
    uint32_t free_slots =
        (uint32_t)worker->run->pipeline - connection->in_flight - connection->unsent;
    if (free_slots > connection->quota)
        free_slots = (uint32_t)connection->quota;
    uint64_t ticket;
    while (free_slots > 0 && tickets_draw(worker, &ticket)) {
        connection_slot(connection, connection->in_flight + connection->unsent)->ticket = ticket;
        connection->unsent++;
        connection->quota--;
        worker->unsent++;
        free_slots--;
    }
    worker_publish_drawn(worker);
    exchange_flush(connection);
}

/* Receiving ------------------------------------------------------------------------------------ */

struct reply_counts {
    uint64_t ok, hits, misses;
    struct node_figures *node; /* NULL: one node only */
};

/* Replies that may have waited in volley for more than a tenth of their latency. None was there before its
 * request was sent. */
static inline void record_lagged(struct worker *worker)
{
    struct interval_histogram *histograms = worker->interval->histograms;
    uint64_t latency_ns = worker->lagged.latency_ns, service_ns = worker->lagged.service_ns;
    uint64_t lag_ns = worker->lag_ns < service_ns ? worker->lag_ns : service_ns;
    uint32_t count = worker->lagged.count;
    if (latency_ns < worker->lag_tail_ns)
        count *= worker->lag_stands_for;
    interval_histogram_tally(&histograms[HISTOGRAM_LAGGED], latency_ns, count);
    interval_histogram_tally(&histograms[HISTOGRAM_UNLAGGED], latency_ns - lag_ns, count);
    worker->lagged.count = 0;
}

/* Requests that went out in one write and are answered in one read have one service time: they are recorded
 * together. */
static inline void note_lagged(struct worker *worker, uint64_t latency_ns, uint64_t service_ns)
{
    if (worker->lagged.count > 0 && latency_ns != worker->lagged.latency_ns)
        record_lagged(worker);
    worker->lagged.latency_ns = latency_ns;
    worker->lagged.service_ns = service_ns;
    worker->lagged.count++;
}

/* The times of the oldest request, answered without an error. */
static inline void record_ok(const struct connection *connection, uint64_t done_ns,
                             const struct reply_counts *counts)
{
    struct worker *worker = connection->worker;
    const struct request_slot *slot = connection_slot(connection, 0);
    uint64_t service_ns = done_ns - slot->sent_ns, latency_ns = service_ns;
    interval_histogram_record(&worker->interval->histograms[HISTOGRAM_SERVICE_OK], service_ns);
    if (worker->open_loop) {
        latency_ns = done_ns - slot->intended_ns;
        interval_histogram_record(&worker->interval->histograms[HISTOGRAM_RESPONSE_OK], latency_ns);
    }
    if (latency_ns < worker->lagged_below_ns && latency_ns >= worker->lagged_from_ns)
        note_lagged(worker, latency_ns, service_ns);
    if (counts->node != NULL)
        node_figures_ok(counts->node, latency_ns);
}

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

static inline void note_done(struct worker *worker, uint64_t done_ns)
{
    atomic_store_explicit(&worker->live->last_done_ns, done_ns, memory_order_relaxed);
}

static void reset_head(struct connection *connection)
{
    connection->head_replies = 0;
    connection->head_redirects = 0;
    connection->head_failed = false;
    connection->head_asked = false;
}

/* A request goes elsewhere as a whole: a sequence only when no part of it was executed. */
static bool take_redirect(struct connection *connection, const struct resp_reply *reply,
                          uint64_t done_ns)
{
    struct redirect redirect;
    if (redirect_parse(&redirect, reply->text, reply->text_bytes) == REDIRECT_NONE)
        return false;
    recorder_refusal(connection->worker, reply->text, reply->text_bytes, done_ns);
    connection->head_redirect = redirect;
    connection->head_redirects++;
    return true;
}

static void count_redirect(struct connection *connection, const struct reply_counts *counts)
{
    static const enum counter counters[] = {
        [REDIRECT_MOVED] = COUNTER_MOVED,
        [REDIRECT_ASK] = COUNTER_ASKED,
        [REDIRECT_TRYAGAIN] = COUNTER_TRYAGAIN,
        [REDIRECT_CLUSTERDOWN] = COUNTER_CLUSTERDOWN,
    };
    worker_count(connection->worker, counters[connection->head_redirect.kind], 1);
    if (counts->node != NULL)
        counts->node->counters[NODE_REDIRECTED]++;
}

static void send_elsewhere(struct connection *connection, const struct reply_counts *counts,
                           uint64_t done_ns)
{
    note_done(connection->worker, done_ns);
    count_redirect(connection, counts);
    router_redirected(connection, done_ns);
    reset_head(connection);
}

/* An error reply, a reply with errors inside, or one of several replies of a sequence. */
static void take_unusual_reply(struct connection *connection, const struct resp_reply *reply,
                               uint64_t done_ns, struct reply_counts *counts)
{
    struct worker *worker = connection->worker;
    if (connection_slot(connection, 0)->asking && !connection->head_asked) {
        connection->head_asked =
            true; /* the reply to ASKING; when it failed the next one will, too */
        return;
    }
    bool redirected =
        worker->router.by_slot && reply->is_error && take_redirect(connection, reply, done_ns);
    if (redirected && worker->replies_per_request == 1) {
        send_elsewhere(connection, counts, done_ns);
        return;
    }
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
    if (connection->head_redirects == worker->replies_per_request) {
        send_elsewhere(connection, counts, done_ns);
        return;
    }
    if (connection->head_failed) {
        note_done(worker, done_ns);
        outcome_failed(&worker->interval->header.times, done_ns);
        if (counts->node != NULL) {
            counts->node->counters[NODE_ERRORS]++;
            outcome_failed(&counts->node->times, done_ns);
        }
        interval_histogram_record(&worker->interval->histograms[HISTOGRAM_SERVICE_ERROR],
                                  done_ns - connection_slot(connection, 0)->sent_ns);
        recorder_error_reply(worker, connection->head_kind);
        recorder_heed_failures(worker, done_ns);
    } else {
        record_ok(connection, done_ns, counts);
        counts->ok++;
    }
    connection->again_in_flight -= connection_slot(connection, 0)->again;
    connection->asking_in_flight -= connection_slot(connection, 0)->asking;
    reset_head(connection);
    connection->head_index++;
    connection->in_flight--;
    worker->in_flight--;
}

/* A reply that no request waits for: what the server says before it closes may be one. False, always. */
__attribute__((noinline, cold)) static bool unasked(struct worker *worker,
                                                    const struct resp_reply *reply)
{
    if (reply->is_error)
        recorder_closing_words(worker, reply->text, reply->text_bytes);
    return false;
}

/* Walks the bytes just read. False: they are not replies to what was asked. */
static bool take_replies(struct connection *connection, size_t byte_count, uint64_t done_ns)
{
    struct worker *worker = connection->worker;
    struct reply_counts counts = {.node = worker_node(worker, connection->node)};
    const char *at = worker->in, *end = worker->in + byte_count;
    bool single = worker->replies_per_request == 1 && connection->again_in_flight == 0;
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
            valid = unasked(worker, &reply);
            break;
        }
        if (LIKELY(single && !reply.is_error && reply.errors == 0)) {
            record_ok(connection, done_ns, &counts);
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
    if (worker->lagged.count > 0)
        record_lagged(worker);
    if (counts.ok > 0) {
        note_done(worker, done_ns);
        outcome_ok(&worker->interval->header.times, done_ns);
        struct ipc_node *live = &worker->live->nodes[0];
        if (counts.node != NULL) {
            outcome_ok(&counts.node->times, done_ns);
            live = connection_live_node(connection);
        }
        atomic_store_explicit(&live->last_ok_ns, done_ns, memory_order_relaxed);
    }
    if (counts.hits > 0)
        worker_count(worker, COUNTER_HITS, counts.hits);
    if (counts.misses > 0)
        worker_count(worker, COUNTER_MISSES, counts.misses);
    worker_publish_in_flight(worker);
    /* A reply to a request that is only half written: the stream is out of step. */
    return valid && (connection->in_flight > 0 || connection->partial_bytes == 0);
}

/* One read per wake-up, more while a read fills the buffer, or to the end when the peer has closed:
 * an edge is not repeated for what is still there. What goes on and on is continued by
 * connections_resume. */
void exchange_receive(struct connection *connection, bool closed_by_peer)
{
    struct worker *worker = connection->worker;
    size_t got_bytes;
    uint64_t done_ns;
    bool more;
    uint32_t reads = 0;
    const uint32_t head_before = connection->head_index;
    do {
        int sys_errno = 0;
        got_bytes = 0;
        enum io_status status = worker->transport->read(&connection->wire, worker->in,
                                                        WORKER_READ_BYTES, &got_bytes, &sys_errno);
        done_ns = clock_now_ns();
        if (done_ns >= worker->edge_ns)
            recorder_cut(worker, done_ns);
        more = false;
        if (status == IO_AGAIN)
            break;
        if (status != IO_DONE) {
            connection_lost(connection, COUNTER_LOST_DISCONNECT, loss_event(status), done_ns);
            return;
        }
        /* The first read stands for the wake-up; a clock reading of its own before it would cost every
         * request more than it tells. */
        if (worker->wakeup_ns == 0)
            worker_woke(worker, done_ns);
        worker->lag_ns = done_ns - worker->unread_since_ns;
        worker->lagged_below_ns = worker->lag_ns * worker->lag_weight;
        interval_histogram_record(&worker->interval->histograms[HISTOGRAM_LOOP_LAG],
                                  worker->lag_ns);
        worker_count(worker, COUNTER_BYTES_IN, got_bytes);
        if (!take_replies(connection, got_bytes, done_ns)) {
            bool closing = connection->write_failed;
            connection_lost(connection, closing ? COUNTER_LOST_DISCONNECT : COUNTER_LOST_PROTOCOL,
                            closing ? COUNTER_CONNECTIONS_RESET : COUNTER_CONNECTIONS_PROTOCOL,
                            done_ns);
            return;
        }
        more = got_bytes == WORKER_READ_BYTES || closed_by_peer;
    } while (more && ++reads < READS_AT_ONCE);
    if (more != connection->read_cut)
        connection_set_read_cut(connection, more);
    /* What freed no slot makes no room: half a reply, or a push, which may also come ahead of the start
     * or to a connection that carries nothing. */
    if (connection->head_index == head_before)
        return;
    if (__builtin_expect(connection->quota == 0 && connection_is_spent(connection), 0))
        connection_recycle(connection, done_ns);
    else
        exchange_fill(connection, done_ns);
}
