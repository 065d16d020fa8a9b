/* How a protocol writes down the replies of one read: for worker/protocol_*.c, which knows where they end. */
#ifndef WORKER_PROTOCOL_REPLIES_H
#define WORKER_PROTOCOL_REPLIES_H

#include "common/lane.h"
#include "worker/stream.h"

/* Of one read. Requests that went out in one write have one time then, and are recorded together; those of an
 * open loop each for itself. */
struct reply_counts {
    uint64_t ok, hits, misses;
    uint64_t recorded;         /* of those that are ok                                   */
    uint64_t sent_ns;          /* of the others; open loop: no request's                 */
    struct node_figures *node; /* NULL: one node only */
};

/* Before the first. */
static inline struct reply_counts replies_begin(struct connection *connection)
{
    struct stream *stream = connection->stream;
    return (struct reply_counts){
        .node = stream_node(stream, connection->node),
        .sent_ns = stream->open_loop ? UINT64_MAX : connection_slot(connection, 0)->sent_ns};
}

/* The times of requests answered without an error. */
static inline __attribute__((always_inline)) void
replies_record(struct stream *stream, struct node_figures *node, uint64_t service_ns,
               uint64_t latency_ns, uint64_t count)
{
    struct interval *interval = stream->recorder.interval;
    interval_histogram_record_alike(&interval->histograms[HISTOGRAM_SERVICE_OK], service_ns, count);
    lag_note(&stream->lag, interval, latency_ns, service_ns, (uint32_t)count);
    if (node != NULL)
        node_figures_ok(node, latency_ns, count);
}

/* The oldest request is not like those before it. Apart from the usual way, which then saves no registers. */
__attribute__((noinline)) static void replies_go_on(struct stream *stream,
                                                    const struct request_slot *slot,
                                                    uint64_t done_ns, struct reply_counts *counts)
{
    uint64_t alike = counts->ok - counts->recorded;
    if (stream->open_loop) {
        uint64_t response_ns = done_ns - slot->intended_ns;
        interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_RESPONSE_OK],
                                  response_ns);
        replies_record(stream, counts->node, done_ns - slot->sent_ns, response_ns, 1);
        counts->recorded++;
        return;
    }
    if (alike > 0)
        replies_record(stream, counts->node, done_ns - counts->sent_ns, done_ns - counts->sent_ns,
                       alike);
    counts->recorded = counts->ok;
    counts->sent_ns = slot->sent_ns;
}

static inline void replies_note_done(struct stream *stream, uint64_t done_ns)
{
    atomic_store_explicit(&stream->live->last_done_ns, done_ns, memory_order_relaxed);
}

/* The oldest request has its last reply, and no error among them. Behind recorder_class_ok, where there may be
 * several classes. */
static inline void replies_ok(struct stream *stream, struct connection *connection,
                              uint64_t done_ns, struct reply_counts *counts)
{
    const struct request_slot *slot = connection_slot(connection, 0);
    if (slot->sent_ns != counts->sent_ns) {
        struct reply_counts apart = *counts; /* else the counts have to stand in memory */
        replies_go_on(stream, slot, done_ns, &apart);
        *counts = apart;
    }
    counts->ok++;
    connection->head_index++;
    connection->in_flight--;
}

/* Behind the last. by_node: false: no node has answered. */
static inline __attribute__((always_inline)) void replies_settle(struct connection *connection,
                                                                 uint64_t done_ns,
                                                                 const struct reply_counts *counts,
                                                                 bool by_node)
{
    struct stream *stream = connection->stream;
    if (counts->ok > 0) {
        uint64_t service_ns = done_ns - counts->sent_ns, alike = counts->ok - counts->recorded;
        if (alike > 0)
            replies_record(stream, counts->node, service_ns, service_ns, alike);
        stream->in_flight -= counts->ok;
        stream_count(stream, COUNTER_OK, counts->ok);
        replies_note_done(stream, done_ns);
        outcome_ok(&stream->recorder.interval->header.times, done_ns);
        struct ipc_node *live = &stream->live->nodes[0];
        if (counts->node != NULL) {
            outcome_ok(&counts->node->times, done_ns);
            live = connection_live_node(connection);
        }
        if (by_node)
            atomic_store_explicit(&live->last_ok_ns, done_ns, memory_order_relaxed);
    }
    if (counts->hits > 0)
        stream_count(stream, COUNTER_HITS, counts->hits);
    if (counts->misses > 0)
        stream_count(stream, COUNTER_MISSES, counts->misses);
    stream_publish_in_flight(stream);
}

static inline __attribute__((always_inline)) void
replies_end(struct connection *connection, uint64_t done_ns, const struct reply_counts *counts)
{
    replies_settle(connection, done_ns, counts, true);
}

#endif
