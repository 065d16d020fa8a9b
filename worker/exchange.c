/* Where a service time starts and stops: `sent` is read just before the write that carries the
 * request's first byte, `done` just after the read that brought its reply's last byte. Rendering,
 * scanning and counting lie outside of both for the request at hand. */
#include "worker/exchange.h"

#include <string.h>

#include "worker/edges.h"
#include "worker/protocol/protocol.h"
#include "worker/stream.h"

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
    connection->stream->exchange.loss =
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
    const struct stream *stream = connection->stream;
    if (connection->unsent == 0 || stream->warming_up)
        return false;
    if (stream->router.has_again)
        return stream->run->warmup_ns > 0 && any_unsent_is_stale(connection);
    return connection_slot(connection, connection->in_flight)->ticket >= WORKLOAD_WARMUP_TICKET;
}

/* Bytes ready to be written: a half-written request's rest and whole requests behind it, or a part of
 * one large request. */
struct batch {
    size_t byte_count;
    uint32_t requests; /* that it belongs to, a half-written one among them          */
    bool to_the_end;   /* its last byte is the last one of a request                */
};

/* What goes out in front of a request whose slot says so. text: room for what does not stand anywhere. */
COLD static const char *ahead(const struct stream *stream, const struct request_slot *slot,
                              char text[GENERATOR_AHEAD_BYTES], size_t *byte_count)
{
    const struct generation *generation = &stream->generation;
    if (slot->loads) {
        *byte_count = generation->classes[slot->class].load_bytes;
        return generation->classes[slot->class].load;
    }
    if (generation->kind->ahead != NULL) {
        *byte_count = generation->kind->ahead(generation->state, slot, text);
        return text;
    }
    *byte_count = ASKING_BYTES;
    return asking_command;
}

COLD static size_t ahead_bytes(const struct stream *stream, const struct request_slot *slot)
{
    char text[GENERATOR_AHEAD_BYTES];
    size_t byte_count;
    (void)ahead(stream, slot, text, &byte_count);
    return byte_count;
}

/* Of all that goes out for a request. */
static inline size_t slot_bytes(const struct stream *stream, const struct request_slot *slot)
{
    uint32_t alike_bytes = stream->generation.bytes;
    return (alike_bytes > 0 ? alike_bytes : slot->bytes) +
           (slot->asking ? ahead_bytes(stream, slot) : 0);
}

/* The newest ones in flight, for their node and their classes. */
__attribute__((noinline)) static void count_to_lanes(struct connection *connection, uint32_t sent,
                                                     uint32_t again)
{
    struct stream *stream = connection->stream;
    struct node_figures *node = stream_node(stream, connection->node);
    if (node != NULL)
        node->counters[NODE_SENT] += sent;
    uint32_t followed = 0;
    for (uint32_t i = stream->recorder.interval->class_count > 0 ? sent : 0; i > 0; i--) {
        const struct request_slot *slot = connection_slot(connection, connection->in_flight - i);
        followed += stream_is_follow_up(stream, slot);
        stream_count_class(stream, slot, CLASS_SENT, !slot->again);
        stream_count_class(stream, slot, CLASS_BYTES_OUT, slot_bytes(stream, slot));
    }
    connection->again_in_flight += again;
    stream_count(stream, COUNTER_RESENT, again - followed);
}

/* Why a request of an open loop goes out after its time: volley's own slip is what is left when the wait for
 * a connection is taken off. */
static inline void record_lateness(struct stream *stream, const struct request_slot *slot,
                                   uint64_t sent_ns)
{
    struct interval_histogram *histograms = stream->recorder.interval->histograms;
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
    struct stream *stream = connection->stream;
    size_t skipped_bytes = connection->partial_bytes;
    uint32_t begun = batch->requests;
    connection->partial_bytes = 0;
    if (written_bytes < batch->byte_count || !batch->to_the_end) {
        const uint32_t first = connection->in_flight - (skipped_bytes > 0);
        size_t position = skipped_bytes + written_bytes, whole_bytes;
        for (begun = 0;
             begun < batch->requests &&
             position >=
                 (whole_bytes = slot_bytes(stream, connection_slot(connection, first + begun)));
             begun++)
            position -= whole_bytes;
        connection->partial_bytes = position;
        begun += position > 0;
        if (begun > 1 || skipped_bytes == 0) /* else it is the one that was half-written before */
            connection->stamp_ns = stream->exchange.stamp_ns;
    }
    uint32_t newly_sent = begun - (skipped_bytes > 0), again = 0;
    bool has_again = stream->router.has_again;
    for (uint32_t i = 0; i < newly_sent; i++) {
        struct request_slot *slot = connection_slot(connection, connection->in_flight + i);
        if (has_again && slot->again) {
            /* In flight since it was sent for the first time, and measured from then. */
            connection->asking_in_flight += slot->asking;
            again++;
            continue;
        }
        if (has_again && slot->asking) { /* nor are its replies usual ones */
            connection->asking_in_flight++;
            connection->again_in_flight++;
        }
        if (stream->open_loop)
            record_lateness(stream, slot, sent_ns);
        slot->sent_ns = sent_ns;
    }
    connection->in_flight += newly_sent;
    connection->unsent -= newly_sent;
    stream->in_flight += newly_sent - again;
    stream->unsent -= newly_sent - again;
    stream_count(stream, COUNTER_SENT, newly_sent - again);
    if (stream->router.lanes)
        count_to_lanes(connection, newly_sent, again);
    stream_count(stream, COUNTER_BYTES_OUT, written_bytes);
    stream_publish_in_flight(stream);
}

