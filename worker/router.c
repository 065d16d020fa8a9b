/* Which connection serves a request: any, or one to the node that owns the key's slot.
 *
 * In a cluster a ticket is bound to one node. A ticket whose node has no free connection waits in that
 * node's ring, so that a slow or dead node does not stop the others. A request that a node sends
 * elsewhere waits in a ring of its own, in front of those; it stays in flight all the time. */
#include "worker/slot_list.h"
#include "worker/worker_state.h"

/* A node that says "later" is asked again after so long. */
#define RETRY_MS 20u
/* A request is sent on at once so often; nodes that send it around in a circle get some rest. */
#define HOPS_AT_ONCE 8u
#define BATCH_CONNECTIONS 64u

/* Which node ----------------------------------------------------------------------------------- */

/* Spread by chance, and not by the ticket's number: a worker's own tickets are equally far apart. */
static uint32_t spread(uint64_t ticket, uint32_t count)
{
    return (uint32_t)(((ticket * 0x9E3779B97F4A7C15u) >> 32) * count >> 32);
}

/* Any node can say that nobody serves a slot. */
static uint32_t any_ready(const struct router *router)
{
    for (uint32_t i = 0; i < router->pool_count; i++)
        if (router->pools[i].ready > 0)
            return i;
    return 0;
}

static struct pool *route(struct worker *worker, uint64_t ticket)
{
    struct router *router = &worker->router;
    uint16_t node = router->topology->owner[workload_slot(worker->run->workload, ticket)];
    if (node == TOPOLOGY_NOBODY || node >= router->pool_count)
        return &router->pools[any_ready(router)];
    if (router->from_replicas && router->reader_count[node] > 0)
        node =
            router
                ->readers[router->reader_first[node] + spread(ticket, router->reader_count[node])];
    return &router->pools[node];
}

/* Which connection ----------------------------------------------------------------------------- */

static bool can_take(const struct connection *connection)
{
    return connection->state == CONNECTION_READY && !connection->write_waiting &&
           !connection->idle && connection->quota > 0 &&
           connection->in_flight + connection->unsent < connection->worker->run->pipeline;
}

/* Puts a pool into the lists that it belongs to now. */
static void list_pool(struct router *router, struct pool *pool)
{
    bool works = pool->free > 0 && pool->again.count + pool->fresh.count > 0;
    if (!router->by_slot)
        return;
    if (pool->listed_free && pool->free == 0)
        TAILQ_REMOVE(&router->free_pools, pool, by_free);
    else if (!pool->listed_free && pool->free > 0)
        TAILQ_INSERT_TAIL(&router->free_pools, pool, by_free);
    if (pool->listed_work && !works)
        TAILQ_REMOVE(&router->work_pools, pool, by_work);
    else if (!pool->listed_work && works)
        TAILQ_INSERT_TAIL(&router->work_pools, pool, by_work);
    pool->listed_free = pool->free > 0;
    pool->listed_work = works;
}

static void wait_again(struct router *router, struct pool *pool, const struct request_slot *slot)
{
    slots_push(&router->store, &pool->again, slot);
    list_pool(router, pool);
}

static void wait_fresh(struct router *router, struct pool *pool, const struct request_slot *slot)
{
    slots_push(&router->store, &pool->fresh, slot);
    list_pool(router, pool);
}

void router_connection_changed(struct connection *connection)
{
    struct pool *pool = connection->pool;
    if (pool->by_load == NULL)
        return;
    struct router *router = &connection->worker->router;
    /* A closed loop fills a connection before the next one: its list is in the order of waiting. */
    uint32_t load = !can_take(connection)           ? PACER_UNLISTED
                    : connection->worker->open_loop ? connection->in_flight + connection->unsent
                                                    : 0;
    if (connection->listed_load == load)
        return;
    if (connection->listed_load != PACER_UNLISTED) {
        TAILQ_REMOVE(&pool->by_load[connection->listed_load], connection, by_load);
        router->free_connections--;
        pool->free--;
    }
    connection->listed_load = load;
    if (load != PACER_UNLISTED) {
        router->free_connections++;
        pool->free++;
        TAILQ_INSERT_TAIL(&pool->by_load[load], connection, by_load);
        if (load < pool->lowest)
            pool->lowest = load;
    }
    list_pool(router, pool);
}

