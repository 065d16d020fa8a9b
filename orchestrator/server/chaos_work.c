#include "orchestrator/server/chaos_work.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/server/managed_node.h"

#define ANSWER_NS (30 * NS_PER_SECOND)
#define SETTLE_NS (30 * NS_PER_SECOND)
#define GOSSIP_NS (5 * NS_PER_SECOND)
#define SAVE_NS (50 * NS_PER_SECOND)
/* A failover that the cluster was asked for and that has not come about is asked for again. */
#define FAILOVER_TRY_NS (6 * NS_PER_SECOND)

/* A connection to the first node that answers, without the one excepted (UINT32_MAX: none). */
static enum err_code open_any(struct control **control, const struct managed_cluster *cluster,
                              uint32_t except, struct err *err)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct err ignored = {.code = OK};
        if (i != except && managed_cluster_connect(control, cluster, i, &ignored) == OK)
            return OK;
    }
    *control = NULL;
    return err_set(err, E_CONNECT, "no other node answers");
}

/* ---- one node, or all that run ---- */

/* Until a field that a command gives is so. */
static enum err_code await_field(struct control *control, const char *command, const char *field,
                                 const char *value, const char *otherwise, struct err *err)
{
    const uint64_t deadline_ns = clock_now_ns() + SAVE_NS;
    bool is = false;
    enum err_code code = OK;
    while (code == OK && !is) {
        code = managed_node_wait(deadline_ns, NULL, otherwise, err);
        if (code == OK)
            code = managed_node_field_is(&is, control, command, field, value, err);
    }
    return code;
}

static enum err_code save(struct control *control, struct err *err)
{
    bool good = false;
    enum err_code code = managed_node_order(control, err, "BGSAVE SCHEDULE");
    if (code == OK)
        code = await_field(control, "INFO persistence", "rdb_bgsave_in_progress", "0",
                           "the save did not end", err);
    if (code == OK)
        code = managed_node_field_is(&good, control, "INFO persistence", "rdb_last_bgsave_status",
                                     "ok", err);
    if (code == OK && !good)
        code = err_set(err, E_FAILED, "the server says that its save failed");
    return code;
}

/* One that another save delays is scheduled. */
static enum err_code rewrite(struct control *control, struct err *err)
{
    static const char *const fields[] = {"aof_rewrite_scheduled", "aof_rewrite_in_progress"};
    bool good = false;
    enum err_code code = managed_node_order(control, err, "BGREWRITEAOF");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && code == OK; i++)
        code = await_field(control, "INFO persistence", fields[i], "0", "the rewrite did not end",
                           err);
    if (code == OK)
        code = managed_node_field_is(&good, control, "INFO persistence",
                                     "aof_last_bgrewrite_status", "ok", err);
    if (code == OK && !good)
        code = err_set(err, E_FAILED, "the server says that its rewrite failed");
    return code;
}

/* Replicas hear of it from their primaries. */
static enum err_code flush(struct control *control, struct err *err)
{
    bool primary = false;
    enum err_code code =
        managed_node_field_is(&primary, control, "INFO replication", "role", "master", err);
    if (code == OK && primary)
        code = managed_node_order(control, err, "FLUSHALL ASYNC");
    return code == OK ? await_field(control, "INFO memory", "lazyfree_pending_objects", "0",
                                    "what was flushed was not freed", err)
                      : code;
}

static enum err_code kill_clients(struct control *control, struct err *err)
{
    return managed_node_order(control, err, "CLIENT KILL TYPE normal");
}

