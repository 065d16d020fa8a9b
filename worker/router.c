/* Which connection serves a request: any, or one to the node that owns the key's slot.
 *
 * In a cluster a ticket is bound to one node. A ticket whose node has no free connection waits in that
 * node's ring, so that a slow or dead node does not stop the others. A request that a node sends
 * elsewhere waits in a ring of its own, in front of those; it stays in flight all the time. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/worker_state.h"

/* Tickets that wait for one node. At 10,000 requests a second to each of its nodes a worker fills it in
 * 1.6 s: beyond that tickets of a node that is gone are shed, and one that is slow stops the drawing. */
#define FRESH_SLOTS 16384u
/* A node that says "later" is asked again after so long. */
#define RETRY_MS 20u
/* A request is sent on at once so often; nodes that send it around in a circle get some rest. */
#define HOPS_AT_ONCE 8u
#define BATCH_CONNECTIONS 64u

/* Rings ---------------------------------------------------------------------------------------- */

static bool slots_create(struct slot_ring *ring, uint64_t slots)
{
    uint32_t size = 16;
    while (size < slots)
        size *= 2;
    *ring = (struct slot_ring){.slots = calloc(size, sizeof ring->slots[0]), .mask = size - 1};
    return ring->slots != NULL;
}

static struct request_slot *slots_at(const struct slot_ring *ring, uint32_t place)
{
    return &ring->slots[(ring->head + place) & ring->mask];
}

static void slots_push(struct slot_ring *ring, const struct request_slot *slot)
{
    assert(ring->count <= ring->mask);
    *slots_at(ring, ring->count++) = *slot;
}

static void slots_push_front(struct slot_ring *ring, const struct request_slot *slot)
{
    assert(ring->count <= ring->mask);
    ring->head--;
    ring->count++;
    *slots_at(ring, 0) = *slot;
}

static struct request_slot slots_pop(struct slot_ring *ring)
{
    struct request_slot slot = *slots_at(ring, 0);
    ring->head++;
    ring->count--;
    return slot;
}

/* Which node ----------------------------------------------------------------------------------- */

/* Spread by chance, and not by the ticket's number: a worker's own tickets are equally far apart. */
static uint32_t spread(uint64_t ticket, uint32_t count)
{
    return (uint32_t)(((ticket * 0x9E3779B97F4A7C15u) >> 32) * count >> 32);
}

static bool has_slots(const struct topology *topology, uint32_t node)
{
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        if (topology->owner[slot] == node)
            return true;
    return false;
}

static bool has_replica(const struct topology *topology, uint32_t primary)
{
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].role == TOPOLOGY_REPLICA && topology->nodes[i].primary == primary)
            return true;
    return false;
}

static bool serves(const struct worker *worker, uint32_t node)
{
    const struct topology *topology = worker->router.topology;
    uint32_t role = topology->nodes[node].role;
    if (role == TOPOLOGY_GONE)
        return false;
    if (!worker->router.from_replicas)
        return role == TOPOLOGY_PRIMARY;
    if (worker->spec->replica_reads == REPLICA_READS_ALL || role == TOPOLOGY_REPLICA)
        return true;
    return worker->router.by_slot && !has_replica(topology, node);
}

