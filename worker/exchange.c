/* Where a service time starts and stops: `sent` is read just before the write that carries the
 * request's first byte, `done` just after the read that brought its reply's last byte. Rendering,
 * scanning and counting lie outside of both for the request at hand. */
#include "worker/exchange.h"

#include <string.h>

#include "worker/edges.h"
#include "worker/worker_state.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define INLINE static inline __attribute__((always_inline))
#define COLD __attribute__((noinline, cold))

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

COLD static enum exchange_result lost(const struct connection *connection, enum counter cause,
                                      enum counter event, uint64_t at_ns)
{
    connection->worker->exchange.loss =
        (struct exchange_loss){.cause = cause, .event = event, .at_ns = at_ns};
    return EXCHANGE_LOST;
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

/* Bytes ready to be written: a half-written request's rest and whole requests behind it, or a part of
 * one large request. */
struct batch {
    size_t byte_count;
    uint32_t requests; /* that it belongs to, a half-written one among them          */
    bool to_the_end;   /* its last byte is the last one of a request                */
};

/* Of all that goes out for a request. */
static inline size_t slot_bytes(const struct worker *worker, const struct request_slot *slot)
{
    uint32_t alike_bytes = worker->generation.bytes;
    return (alike_bytes > 0 ? alike_bytes : slot->bytes) + (slot->asking ? ASKING_BYTES : 0);
}

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
    struct interval_histogram *histograms = worker->recorder.interval->histograms;
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
        const uint32_t first = connection->in_flight - (skipped_bytes > 0);
        size_t position = skipped_bytes + written_bytes, whole_bytes;
        for (begun = 0;
             begun < batch->requests &&
             position >=
                 (whole_bytes = slot_bytes(worker, connection_slot(connection, first + begun)));
             begun++)
            position -= whole_bytes;
        connection->partial_bytes = position;
        begun += position > 0;
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
        worker->generation.kind->render_part(worker->generation.state, slot,
                                             from - (slot->asking ? ASKING_BYTES : 0), count, out);
}

/* A request longer than the buffer goes out window by window, and one behind ASKING on its own. */
static struct batch render_alone(struct connection *connection)
{
    struct worker *worker = connection->worker;
    const struct request_slot *slot = next_slot(connection);
    size_t left_bytes = slot_bytes(worker, slot) - connection->partial_bytes;
    size_t count =
        left_bytes < worker->exchange.out_bytes ? left_bytes : worker->exchange.out_bytes;
    render_part(worker, slot, connection->partial_bytes, count, worker->exchange.out);
    return (struct batch){.byte_count = count, .requests = 1, .to_the_end = count == left_bytes};
}

/* The rest of a half-written request, and as many unsent ones as fit. A short write needs no copy of what is
 * left: it is rendered again. */
__attribute__((noinline)) static struct batch render_mixed(struct connection *connection)
{
    struct worker *worker = connection->worker;
    char *out = worker->exchange.out, *const end = out + worker->exchange.out_bytes;
    const struct request_slot *slot = next_slot(connection);
    size_t partial_bytes = connection->partial_bytes;
    if (slot_bytes(worker, slot) > worker->exchange.out_bytes || slot->asking)
        return render_alone(connection);
    if (partial_bytes > 0) {
        render_part(worker, slot, partial_bytes, slot_bytes(worker, slot) - partial_bytes, out);
        out += slot_bytes(worker, slot) - partial_bytes;
    }
    uint32_t fresh = 0;
    for (; fresh < connection->unsent; fresh++) {
        slot = connection_slot(connection, connection->in_flight + fresh);
        if (slot_bytes(worker, slot) > (size_t)(end - out) || slot->asking)
            break;
        worker->generation.kind->render(worker->generation.state, slot, out);
        out += slot_bytes(worker, slot);
    }
    return (struct batch){.byte_count = (size_t)(out - worker->exchange.out),
                          .requests = fresh + (partial_bytes > 0),
                          .to_the_end = true};
}