static enum err_code on_nodes(const struct managed_cluster *cluster, uint32_t node,
                              enum err_code (*act)(struct control *control, struct err *err),
                              struct err *err)
{
    uint32_t done = 0;
    enum err_code code = OK;
    for (uint32_t i = 0; i < cluster->count && code == OK; i++) {
        struct control *control;
        const struct managed_server *server = &cluster->nodes[i];
        const bool runs = server->process.pid != 0 && !server->end_expected;
        if (node == CHAOS_ALL_NODES ? !runs : i != node)
            continue;
        code = managed_cluster_connect(&control, cluster, i, err);
        if (code == OK)
            code = act(control, err);
        control_close(control);
        done++;
    }
    if (done == 0 && code == OK)
        code = err_set(err, E_FAILED, "no node runs");
    return code;
}

/* ---- roles outside a cluster ---- */

static enum err_code has_role(bool *has, const struct managed_cluster *cluster, uint32_t node,
                              const char *role, struct err *err)
{
    struct control *control;
    *has = false;
    enum err_code code = managed_cluster_connect(&control, cluster, node, err);
    if (code == OK)
        code = managed_node_field_is(has, control, "INFO replication", "role", role, err);
    control_close(control);
    return code;
}

/* The first other node that runs and has the role; count: none. */
static uint32_t find_role(const struct managed_cluster *cluster, uint32_t except, const char *role)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct err ignored = {.code = OK};
        bool has = false;
        if (i != except && has_role(&has, cluster, i, role, &ignored) == OK && has)
            return i;
    }
    return cluster->count;
}

static enum err_code follow(const struct managed_cluster *cluster, uint32_t node, uint32_t primary,
                            struct err *err)
{
    struct control *control;
    enum err_code code = managed_cluster_connect(&control, cluster, node, err);
    if (code == OK)
        code = managed_node_order(control, err, "REPLICAOF 127.0.0.1 %u",
                                  cluster->nodes[primary].port);
    control_close(control);
    return code;
}

/* The primary hands over, if it can and its version knows how; else the replica takes over. */
static enum err_code hand_over(const struct managed_cluster *cluster, uint32_t primary,
                               uint32_t replica, struct err *err)
{
    struct control *control = NULL;
    struct err refused = {.code = OK};
    enum err_code code = E_FAILED;
    if (primary < cluster->count)
        code = managed_cluster_connect(&control, cluster, primary, &refused);
    if (code == OK)
        code = managed_node_order(control, &refused, "FAILOVER TO 127.0.0.1 %u TIMEOUT 10000",
                                  cluster->nodes[replica].port);
    control_close(control);
    if (code == OK)
        return OK;
    code = managed_cluster_connect(&control, cluster, replica, err);
    if (code == OK)
        code = managed_node_order(control, err, "REPLICAOF NO ONE");
    control_close(control);
    return code;
}

/* A replica that has been a primary in between has a history of its own: what it lacks cannot be sent to it, so that it
 * gets everything. */
static enum err_code sync_anew(const struct managed_cluster *cluster, uint32_t node,
                               struct err *err)
{
    struct control *control;
    const uint32_t primary = find_role(cluster, cluster->count, "master");
    if (node == CHAOS_ALL_NODES)
        node = find_role(cluster, cluster->count, "slave");
    if (primary >= cluster->count || node >= cluster->count || node == primary)
        return err_set(err, E_FAILED, "there is no replica that could do it");
    enum err_code code = managed_cluster_connect(&control, cluster, node, err);
    if (code == OK)
        code = managed_node_order(control, err, "REPLICAOF NO ONE");
    if (code == OK)
        code = managed_node_order(control, err, "REPLICAOF 127.0.0.1 %u",
                                  cluster->nodes[primary].port);
    if (code == OK)
        code = await_field(control, "INFO replication", "master_link_status", "up",
                           "the replica did not get everything", err);
    control_close(control);
    return code;
}