/* A primary whose slots are read has itself or its replicas, as serves() says. */
static void find_readers(struct worker *worker)
{
    struct router *router = &worker->router;
    const struct topology *topology = router->topology;
    uint32_t used = 0;
    for (uint32_t primary = 0; primary < topology->node_count; primary++) {
        router->reader_first[primary] = (uint16_t)used;
        for (uint32_t i = 0; i < topology->node_count && used < 2 * TOPOLOGY_NODES_MAX; i++) {
            bool own = i == primary || (topology->nodes[i].role == TOPOLOGY_REPLICA &&
                                        topology->nodes[i].primary == primary);
            if (own && serves(worker, i))
                router->readers[used++] = (uint16_t)i;
        }
        router->reader_count[primary] = (uint16_t)(used - router->reader_first[primary]);
    }
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

void router_connection_changed(struct connection *connection)
{
    struct pool *pool = connection->pool;
    if (pool->by_load == NULL)
        return;
    /* A closed loop fills a connection before the next one: its list is in the order of waiting. */
    uint32_t load = !can_take(connection)           ? PACER_UNLISTED
                    : connection->worker->open_loop ? connection->in_flight + connection->unsent
                                                    : 0;
    if (connection->listed_load == load)
        return;
    if (connection->listed_load != PACER_UNLISTED)
        TAILQ_REMOVE(&pool->by_load[connection->listed_load], connection, by_load);
    connection->listed_load = load;
    if (load == PACER_UNLISTED)
        return;
    TAILQ_INSERT_TAIL(&pool->by_load[load], connection, by_load);
    if (load < pool->lowest)
        pool->lowest = load;
}

struct connection *router_pick(const struct worker *worker, struct pool *pool)
{
    while (pool->lowest < worker->run->pipeline && TAILQ_EMPTY(&pool->by_load[pool->lowest]))
        pool->lowest++;
    return pool->lowest < worker->run->pipeline ? TAILQ_FIRST(&pool->by_load[pool->lowest]) : NULL;
}

/* Requests in flight and tickets that connections hold. */
static bool has_capacity(const struct worker *worker)
{
    const struct router *router = &worker->router;
    return worker->in_flight + worker->unsent - router->held < router->capacity;
}

bool router_can_take(struct worker *worker)
{
    struct router *router = &worker->router;
    return router->by_slot ? has_capacity(worker) && router->full_ns == 0
                           : router_pick(worker, &router->pools[0]) != NULL;
}

/* Sending -------------------------------------------------------------------------------------- */

struct touched {
    struct connection *connections[BATCH_CONNECTIONS];
    uint32_t count;
};

/* Whoever calls it says afterwards that the connection has changed. */
static void give(struct connection *connection, const struct request_slot *slot,
                 struct touched *touched)
{
    *connection_slot(connection, connection->in_flight + connection->unsent++) = *slot;
    if (!slot->again)
        connection->worker->router.held--;
    connection->quota--;
    if (!connection->touched)
        touched->connections[touched->count++] = connection;
    connection->touched = true;
}

/* A ticket that is not to be sent any more. */
static void drop(struct worker *worker)
{
    worker->unsent--;
    worker->router.held--;
}

static bool is_too_late(const struct worker *worker, const struct request_slot *slot,
                        uint64_t now_ns)
{
    uint64_t after_ns = worker->spec->shed_after_ns;
    return worker->open_loop && after_ns > 0 && now_ns > slot->intended_ns &&
           now_ns - slot->intended_ns > after_ns;
}

static void serve_connection(struct worker *worker, struct connection *connection, uint64_t now_ns,
                             struct touched *touched)
{
    struct pool *pool = connection->pool;
    /* A rate gives each connection one at a time, the least loaded one first. */
    uint32_t most = worker->open_loop ? 1 : UINT32_MAX;
    while (most > 0 && can_take(connection) &&
           (pool->again.count > 0 || (pool->fresh.count > 0 && has_capacity(worker)))) {
        struct request_slot slot = slots_pop(pool->again.count > 0 ? &pool->again : &pool->fresh);
        if (!slot.again && slot.ticket >= WORKLOAD_WARMUP_TICKET && !worker->warming_up) {
            drop(worker); /* of a warm-up that is over: it was shed with that */
        } else if (!slot.again && is_too_late(worker, &slot, now_ns)) {
            worker_count(worker, COUNTER_SHED_LATE, 1);
            drop(worker);
        } else {
            give(connection, &slot, touched);
            most--;
        }
    }
    router_connection_changed(connection);
}

static void serve_pools(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    struct router *router = &worker->router;
    for (uint32_t i = 0; i < router->pool_count; i++) {
        struct pool *pool = &router->pools[i];
        struct connection *connection;
        while (touched->count < BATCH_CONNECTIONS &&
               (pool->again.count > 0 || (pool->fresh.count > 0 && has_capacity(worker))) &&
               (connection = router_pick(worker, pool)) != NULL)
            serve_connection(worker, connection, now_ns, touched);
    }
}

static bool draw(struct worker *worker, uint64_t now_ns, struct request_slot *slot)
{
    *slot = (struct request_slot){0};
    return worker->open_loop ? pacer_draw(worker, now_ns, slot)
                             : tickets_draw(worker, &slot->ticket);
}

static void note_full(struct worker *worker, uint64_t now_ns, bool full)
{
    struct router *router = &worker->router;
    if (router->full_ns != 0 && now_ns > router->full_ns)
        worker_count(worker, COUNTER_RING_FULL_NS, now_ns - router->full_ns);
    router->full_ns = full ? now_ns : 0;
}

/* One more ticket, into the ring of the node that it belongs to. NULL: there is none now, or no room. */
static struct pool *draw_one(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    if (!has_capacity(worker))
        return NULL;
    if (router->has_drawn && router->drawn.ticket >= WORKLOAD_WARMUP_TICKET &&
        !worker->warming_up) {
        drop(worker); /* of a warm-up that is over */
        router->has_drawn = false;
    }
    if (!router->has_drawn) {
        if (!draw(worker, now_ns, &router->drawn))
            return NULL;
        router->has_drawn = true;
        router->held++;
        worker->unsent++;
    }
    struct pool *pool = route(worker, router->drawn.ticket);
    bool full = pool->fresh.count >= FRESH_SLOTS;
    bool stops = full && !pool->failing;
    if (router->full_ns != 0 || stops)
        note_full(worker, now_ns, stops);
    if (stops)
        return NULL;
    router->has_drawn = false;
    if (full) {
        worker_count(worker, COUNTER_SHED_NODE, 1);
        drop(worker);
    } else {
        slots_push(&pool->fresh, &router->drawn);
    }
    return pool;
}

/* What is due. */
static void draw_due(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    struct pool *pool;
    while (touched->count < BATCH_CONNECTIONS && (pool = draw_one(worker, now_ns)) != NULL) {
        struct connection *connection =
            pool->again.count + pool->fresh.count > 0 ? router_pick(worker, pool) : NULL;
        if (connection != NULL)
            serve_connection(worker, connection, now_ns, touched);
    }
}

/* A closed loop draws for the connections that are free: one after the other, until it is full, so
 * that pipelined requests go out together. What belongs to other nodes on the way waits for them. */
static void draw_for_free(struct worker *worker, uint64_t now_ns, struct touched *touched)
{
    struct router *router = &worker->router;
    for (uint32_t i = 0; i < router->pool_count; i++) {
        struct pool *pool = &router->pools[i];
        struct connection *connection;
        while (touched->count < BATCH_CONNECTIONS &&
               (connection = router_pick(worker, pool)) != NULL) {
            while (can_take(connection)) {
                struct pool *drawn = draw_one(worker, now_ns);
                if (drawn == NULL)
                    break;
                if (drawn == pool && pool->fresh.count > 0) {
                    struct request_slot slot = slots_pop(&pool->fresh);
                    give(connection, &slot, touched);
                }
            }
            bool more = !can_take(connection);
            router_connection_changed(connection);
            if (!more)
                return;
        }
    }
}

void router_send(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    struct touched touched;
    if (!router->by_slot || worker->start_ns == 0)
        return;
    if (now_ns >= worker->edge_ns)
        recorder_cut(worker, now_ns);
    if (now_ns >= worker->stop_at_ns)
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
    } while (touched.count > 0);
}

