#include "worker/pools.h"

#include <stdlib.h>

#include "worker/stream.h"

#define INLINE static inline __attribute__((always_inline))

bool pools_add(struct stream *stream)
{
    struct pool *pool = &stream->pools.each[stream->pools.count];
    uint64_t loads = stream->run->pipeline;
    pool->by_load = calloc(loads, sizeof pool->by_load[0]);
    if (pool->by_load == NULL)
        return false;
    for (uint64_t load = 0; load < loads; load++)
        TAILQ_INIT(&pool->by_load[load]);
    stream->pools.count++;
    return true;
}

void pools_destroy(struct pools *pools)
{
    for (uint32_t i = 0; i < pools->count; i++)
        free(pools->each[i].by_load);
    free(pools->each);
    free(pools->store.slots);
}

/* Which connection ----------------------------------------------------------------------------- */

static bool can_take(const struct connection *connection)
{
    return connection->state == CONNECTION_READY && !connection->write_waiting &&
           connection->carries_load && connection->quota > 0 && !stream_holds_back(connection) &&
           connection->in_flight + connection->unsent < connection->stream->pools.takes_below;
}

void pools_list(struct stream *stream, struct pool *pool)
{
    struct pools *pools = &stream->pools;
    bool works = pool->free > 0 && pool->again.count + pool->fresh.count > 0;
    if (pool->listed_free && pool->free == 0)
        TAILQ_REMOVE(&pools->free, pool, by_free);
    else if (!pool->listed_free && pool->free > 0)
        TAILQ_INSERT_TAIL(&pools->free, pool, by_free);
    if (pool->listed_work && !works)
        TAILQ_REMOVE(&pools->work, pool, by_work);
    else if (!pool->listed_work && works)
        TAILQ_INSERT_TAIL(&pools->work, pool, by_work);
    pool->listed_free = pool->free > 0;
    pool->listed_work = works;
}

void pools_connection_changed(struct connection *connection)
{
    struct pool *pool = connection->pool;
    struct pools *pools = &connection->stream->pools;
    /* A closed loop fills a connection before the next one: its list is in the order of waiting. */
    uint32_t load = !can_take(connection)           ? CONNECTION_UNLISTED
                    : connection->stream->open_loop ? connection->in_flight + connection->unsent
                                                    : 0;
    if (connection->listed_load == load)
        return;
    if (connection->listed_load != CONNECTION_UNLISTED) {
        TAILQ_REMOVE(&pool->by_load[connection->listed_load], connection, by_load);
        pools->free_connections--;
        pool->free--;
    }
    connection->listed_load = load;
    if (load != CONNECTION_UNLISTED) {
        pools->free_connections++;
        pool->free++;
        TAILQ_INSERT_TAIL(&pool->by_load[load], connection, by_load);
        if (load < pool->lowest)
            pool->lowest = load;
    }
    pools_list(connection->stream, pool);
}

/* Of what comes now, since when it may have been there: in the first turns after a stop of volley's own nobody
 * knows, and the time is not the target's. */
static uint64_t able_since(const struct stream *stream, uint64_t now_ns)
{
    uint64_t turn_ns = stream->worker->wait.turn_ns;
    if (stream->recorder.woken_turns > 0)
        return stream->recorder.still.from_ns;
    return turn_ns != 0 && now_ns > turn_ns + OWN_STOP_NS ? turn_ns : now_ns;
}

void pools_connection_able(struct connection *connection, uint64_t now_ns)
{
    struct pool *pool = connection->pool;
    if (pool->free == 0)
        pool->supply.since_ns = able_since(connection->stream, now_ns);
    pools_connection_changed(connection);
}

void pools_waited_to_write(struct connection *connection, uint64_t now_ns)
{
    struct supply room = {now_ns, connection->unwritable_ns};
    for (uint32_t i = 0; connection->stream->open_loop && i < connection->unsent; i++) {
        struct request_slot *slot = connection_slot(connection, connection->in_flight + i);
        if (!slot->again)
            slot->waited_ns = supply_take(&room, slot->intended_ns, slot->waited_ns, now_ns);
    }
    connection->unwritable_ns = now_ns;
}

