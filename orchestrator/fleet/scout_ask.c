/* What the scout asks of nodes: a cluster's view of itself, roles, and addresses of names. */
#include <arpa/inet.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/fleet/scout_state.h"
#include "orchestrator/server/discover.h"

#define RESOLVE_EVERY_NS (500 * NS_PER_MS)

void scout_resolve(struct scout *scout)
{
    struct err err = {.code = OK};
    if (topology_resolve(&scout->next, NULL, &err) != OK)
        log_line(LOG_DEBUG, "topology: %s", err.text);
}

/* ---- a cluster ---- */

/* One node's answers, written into next. */
static bool ask_node(struct scout *scout, struct cluster_view *view, uint32_t node)
{
    struct err err = {.code = OK};
    const struct target_address asked = scout->next.nodes[node].address;
    struct control *control = scout_reach(scout, node);
    if (control == NULL)
        return false;
    if (cluster_ask_view(view, control, &err) != OK ||
        (view->enabled && cluster_ask_nodes(&scout->next, NULL, control, &asked,
                                            scout->run->spec->endpoint.tls.wanted, &err) != OK)) {
        scout_unanswered(scout, node, &err);
        return false;
    }
    scout->heard = true;
    return view->enabled;
}

/* Whom to ask in which order: the last that answered well, primaries, replicas, and those that seem to
 * be gone. */
static uint32_t order_nodes(const struct scout *scout, uint32_t order[TOPOLOGY_NODES_MAX])
{
    static const enum topology_role roles[] = {TOPOLOGY_PRIMARY, TOPOLOGY_REPLICA, TOPOLOGY_GONE};
    uint32_t count = 0;
    order[count++] = scout->last_good;
    for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++)
        for (uint32_t i = 0; i < scout->current.node_count; i++)
            if (i != scout->last_good && scout->current.nodes[i].role == roles[r])
                order[count++] = i;
    return count;
}

/* Redis 8 leaves the slots of a failed primary out of CLUSTER SHARDS. They are still its own: without an
 * owner their requests would go to the others, and hold up what those have to do. */
static void keep_owners(struct scout *scout)
{
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        if (scout->next.owner[slot] == TOPOLOGY_NOBODY)
            scout->next.owner[slot] = scout->current.owner[slot];
}

/* A node that has been cut off, or was taken out of the cluster, tells of an older world or of itself
 * alone. The first answer of the newest epoch in which every slot has an owner is taken at once; else
 * the best there is. */
bool scout_ask_cluster(struct scout *scout)
{
    static uint32_t order[TOPOLOGY_NODES_MAX]; /* too many for a stack */
    uint32_t best_uncovered = SLOTS_COUNT, best_node = 0;
    uint64_t best_epoch = 0;
    bool settled = false;
    uint32_t count = order_nodes(scout, order);
    for (uint32_t i = 0; i < count; i++) {
        struct cluster_view view;
        topology_copy(&scout->next, &scout->current);
        if (!ask_node(scout, &view, order[i]))
            continue;
        uint32_t uncovered = topology_uncovered(&scout->next);
        bool better =
            view.epoch > best_epoch || (view.epoch == best_epoch && uncovered < best_uncovered);
        if (uncovered == SLOTS_COUNT || !better)
            continue;
        topology_copy(&scout->spare, &scout->next);
        best_epoch = view.epoch;
        best_uncovered = uncovered;
        best_node = order[i];
        settled = view.ok && view.slots_failed == 0;
        if (view.epoch >= scout->epoch && uncovered == 0)
            break;
    }
    scout->unsettled = !settled;
    if (best_uncovered == SLOTS_COUNT)
        return false;
    topology_copy(&scout->next, &scout->spare);
    scout->epoch = best_epoch;
    scout->last_good = best_node;
    keep_owners(scout);
    scout_resolve(scout);
    return true;
}

/* ---- servers that were named ---- */

bool scout_is_name(const struct topology_node *node)
{
    struct in6_addr ignored;
    const char *host = node->address.host;
    return host[0] != '\0' && inet_pton(AF_INET, host, &ignored) != 1 &&
           inet_pton(AF_INET6, host, &ignored) != 1;
}