void router_take_back(struct connection *connection)
{
    struct worker *worker = connection->worker;
    struct pool *pool = connection->pool;
    while (connection->unsent > 0) {
        struct request_slot *slot =
            connection_slot(connection, connection->in_flight + --connection->unsent);
        slots_push_front(slot->again ? &pool->again : &pool->fresh, slot);
        worker->router.held += !slot->again;
    }
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
    slots_push(&worker->router.retry, slot);
}

/* The pool of the node that the redirect names; NULL: not known, or no connection is to go there. */
static struct pool *redirect_pool(struct worker *worker, const struct connection *from)
{
    struct router *router = &worker->router;
    const struct redirect *redirect = &from->head_redirect;
    const char *host = redirect->host[0] != '\0' ? redirect->host
                                                 : router->topology->nodes[from->node].address.host;
    int node = topology_find(router->topology, host, redirect->port);
    if (node < 0 || (uint32_t)node >= router->pool_count || router->pools[node].wanted == 0)
        return NULL;
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
    if (kind == REDIRECT_MOVED || kind == REDIRECT_ASK)
        pool = redirect_pool(worker, connection);
    if (kind == REDIRECT_MOVED || kind == REDIRECT_CLUSTERDOWN || pool == NULL)
        router_want_refresh(worker);
    if (pool != NULL && slot.hops++ < HOPS_AT_ONCE)
        slots_push(&pool->again, &slot);
    else
        retry_later(worker, &slot, now_ns);
}

