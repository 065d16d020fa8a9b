/* Which node serves a request, and what follows when a node says that another one does.
 *
 * A request that a node sends elsewhere waits in that node's pool, in front of the tickets that were never sent;
 * it stays in flight all the time. */
#include "worker/router.h"

#include "worker/stream.h"

/* A node that says "later" is asked again after so long. */
#define RETRY_US 20000u
/* A request is sent on at once so often; nodes that send it around in a circle get some rest. */
#define HOPS_AT_ONCE 8u

/* Which node ----------------------------------------------------------------------------------- */

/* Spread by chance, and not by the ticket's number: a worker's own tickets are equally far apart. */
static uint32_t spread(uint64_t ticket, uint32_t count)
{
    return (uint32_t)(((ticket * 0x9E3779B97F4A7C15u) >> 32) * count >> 32);
}

/* Any node can say that nobody serves a slot. */
static uint32_t any_ready(const struct pools *pools)
{
    for (uint32_t i = 0; i < pools->count; i++)
        if (pools->each[i].ready > 0)
            return i;
    return 0;
}

static bool reads_only(const struct stream *stream, const struct request_slot *slot)
{
    return stream->generation.classes[slot->class].reads_only;
}

/* Apart from the usual way, which then saves fewer registers. */
__attribute__((noinline)) static struct pool *
route_otherwise(struct stream *stream, const struct request_slot *slot, uint16_t node)
{
    const struct router *router = &stream->router;
    struct pools *pools = &stream->pools;
    if (node == TOPOLOGY_NOBODY || node >= pools->count)
        return &pools->each[any_ready(pools)];
    if (router->from_replicas && router->reader_count[node] > 0 && reads_only(stream, slot))
        node = router->readers[router->reader_first[node] +
                               spread(slot->ticket, router->reader_count[node])];
    return &pools->each[node];
}

struct pool *router_route(struct stream *stream, const struct request_slot *slot)
{
    const struct router *router = &stream->router;
    struct pools *pools = &stream->pools;
    if (__builtin_expect(!router->by_slot, 0))
        return router->many_pools ? replaying_pool(stream, slot) : pools->each;
    uint16_t node =
        router->topology->owner[stream->generation.kind->key_slot(stream->generation.state, slot)];
    if (node >= pools->count || router->from_replicas)
        return route_otherwise(stream, slot, node);
    return &pools->each[node];
}

/* Sent elsewhere ------------------------------------------------------------------------------- */

static void retry_later(struct stream *stream, struct request_slot *slot, uint64_t now_ns)
{
    slot->asking = false;
    slot->loads = 0;
    slot->hops = 0;
    slots_push(&stream->pools.store, &stream->router.retry, slot);
    stream->pools.store.slots[stream->router.retry.tail].retry_us =
        (uint32_t)(now_ns / NS_PER_US) + RETRY_US;
}

/* A node without slots, that has none of the connections: it is to get one. */
static void call(struct router *router, struct pool *pool)
{
    router->called |= !pool->called;
    pool->called = true;
}

/* The pool of the node that the redirect names; NULL: not known, or no connection goes there yet. */
static struct pool *redirect_pool(struct stream *stream, const struct connection *from)
{
    struct router *router = &stream->router;
    const struct redirect *redirect = &from->head_redirect;
    const char *host = redirect->host[0] != '\0' ? redirect->host
                                                 : router->topology->nodes[from->node].address.host;
    int node = topology_find(router->topology, host, redirect->port);
    if (node < 0 || (uint32_t)node >= stream->pools.count)
        return NULL;
    if (stream->pools.each[node].wanted == 0) {
        call(router, &stream->pools.each[node]);
        return NULL;
    }
    if (redirect->kind == REDIRECT_MOVED) {
        router->topology->owner[redirect->slot] = (uint16_t)node;
        if (router->from_replicas &&
            reads_only(stream,
                       connection_slot(
                           from, 0))) /* one of the owner's replicas, as for any other request */
            return router->reader_count[node] > 0
                       ? &stream->pools.each[router->readers[router->reader_first[node]]]
                       : NULL;
    }
    return &stream->pools.each[node];
}

void router_redirected(struct connection *connection, uint64_t now_ns)
{
    struct stream *stream = connection->stream;
    struct request_slot slot = *connection_slot(connection, 0);
    enum redirect_kind kind = connection->head_redirect.kind;
    struct pool *pool = NULL;
    connection->again_in_flight -= slot.again;
    connection->asking_in_flight -= slot.asking;
    connection->head_index++;
    connection->in_flight--;
    slot.again = true;
    slot.loads = kind == REDIRECT_LOAD;
    slot.asking = kind == REDIRECT_ASK || slot.loads;
    stream->router.asking |= slot.asking;
    if (kind == REDIRECT_MOVED && stream->near.cache != NULL) /* who promised is no longer asked */
        near_reads_clear(stream, now_ns);
    if (kind == REDIRECT_MOVED || kind == REDIRECT_ASK)
        pool = redirect_pool(stream, connection);
    else if (kind == REDIRECT_LOAD)
        pool = connection->pool;
    if (kind == REDIRECT_MOVED || kind == REDIRECT_CLUSTERDOWN || pool == NULL)
        stream_want_refresh(stream);
    if (pool != NULL && slot.hops++ < HOPS_AT_ONCE)
        pools_wait_again(stream, pool, &slot);
    else
        retry_later(stream, &slot, now_ns);
}