/* The usual case in few steps: requests of one length, from the beginning. */
static inline struct batch render_batch(struct connection *connection)
{
    struct worker *worker = connection->worker;
    const struct generation *generation = &worker->generation;
    uint32_t most = worker->exchange.alike_requests;
    if (__builtin_expect(most == 0 || connection->partial_bytes > 0 || worker->router.asking, 0))
        return render_mixed(connection);
    char *out = worker->exchange.out;
    uint32_t fresh = connection->unsent < most ? connection->unsent : most;
    for (uint32_t i = 0; i < fresh; i++, out += generation->bytes)
        generation->kind->render(generation->state,
                                 connection_slot(connection, connection->in_flight + i), out);
    return (struct batch){
        .byte_count = (size_t)(out - worker->exchange.out), .requests = fresh, .to_the_end = true};
}

/* After the stop nothing begins: what is left of a half-written request, or nothing. */
static void keep_begun(const struct connection *connection, struct batch *batch)
{
    size_t left_bytes =
        slot_bytes(connection->worker, next_slot(connection)) - connection->partial_bytes;
    if (connection->partial_bytes == 0)
        *batch = (struct batch){0};
    else if (batch->byte_count >= left_bytes)
        *batch = (struct batch){.byte_count = left_bytes, .requests = 1, .to_the_end = true};
}

/* The connection broke while it was written to. What the server had said before is still there to be read,
 * and may be why: a request that it refuses half way is answered, and then closed on. So it is read to the
 * end first, and lost there; at the latest when writing fails once more. */
COLD static enum exchange_result write_failed(struct connection *connection, enum io_status status)
{
    if (connection->write_failed)
        return lost(connection, COUNTER_LOST_DISCONNECT, loss_event(status), clock_now_ns());
    connection->write_failed = true;
    connection->write_waiting = true; /* takes no request until then */
    event_active(&connection->read_event, EV_READ | EV_CLOSED | EV_WRITE, 0);
    return EXCHANGE_DONE;
}

void exchange_wait_writable(struct connection *connection)
{
    if (!connection->write_waiting && event_add(&connection->write_event, NULL) == 0) {
        connection->write_waiting = true;
        connection->unwritable_ns = clock_now_ns();
    }
}

void exchange_writable(struct connection *connection)
{
    if (connection->write_waiting) {
        event_del(&connection->write_event);
        connection->write_waiting = false;
    }
}

/* What the transport keeps goes out before anything else. */
static enum io_status flush_wire(struct connection *connection)
{
    int sys_errno = 0;
    if (!connection->wire.unflushed)
        return IO_DONE;
    return connection->worker->transport->flush(&connection->wire, &sys_errno);
}

enum exchange_result exchange_flush(struct connection *connection)
{
    struct worker *worker = connection->worker;
    enum io_status status = flush_wire(connection);
    if (status == IO_AGAIN)
        exchange_wait_writable(connection);
    if (status != IO_DONE)
        return status == IO_AGAIN ? EXCHANGE_DONE : write_failed(connection, status);
    while (connection->unsent > 0 || connection->partial_bytes > 0) {
        if (unsent_is_stale(connection))
            return EXCHANGE_STALE;
        struct batch batch = render_batch(connection);
        uint64_t sent_ns = clock_now_ns();
        if (sent_ns >= worker->edge_ns) {
            edges_cut(worker, sent_ns);
            if (unsent_is_stale(connection))
                return EXCHANGE_STALE;
            sent_ns = clock_now_ns(); /* encoding a record is no part of a request's time */
        }
        if (sent_ns >= worker->stop_at_ns)
            keep_begun(connection, &batch);
        if (batch.byte_count == 0)
            return EXCHANGE_DONE;
        size_t written_bytes = 0;
        int sys_errno = 0;
        status = worker->transport->write(&connection->wire, worker->exchange.out, batch.byte_count,
                                          &written_bytes, &sys_errno);
        if (status == IO_FAILED || status == IO_CLOSED)
            return write_failed(connection, status);
        count_written(connection, &batch, written_bytes, sent_ns);
        if (written_bytes < batch.byte_count || connection->wire.unflushed) {
            exchange_wait_writable(connection);
            return EXCHANGE_DONE;
        }
    }
    exchange_writable(connection);
    return EXCHANGE_DONE;
}

/* Receiving ------------------------------------------------------------------------------------ */

struct reply_counts {
    uint64_t ok, hits, misses;
    struct node_figures *node; /* NULL: one node only */
};