static void retry_due(struct worker *worker, uint64_t now_ns)
{
    struct slot_ring *retry = &worker->router.retry;
    uint32_t now_ms = (uint32_t)(now_ns / NS_PER_MS);
    while (retry->count > 0 && (int32_t)(now_ms - slots_at(retry, 0)->retry_ms) >= 0) {
        struct request_slot slot = slots_pop(retry);
        slots_push(&route(worker, slot.ticket)->again, &slot);
    }
}

/* Requests that wait to be sent again have the same time limit as those at a server. */
static void time_out_waiting(struct worker *worker, struct slot_ring *ring, uint64_t now_ns)
{
    uint32_t count = ring->count;
    for (uint32_t i = 0; i < count; i++) {
        struct request_slot slot = slots_pop(ring);
        if (now_ns < slot.sent_ns + worker->spec->request_timeout_ns) {
            slots_push(ring, &slot);
            continue;
        }
        worker->in_flight--;
        worker_count(worker, COUNTER_TIMED_OUT, 1);
        outcome_failed(&worker->interval->header.times, now_ns);
    }
    worker_publish_in_flight(worker);
}

/* Nodes and connections ------------------------------------------------------------------------ */

static bool pool_create(struct worker *worker, struct pool *pool)
{
    struct router *router = &worker->router;
    uint64_t loads = worker->run->pipeline;
    if (!worker->open_loop && !router->by_slot)
        return true;
    pool->by_load = calloc(loads, sizeof pool->by_load[0]);
    if (pool->by_load == NULL)
        return false;
    for (uint64_t load = 0; load < loads; load++)
        TAILQ_INIT(&pool->by_load[load]);
    return !router->by_slot || (slots_create(&pool->again, router->capacity + 1) &&
                                slots_create(&pool->fresh, FRESH_SLOTS + router->capacity + 1));
}

/* A pool for each node that has none yet. */
static bool add_pools(struct worker *worker)
{
    struct router *router = &worker->router;
    uint32_t wanted = router->by_slot ? router->topology->node_count : 1;
    while (router->pool_count < wanted) {
        if (!pool_create(worker, &router->pools[router->pool_count]))
            return false;
        router->pool_count++;
    }
    return true;
}

/* How many connections each node gets: the same for all, but for a primary without slots one. What does
 * not divide goes to other nodes in other workers. */
static void share_out(struct worker *worker, uint32_t wanted[TOPOLOGY_NODES_MAX])
{
    const struct topology *topology = worker->router.topology;
    uint32_t full[TOPOLOGY_NODES_MAX], full_count = 0, left = worker->connection_count;
    memset(wanted, 0, TOPOLOGY_NODES_MAX * sizeof wanted[0]);
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (serves(worker, i) && (!worker->router.by_slot || has_slots(topology, i) ||
                                  topology->nodes[i].role == TOPOLOGY_REPLICA))
            full[full_count++] = i;
    for (uint32_t i = 0; i < topology->node_count && left > full_count; i++)
        if (serves(worker, i) && worker->router.by_slot && !has_slots(topology, i) &&
            topology->nodes[i].role == TOPOLOGY_PRIMARY) {
            wanted[i] = 1;
            left--;
        }
    for (uint32_t i = 0; i < full_count; i++)
        wanted[full[(i + worker->share->index) % full_count]] =
            left / full_count + (i < left % full_count);
}