static enum err_code fail_over_replicas(const struct managed_cluster *cluster, uint32_t node,
                                        struct err *err)
{
    uint64_t deadline_ns = clock_now_ns() + SETTLE_NS;
    uint32_t primary = find_role(cluster, UINT32_MAX, "master");
    bool promoted = false;
    struct err ignored = {.code = OK};
    bool is_replica = false;
    if (has_role(&is_replica, cluster, node, "slave", &ignored) != OK || !is_replica)
        node = find_role(cluster, node, "slave");
    if (node == cluster->count)
        return err_set(err, E_FAILED, "no replica answers that could take over");
    enum err_code code = hand_over(cluster, primary, node, err);
    while (code == OK && !promoted) {
        code = has_role(&promoted, cluster, node, "master", err);
        if (code == OK && !promoted)
            code =
                managed_node_wait(deadline_ns, NULL, "the replica did not become the primary", err);
    }
    for (uint32_t i = 0; i < cluster->count && code == OK; i++)
        if (i != node && cluster->nodes[i].process.pid != 0) {
            struct err one = {.code = OK};
            if (follow(cluster, i, node, &one) != OK && i != primary)
                code = err_set(err, one.code, "node %u does not follow: %s", i, one.text);
        }
    return code;
}

/* ---- a cluster's own failover ---- */

static uint32_t number_of(const struct managed_cluster *cluster, uint16_t port)
{
    uint32_t i = 0;
    while (i < cluster->count && cluster->nodes[i].port != port)
        i++;
    return i;
}

/* A replica of the node's primary that runs: the node itself, if it is one. count: none. */
static uint32_t find_replica(const struct managed_cluster *cluster,
                             const struct cluster_nodes *nodes, uint32_t node)
{
    const struct cluster_node *asked = cluster_nodes_by_port(nodes, cluster->nodes[node].port);
    if (asked == NULL)
        return cluster->count;
    if (!asked->primary && cluster->nodes[node].process.pid != 0)
        return node;
    const char *primary_id = asked->primary ? asked->id : asked->primary_id;
    for (uint32_t i = 0; i < nodes->count; i++) {
        const struct cluster_node *other = &nodes->items[i];
        uint32_t number = number_of(cluster, other->port);
        if (!other->primary && !other->failed && strcmp(other->primary_id, primary_id) == 0 &&
            number < cluster->count && cluster->nodes[number].process.pid != 0)
            return number;
    }
    return cluster->count;
}

static enum err_code is_primary(bool *is, struct control *control, struct err *err)
{
    struct cluster_nodes nodes;
    enum err_code code = managed_node_cluster(&nodes, control, err);
    *is = false;
    for (uint32_t i = 0; i < nodes.count; i++)
        *is |= nodes.items[i].myself && nodes.items[i].primary && nodes.items[i].slot_count > 0;
    cluster_nodes_free(&nodes);
    return code;
}

/* With FORCE where the primary is down: there is nobody to agree. */
static enum err_code ask_for_failover(struct control *control, struct err *err)
{
    struct err refused = {.code = OK};
    enum err_code code = managed_node_order(control, &refused, "CLUSTER FAILOVER");
    if (code == E_FAILED && strstr(refused.text, "FORCE") != NULL)
        return managed_node_order(control, err, "CLUSTER FAILOVER FORCE");
    return code == OK ? OK : err_set(err, code, "%s", refused.text);
}

static enum err_code promote(struct control *control, struct err *err)
{
    uint64_t deadline_ns = clock_now_ns() + SETTLE_NS, again_ns = 0;
    bool promoted = false;
    enum err_code code = is_primary(&promoted, control, err);
    while (code == OK && !promoted) {
        if (clock_now_ns() >= again_ns) {
            code = ask_for_failover(control, err);
            again_ns = clock_now_ns() + FAILOVER_TRY_NS;
        }
        if (code == OK)
            code =
                managed_node_wait(deadline_ns, NULL, "the replica did not become the primary", err);
        if (code == OK)
            code = is_primary(&promoted, control, err);
    }
    return code;
}

