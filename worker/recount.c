#include "worker/recount.h"

#include "worker/generate/replay.h"
#include "worker/stream.h"

uint64_t recount_in_flight(const struct stream *stream)
{
    const struct pools *pools = &stream->pools;
    uint64_t in_flight = stream->router.retry.count;
    for (uint32_t i = 0; i < REPEAT_PAUSES; i++)
        in_flight += stream->repeat.waiting[i].count;
    for (uint32_t i = 0; i < pools->count; i++)
        in_flight += pools->each[i].again.count;
    for (uint32_t i = 0; i < stream->connection_count; i++) {
        const struct connection *connection = &stream->connections[i];
        in_flight += connection->in_flight;
        for (uint32_t k = 0; stream->router.has_again && k < connection->unsent; k++)
            in_flight += connection_slot(connection, connection->in_flight + k)->again;
    }
    return in_flight;
}

typedef void visitor(struct stream *stream, const struct pool *pool,
                     const struct request_slot *slot, uint64_t until_ns);

static uint64_t count_unsent(struct stream *stream, const struct pool *pool,
                             const struct request_slot *slot, visitor *visit, uint64_t until_ns)
{
    bool backlog = stream_is_backlog(stream, slot);
    if (backlog && visit != NULL)
        visit(stream, pool, slot, until_ns);
    return backlog;
}

/* Tickets that a connection holds, or that wait for a node. */
static uint64_t each_unsent(struct stream *stream, visitor *visit, uint64_t until_ns)
{
    const struct pools *pools = &stream->pools;
    const struct waiting_slot *slots = pools->store.slots;
    uint64_t unsent = 0;
    if (stream->dispatch.has_drawn)
        unsent += count_unsent(stream, pools->full, &stream->dispatch.drawn, visit, until_ns);
    for (uint32_t i = 0; i < pools->count; i++) {
        const struct slot_list *fresh = &pools->each[i].fresh;
        for (uint32_t k = 0, at = fresh->head; k < fresh->count; k++, at = slots[at].next)
            unsent += count_unsent(stream, &pools->each[i], &slots[at].slot, visit, until_ns);
    }
    for (uint32_t i = 0; i < stream->buffer.node_count; i++) {
        const struct node_buffer *node = &stream->buffer.nodes[i];
        for (uint32_t k = 0, at = node->round.head; k < node->round.count; k++, at = slots[at].next)
            unsent += count_unsent(stream, &pools->each[i], &slots[at].slot, visit, until_ns);
        for (uint32_t k = 0, at = node->waiting.head; k < node->waiting.count;
             k++, at = slots[at].next)
            unsent += count_unsent(stream, &pools->each[i], &slots[at].slot, visit, until_ns);
    }
    for (uint32_t i = 0; stream->router.gated && i < replay_gate_count(stream->replay); i++) {
        const struct slot_list *waiting = replay_gate_list(stream->replay, i);
        for (uint32_t k = 0, at = waiting->head; k < waiting->count; k++, at = slots[at].next)
            unsent += count_unsent(stream, NULL, &slots[at].slot, visit, until_ns);
    }
    for (uint32_t i = 0; i < stream->connection_count; i++) {
        const struct connection *connection = &stream->connections[i];
        for (uint32_t place = 0; place < connection->unsent; place++) {
            const struct request_slot *slot =
                connection_slot(connection, connection->in_flight + place);
            if (!slot->again)
                unsent += count_unsent(stream, connection->pool, slot, visit, until_ns);
        }
    }
    return unsent;
}

uint64_t recount_backlog(struct stream *stream)
{
    return stream->pacer.due.number - stream->pacer.draw.number + each_unsent(stream, NULL, 0);
}

static void record_unsent(struct stream *stream, const struct pool *pool,
                          const struct request_slot *slot, uint64_t until_ns)
{
    recorder_unsent(stream, 1, slot->intended_ns, until_ns);
    if (pool != NULL) /* it waits for its client */
        pools_left_unsent(stream, pool, slot, until_ns);
}

void recount_record_backlog(struct stream *stream, uint64_t until_ns)
{
    const struct pacer *pacer = &stream->pacer;
    struct arrivals ahead = pacer->draw;
    each_unsent(stream, record_unsent, until_ns);
    if (stream->users.count > 0) {
        users_record_waiting(stream, until_ns);
        return;
    }
    /* What was not read is recorded where it is counted. */
    if (stream->replay != NULL) {
        const uint64_t loaded = replay_loaded(stream->replay);
        for (; ahead.number < pacer->due.number && ahead.number < loaded; ahead.number++)
            recorder_unsent(stream, 1,
                            pacer->origin_ns + replay_time_ns(stream->replay, ahead.number),
                            until_ns);
        return;
    }
    /* Ticket by ticket where they are few, else all at once whose waits fall into one bucket. */
    for (uint64_t before = UINT64_MAX;
         ahead.number < pacer->due.number && ahead.number != before;) {
        uint64_t intended_ns = pacer->origin_ns + ahead.time_ns;
        uint64_t waited_ns = until_ns > intended_ns ? until_ns - intended_ns : 0;
        uint64_t least_ns = histogram_lowest_value(
            histogram_index(waited_ns < HISTOGRAM_HIGHEST_NS ? waited_ns : HISTOGRAM_HIGHEST_NS));
        before = ahead.number;
        arrivals_seek(&ahead, until_ns - least_ns - pacer->origin_ns + 1);
        if (ahead.number > pacer->due.number)
            ahead.number = pacer->due.number;
        if (ahead.number > before) {
            recorder_unsent(stream, 1, intended_ns, until_ns);
            recorder_unsent(stream, ahead.number - before - 1, until_ns - least_ns, until_ns);
        }
    }
    /* None, unless what was due is not any more: the accounts are to say so, not a loop without end. */
    recorder_unsent(stream, pacer->due.number - ahead.number, until_ns, until_ns);
}