struct connection *pools_pick(const struct stream *stream, struct pool *pool)
{
    while (pool->lowest < stream->run->pipeline && TAILQ_EMPTY(&pool->by_load[pool->lowest]))
        pool->lowest++;
    return pool->lowest < stream->run->pipeline ? TAILQ_FIRST(&pool->by_load[pool->lowest]) : NULL;
}

uint32_t pools_room_of(const struct connection *connection)
{
    if (!can_take(connection))
        return 0;
    uint64_t room = connection->stream->run->pipeline - connection->in_flight - connection->unsent;
    return (uint32_t)(room < connection->quota ? room : connection->quota);
}

uint64_t pools_capacity_left(const struct stream *stream)
{
    const struct pools *pools = &stream->pools;
    uint64_t used = stream->in_flight + stream->unsent - pools->held;
    return used < pools->capacity ? pools->capacity - used : 0;
}

/* Giving --------------------------------------------------------------------------------------- */

INLINE void place(struct connection *connection, const struct request_slot *slot)
{
    struct request_slot *placed =
        connection_slot(connection, connection->in_flight + connection->unsent++);
    *placed = *slot;
    if (connection->stream->router.selects)
        replaying_place(connection, placed);
    connection->quota--;
}

void pools_place(struct connection *connection, const struct request_slot *slot)
{
    place(connection, slot);
}

INLINE void place_fresh(struct connection *connection, struct request_slot *slot, uint64_t now_ns)
{
    if (connection->stream->open_loop)
        slot->waited_ns =
            supply_take(&connection->pool->supply, slot->intended_ns, slot->waited_ns, now_ns);
    place(connection, slot);
}

void pools_place_fresh(struct connection *connection, struct request_slot *slot, uint64_t now_ns)
{
    place_fresh(connection, slot, now_ns);
}

void pools_serve(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    struct pools *pools = &stream->pools;
    struct pool *pool = connection->pool;
    uint32_t room = pools_room_of(connection);
    if (stream->open_loop && room > 1)
        room = 1;
    for (; room > 0 && pool->again.count > 0; room--) {
        struct request_slot slot = slots_pop(&pools->store, &pool->again);
        pools_place(connection, &slot);
    }
    uint64_t capacity = pools_capacity_left(stream);
    while (room > 0 && capacity > 0 && pool->fresh.count > 0) {
        struct request_slot slot = slots_pop(&pools->store, &pool->fresh);
        pools->held--;
        if ((stream->open_loop || slot.ticket >= WORKLOAD_WARMUP_TICKET) &&
            pools_is_stale(stream, pool, &slot, now_ns)) {
            stream->unsent--;
            continue;
        }
        place_fresh(connection, &slot, now_ns);
        room--;
        capacity--;
    }
    pools_list(stream, pool);
}

/* Waiting -------------------------------------------------------------------------------------- */

void pools_wait_again(struct stream *stream, struct pool *pool, const struct request_slot *slot)
{
    slots_push(&stream->pools.store, &pool->again, slot);
    pools_list(stream, pool);
}

void pools_wait_fresh(struct stream *stream, struct pool *pool, const struct request_slot *slot)
{
    slots_push(&stream->pools.store, &pool->fresh, slot);
    stream->pools.held++;
    if (pool->fresh.count == 1)
        pools_list(stream, pool);
}

void pools_take_back(struct connection *connection)
{
    struct stream *stream = connection->stream;
    struct pool *pool = connection->pool;
    const uint64_t held = stream->pools.held;
    while (connection->unsent > 0) {
        struct request_slot *slot =
            connection_slot(connection, connection->in_flight + --connection->unsent);
        if (stream->buffer.plan != NULL && !slot->again)
            slot->waited_ns = buffer_times_of(connection, slot)->entered_ns;
        slots_push_front(&stream->pools.store, slot->again ? &pool->again : &pool->fresh, slot);
        stream->pools.held += !slot->again;
    }
    if (stream->buffer.plan != NULL && stream->pools.held > held)
        batches_push_front(&stream->buffer.nodes[pool - stream->pools.each].batches,
                           (uint32_t)(stream->pools.held - held) | BATCH_DIRECT);
    pools_list(stream, pool);
    stream_publish_drawn(stream);
}

