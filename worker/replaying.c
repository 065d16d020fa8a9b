#include "worker/replaying.h"

#include "worker/generate/replay.h"
#include "worker/stream.h"

/* Requests; so that memory is used again before it has left the cache. */
#define GIVE_BACK_EVERY 64u

void replaying_begin(struct stream *stream)
{
    stream->replay = stream->generation.state;
    if (stream->open_loop)
        replay_use_schedule(stream->replay, ipc_schedule(stream->run->segment));
    if (!stream->open_loop)
        /* What one before this worker has drawn. */
        stream->next_ticket = stream->end_ticket =
            replay_pass(stream->replay, stream->next_ticket, UINT64_MAX);
}

/* Whether number is answered, or lost: those of a connection are settled in their order. */
static bool is_settled(const struct stream *stream, uint64_t number, uint32_t at)
{
    if (!stream->router.by_client)
        return replay_is_settled(stream->replay, number);
    const struct connection *connection = &stream->connections[at];
    const struct pool *pool = &stream->pools.each[at];
    const struct slot_list *fresh = &pool->fresh;
    if (connection->in_flight + connection->unsent > 0)
        return connection_slot(connection, 0)->ticket > number;
    if (fresh->count > 0)
        return stream->pools.store.slots[fresh->head].slot.ticket > number;
    return !stream->dispatch.has_drawn || stream->dispatch.drawn.ticket != number;
}

static void give_back(struct stream *stream)
{
    uint64_t number;
    uint32_t connection;
    while (replay_oldest(stream->replay, &number, &connection) &&
           is_settled(stream, number, connection))
        replay_give_back(stream->replay);
}

bool replaying_has_next(struct stream *stream)
{
    if (stream->next_ticket % GIVE_BACK_EVERY == 0)
        give_back(stream);
    if (replay_has_next(stream->replay))
        return true;
    if (!replay_is_over(stream->replay)) {
        give_back(stream);
        return replay_has_next(stream->replay);
    }
    stream->tickets_exhausted = true;
    return false;
}

bool replaying_draw(struct stream *stream, uint64_t *ticket)
{
    if (!replaying_has_next(stream))
        return false;
    *ticket = replay_draw(stream->replay);
    stream->next_ticket = stream->end_ticket = *ticket + 1;
    return true;
}

uint64_t replaying_due(struct stream *stream, uint64_t at_ns)
{
    give_back(stream);
    return replay_due(stream->replay, at_ns);
}

struct pool *replaying_pool(struct stream *stream, const struct request_slot *slot)
{
    return &stream->pools.each[replay_connection(stream->replay, slot)];
}

bool replaying_enter(struct stream *stream, const struct request_slot *slot)
{
    if (replay_enter(stream->replay, slot))
        return true;
    slots_push(&stream->pools.store,
               replay_gate_list(stream->replay, replay_connection(stream->replay, slot)), slot);
    stream->pools.held++;
    return false;
}

bool replaying_leave(struct stream *stream, uint64_t now_ns, struct request_slot *slot)
{
    uint32_t gate;
    while (replay_opened(stream->replay, &gate)) {
        struct slot_list *waiting = replay_gate_list(stream->replay, gate);
        if (waiting->count == 0)
            continue;
        *slot = slots_pop(&stream->pools.store, waiting);
        stream->pools.held--;
        replay_close_gate(stream->replay, slot);
        /* Until now it waited for its client, and not for volley. */
        if (stream->open_loop && now_ns > slot->intended_ns)
            slot->waited_ns = now_ns - slot->intended_ns;
        return true;
    }
    return false;
}

void replaying_place(struct connection *connection, struct request_slot *slot)
{
    const uint32_t database = replay_database(connection->stream->replay, slot);
    slot->asking = database != connection->database;
    connection->database = database;
}
