/* The nodes of the target as a worker sees them: which of them serve its requests, and which connection
 * goes to which. Where a request goes is in router.c. */
#include "worker/router.h"

#include <stdlib.h>
#include <string.h>

#include "worker/stream.h"

/* Tickets that wait for one node. At 10,000 requests a second to each of its nodes a worker fills it in
 * 1.6 s: beyond that tickets of a node that is gone are shed, and one that is slow stops the drawing.
 * More nodes than these share what these have: a worker's requests go to each of them less often. */
#define FRESH_SLOTS 16384u
#define FRESH_NODES 64u
#define FRESH_SLOTS_MIN 16u
/* What a replay that is as fast as replies come reads ahead, for clients that are less busy than others: more of it would have
 * left the cache when its turn comes. */
#define FRESH_SLOTS_AHEAD 4096u

/* Who serves what ------------------------------------------------------------------------------ */

/* A target without slots is one with slots of which each primary has as many as the others: the requests for one key
 * go to one primary, and to its replicas. */
static void share_slots(struct router *router)
{
    struct topology *topology = router->topology;
    static uint16_t primaries[TOPOLOGY_NODES_MAX]; /* too many for a stack */
    uint32_t count = 0;
    if (topology->kind == TOPOLOGY_SLOTS || !router->by_slot)
        return;
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            primaries[count++] = (uint16_t)i;
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology->owner[slot] = count > 0 ? primaries[slot * count / SLOTS_COUNT] : TOPOLOGY_NOBODY;
}

/* What is asked of each node again and again is counted once for a table. */
static void count_nodes(struct router *router)
{
    const struct topology *topology = router->topology;
    if (router->slot_counts == NULL)
        return;
    if (router->by_slot)
        topology_count_slots(topology, router->slot_counts);
    memset(router->replica_counts, 0, topology->node_count * sizeof router->replica_counts[0]);
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].role == TOPOLOGY_REPLICA &&
            topology->nodes[i].primary < topology->node_count)
            router->replica_counts[topology->nodes[i].primary]++;
}

/* Whether requests that only read go there, as --read-from-replica has it. */
static bool reads_at(const struct stream *stream, uint32_t node)
{
    const uint32_t role = stream->router.topology->nodes[node].role;
    if (role == TOPOLOGY_GONE)
        return false;
    if (stream->spec->endpoint.replica_reads == REPLICA_READS_ALL || role == TOPOLOGY_REPLICA)
        return true;
    return stream->router.by_slot && stream->router.replica_counts[node] == 0;
}

static bool serves(const struct stream *stream, uint32_t node)
{
    const struct topology *topology = stream->router.topology;
    uint32_t role = topology->nodes[node].role;
    if (role == TOPOLOGY_GONE)
        return false;
    if (!stream->router.from_replicas || (stream->router.mixed && role == TOPOLOGY_PRIMARY))
        return role == TOPOLOGY_PRIMARY;
    return reads_at(stream, node);
}

/* The primary whose slots the node serves: itself, or of a replica its own. */
static uint32_t primary_of(const struct topology *topology, uint32_t node)
{
    const struct topology_node *at = &topology->nodes[node];
    return at->role == TOPOLOGY_REPLICA && at->primary < topology->node_count ? at->primary : node;
}

/* Requests go there: it serves, and in a cluster has slots. */
static bool is_wanted(const struct stream *stream, uint32_t node)
{
    const struct router *router = &stream->router;
    return serves(stream, node) &&
           (!router->by_slot || router->slot_counts[primary_of(router->topology, node)] > 0);
}

static void add_reader(struct router *router, uint32_t owner, uint32_t node)
{
    router->readers[router->reader_first[owner] + router->reader_count[owner]++] = (uint16_t)node;
}

/* A primary whose slots are read has itself or its replicas, as serves() says. A replica has itself: it may
 * own slots before the table says so. */