void router_connection_able(struct connection *connection, uint64_t now_ns)
{
    struct pool *pool = connection->pool;
    if (pool->free == 0)
        pool->supply.since_ns = router_able_since(connection->worker, now_ns);
    router_connection_changed(connection);
}

void router_waited_to_write(struct connection *connection, uint64_t now_ns)
{
    struct supply room = {now_ns, connection->unwritable_ns};
    for (uint32_t i = 0; connection->worker->open_loop && i < connection->unsent; i++) {
        struct request_slot *slot = connection_slot(connection, connection->in_flight + i);
        if (!slot->again)
            slot->waited_ns = supply_take(&room, slot->intended_ns, slot->waited_ns, now_ns);
    }
    connection->unwritable_ns = now_ns;
}

struct connection *router_pick(const struct worker *worker, struct pool *pool)
{
    while (pool->lowest < worker->run->pipeline && TAILQ_EMPTY(&pool->by_load[pool->lowest]))
        pool->lowest++;
    return pool->lowest < worker->run->pipeline ? TAILQ_FIRST(&pool->by_load[pool->lowest]) : NULL;
}

/* So many requests more may be in flight, or held by connections. */
static uint64_t capacity_left(const struct worker *worker)
{
    const struct router *router = &worker->router;
    uint64_t used = worker->in_flight + worker->unsent - router->held;
    return used < router->capacity ? router->capacity - used : 0;
}

bool router_can_take(struct worker *worker)
{
    struct router *router = &worker->router;
    return router->by_slot ? capacity_left(worker) > 0 && router->full_ns == 0
                           : router_pick(worker, &router->pools[0]) != NULL;
}

/* Sending -------------------------------------------------------------------------------------- */

struct touched {
    struct connection *connections[BATCH_CONNECTIONS];
    uint32_t count;
};

/* How many more requests it may be given now. */
static uint32_t room_of(const struct connection *connection)
{
    if (!can_take(connection))
        return 0;
    uint64_t room = connection->worker->run->pipeline - connection->in_flight - connection->unsent;
    return (uint32_t)(room < connection->quota ? room : connection->quota);
}

static void place(struct connection *connection, const struct request_slot *slot)
{
    *connection_slot(connection, connection->in_flight + connection->unsent++) = *slot;
    connection->quota--;
}

/* A ticket that has not been sent yet. */
static void place_fresh(struct connection *connection, struct request_slot *slot, uint64_t now_ns)
{
    if (connection->worker->open_loop)
        slot->waited_ns =
            supply_take(&connection->pool->supply, slot->intended_ns, slot->waited_ns, now_ns);
    place(connection, slot);
}

static void touch(struct connection *connection, struct touched *touched)
{
    if (!connection->touched)
        touched->connections[touched->count++] = connection;
    connection->touched = true;
    router_connection_changed(connection);
}

/* A ticket that is not to be sent any more: of a warm-up that is over, with which it was shed, or too
 * late. */
static bool is_stale(struct worker *worker, const struct pool *pool,
                     const struct request_slot *slot, uint64_t now_ns)
{
    uint64_t after_ns = worker->spec->shed_after_ns;
    if (slot->ticket >= WORKLOAD_WARMUP_TICKET && !worker->warming_up)
        return true;
    if (!worker->open_loop || after_ns == 0 || now_ns <= slot->intended_ns ||
        now_ns - slot->intended_ns <= after_ns)
        return false;
    router_shed_late(worker, pool, slot, now_ns);
    return true;
}

/* Where no connection of a node is free, nobody comes by what waits for it. The oldest stand in front. */
static void shed_stale(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    if (!worker->open_loop || worker->spec->shed_after_ns == 0 || now_ns >= worker->stop_at_ns)
        return;
    for (struct pool *pool = router->pools; pool < router->pools + router->pool_count; pool++) {
        for (; pool->fresh.count > 0; worker->unsent--, router->held--) {
            if (!is_stale(worker, pool, &router->store.slots[pool->fresh.head].slot, now_ns))
                break;
            slots_pop(&router->store, &pool->fresh);
        }
        list_pool(router, pool);
    }
}