/* Asks another node until it has heard of the roles as they are: they may have changed just now. */
static enum err_code choose_replica(uint32_t *replica, const struct managed_cluster *cluster,
                                    uint32_t node, struct err *err)
{
    char what[48];
    uint64_t deadline_ns = clock_now_ns() + GOSSIP_NS;
    struct control *control;
    enum err_code code = open_any(&control, cluster, node, err);
    *replica = cluster->count;
    snprintf(what, sizeof what, "node %u has no replica that runs", node);
    while (code == OK && *replica == cluster->count) {
        struct cluster_nodes nodes;
        code = managed_node_cluster(&nodes, control, err);
        if (code == OK)
            *replica = find_replica(cluster, &nodes, node);
        cluster_nodes_free(&nodes);
        if (code == OK && *replica == cluster->count)
            code = managed_node_wait(deadline_ns, NULL, what, err);
    }
    control_close(control);
    return code;
}

/* A replica that is the primary already was one in an old view: of a failover just before, of which the node that was asked has
 * not heard. */
static enum err_code connect_to_replica(struct control **control,
                                        const struct managed_cluster *cluster, uint32_t node,
                                        struct err *err)
{
    const uint64_t deadline_ns = clock_now_ns() + GOSSIP_NS;
    enum err_code code = OK;
    bool outdated = true;
    while (code == OK && outdated) {
        uint32_t replica;
        control_close(*control);
        *control = NULL;
        code = choose_replica(&replica, cluster, node, err);
        if (code == OK)
            code = managed_cluster_connect(control, cluster, replica, err);
        if (code == OK)
            code = is_primary(&outdated, *control, err);
        if (code == OK && outdated)
            code = managed_node_wait(deadline_ns, NULL,
                                     "the replica is a primary already, and the others do not hear "
                                     "of it",
                                     err);
    }
    return code;
}

static enum err_code fail_over_cluster(const struct managed_cluster *cluster, uint32_t node,
                                       struct err *err)
{
    struct control *control = NULL;
    enum err_code code = connect_to_replica(&control, cluster, node, err);
    if (code == OK)
        code = promote(control, err);
    control_close(control);
    return code;
}

/* ---- nodes that come ---- */

/* Waits until the process that was launched answers. */
static enum err_code await_answer(struct control **control, const struct managed_cluster *cluster,
                                  uint32_t node, struct err *err)
{
    uint64_t deadline_ns = clock_now_ns() + ANSWER_NS;
    struct err ignored = {.code = OK};
    enum err_code code = OK;
    while (code == OK && managed_cluster_connect(control, cluster, node, &ignored) != OK) {
        char what[ERR_TEXT_BYTES];
        snprintf(what, sizeof what, "the server that was started did not answer (%.280s)",
                 ignored.text);
        ignored = (struct err){.code = OK};
        code = managed_node_wait(deadline_ns, NULL, what, err);
    }
    return code;
}

/* Outside a cluster a node that comes back follows the primary that there is now. */
static enum err_code rejoin(const struct managed_cluster *cluster, uint32_t node, struct err *err)
{
    struct control *control;
    enum err_code code = await_answer(&control, cluster, node, err);
    control_close(control);
    if (code != OK || cluster->setup.cluster || cluster->count == 1)
        return code;
    uint32_t primary = find_role(cluster, node, "master");
    return primary < cluster->count ? follow(cluster, node, primary, err) : OK;
}

/* Whether every other node that answers knows a node of this port. */
static bool all_know(const struct managed_cluster *cluster, uint32_t node)
{
    bool all = true;
    for (uint32_t i = 0; i < cluster->count && all; i++) {
        struct control *control;
        struct cluster_nodes nodes;
        struct err ignored = {.code = OK};
        if (i == node || managed_cluster_connect(&control, cluster, i, &ignored) != OK)
            continue;
        if (managed_node_cluster(&nodes, control, &ignored) == OK) {
            const struct cluster_node *new =
                cluster_nodes_by_port(&nodes, cluster->nodes[node].port);
            all = new != NULL &&new->connected;
        }
        cluster_nodes_free(&nodes);
        control_close(control);
    }
    return all;
}