/* The request to go on with: the half-written one, else the first unsent one. */
static const struct request_slot *next_slot(const struct connection *connection)
{
    return connection_slot(connection, connection->in_flight - (connection->partial_bytes > 0));
}

/* Bytes [from, from + count) of what goes out for a request. */
static void render_part(const struct stream *stream, const struct request_slot *slot, size_t from,
                        size_t count, char *out)
{
    char room[GENERATOR_AHEAD_BYTES];
    size_t text_bytes = 0;
    const char *text = slot->asking ? ahead(stream, slot, room, &text_bytes) : NULL;
    if (from < text_bytes) {
        size_t part_bytes = text_bytes - from < count ? text_bytes - from : count;
        memcpy(out, text + from, part_bytes);
        out += part_bytes;
        from += part_bytes;
        count -= part_bytes;
    }
    if (count > 0)
        stream->generation.kind->render_part(stream->generation.state, slot, from - text_bytes,
                                             count, out);
}

/* What begins from now on is sent now; the rest of a request that has begun is not. */
static inline void stamp_time(struct stream *stream)
{
    if (stream->exchange.stamps)
        stream->exchange.stamp_ns = clock_now_ns();
}

__attribute__((noinline)) static void fill_stamp(const struct connection *connection,
                                                 const struct request_slot *slot, uint64_t sent_ns)
{
    struct stream *stream = connection->stream;
    const uint32_t at = (uint32_t)(slot - connection->slots);
    const bool warmup = slot->ticket >= WORKLOAD_WARMUP_TICKET;
    stream->exchange.stamp = (struct stamp){
        .run = stream->consume.run,
        .worker = stream->share->index,
        .connection = stream->consume.senders + (uint32_t)(connection - stream->connections),
        .place = connection->head_index + ((at - connection->head_index) & connection->slot_mask),
        .ticket = (slot->ticket & (STAMP_WARMUP - 1)) | (warmup ? STAMP_WARMUP : 0),
        .sent_ns = sent_ns,
        .late_ns =
            stream->open_loop && sent_ns > slot->intended_ns ? sent_ns - slot->intended_ns : 0,
    };
}

/* Before it is rendered. */
static inline void stamp_slot(const struct connection *connection, const struct request_slot *slot,
                              uint64_t sent_ns)
{
    if (connection->stream->exchange.stamps)
        fill_stamp(connection, slot, sent_ns);
}

/* A request longer than the buffer goes out window by window, and one behind ASKING on its own. */
static struct batch render_alone(struct connection *connection)
{
    struct stream *stream = connection->stream;
    const struct request_slot *slot = next_slot(connection);
    size_t left_bytes = slot_bytes(stream, slot) - connection->partial_bytes;
    size_t count =
        left_bytes < stream->exchange.out_bytes ? left_bytes : stream->exchange.out_bytes;
    stamp_time(stream);
    stamp_slot(connection, slot,
               connection->partial_bytes > 0 ? connection->stamp_ns : stream->exchange.stamp_ns);
    render_part(stream, slot, connection->partial_bytes, count, stream->exchange.out);
    return (struct batch){.byte_count = count, .requests = 1, .to_the_end = count == left_bytes};
}

/* The rest of a half-written request, and as many unsent ones as fit. A short write needs no copy of what is
 * left: it is rendered again. */
__attribute__((noinline)) static struct batch render_mixed(struct connection *connection)
{
    struct stream *stream = connection->stream;
    char *out = stream->exchange.out, *const end = out + stream->exchange.out_bytes;
    const struct request_slot *slot = next_slot(connection);
    size_t partial_bytes = connection->partial_bytes;
    if (slot_bytes(stream, slot) > stream->exchange.out_bytes || slot->asking)
        return render_alone(connection);
    if (partial_bytes > 0) {
        stamp_slot(connection, slot, connection->stamp_ns);
        render_part(stream, slot, partial_bytes, slot_bytes(stream, slot) - partial_bytes, out);
        out += slot_bytes(stream, slot) - partial_bytes;
    }
    uint32_t fresh = 0;
    stamp_time(stream);
    for (; fresh < connection->unsent; fresh++) {
        slot = connection_slot(connection, connection->in_flight + fresh);
        if (slot_bytes(stream, slot) > (size_t)(end - out) || slot->asking)
            break;
        stamp_slot(connection, slot, stream->exchange.stamp_ns);
        stream->generation.kind->render(stream->generation.state, slot, out);
        out += slot_bytes(stream, slot);
    }
    return (struct batch){.byte_count = (size_t)(out - stream->exchange.out),
                          .requests = fresh + (partial_bytes > 0),
                          .to_the_end = true};
}