/* Gives a free connection what waits for its node. A rate gives each one at a time, the least loaded
 * one first. */
static void serve_connection(struct worker *worker, struct connection *connection, uint64_t now_ns)
{
    struct pool *pool = connection->pool;
    uint32_t room = room_of(connection);
    if (worker->open_loop && room > 1)
        room = 1;
    for (; room > 0 && pool->again.count > 0; room--) {
        struct request_slot slot = slots_pop(&worker->router.store, &pool->again);
        place(connection, &slot);
    }
    uint64_t capacity = capacity_left(worker);
    while (room > 0 && capacity > 0 && pool->fresh.count > 0) {
        struct request_slot slot = slots_pop(&worker->router.store, &pool->fresh);
        worker->router.held--;
        if (is_stale(worker, pool, &slot, now_ns)) {
            worker->unsent--;
            continue;
        }
        place_fresh(connection, &slot, now_ns);
        room--;
        capacity--;
    }
    list_pool(&worker->router, pool);
}

static void serve_pools(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    struct pool *pool, *next;
    for (pool = TAILQ_FIRST(&worker->router.work_pools); pool != NULL; pool = next) {
        struct connection *connection;
        next = TAILQ_NEXT(pool, by_work); /* only this one may leave the list meanwhile */
        while (touched->count < BATCH_CONNECTIONS &&
               (pool->again.count > 0 || (pool->fresh.count > 0 && capacity_left(worker) > 0)) &&
               (connection = router_pick(worker, pool)) != NULL) {
            serve_connection(worker, connection, now_ns);
            touch(connection, touched);
        }
    }
}

/* The ticket that found no room, or the next one that is due. False: there is none. */
static bool draw(struct worker *worker, uint64_t now_ns, struct request_slot *slot)
{
    struct router *router = &worker->router;
    if (router->has_drawn) {
        *slot = router->drawn;
        router->has_drawn = false;
        router->held--;
        if (!is_stale(worker, router->full_pool, slot, now_ns))
            return true;
        worker->unsent--;
    }
    *slot = (struct request_slot){0};
    if (worker->open_loop ? !pacer_draw(worker, now_ns, slot)
                          : !tickets_draw(worker, &slot->ticket))
        return false;
    worker->unsent++;
    return true;
}

/* The next ticket, and the pool of the node that it belongs to; there is room for it in the ring. What is
 * shed is passed over. NULL: there is none now, or its ring is full. */
static struct pool *draw_routed(struct worker *worker, uint64_t now_ns, struct request_slot *slot)
{
    struct router *router = &worker->router;
    while (draw(worker, now_ns, slot)) {
        struct pool *pool = route(worker, slot->ticket);
        bool full = pool->fresh.count >= router->fresh_max || router->held >= router->held_max;
        bool stops = full && !pool->failing;
        if (router->full_ns != 0 || stops)
            router_note_full(worker, now_ns, stops ? pool : NULL);
        if (!full)
            return pool;
        if (stops) {
            router->drawn = *slot;
            router->has_drawn = true;
            router->held++;
            return NULL;
        }
        router_shed_for_node(worker, pool, slot, now_ns);
    }
    return NULL;
}

static void hold(struct worker *worker, struct pool *pool, const struct request_slot *slot)
{
    wait_fresh(&worker->router, pool, slot);
    worker->router.held++;
}

/* What is due. */
static void draw_due(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    struct router *router = &worker->router;
    struct request_slot slot;
    if (router->stopped)
        router->drawing.since_ns = now_ns;
    router->stopped = false;
    while (touched->count < BATCH_CONNECTIONS) {
        struct pool *pool = capacity_left(worker) > 0 ? draw_routed(worker, now_ns, &slot) : NULL;
        if (pool == NULL) {
            router->stopped = router->has_drawn || capacity_left(worker) == 0;
            return;
        }
        slot.waited_ns = supply_take(&router->drawing, slot.intended_ns, slot.waited_ns, now_ns);
        struct connection *connection =
            pool->again.count + pool->fresh.count == 0 ? router_pick(worker, pool) : NULL;
        if (connection == NULL) {
            hold(worker, pool, &slot);
            continue;
        }
        place_fresh(connection, &slot, now_ns);
        touch(connection, touched);
    }
}