/* Until then it refuses the keys of slots that are moved to it. */
static enum err_code await_ok(const struct managed_cluster *cluster, uint32_t node,
                              uint64_t deadline_ns, struct err *err)
{
    struct control *control;
    bool ok = false;
    enum err_code code = managed_cluster_connect(&control, cluster, node, err);
    while (code == OK && !ok) {
        code = managed_node_field_is(&ok, control, "CLUSTER INFO", "cluster_state", "ok", err);
        if (code == OK && !ok)
            code = managed_node_wait(deadline_ns, NULL, "the new node does not call the cluster ok",
                                     err);
    }
    control_close(control);
    return code;
}

static enum err_code introduce(const struct managed_cluster *cluster, uint32_t node,
                               struct err *err)
{
    struct control *control;
    uint64_t deadline_ns = clock_now_ns() + ANSWER_NS + SETTLE_NS;
    enum err_code code = await_answer(&control, cluster, node, err);
    if (code != OK)
        return code;
    control_close(control);
    code = open_any(&control, cluster, node, err);
    if (code == OK) {
        code = managed_node_order(control, err, "CLUSTER MEET 127.0.0.1 %u",
                                  cluster->nodes[node].port);
        control_close(control);
    }
    while (code == OK && !all_know(cluster, node))
        code = managed_node_wait(deadline_ns, NULL, "the cluster did not get to know the new node",
                                 err);
    return code == OK ? await_ok(cluster, node, deadline_ns, err) : code;
}

static enum err_code carry_out(const struct managed_cluster *cluster,
                               const struct chaos_action *action, struct err *err)
{
    switch (action->kind) {
    case CHAOS_KILL:
    case CHAOS_PAUSE:
    case CHAOS_CACHE_CLEAR:
    case CHAOS_KIND_COUNT:
        break;
    case CHAOS_RESTART:
        return rejoin(cluster, action->node, err);
    case CHAOS_BGSAVE:
        return on_nodes(cluster, action->node, save, err);
    case CHAOS_AOF_REWRITE:
        return on_nodes(cluster, action->node, rewrite, err);
    case CHAOS_FLUSHALL:
        return on_nodes(cluster, action->node, flush, err);
    case CHAOS_FULL_SYNC:
        return sync_anew(cluster, action->node, err);
    case CHAOS_CLIENT_KILL:
        return on_nodes(cluster, action->node, kill_clients, err);
    case CHAOS_FAILOVER:
        return cluster->setup.cluster ? fail_over_cluster(cluster, action->node, err)
                                      : fail_over_replicas(cluster, action->node, err);
    case CHAOS_RESHARD:
        return chaos_reshard(cluster, action->node, action->to_node, action->slots, err);
    case CHAOS_ADD_NODE:
        return introduce(cluster, action->node, err);
    case CHAOS_REMOVE_NODE:
        return chaos_remove_node(cluster, action->node, err);
    }
    return err_set(err, E_FAILED, "not an action that talks to servers");
}

/* Those that a second attempt does not do twice. */
static bool may_be_repeated(enum chaos_kind kind)
{
    return kind == CHAOS_FAILOVER || kind == CHAOS_BGSAVE || kind == CHAOS_AOF_REWRITE ||
           kind == CHAOS_ADD_NODE || kind == CHAOS_REMOVE_NODE;
}

enum err_code chaos_work(const struct managed_cluster *cluster, const struct chaos_action *action,
                         struct err *err)
{
    struct err first = {.code = OK};
    enum err_code code = carry_out(cluster, action, &first);
    /* Its connection may have been among those that another action has killed. */
    if (code == E_CONNECT && may_be_repeated(action->kind))
        return carry_out(cluster, action, err);
    return code == OK ? OK : err_set(err, code, "%s", first.text);
}
