/* The nodes of the target as a worker sees them: which of them serve its requests, and which connection
 * goes to which. Where a request goes is in router.c. */
#include <stdlib.h>
#include <string.h>

#include "worker/slot_ring.h"
#include "worker/worker_state.h"

/* Who serves what ------------------------------------------------------------------------------ */

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

/* Connections ---------------------------------------------------------------------------------- */

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
 * not divide goes on with the node at which the worker before has ended. */
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
    const uint32_t to_empty = worker->connection_count - left;
    const uint32_t first = worker->share->connections_before - worker->share->index * to_empty;
    for (uint32_t i = 0; i < full_count; i++)
        wanted[full[(i + first) % full_count]] = left / full_count + (i < left % full_count);
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
        connection_move(&worker->connections[worker->connection_count + i],
                        (i * worker->run->worker_count + worker->share->index) % nodes, now_ns);
    free(stays);
}

bool router_take_topology(struct worker *worker, uint64_t now_ns)
{
    struct router *router = &worker->router;
    if (!topology_refresh(router->topology, &router->version, ipc_topology(worker->run->segment)))
        return false;
    if (!add_pools(worker))
        return false;      /* no memory: nodes without a pool get no request */
    worker->reconnected++; /* from now on there may have been allocations */
    router->many_nodes |= router->topology->node_count > 1;
    find_readers(worker);
    assign_connections(worker, now_ns, false);
    return true;
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
    router->many_nodes = router->by_slot || router->topology->node_count > 1 ||
                         worker->spec->sentinels != NULL ||
                         worker->spec->replica_reads != REPLICA_READS_NO;
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