/* A closed loop draws for a connection that is free, until it is full, so that pipelined requests go out
 * together. What belongs to other nodes on the way waits for them. False: no ticket was to be had. */
static bool draw_for(struct worker *worker, struct connection *connection, uint64_t now_ns)
{
    uint32_t room = room_of(connection);
    uint64_t capacity = capacity_left(worker);
    while (room > 0 && capacity > 0) {
        struct request_slot slot;
        struct pool *pool = draw_routed(worker, now_ns, &slot);
        if (pool == NULL)
            return false;
        if (pool != connection->pool) {
            hold(worker, pool, &slot);
            continue;
        }
        place(connection, &slot);
        room--;
        capacity--;
    }
    return room == 0;
}

static void draw_for_free(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    struct pool *pool, *next;
    for (pool = TAILQ_FIRST(&worker->router.free_pools); pool != NULL; pool = next) {
        struct connection *connection;
        next = TAILQ_NEXT(pool, by_free); /* only this one may leave the list meanwhile */
        while (touched->count < BATCH_CONNECTIONS &&
               (connection = router_pick(worker, pool)) != NULL) {
            bool filled = draw_for(worker, connection, now_ns);
            touch(connection, touched);
            if (!filled)
                return;
        }
    }
}

/* False: nothing is to be sent now. */
static bool may_send(struct worker *worker, uint64_t now_ns)
{
    if (!worker->router.by_slot || worker->start_ns == 0)
        return false;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    return now_ns < worker->stop_at_ns;
}

void router_send(struct worker *worker, uint64_t now_ns)
{
    struct touched touched;
    if (!may_send(worker, now_ns))
        return;
    if (worker->open_loop)
        pacer_shed_late(worker, now_ns);
    do {
        touched.count = 0;
        serve_pools(worker, now_ns, &touched);
        if (worker->open_loop) {
            draw_due(worker, now_ns, &touched);
        } else {
            draw_for_free(worker, now_ns, &touched);
            serve_pools(worker, now_ns, &touched);
        }
        worker_publish_drawn(worker);
        for (uint32_t i = 0; i < touched.count; i++) {
            struct connection *connection = touched.connections[i];
            connection->touched = false;
            if (connection->state == CONNECTION_READY)
                exchange_flush(connection);
            router_connection_changed(connection);
        }
    } while (touched.count == BATCH_CONNECTIONS);
}

void router_fill(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    router_connection_changed(connection);
    /* Mostly this one is the only one that is free. */
    if (worker->router.free_connections != (connection->listed_load != PACER_UNLISTED)) {
        router_send(worker, now_ns);
        return;
    }
    if (connection->listed_load == PACER_UNLISTED || !may_send(worker, now_ns))
        return;
    serve_connection(worker, connection, now_ns);
    draw_for(worker, connection, now_ns);
    worker_publish_drawn(worker);
    router_connection_changed(connection);
    exchange_flush(connection);
    router_connection_changed(connection);
}

void router_take_back(struct connection *connection)
{
    struct worker *worker = connection->worker;
    struct pool *pool = connection->pool;
    while (connection->unsent > 0) {
        struct request_slot *slot =
            connection_slot(connection, connection->in_flight + --connection->unsent);
        slots_push_front(&worker->router.store, slot->again ? &pool->again : &pool->fresh, slot);
        worker->router.held += !slot->again;
    }
    list_pool(&worker->router, pool);
    worker_publish_drawn(worker);
}

/* Sent elsewhere ------------------------------------------------------------------------------- */