/* Dropping ------------------------------------------------------------------------------------- */

/* Where a node has its figures; NULL: tickets are bound to none. */
static struct node_figures *figures_of(struct stream *stream, const struct pool *pool)
{
    return stream->router.by_slot ? stream_node(stream, (uint32_t)(pool - stream->pools.each))
                                  : NULL;
}

/* Whether the ticket waited for a connection to its node for the most part of its time. */
static bool waited_for_node(const struct stream *stream, const struct pool *pool,
                            const struct request_slot *slot, uint64_t now_ns)
{
    struct supply supply = pool->supply;
    if (now_ns <= slot->intended_ns)
        return false;
    if (pool->free == 0)
        supply.since_ns = able_since(stream, now_ns);
    uint64_t waited_ns = supply_take(&supply, slot->intended_ns, slot->waited_ns, now_ns);
    return waited_ns > (now_ns - slot->intended_ns) / 2;
}

void pools_left_unsent(struct stream *stream, const struct pool *pool,
                       const struct request_slot *slot, uint64_t now_ns)
{
    struct node_figures *node = figures_of(stream, pool);
    if (node != NULL && waited_for_node(stream, pool, slot, now_ns))
        node->counters[NODE_UNSENT]++;
}

bool pools_is_stale(struct stream *stream, const struct pool *pool, const struct request_slot *slot,
                    uint64_t now_ns)
{
    uint64_t after_ns = stream->spec->rate.shed_after_ns;
    if (slot->ticket >= WORKLOAD_WARMUP_TICKET && !stream->warming_up) {
        generation_drop(&stream->generation, slot);
        return true;
    }
    if (!stream->open_loop || after_ns == 0 || now_ns <= slot->intended_ns ||
        now_ns - slot->intended_ns <= after_ns)
        return false;
    stream_count(stream, COUNTER_SHED_LATE, 1);
    recorder_unsent(stream, 1, slot->intended_ns, now_ns);
    pools_left_unsent(stream, pool, slot, now_ns);
    generation_drop(&stream->generation, slot);
    return true;
}

void pools_shed_stale(struct stream *stream, uint64_t now_ns)
{
    struct pools *pools = &stream->pools;
    if (pools->held == 0 || now_ns >= stream->stop_at_ns || stream->buffer.plan != NULL)
        return;
    for (struct pool *pool = pools->each; pool < pools->each + pools->count; pool++) {
        for (; pool->fresh.count > 0; stream->unsent--, pools->held--) {
            if (!pools_is_stale(stream, pool, &pools->store.slots[pool->fresh.head].slot, now_ns))
                break;
            slots_pop(&pools->store, &pool->fresh);
        }
        pools_list(stream, pool);
    }
}

void pools_shed_for_node(struct stream *stream, const struct pool *pool,
                         const struct request_slot *slot, uint64_t now_ns)
{
    struct node_figures *node = figures_of(stream, pool);
    stream_count(stream, COUNTER_SHED_NODE, 1);
    recorder_unsent(stream, 1, slot->intended_ns, now_ns);
    if (node != NULL)
        node->counters[NODE_UNSENT]++;
    generation_drop(&stream->generation, slot);
    stream->unsent--;
}

void pools_note_full(struct stream *stream, uint64_t now_ns, struct pool *full)
{
    struct pools *pools = &stream->pools;
    if (pools->full_ns != 0 && now_ns > pools->full_ns) {
        struct node_figures *node = figures_of(stream, pools->full);
        stream_count(stream, COUNTER_RING_FULL_NS, now_ns - pools->full_ns);
        if (node != NULL)
            node->counters[NODE_RING_FULL_NS] += now_ns - pools->full_ns;
    }
    pools->full_ns = full != NULL ? now_ns : 0;
    if (full != NULL)
        pools->full = full;
}

void pools_abandon(struct stream *stream, struct slot_list *list, enum counter cause,
                   uint64_t now_ns)
{
    while (list->count > 0) {
        struct request_slot slot = slots_pop(&stream->pools.store, list);
        stream->in_flight--;
        stream_unanswered(stream, &slot, cause, now_ns);
    }
}