static uint32_t next_unfilled(const uint32_t wanted[TOPOLOGY_NODES_MAX],
                              const uint32_t assigned[TOPOLOGY_NODES_MAX], uint32_t node_count,
                              uint32_t from)
{
    for (uint32_t i = 0; i < node_count; i++) {
        uint32_t node = (from + i) % node_count;
        if (assigned[node] < wanted[node])
            return node;
    }
    return from % node_count;
}

/* Moves connections from nodes that have too many to those that have too few. first: none has a node
 * yet. */
static void assign_connections(struct worker *worker, uint64_t now_ns, bool first)
{
    struct router *router = &worker->router;
    uint32_t nodes = router->topology->node_count, last = 0;
    uint32_t wanted[TOPOLOGY_NODES_MAX], assigned[TOPOLOGY_NODES_MAX] = {0};
    share_out(worker, wanted);
    for (uint32_t i = 0; router->by_slot && i < nodes; i++)
        router->pools[i].wanted = wanted[i];
    bool *stays = calloc(worker->connection_count, sizeof stays[0]);
    for (uint32_t i = 0; i < worker->connection_count && !first; i++) {
        const struct connection *connection = &worker->connections[i];
        uint32_t node = connection->retiring ? connection->next_node : connection->node;
        if (stays == NULL || assigned[node] >= wanted[node])
            continue;
        assigned[node]++;
        stays[i] = true;
    }
    for (uint32_t i = 0; i < worker->connection_count && stays != NULL; i++) {
        if (stays[i])
            continue;
        last = next_unfilled(wanted, assigned, nodes, last + 1);
        assigned[last]++;
        connection_move(&worker->connections[i], last, now_ns);
    }
    for (uint32_t i = 0; i < worker->idle_count && first; i++)
        connection_move(&worker->connections[worker->connection_count + i], i % nodes, now_ns);
    free(stays);
}

/* Tickets that waited for the node that had their slot wait for the one that has it now. */
static void route_again(struct worker *worker)
{
    struct router *router = &worker->router;
    uint32_t counts[TOPOLOGY_NODES_MAX][2];
    for (uint32_t i = 0; i < router->pool_count; i++) {
        counts[i][0] = router->pools[i].again.count;
        counts[i][1] = router->pools[i].fresh.count;
    }
    for (uint32_t i = 0; i < router->pool_count; i++) {
        for (uint32_t k = 0; k < counts[i][0]; k++) {
            struct request_slot slot = slots_pop(&router->pools[i].again);
            struct pool *pool = slot.asking ? &router->pools[i] : route(worker, slot.ticket);
            slots_push(&pool->again, &slot);
        }
        for (uint32_t k = 0; k < counts[i][1]; k++) {
            struct request_slot slot = slots_pop(&router->pools[i].fresh);
            struct pool *pool = route(worker, slot.ticket);
            if (pool->fresh.count >= FRESH_SLOTS) {
                worker_count(worker, COUNTER_SHED_NODE, 1);
                drop(worker);
                continue;
            }
            slots_push(&pool->fresh, &slot);
        }
    }
}

static void take_topology(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    if (!topology_refresh(router->topology, &router->version, ipc_topology(worker->run->segment)))
        return;
    if (!add_pools(worker))
        return;            /* no memory: nodes without a pool get no request */
    worker->reconnected++; /* from now on there may have been allocations */
    router->many_nodes |= router->topology->node_count > 1;
    find_readers(worker);
    assign_connections(worker, now_ns, false);
    if (router->by_slot)
        route_again(worker);
}

void router_tick(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    if (worker->run->null_transport)
        return;
    take_topology(worker, now_ns);
    if (!router->by_slot)
        return;
    retry_due(worker, now_ns);
    if (router->retry.count > 0)
        time_out_waiting(worker, &router->retry, now_ns);
    for (uint32_t i = 0; i < router->pool_count; i++)
        if (router->pools[i].again.count > 0)
            time_out_waiting(worker, &router->pools[i].again, now_ns);
    if (router->full_ns != 0)
        note_full(worker, now_ns, true);
    router_send(worker, now_ns);
}

/* Life ----------------------------------------------------------------------------------------- */