void router_want_refresh(struct worker *worker)
{
    _Atomic uint64_t *wanted = &worker->live->refresh_wanted;
    atomic_store_explicit(wanted, atomic_load_explicit(wanted, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void retry_later(struct worker *worker, struct request_slot *slot, uint64_t now_ns)
{
    slot->asking = false;
    slot->hops = 0;
    slot->retry_ms = (uint32_t)(now_ns / NS_PER_MS) + RETRY_MS;
    slots_push(&worker->router.store, &worker->router.retry, slot);
}

/* A node without slots, that has none of the connections: it is to get one. */
static void call(struct router *router, struct pool *pool)
{
    router->called |= !pool->called;
    pool->called = true;
}

/* The pool of the node that the redirect names; NULL: not known, or no connection goes there yet. */
static struct pool *redirect_pool(struct worker *worker, const struct connection *from)
{
    struct router *router = &worker->router;
    const struct redirect *redirect = &from->head_redirect;
    const char *host = redirect->host[0] != '\0' ? redirect->host
                                                 : router->topology->nodes[from->node].address.host;
    int node = topology_find(router->topology, host, redirect->port);
    if (node < 0 || (uint32_t)node >= router->pool_count)
        return NULL;
    if (router->pools[node].wanted == 0) {
        call(router, &router->pools[node]);
        return NULL;
    }
    if (redirect->kind == REDIRECT_MOVED) {
        router->topology->owner[redirect->slot] = (uint16_t)node;
        if (router->from_replicas) /* one of the owner's replicas, as for any other request */
            return router->reader_count[node] > 0
                       ? &router->pools[router->readers[router->reader_first[node]]]
                       : NULL;
    }
    return &router->pools[node];
}

void router_redirected(struct connection *connection, uint64_t now_ns)
{
    struct worker *worker = connection->worker;
    struct request_slot slot = *connection_slot(connection, 0);
    enum redirect_kind kind = connection->head_redirect.kind;
    struct pool *pool = NULL;
    connection->again_in_flight -= slot.again;
    connection->asking_in_flight -= slot.asking;
    connection->head_index++;
    connection->in_flight--;
    slot.again = true;
    slot.asking = kind == REDIRECT_ASK;
    worker->router.asking |= slot.asking;
    if (kind == REDIRECT_MOVED || kind == REDIRECT_ASK)
        pool = redirect_pool(worker, connection);
    if (kind == REDIRECT_MOVED || kind == REDIRECT_CLUSTERDOWN || pool == NULL)
        router_want_refresh(worker);
    if (pool != NULL && slot.hops++ < HOPS_AT_ONCE)
        wait_again(&worker->router, pool, &slot);
    else
        retry_later(worker, &slot, now_ns);
}

static void retry_due(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    struct slot_list *retry = &router->retry;
    uint32_t now_ms = (uint32_t)(now_ns / NS_PER_MS);
    while (retry->count > 0 &&
           (int32_t)(now_ms - router->store.slots[retry->head].slot.retry_ms) >= 0) {
        struct request_slot slot = slots_pop(&router->store, retry);
        wait_again(router, route(worker, slot.ticket), &slot);
    }
}

/* Requests that wait to be sent again have the same time limit as those at a server. */
static void time_out_waiting(struct worker *worker, struct slot_list *list, uint64_t now_ns)
{
    struct slot_store *store = &worker->router.store;
    uint32_t count = list->count;
    for (uint32_t i = 0; i < count; i++) {
        struct request_slot slot = slots_pop(store, list);
        if (now_ns < slot.sent_ns + worker->spec->request_timeout_ns) {
            slots_push(store, list, &slot);
            continue;
        }
        worker->in_flight--;
        worker_count(worker, COUNTER_TIMED_OUT, 1);
        recorder_unanswered(worker, &slot, now_ns);
        outcome_failed(&worker->interval->header.times, now_ns);
        recorder_heed_failures(worker, now_ns);
    }
    worker_publish_in_flight(worker);
}

/* A new topology ------------------------------------------------------------------------------- */

/* Tickets that waited for the node that had their slot wait for the one that has it now. */
static void route_again(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    static uint32_t counts[TOPOLOGY_NODES_MAX][2]; /* too many for a stack */
    for (uint32_t i = 0; i < router->pool_count; i++) {
        counts[i][0] = router->pools[i].again.count;
        counts[i][1] = router->pools[i].fresh.count;
    }
    for (uint32_t i = 0; i < router->pool_count; i++) {
        for (uint32_t k = 0; k < counts[i][0]; k++) {
            struct request_slot slot = slots_pop(&router->store, &router->pools[i].again);
            struct pool *pool = slot.asking ? &router->pools[i] : route(worker, slot.ticket);
            slots_push(&router->store, &pool->again, &slot);
        }
        for (uint32_t k = 0; k < counts[i][1]; k++) {
            struct request_slot slot = slots_pop(&router->store, &router->pools[i].fresh);
            struct pool *pool = route(worker, slot.ticket);
            /* The node that had the slot sends on what there is no room for. */
            if (pool->fresh.count >= router->fresh_max && router->pools[i].wanted > 0)
                pool = &router->pools[i];
            if (worker->open_loop && pool != &router->pools[i]) {
                struct supply elsewhere = {now_ns, router->pools[i].supply.unwaited_ns};
                slot.waited_ns = supply_take(&elsewhere, slot.intended_ns, slot.waited_ns, now_ns);
            }
            if (pool->fresh.count >= router->fresh_max) {
                router_shed_for_node(worker, pool, &slot, now_ns);
                worker->router.held--;
                continue;
            }
            slots_push(&router->store, &pool->fresh, &slot);
        }
    }
    for (uint32_t i = 0; i < router->pool_count; i++)
        list_pool(router, &router->pools[i]);
}

void router_tick(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    if (worker->run->null_transport)
        return;
    bool changed = router_take_topology(worker, now_ns);
    if (!router->by_slot)
        return;
    if (changed)
        route_again(worker, now_ns);
    retry_due(worker, now_ns);
    time_out_waiting(worker, &router->retry, now_ns);
    for (uint32_t i = 0; i < router->pool_count; i++) {
        if (router->pools[i].again.count == 0)
            continue;
        time_out_waiting(worker, &router->pools[i].again, now_ns);
        list_pool(router, &router->pools[i]);
    }
    if (router->full_ns != 0)
        router_note_full(worker, now_ns, router->full_pool);
    shed_stale(worker, now_ns);
    router_send(worker, now_ns);
}

/* Life ----------------------------------------------------------------------------------------- */

static void abandon(struct worker *worker, struct slot_list *list, enum counter cause,
                    uint64_t now_ns)
{
    while (list->count > 0) {
        struct request_slot slot = slots_pop(&worker->router.store, list);
        worker->in_flight--;
        worker_count(worker, cause, 1);
        recorder_unanswered(worker, &slot, now_ns);
    }
}

void router_abandon(struct worker *worker, enum counter cause, uint64_t now_ns)
{
    struct router *router = &worker->router;
    abandon(worker, &router->retry, cause, now_ns);
    for (uint32_t i = 0; i < router->pool_count; i++) {
        abandon(worker, &router->pools[i].again, cause, now_ns);
        list_pool(router, &router->pools[i]);
    }
    worker_publish_in_flight(worker);
}

uint64_t router_recount_in_flight(const struct worker *worker)
{
    const struct router *router = &worker->router;
    uint64_t in_flight = router->retry.count;
    for (uint32_t i = 0; i < router->pool_count; i++)
        in_flight += router->pools[i].again.count;
    for (uint32_t i = 0; router->by_slot && i < worker->connection_count; i++) {
        const struct connection *connection = &worker->connections[i];
        for (uint32_t k = 0; k < connection->unsent; k++)
            in_flight += connection_slot(connection, connection->in_flight + k)->again;
    }
    return in_flight;
}

bool router_is_backlog(const struct worker *worker, const struct request_slot *slot)
{
    return slot->ticket < WORKLOAD_WARMUP_TICKET || !worker->pacer.measuring;
}

static uint64_t count_unsent(struct worker *worker, const struct pool *pool,
                             const struct request_slot *slot, unsent_visitor *visit,
                             uint64_t until_ns)
{
    bool backlog = router_is_backlog(worker, slot);
    if (backlog && visit != NULL)
        visit(worker, pool, slot, until_ns);
    return backlog;
}

uint64_t router_recount_unsent(struct worker *worker, unsent_visitor *visit, uint64_t until_ns)
{
    const struct router *router = &worker->router;
    const struct waiting_slot *slots = router->store.slots;
    uint64_t unsent = router->has_drawn
                          ? count_unsent(worker, router->full_pool, &router->drawn, visit, until_ns)
                          : 0;
    for (uint32_t i = 0; i < router->pool_count; i++) {
        const struct slot_list *fresh = &router->pools[i].fresh;
        for (uint32_t k = 0, at = fresh->head; k < fresh->count; k++, at = slots[at].next)
            unsent += count_unsent(worker, &router->pools[i], &slots[at].slot, visit, until_ns);
    }
    return unsent;
}