/* The name leads elsewhere now, or the address it led to has stopped answering: whichever address of
 * it answers. */
static void resolve_again(struct scout *scout, uint32_t index)
{
    struct topology_node *node = &scout->next.nodes[index];
    struct target_address answered;
    struct control *control = NULL;
    struct host_name name = {.port = node->port};
    struct err err = {.code = OK};
    memcpy(name.host, node->address.host, sizeof name.host);
    if (control_connect_host(&control, &answered, &name, &scout->patience, NULL, &err) != OK) {
        log_line(LOG_DEBUG, "topology: %s", err.text);
        return;
    }
    scout_drop(scout, index);
    scout->controls[index] = control;
    scout->reached[index] = answered;
    node->address = answered;
}

static void resolve_names(struct scout *scout)
{
    uint64_t now_ns = clock_now_ns();
    if (!scout->wish_open || now_ns < scout->resolved_at_ns + RESOLVE_EVERY_NS)
        return;
    scout->resolved_at_ns = now_ns;
    for (uint32_t i = 0; i < scout->next.node_count; i++)
        if (scout->next.nodes[i].role != TOPOLOGY_GONE && scout_is_name(&scout->next.nodes[i]))
            resolve_again(scout, i);
}

/* scout->role of a node. */
static bool ask_role(struct scout *scout, uint32_t node)
{
    struct err err = {.code = OK};
    struct control *control = scout_reach(scout, node);
    if (control == NULL)
        return false;
    if (role_ask(&scout->role, control, &err) == OK)
        return scout->heard = true;
    scout_unanswered(scout, node, &err);
    return false;
}

static void give_way(struct scout *scout, uint32_t primary, uint32_t successor)
{
    struct topology *next = &scout->next;
    for (uint32_t i = 0; i < next->node_count; i++)
        if (next->nodes[i].role == TOPOLOGY_REPLICA && next->nodes[i].primary == primary)
            next->nodes[i].primary = (uint16_t)successor;
    next->nodes[primary].role = TOPOLOGY_GONE;
    next->nodes[successor].role = TOPOLOGY_PRIMARY;
    next->nodes[successor].primary = (uint16_t)successor;
}

/* A primary does not answer, or has become a replica: one of its replicas may have taken its place. */
static bool find_successor(struct scout *scout, uint32_t primary)
{
    for (uint32_t i = 0; i < scout->next.node_count; i++) {
        const struct topology_node *node = &scout->next.nodes[i];
        if (node->role != TOPOLOGY_REPLICA || node->primary != primary || !ask_role(scout, i) ||
            !scout->role.primary)
            continue;
        give_way(scout, primary, i);
        return replicas_into(&scout->next, i, &scout->role);
    }
    return false;
}

static bool ask_primary(struct scout *scout, uint32_t primary)
{
    if (!ask_role(scout, primary))
        return find_successor(scout, primary);
    if (scout->role.primary)
        return replicas_into(&scout->next, primary, &scout->role);
    const struct host_name name = scout->role.primary_name;
    int successor = topology_add(&scout->next, name.host, name.port);
    scout->unsettled = true; /* it has not been asked yet who its replicas are */
    if (successor < 0 || (uint32_t)successor == primary)
        return false;
    give_way(scout, primary, (uint32_t)successor);
    return true;
}

bool scout_ask_servers(struct scout *scout)
{
    bool answered = false;
    scout->unsettled = false;
    resolve_names(scout);
    if (scout->run->spec->endpoint.replica_reads == REPLICA_READS_NO)
        return true;
    uint32_t node_count = scout->next.node_count;
    for (uint32_t i = 0; i < node_count; i++)
        if (scout->current.nodes[i].role == TOPOLOGY_PRIMARY &&
            scout->next.nodes[i].role == TOPOLOGY_PRIMARY)
            answered |= ask_primary(scout, i);
    scout_resolve(scout);
    return answered;
}