static void find_readers(struct stream *stream)
{
    struct router *router = &stream->router;
    const struct topology *topology = router->topology;
    const uint32_t count = topology->node_count;
    uint32_t used = 0;
    if (!router->from_replicas)
        return;
    for (uint32_t i = 0; i < count; i++) {
        router->reader_first[i] = (uint16_t)used;
        router->reader_count[i] = 0;
        used += 1u + router->replica_counts[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t primary = primary_of(topology, i);
        if (!reads_at(stream, i))
            continue;
        add_reader(router, i, i);
        if (primary != i)
            add_reader(router, primary, i);
    }
}

static void find_what_is_due(struct stream *stream)
{
    const struct router *router = &stream->router;
    for (uint32_t i = 0; i < stream->pools.count; i++)
        stream->pools.each[i].takes_tickets =
            !router->mixed || (router->due_read && reads_at(stream, i)) ||
            (router->due_other && router->topology->nodes[i].role == TOPOLOGY_PRIMARY);
}

/* Connections ---------------------------------------------------------------------------------- */

/* The more nodes, the fewer tickets may wait for each. */
static void limit_fresh(struct pools *pools)
{
    uint32_t each = pools->held_max / pools->count;
    pools->fresh_max = each > FRESH_SLOTS       ? FRESH_SLOTS
                       : each < FRESH_SLOTS_MIN ? FRESH_SLOTS_MIN
                                                : each;
}

/* A pool for each node that has none yet. */
static bool add_pools(struct stream *stream)
{
    const struct router *router = &stream->router;
    uint32_t wanted = router->by_client ? stream->connection_count
                      : router->by_slot ? router->topology->node_count
                                        : 1;
    while (stream->pools.count < wanted)
        if (!pools_add(stream))
            return false;
    limit_fresh(&stream->pools);
    /* Recorded clients are not equally busy. */
    if (stream->replay != NULL)
        stream->pools.fresh_max = stream->pools.held_max;
    return true;
}

/* How many connections each node gets: the same for all, none for a primary without slots, and one when
 * another node has sent requests to it: slots are on their way there. What does not divide goes on with the
 * node at which the worker before has ended. */
static void share_out(struct stream *stream, uint32_t wanted[TOPOLOGY_NODES_MAX])
{
    const struct topology *topology = stream->router.topology;
    static uint32_t full[TOPOLOGY_NODES_MAX]; /* too many for a stack */
    uint32_t full_count = 0, left = stream->connection_count;
    memset(wanted, 0, topology->node_count * sizeof wanted[0]);
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (is_wanted(stream, i))
            full[full_count++] = i;
    for (uint32_t i = 0; stream->router.by_slot && i < topology->node_count; i++)
        if (left > full_count && serves(stream, i) && stream->pools.each[i].called &&
            stream->router.slot_counts[i] == 0 && topology->nodes[i].role == TOPOLOGY_PRIMARY) {
            wanted[i] = 1;
            left--;
        }
    const uint32_t to_empty = stream->connection_count - left;
    const uint32_t first = stream->share->connections_before - stream->share->index * to_empty;
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
static void assign_connections(struct stream *stream, uint64_t now_ns, bool first)
{
    struct router *router = &stream->router;
    uint32_t nodes = router->topology->node_count, last = 0;
    static uint32_t wanted[TOPOLOGY_NODES_MAX], assigned[TOPOLOGY_NODES_MAX];
    memset(assigned, 0, nodes * sizeof assigned[0]);
    share_out(stream, wanted);
    for (uint32_t i = 0; router->by_slot && i < nodes; i++)
        stream->pools.each[i].wanted = wanted[i];
    bool *stays = calloc(stream->connection_count, sizeof stays[0]);
    for (uint32_t i = 0; i < stream->connection_count && !first; i++) {
        const struct connection *connection = &stream->connections[i];
        uint32_t node = connection->retiring ? connection->next_node : connection->node;
        if (stays == NULL || assigned[node] >= wanted[node])
            continue;
        assigned[node]++;
        stays[i] = true;
    }
    for (uint32_t i = 0; i < stream->connection_count && stays != NULL; i++) {
        if (stays[i])
            continue;
        last = next_unfilled(wanted, assigned, nodes, last + 1);
        assigned[last]++;
        connection_move(&stream->connections[i], last, now_ns);
    }
    for (uint32_t i = 0; i < stream->idle_count && first; i++)
        connection_move(&stream->connections[stream->connection_count + i],
                        (i * stream->run->worker_count + stream->share->index) % nodes, now_ns);
    free(stays);
}

bool router_take_topology(struct stream *stream, uint64_t now_ns)
{
    struct router *router = &stream->router;
    bool fresh =
        topology_refresh(router->topology, &router->version, ipc_topology(stream->run->segment));
    if (!fresh && !router->called)
        return false;
    if ((stream->buffer.plan != NULL && !buffer_add_nodes(stream)) || !add_pools(stream))
        return false; /* no memory: nodes without a pool get no request */
    if (stream->near.cache != NULL)
        near_reads_clear(stream, now_ns);
    stream->reconnected++; /* from now on there may have been allocations */
    router->called = false;
    router->many_nodes |= router->topology->node_count > 1;
    router->lanes |= router->many_nodes;
    share_slots(router);
    count_nodes(router);
    find_readers(stream);
    find_what_is_due(stream);
    assign_connections(stream, now_ns, false);
    return true;
}

/* Life ----------------------------------------------------------------------------------------- */

static enum err_code no_memory(const struct stream *stream, struct err *err)
{
    return err_set(err, E_SYSTEM, "worker %u: no memory for the nodes of the target",
                   stream->share->index);
}

static enum err_code read_topology(struct stream *stream, struct err *err)
{
    struct router *router = &stream->router;
    router->topology = calloc(1, sizeof *router->topology);
    if (router->topology == NULL)
        return no_memory(stream, err);
    uint64_t give_up_ns = clock_now_ns() + NS_PER_SECOND;
    while (
        !topology_refresh(router->topology, &router->version, ipc_topology(stream->run->segment)) &&
        router->topology->node_count == 0 && stream->run->topology != NULL)
        if (clock_now_ns() > give_up_ns) /* it is being written all the time: its writer is dead */
            return err_set(err, E_SYSTEM, "worker %u: the table of nodes cannot be read",
                           stream->share->index);
    if (router->topology->node_count == 0) {
        router->topology->node_count = 1;
        if (stream->run->target != NULL)
            router->topology->nodes[0].address = *stream->run->target;
    }
    return OK;
}

static enum err_code check_reach(struct stream *stream, struct err *err)
{
    const struct topology *topology = stream->router.topology;
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < topology->node_count; i++)
        nodes += is_wanted(stream, i);
    if (nodes == 0)
        return err_set(err, E_CONNECT, "none of the %u nodes serves these requests",
                       topology->node_count);
    if (stream->router.by_slot && stream->connection_count < nodes)
        return err_set(err, E_CONNECT,
                       "worker %u: %u connections do not reach %u nodes, and each worker needs one "
                       "to each; give --%s at least %u, or fewer --processes",
                       stream->share->index, stream->connection_count, nodes,
                       stream->spec->load.clients_option != NULL ? stream->spec->load.clients_option
                                                                 : "clients",
                       nodes * stream->run->worker_count);
    return OK;
}

/* For nodes that may be added, too: room that is not used is not touched. Requests that wait are those that
 * connections have given back or a node has sent elsewhere, and tickets that were never sent. */
static bool make_room(struct stream *stream)
{
    struct router *router = &stream->router;
    struct pools *pools = &stream->pools;
    const uint32_t nodes = router->topology->node_count;
    TAILQ_INIT(&pools->free);
    TAILQ_INIT(&pools->work);
    pools->capacity = (uint64_t)stream->connection_count * stream->run->pipeline;
    pools->takes_below = stream->run->pipeline;
    pools->held_max = FRESH_SLOTS * (nodes < FRESH_NODES ? nodes : FRESH_NODES);
    if (stream->replay != NULL && !stream->open_loop)
        pools->held_max = FRESH_SLOTS_AHEAD;
    buffer_make_room(stream);
    pools->each = calloc(router->by_client ? stream->connection_count
                         : router->by_slot ? TOPOLOGY_NODES_MAX
                                           : 1,
                         sizeof pools->each[0]);
    if (pools->each == NULL)
        return false;
    if (router->by_slot || router->from_replicas) {
        uint16_t *counts = calloc(6 * (size_t)TOPOLOGY_NODES_MAX, sizeof counts[0]);
        if (counts == NULL)
            return false;
        router->slot_counts = counts;
        router->replica_counts = counts + TOPOLOGY_NODES_MAX;
        router->reader_first = counts + 2 * TOPOLOGY_NODES_MAX;
        router->reader_count = counts + 3 * TOPOLOGY_NODES_MAX;
        router->readers = counts + 4 * TOPOLOGY_NODES_MAX;
    }
    return slot_store_create(&pools->store, pools->held_max + 2 * pools->capacity + 1);
}

/* Each class goes where it belongs. Without slots a connection may go to any node as long as all that it carries may. */
static void find_what_reads(struct stream *stream)
{
    struct router *router = &stream->router;
    const struct generation *generation = &stream->generation;
    const bool real = !stream->run->null_transport;
    bool some = false, all = true;
    for (uint32_t i = 0; i < generation->class_count; i++) {
        const struct request_class *class = &generation->classes[i];
        some |= class->reads_only;
        all &= class->reads_only;
        router->due_read |= class->reads_only && !class->follows_only;
        router->due_other |= !class->reads_only && !class->follows_only;
    }
    router->from_replicas =
        real && some && stream->spec->endpoint.replica_reads != REPLICA_READS_NO;
    router->mixed = router->from_replicas && !all;
    router->by_slot = router->mixed || (real && router->topology->kind == TOPOLOGY_SLOTS);
}

enum err_code router_create(struct stream *stream, struct err *err)
{
    struct router *router = &stream->router;
    enum err_code code = read_topology(stream, err);
    if (code != OK)
        return code;
    find_what_reads(stream);
    router->by_client = stream->replay != NULL && !router->by_slot;
    router->gated = stream->replay != NULL && router->by_slot;
    router->many_pools = router->by_slot || router->by_client;
    router->selects = stream->replay != NULL && stream->run->replay->facts.most_database > 0;
    for (uint32_t i = 0; i < stream->generation.class_count; i++)
        router->loads |= stream->generation.classes[i].load_count > 0;
    router->has_again = router->many_pools || router->loads ||
                        stream->generation.weighted_count < stream->generation.class_count;
    router->many_nodes = router->by_slot || router->topology->node_count > 1 ||
                         stream->spec->endpoint.sentinels != NULL ||
                         stream->spec->endpoint.replica_reads != REPLICA_READS_NO;
    router->lanes =
        router->many_nodes || router->loads || stream->recorder.interval->class_count > 0;
    stream->dispatch.straight =
        !stream->open_loop && !router->has_again && !think_is_wanted(stream);
    if (!make_room(stream) || !add_pools(stream))
        return no_memory(stream, err);
    share_slots(router);
    count_nodes(router);
    find_readers(stream);
    find_what_is_due(stream);
    code = check_reach(stream, err);
    if (code == OK)
        assign_connections(stream, 0, true);
    return code;
}

void router_destroy(struct stream *stream)
{
    struct router *router = &stream->router;
    pools_destroy(&stream->pools);
    free(router->slot_counts);
    free(router->topology);
}