/* The usual case in few steps: requests of one length, from the beginning. */
static inline struct batch render_batch(struct connection *connection)
{
    struct stream *stream = connection->stream;
    const struct generation *generation = &stream->generation;
    uint32_t most = stream->exchange.alike_requests;
    if (__builtin_expect(most == 0 || connection->partial_bytes > 0 || stream->router.asking, 0))
        return render_mixed(connection);
    char *out = stream->exchange.out;
    uint32_t fresh = connection->unsent < most ? connection->unsent : most;
    for (uint32_t i = 0; i < fresh; i++, out += generation->bytes)
        generation->kind->render(generation->state,
                                 connection_slot(connection, connection->in_flight + i), out);
    return (struct batch){
        .byte_count = (size_t)(out - stream->exchange.out), .requests = fresh, .to_the_end = true};
}

/* After the stop nothing begins, but what a buffer had: what is left of a half-written request, or nothing. */
static void keep_begun(const struct connection *connection, struct batch *batch)
{
    size_t left_bytes =
        slot_bytes(connection->stream, next_slot(connection)) - connection->partial_bytes;
    if (connection->stream->buffer.draining)
        return;
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
    return connection->stream->transport->flush(&connection->wire, &sys_errno);
}

enum exchange_result exchange_flush(struct connection *connection)
{
    struct stream *stream = connection->stream;
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
        if (sent_ns >= stream->edge_ns) {
            edges_cut(stream, sent_ns);
            if (unsent_is_stale(connection))
                return EXCHANGE_STALE;
            sent_ns = clock_now_ns(); /* encoding a record is no part of a request's time */
        }
        if (sent_ns >= stream->stop_at_ns)
            keep_begun(connection, &batch);
        if (batch.byte_count == 0)
            return EXCHANGE_DONE;
        size_t written_bytes = 0;
        int sys_errno = 0;
        status = stream->transport->write(&connection->wire, stream->exchange.out, batch.byte_count,
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

COLD static enum exchange_result out_of_step(const struct connection *connection, uint64_t done_ns)
{
    return connection->write_failed
               ? lost(connection, COUNTER_LOST_DISCONNECT, COUNTER_CONNECTIONS_RESET, done_ns)
               : lost(connection, COUNTER_LOST_PROTOCOL, COUNTER_CONNECTIONS_PROTOCOL, done_ns);
}

/* Somebody else has to do something first: what follows goes on from here. */
COLD static enum exchange_result pause(const struct connection *connection, struct reading reading,
                                       enum exchange_result result)
{
    reading.at = connection->stream->exchange.reading.at;
    connection->stream->exchange.reading = reading;
    return result;
}

/* One read per wake-up, more while a read fills the buffer, or to the end when the peer has closed:
 * an edge is not repeated for what is still there. What goes on and on is continued by
 * connections_resume. */
INLINE enum exchange_result read_on(struct connection *connection, struct reading reading)
{
    struct stream *stream = connection->stream;
    while (reading.more && reading.reads < READS_AT_ONCE) {
        int sys_errno = 0;
        size_t got_bytes = 0;
        enum io_status status = stream->transport->read(&connection->wire, stream->exchange.in,
                                                        WORKER_READ_BYTES, &got_bytes, &sys_errno);
        uint64_t done_ns = stream->exchange.done_ns = clock_now_ns();
        if (done_ns >= stream->edge_ns)
            edges_cut(stream, done_ns);
        reading.more = false;
        if (status == IO_AGAIN)
            break;
        if (status != IO_DONE)
            return lost(connection, COUNTER_LOST_DISCONNECT, loss_event(status), done_ns);
        lag_read(&stream->lag, stream->recorder.interval, done_ns);
        stream_count(stream, COUNTER_BYTES_IN, got_bytes);
        reading.reads++;
        reading.more = got_bytes == WORKER_READ_BYTES || reading.closed_by_peer;
        reading.end = stream->exchange.in + got_bytes;
        enum exchange_result result =
            stream->protocol->take(connection, stream->exchange.in, reading.end, done_ns);
        if (__builtin_expect(result != EXCHANGE_DONE, 0))
            return result == EXCHANGE_LOST ? out_of_step(connection, done_ns)
                                           : pause(connection, reading, result);
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
    struct stream *stream = connection->stream;
    struct reading reading = stream->exchange.reading;
    const uint64_t done_ns = stream->exchange.done_ns;
    connection_reset_head(connection);
    const enum exchange_result result =
        stream->protocol->take(connection, reading.at, reading.end, done_ns);
    switch (result) {
    case EXCHANGE_DONE:
        return read_on(connection, reading);
    case EXCHANGE_LOST:
        return out_of_step(connection, done_ns);
    default:
        return pause(connection, reading, result);
    }
}

void exchange_set_read_cut(struct connection *connection, bool cut)
{
    connection->stream->reads_cut += cut;
    connection->stream->reads_cut -= connection->read_cut;
    connection->read_cut = cut;
}