static void retry_due(struct stream *stream, uint64_t now_ns)
{
    struct router *router = &stream->router;
    struct slot_list *retry = &router->retry;
    uint32_t now_us = (uint32_t)(now_ns / NS_PER_US);
    while (retry->count > 0 &&
           (int32_t)(now_us - stream->pools.store.slots[retry->head].retry_us) >= 0) {
        struct request_slot slot = slots_pop(&stream->pools.store, retry);
        pools_wait_again(stream, router_route(stream, &slot), &slot);
    }
}

/* Requests that wait to be sent again have the same time limit as those at a server. */
void router_time_out(struct stream *stream, struct slot_list *list, uint64_t now_ns)
{
    struct slot_store *store = &stream->pools.store;
    uint32_t count = list->count;
    for (uint32_t i = 0; i < count; i++) {
        struct request_slot slot = slots_pop(store, list);
        if (now_ns < slot.sent_ns + stream->spec->endpoint.request_timeout_ns) {
            slots_push(store, list, &slot);
            continue;
        }
        stream->in_flight--;
        stream_unanswered(stream, &slot, COUNTER_TIMED_OUT, now_ns);
        if (stream_is_follow_up(stream, &slot))
            continue;
        outcome_failed(&stream->recorder.interval->header.times, now_ns);
        recorder_heed_failures(stream, now_ns);
    }
    stream_publish_in_flight(stream);
}

/* A new topology ------------------------------------------------------------------------------- */

/* Tickets that waited for the node that had their slot wait for the one that has it now. */
static void route_again(struct stream *stream, uint64_t now_ns)
{
    struct pools *pools = &stream->pools;
    static uint32_t counts[TOPOLOGY_NODES_MAX][2]; /* too many for a stack */
    for (uint32_t i = 0; i < pools->count; i++) {
        counts[i][0] = pools->each[i].again.count;
        counts[i][1] = stream->buffer.plan != NULL ? buffer_unpack(stream, &pools->each[i], now_ns)
                                                   : pools->each[i].fresh.count;
    }
    for (uint32_t i = 0; i < pools->count; i++) {
        struct pool *from = &pools->each[i];
        for (uint32_t k = 0; k < counts[i][0]; k++) {
            struct request_slot slot = slots_pop(&pools->store, &from->again);
            struct pool *pool = slot.asking ? from : router_route(stream, &slot);
            slots_push(&pools->store, &pool->again, &slot);
        }
        for (uint32_t k = 0; k < counts[i][1]; k++) {
            struct request_slot slot = slots_pop(&pools->store, &from->fresh);
            struct pool *pool = router_route(stream, &slot);
            if (stream->buffer.plan != NULL) {
                buffer_pack(stream, pool, &slot, now_ns);
                continue;
            }
            /* The node that had the slot sends on what there is no room for. */
            if (pool->fresh.count >= pools->fresh_max && from->wanted > 0)
                pool = from;
            if (stream->open_loop && pool != from) {
                struct supply elsewhere = {now_ns, from->supply.unwaited_ns};
                slot.waited_ns = supply_take(&elsewhere, slot.intended_ns, slot.waited_ns, now_ns);
            }
            if (pool->fresh.count >= pools->fresh_max) {
                pools_shed_for_node(stream, pool, &slot, now_ns);
                pools->held--;
                continue;
            }
            slots_push(&pools->store, &pool->fresh, &slot);
        }
    }
    for (uint32_t i = 0; i < pools->count; i++)
        pools_list(stream, &pools->each[i]);
}

void router_tick(struct stream *stream, uint64_t now_ns)
{
    struct router *router = &stream->router;
    if (stream->run->null_transport)
        return;
    bool changed = router_take_topology(stream, now_ns);
    if (!router->by_slot)
        return;
    if (changed)
        route_again(stream, now_ns);
    retry_due(stream, now_ns);
    router_time_out(stream, &router->retry, now_ns);
    for (uint32_t i = 0; i < stream->pools.count; i++) {
        if (stream->pools.each[i].again.count == 0)
            continue;
        router_time_out(stream, &stream->pools.each[i].again, now_ns);
        pools_list(stream, &stream->pools.each[i]);
    }
}

void router_abandon(struct stream *stream, enum counter cause, uint64_t now_ns)
{
    struct pools *pools = &stream->pools;
    pools_abandon(stream, &stream->router.retry, cause, now_ns);
    for (uint32_t i = 0; i < pools->count; i++) {
        pools_abandon(stream, &pools->each[i].again, cause, now_ns);
        pools_list(stream, &pools->each[i]);
    }
    stream_publish_in_flight(stream);
}