/* The times of the oldest request, answered without an error. */
static inline void record_ok(const struct connection *connection, uint64_t done_ns,
                             const struct reply_counts *counts)
{
    struct worker *worker = connection->worker;
    const struct request_slot *slot = connection_slot(connection, 0);
    uint64_t service_ns = done_ns - slot->sent_ns, latency_ns = service_ns;
    interval_histogram_record(&worker->recorder.interval->histograms[HISTOGRAM_SERVICE_OK],
                              service_ns);
    if (worker->open_loop) {
        latency_ns = done_ns - slot->intended_ns;
        interval_histogram_record(&worker->recorder.interval->histograms[HISTOGRAM_RESPONSE_OK],
                                  latency_ns);
    }
    lag_note(&worker->lag, worker->recorder.interval, latency_ns, service_ns);
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

/* An error reply, a reply with errors inside, or one of several replies of a sequence. True: the request is to
 * go elsewhere. */
static bool take_unusual_reply(struct connection *connection, const struct resp_reply *reply,
                               uint64_t done_ns, struct reply_counts *counts)
{
    struct worker *worker = connection->worker;
    const struct generation *generation = &worker->generation;
    const struct request_slot *slot = connection_slot(connection, 0);
    const struct request_class *class = &generation->classes[slot->class];
    if (slot->asking && !connection->head_asked) {
        connection->head_asked =
            true; /* the reply to ASKING; when it failed the next one will, too */
        return false;
    }
    bool redirected =
        worker->router.by_slot && reply->is_error && take_redirect(connection, reply, done_ns);
    if (redirected && class->replies == 1) {
        count_redirect(connection, counts);
        return true;
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
        count_reading(counts, class->read_kind(generation->state, connection->head_replies), reply);
    }
    if (generation->kind->reply != NULL)
        generation->kind->reply(generation->state, slot, connection->head_replies, reply);
    if (++connection->head_replies < class->replies)
        return false;
    if (connection->head_redirects == class->replies) {
        count_redirect(connection, counts);
        return true;
    }
    if (connection->head_failed) {
        note_done(worker, done_ns);
        outcome_failed(&worker->recorder.interval->header.times, done_ns);
        if (counts->node != NULL) {
            counts->node->counters[NODE_ERRORS]++;
            outcome_failed(&counts->node->times, done_ns);
        }
        interval_histogram_record(&worker->recorder.interval->histograms[HISTOGRAM_SERVICE_ERROR],
                                  done_ns - slot->sent_ns);
        recorder_error_reply(worker, connection->head_kind);
        recorder_heed_failures(worker, done_ns);
    } else {
        record_ok(connection, done_ns, counts);
        counts->ok++;
    }
    connection->again_in_flight -= slot->again;
    connection->asking_in_flight -= slot->asking;
    reset_head(connection);
    connection->head_index++;
    connection->in_flight--;
    worker->in_flight--;
    return false;
}

/* A reply that no request waits for: what the server says before it closes may be one. */
COLD static void note_unasked(struct worker *worker, const struct resp_reply *reply)
{
    if (reply->is_error)
        recorder_closing_words(worker, reply->text, reply->text_bytes);
}

/* Walks the bytes just read, from reading->at on. EXCHANGE_LOST: they are not replies to what was asked. */
INLINE enum exchange_result take_replies(struct connection *connection, struct reading *reading,
                                         uint64_t done_ns)
{
    struct worker *worker = connection->worker;
    struct reply_counts counts = {.node = worker_node(worker, connection->node)};
    const char *at = reading->at, *const end = reading->end;
    bool single = worker->generation.one_reply && connection->again_in_flight == 0;
    enum exchange_result result = EXCHANGE_DONE;
    while (at < end) {
        struct resp_reply reply;
        size_t used_bytes;
        enum resp_status status =
            resp_scan(&connection->scanner, at, (size_t)(end - at), &used_bytes, &reply);
        if (status == RESP_MORE)
            break;
        at += used_bytes;
        if (status == RESP_INVALID) {
            result = EXCHANGE_LOST;
            break;
        }
        if (reply.type == '>') {
            worker_count(worker, COUNTER_PUSHES, 1);
            continue;
        }
        if (connection->in_flight == 0) {
            note_unasked(worker, &reply);
            result = EXCHANGE_LOST;
            break;
        }
        if (LIKELY(single && !reply.is_error && reply.errors == 0)) {
            record_ok(connection, done_ns, &counts);
            count_reading(&counts, worker->generation.read_kind, &reply);
            counts.ok++;
            connection->head_index++;
            connection->in_flight--;
            worker->in_flight--;
        } else if (take_unusual_reply(connection, &reply, done_ns, &counts)) {
            note_done(worker, done_ns);
            result = EXCHANGE_REDIRECTED;
            break;
        }
    }
    reading->at = at;
    worker_count(worker, COUNTER_OK, counts.ok);
    if (worker->lag.count > 0)
        lag_record(&worker->lag, worker->recorder.interval);
    if (counts.ok > 0) {
        note_done(worker, done_ns);
        outcome_ok(&worker->recorder.interval->header.times, done_ns);
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
    if (result == EXCHANGE_DONE && connection->in_flight == 0 && connection->partial_bytes > 0)
        return EXCHANGE_LOST;
    return result;
}

/* What the replies of one read come to. EXCHANGE_DONE: the next read may follow. */
INLINE enum exchange_result take_read(struct connection *connection, struct reading *reading,
                                      uint64_t done_ns)
{
    enum exchange_result result = take_replies(connection, reading, done_ns);
    if (result == EXCHANGE_REDIRECTED)
        connection->worker->exchange.reading = *reading;
    else if (result == EXCHANGE_LOST)
        return connection->write_failed
                   ? lost(connection, COUNTER_LOST_DISCONNECT, COUNTER_CONNECTIONS_RESET, done_ns)
                   : lost(connection, COUNTER_LOST_PROTOCOL, COUNTER_CONNECTIONS_PROTOCOL, done_ns);
    return result;
}

/* One read per wake-up, more while a read fills the buffer, or to the end when the peer has closed:
 * an edge is not repeated for what is still there. What goes on and on is continued by
 * connections_resume. */
INLINE enum exchange_result read_on(struct connection *connection, struct reading reading)
{
    struct worker *worker = connection->worker;
    while (reading.more && reading.reads < READS_AT_ONCE) {
        int sys_errno = 0;
        size_t got_bytes = 0;
        enum io_status status = worker->transport->read(&connection->wire, worker->exchange.in,
                                                        WORKER_READ_BYTES, &got_bytes, &sys_errno);
        uint64_t done_ns = worker->exchange.done_ns = clock_now_ns();
        if (done_ns >= worker->edge_ns)
            edges_cut(worker, done_ns);
        reading.more = false;
        if (status == IO_AGAIN)
            break;
        if (status != IO_DONE)
            return lost(connection, COUNTER_LOST_DISCONNECT, loss_event(status), done_ns);
        lag_read(&worker->lag, worker->recorder.interval, done_ns);
        worker_count(worker, COUNTER_BYTES_IN, got_bytes);
        reading.reads++;
        reading.more = got_bytes == WORKER_READ_BYTES || reading.closed_by_peer;
        reading.at = worker->exchange.in;
        reading.end = worker->exchange.in + got_bytes;
        enum exchange_result result = take_read(connection, &reading, done_ns);
        if (result != EXCHANGE_DONE)
            return result;
    }
    if (reading.more != connection->read_cut)
        exchange_set_read_cut(connection, reading.more);
    /* What freed no slot makes no room: half a reply, or a push, which may also come ahead of the start
     * or to a connection that carries nothing. */
    return connection->head_index == reading.head_before ? EXCHANGE_DONE : EXCHANGE_FREED;
}

enum exchange_result exchange_receive(struct connection *connection, bool closed_by_peer)
{
    return read_on(connection, (struct reading){.more = true,
                                                .head_before = connection->head_index,
                                                .closed_by_peer = closed_by_peer});
}

COLD enum exchange_result exchange_go_on(struct connection *connection)
{
    struct worker *worker = connection->worker;
    struct reading reading = worker->exchange.reading;
    reset_head(connection);
    enum exchange_result result = take_read(connection, &reading, worker->exchange.done_ns);
    return result == EXCHANGE_DONE ? read_on(connection, reading) : result;
}

void exchange_set_read_cut(struct connection *connection, bool cut)
{
    connection->worker->reads_cut += cut;
    connection->worker->reads_cut -= connection->read_cut;
    connection->read_cut = cut;
}