static enum err_code no_memory(const struct worker *worker, struct err *err)
{
    return err_set(err, E_SYSTEM, "worker %u: no memory for the nodes of the target",
                   worker->share->index);
}

static enum err_code read_topology(struct worker *worker, struct err *err)
{
    struct router *router = &worker->router;
    router->topology = calloc(1, sizeof *router->topology);
    if (router->topology == NULL)
        return no_memory(worker, err);
    uint64_t give_up_ns = clock_now_ns() + NS_PER_SECOND;
    while (
        !topology_refresh(router->topology, &router->version, ipc_topology(worker->run->segment)) &&
        router->topology->node_count == 0 && worker->run->topology != NULL)
        if (clock_now_ns() > give_up_ns) /* it is being written all the time: its writer is dead */
            return err_set(err, E_SYSTEM, "worker %u: the table of nodes cannot be read",
                           worker->share->index);
    if (router->topology->node_count == 0) {
        router->topology->node_count = 1;
        if (worker->run->target != NULL)
            router->topology->nodes[0].address = *worker->run->target;
    }
    return OK;
}

static enum err_code check_reach(struct worker *worker, struct err *err)
{
    const struct topology *topology = worker->router.topology;
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < topology->node_count; i++)
        nodes += serves(worker, i);
    if (nodes == 0)
        return err_set(err, E_CONNECT, "none of the %u nodes serves these requests",
                       topology->node_count);
    if (worker->router.by_slot && worker->connection_count < nodes)
        return err_set(err, E_CONNECT,
                       "worker %u: %u connections do not reach %u nodes; give --clients at least "
                       "%u, or fewer --processes",
                       worker->share->index, worker->connection_count, nodes,
                       nodes * worker->run->worker_count);
    return OK;
}

enum err_code router_create(struct worker *worker, struct err *err)
{
    struct router *router = &worker->router;
    enum err_code code = read_topology(worker, err);
    if (code != OK)
        return code;
    router->by_slot = router->topology->kind == TOPOLOGY_SLOTS && !worker->run->null_transport;
    router->many_nodes = router->by_slot || router->topology->node_count > 1;
    router->from_replicas = worker->spec->replica_reads != REPLICA_READS_NO &&
                            workload_reads_only(worker->run->workload);
    router->capacity = (uint64_t)worker->connection_count * worker->run->pipeline;
    router->pools = calloc(TOPOLOGY_NODES_MAX, sizeof router->pools[0]);
    if (router->pools == NULL || !add_pools(worker) ||
        (router->by_slot && !slots_create(&router->retry, router->capacity + 1)))
        return no_memory(worker, err);
    find_readers(worker);
    code = check_reach(worker, err);
    if (code == OK)
        assign_connections(worker, 0, true);
    return code;
}

void router_destroy(struct worker *worker)
{
    struct router *router = &worker->router;
    for (uint32_t i = 0; router->pools != NULL && i < router->pool_count; i++) {
        free(router->pools[i].by_load);
        free(router->pools[i].again.slots);
        free(router->pools[i].fresh.slots);
    }
    free(router->pools);
    free(router->retry.slots);
    free(router->topology);
}

void router_abandon(struct worker *worker, enum counter cause)
{
    struct router *router = &worker->router;
    uint64_t lost = router_recount_in_flight(worker);
    worker_count(worker, cause, lost);
    worker->in_flight -= lost;
    router->retry.count = 0;
    for (uint32_t i = 0; i < router->pool_count; i++)
        router->pools[i].again.count = 0;
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

static bool is_backlog(const struct worker *worker, const struct request_slot *slot)
{
    return slot->ticket < WORKLOAD_WARMUP_TICKET || !worker->pacer.measuring;
}

uint64_t router_recount_unsent(const struct worker *worker)
{
    const struct router *router = &worker->router;
    uint64_t unsent = router->has_drawn && is_backlog(worker, &router->drawn);
    for (uint32_t i = 0; i < router->pool_count; i++)
        for (uint32_t k = 0; k < router->pools[i].fresh.count; k++)
            unsent += is_backlog(worker, slots_at(&router->pools[i].fresh, k));
    return unsent;
}
