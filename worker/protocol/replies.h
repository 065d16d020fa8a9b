/* How a protocol writes down the replies of one read: for worker/protocol_*.c, which knows where they end. */
#ifndef WORKER_PROTOCOL_REPLIES_H
#define WORKER_PROTOCOL_REPLIES_H

#include "common/node_figures.h"
#include "worker/stream.h"

/* Of one read. */
struct reply_counts {
    uint64_t ok, hits, misses;
    struct node_figures *node; /* NULL: one node only */
};

/* Before the first. */
static inline struct reply_counts replies_begin(struct connection *connection)
{
    return (struct reply_counts){.node = stream_node(connection->stream, connection->node)};
}

/* The times of the oldest request, answered without an error. */
static inline void replies_record_ok(struct stream *stream, const struct connection *connection,
                                     uint64_t done_ns, const struct reply_counts *counts)
{
    const struct request_slot *slot = connection_slot(connection, 0);
    uint64_t service_ns = done_ns - slot->sent_ns, latency_ns = service_ns;
    interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_SERVICE_OK],
                              service_ns);
    if (stream->open_loop) {
        latency_ns = done_ns - slot->intended_ns;
        interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_RESPONSE_OK],
                                  latency_ns);
    }
    lag_note(&stream->lag, stream->recorder.interval, latency_ns, service_ns);
    if (counts->node != NULL)
        node_figures_ok(counts->node, latency_ns);
}

static inline void replies_note_done(struct stream *stream, uint64_t done_ns)
{
    atomic_store_explicit(&stream->live->last_done_ns, done_ns, memory_order_relaxed);
}

/* The oldest request has its last reply, and no error among them. */
static inline void replies_ok(struct stream *stream, struct connection *connection,
                              uint64_t done_ns, struct reply_counts *counts)
{
    replies_record_ok(stream, connection, done_ns, counts);
    counts->ok++;
    connection->head_index++;
    connection->in_flight--;
    stream->in_flight--;
}

/* Behind the last. */
static inline void replies_end(struct connection *connection, uint64_t done_ns,
                               const struct reply_counts *counts)
{
    struct stream *stream = connection->stream;
    stream_count(stream, COUNTER_OK, counts->ok);
    if (stream->lag.count > 0)
        lag_record(&stream->lag, stream->recorder.interval);
    if (counts->ok > 0) {
        replies_note_done(stream, done_ns);
        outcome_ok(&stream->recorder.interval->header.times, done_ns);
        struct ipc_node *live = &stream->live->nodes[0];
        if (counts->node != NULL) {
            outcome_ok(&counts->node->times, done_ns);
            live = connection_live_node(connection);
        }
        atomic_store_explicit(&live->last_ok_ns, done_ns, memory_order_relaxed);
    }
    if (counts->hits > 0)
        stream_count(stream, COUNTER_HITS, counts->hits);
    if (counts->misses > 0)
        stream_count(stream, COUNTER_MISSES, counts->misses);
    stream_publish_in_flight(stream);
}

#endif
