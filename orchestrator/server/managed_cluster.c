#include "orchestrator/server/managed_cluster.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/slots.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/managed_node.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/sightings.h"

#define JOIN_TIMEOUT_NS (30 * NS_PER_SECOND)
#define JOIN_TIMEOUT_PER_NODE_NS NS_PER_SECOND
#define MEET_AGAIN_NS (5 * NS_PER_SECOND)
#define SLOTS_AT_ONCE 100u

/* While the nodes are made one. */
struct joining {
    struct managed_cluster *cluster;
    struct control *controls[MANAGED_NODES_MAX];
    char ids[MANAGED_NODES_MAX][CLUSTER_NODE_ID_BYTES];
    uint64_t deadline_ns;
    uint64_t meet_at_ns; /* the next time, when nodes are missing then; 0: at once */
    const volatile int *interrupted;
    struct err *err;
};

/* ---- the processes ---- */

static int by_port(const void *a, const void *b)
{
    const struct managed_server *first = a, *second = b;
    return (first->port > second->port) - (first->port < second->port);
}

/* All at once. A replica outside a cluster needs its primary's port first. */
static enum err_code launch_all(struct managed_cluster *cluster, uint32_t wanted,
                                const volatile int *interrupted, struct err *err)
{
    enum err_code code = OK;
    while (code == OK && cluster->count < wanted) {
        struct managed_server_setup setup = cluster->setup;
        if (cluster->count > 0 && !cluster->setup.cluster)
            setup.replica_of = cluster->nodes[0].port;
        if (setup.ports != NULL)
            setup.ports += cluster->count;
        code = managed_server_launch(&cluster->nodes[cluster->count++], &setup, err);
        if (code == OK && cluster->count == 1 && wanted > 1 && !cluster->setup.cluster)
            code = managed_server_await(&cluster->nodes[0], interrupted, err);
    }
    for (uint32_t i = 0; i < cluster->count && code == OK; i++)
        code = managed_server_await(&cluster->nodes[i], interrupted, err);
    if (code == OK && cluster->setup.cluster)
        qsort(cluster->nodes, cluster->count, sizeof cluster->nodes[0], by_port);
    return code;
}

/* ---- slots and introductions ---- */

/* Servers before 7.0 want each slot by its name. */
static enum err_code assign_one_by_one(struct control *control, uint32_t first, uint32_t end,
                                       struct err *err)
{
    enum err_code code = OK;
    for (uint32_t at = first; at < end && code == OK; at += SLOTS_AT_ONCE) {
        char list[SLOTS_AT_ONCE * 7];
        size_t used = 0;
        for (uint32_t slot = at; slot < end && slot < at + SLOTS_AT_ONCE; slot++)
            used += (size_t)snprintf(list + used, sizeof list - used, " %u", slot);
        code = managed_node_order(control, err, "CLUSTER ADDSLOTS%s", list);
    }
    return code;
}

static enum err_code assign_slots(struct joining *joining, uint32_t primary)
{
    const uint32_t primaries = joining->cluster->primaries;
    uint32_t first = primary * SLOTS_COUNT / primaries;
    uint32_t end = (primary + 1) * SLOTS_COUNT / primaries;
    struct err unknown = {.code = OK};
    enum err_code code = managed_node_order(joining->controls[primary], &unknown,
                                            "CLUSTER ADDSLOTSRANGE %u %u", first, end - 1);
    return code == OK ? OK
                      : assign_one_by_one(joining->controls[primary], first, end, joining->err);
}

/* Each node with an epoch of its own: else two of them would have to settle that first. */
static enum err_code prepare_node(struct joining *joining, uint32_t node)
{
    char *id = NULL;
    struct control *control = joining->controls[node];
    enum err_code code =
        managed_node_order(control, joining->err, "CLUSTER SET-CONFIG-EPOCH %u", node + 1);
    if (code == OK && node < joining->cluster->primaries)
        code = assign_slots(joining, node);
    if (code == OK)
        code = managed_node_ask(control, &id, joining->err, "CLUSTER MYID");
    if (code == OK)
        snprintf(joining->ids[node], sizeof joining->ids[node], "%s", id);
    free(id);
    return code;
}

/* ---- waiting ---- */

#define SEEN_BYTES 64u

/* seen: what the node says, for a message. */
typedef enum err_code look_function(bool *there, char seen[SEEN_BYTES], struct joining *joining,
                                    uint32_t node);

/* The time is over: every node that is not there, and what it says. */
static enum err_code tell_missing(struct joining *joining, uint32_t first, look_function *look,
                                  const char *what)
{
    struct sightings seen = {.items = NULL};
    char text[ERR_TEXT_BYTES / 2];
    for (uint32_t i = first; i < joining->cluster->count; i++) {
        struct sighting node = {
            .name = {.host = "127.0.0.1", .port = joining->cluster->nodes[i].port},
            .role = i < joining->cluster->primaries ? "(primary)" : "(replica)"};
        struct err failed = {.code = OK};
        struct joining again = *joining;
        bool there = false;
        again.err = &failed;
        if (look(&there, node.state, &again, i) != OK)
            snprintf(node.state, sizeof node.state, "does not answer");
        if (!there)
            sightings_add(&seen, &node);
    }
    enum err_code code = err_set(joining->err, E_CONNECT, "%s within the time for it: %s", what,
                                 sightings_text(text, sizeof text, &seen, false));
    sightings_free(&seen);
    return code;
}

/* Until every node from `first` on says so. */
static enum err_code wait_for(struct joining *joining, uint32_t first, look_function *look,
                              const char *what)
{
    for (uint32_t i = first; i < joining->cluster->count;) {
        char seen[SEEN_BYTES] = "";
        struct err ended = {.code = OK};
        bool there = false;
        enum err_code code = look(&there, seen, joining, i);
        if (code != OK)
            return code;
        i += there;
        if (there ||
            managed_node_wait(joining->deadline_ns, joining->interrupted, what, &ended) == OK)
            continue;
        return ended.code == E_CONNECT ? tell_missing(joining, first, look, what)
                                       : err_set(joining->err, ended.code, "%s", ended.text);
    }
    return OK;
}

/* Node 0 meets all others. A handshake is forgotten by the server when it does not succeed within a second, as on
 * a busy machine, so this is said again while nodes are missing; to a node that is known it changes nothing. */
static enum err_code meet(struct joining *joining)
{
    const struct managed_cluster *cluster = joining->cluster;
    enum err_code code = OK;
    if (clock_now_ns() < joining->meet_at_ns)
        return OK;
    for (uint32_t i = 1; i < cluster->count && code == OK; i++)
        code = managed_node_order(joining->controls[0], joining->err, "CLUSTER MEET 127.0.0.1 %u",
                                  cluster->nodes[i].port);
    joining->meet_at_ns = clock_now_ns() + MEET_AGAIN_NS;
    return code;
}

static enum err_code knows_all(bool *there, char seen[SEEN_BYTES], struct joining *joining,
                               uint32_t node)
{
    struct cluster_nodes nodes;
    enum err_code code = managed_node_cluster(&nodes, joining->controls[node], joining->err);
    uint32_t connected = 0;
    for (uint32_t i = 0; i < nodes.count; i++)
        connected += nodes.items[i].connected;
    *there = code == OK && connected == joining->cluster->count;
    snprintf(seen, SEEN_BYTES, "is connected to %u of %u nodes", connected,
             joining->cluster->count);
    cluster_nodes_free(&nodes);
    return code == OK && !*there ? meet(joining) : code;
}

static enum err_code is_linked(bool *there, char seen[SEEN_BYTES], struct joining *joining,
                               uint32_t node)
{
    struct replica_view view;
    enum err_code code = replica_ask(&view, joining->controls[node], joining->err);
    *there = view.ready;
    snprintf(seen, SEEN_BYTES, "%s",
             view.state[0] != '\0' ? view.state : "does not call itself a replica");
    return code;
}

/* The state is ok, and it knows which nodes are replicas and who serves all slots. */
static enum err_code is_settled(bool *there, char seen[SEEN_BYTES], struct joining *joining,
                                uint32_t node)
{
    struct cluster_nodes nodes;
    uint32_t replicas = 0, slots = 0;
    bool ok = false;
    enum err_code code = managed_node_cluster(&nodes, joining->controls[node], joining->err);
    for (uint32_t i = 0; i < nodes.count; i++) {
        replicas += !nodes.items[i].primary && nodes.items[i].primary_id[0] != '\0';
        slots += nodes.items[i].slot_count;
    }
    cluster_nodes_free(&nodes);
    if (code == OK)
        code = managed_node_field_is(&ok, joining->controls[node], "CLUSTER INFO", "cluster_state",
                                     "ok", joining->err);
    *there = ok && replicas == joining->cluster->replicas && slots == SLOTS_COUNT;
    snprintf(seen, SEEN_BYTES, "cluster_state:%s, sees %u replicas, %u slots", ok ? "ok" : "fail",
             replicas, slots);
    return code;
}

/* What discovery reads: a replica stands there when the node has heard how far it has come, which is in the next message of
 * its, while others know already that it is one. */
static enum err_code lists_all(bool *there, char seen[SEEN_BYTES], struct joining *joining,
                               uint32_t node)
{
    struct topology *topology = calloc(1, sizeof *topology);
    struct target_address asked = {.address_bytes = 0};
    if (topology == NULL)
        return err_set(joining->err, E_SYSTEM, "no memory to look at a cluster");
    snprintf(asked.host, sizeof asked.host, "127.0.0.1");
    snprintf(asked.text, sizeof asked.text, "127.0.0.1:%u", joining->cluster->nodes[node].port);
    const enum err_code code =
        cluster_ask_nodes(topology, NULL, joining->controls[node], &asked,
                          joining->cluster->setup.tls_client != NULL, joining->err);
    const uint32_t replicas = code == OK ? topology_replicas(topology) : 0;
    free(topology);
    *there = code == OK && replicas == joining->cluster->replicas;
    snprintf(seen, SEEN_BYTES, "lists %u of %u replicas", replicas, joining->cluster->replicas);
    return code;
}

/* ---- making them one ---- */

static enum err_code join_cluster(struct joining *joining)
{
    const struct managed_cluster *cluster = joining->cluster;
    enum err_code code = OK;
    for (uint32_t i = 0; i < cluster->count && code == OK; i++)
        code = prepare_node(joining, i);
    if (code == OK)
        code = wait_for(joining, 0, knows_all,
                        "the nodes of the managed cluster did not get to know each other");
    for (uint32_t i = cluster->primaries; i < cluster->count && code == OK; i++)
        code = managed_node_order(joining->controls[i], joining->err, "CLUSTER REPLICATE %s",
                                  joining->ids[(i - cluster->primaries) % cluster->primaries]);
    if (code == OK)
        code = wait_for(joining, 0, is_settled, "the managed cluster did not come to be ok");
    return code;
}

static enum err_code join(struct managed_cluster *cluster, uint64_t wait_ready_ns,
                          const volatile int *interrupted, struct err *err)
{
    uint64_t least_ns = JOIN_TIMEOUT_NS + cluster->count * JOIN_TIMEOUT_PER_NODE_NS;
    struct joining joining = {.cluster = cluster,
                              .deadline_ns = clock_now_ns() +
                                             (wait_ready_ns > least_ns ? wait_ready_ns : least_ns),
                              .interrupted = interrupted,
                              .err = err};
    enum err_code code = OK;
    for (uint32_t i = 0; i < cluster->count && code == OK; i++)
        code = managed_node_open(&joining.controls[i], &cluster->nodes[i], interrupted, err);
    if (code == OK && cluster->setup.cluster)
        code = join_cluster(&joining);
    if (code == OK)
        code = wait_for(&joining, cluster->count - cluster->replicas, is_linked,
                        "the replicas were not filled by their primaries");
    if (code == OK && cluster->setup.cluster)
        code = wait_for(&joining, 0, lists_all, "the managed cluster does not list its replicas");
    for (uint32_t i = 0; i < cluster->count; i++)
        control_close(joining.controls[i]);
    return code;
}

enum err_code managed_cluster_start(struct managed_cluster *cluster,
                                    const struct managed_wish *wish,
                                    const struct endpoint *endpoint,
                                    const struct managed_server_setup *given,
                                    const volatile int *interrupted, struct err *err)
{
    memset(cluster, 0, sizeof *cluster);
    cluster->primaries = wish->primaries > 0 ? (uint32_t)wish->primaries : 1;
    cluster->replicas = (uint32_t)wish->replicas;
    cluster->setup = *given;
    cluster->setup.args = wish->args;
    cluster->setup.arg_count = wish->arg_count;
    cluster->setup.io_threads = (uint32_t)wish->io_threads;
    cluster->setup.cluster = wish->primaries > 0;
    cluster->setup.password = endpoint->password;
    cluster->setup.tls_client = endpoint->tls_client;
    enum err_code code =
        launch_all(cluster, cluster->primaries + cluster->replicas, interrupted, err);
    if (code == OK && (cluster->count > 1 || cluster->setup.cluster))
        code = join(cluster, endpoint->wait_ready_ns, interrupted, err);
    if (code != OK)
        managed_cluster_stop(cluster);
    return code;
}

enum err_code managed_cluster_connect(struct control **control,
                                      const struct managed_cluster *cluster, uint32_t node,
                                      struct err *err)
{
    *control = NULL;
    if (cluster->nodes[node].process.pid == 0)
        return err_set(err, E_FAILED, "node %u does not run", node);
    return managed_node_open(control, &cluster->nodes[node], NULL, err);
}

enum err_code managed_cluster_add(struct managed_cluster *cluster, struct err *err)
{
    if (cluster->count == MANAGED_NODES_MAX)
        return err_set(err, E_FAILED, "there are at most %u nodes", MANAGED_NODES_MAX);
    struct managed_server *node = &cluster->nodes[cluster->count++];
    enum err_code code = managed_server_launch(node, &cluster->setup, err);
    if (code != OK)
        managed_server_stop(node);
    return code;
}

void managed_cluster_tell_deaths(struct managed_cluster *cluster)
{
    char text[640];
    for (uint32_t i = 0; i < cluster->count; i++)
        if (managed_server_died(&cluster->nodes[i], text, sizeof text))
            log_line(LOG_ERROR, "%s", text);
}

void managed_cluster_stop(struct managed_cluster *cluster)
{
    /* All of them are told first: a primary that ends waits for replicas that are behind. */
    for (uint32_t i = 0; i < cluster->count; i++)
        if (!child_gone(&cluster->nodes[i].process)) {
            cluster->nodes[i].end_expected = true;
            child_tell(&cluster->nodes[i].process, SIGTERM);
        }
    for (uint32_t i = 0; i < cluster->count; i++)
        managed_server_stop(&cluster->nodes[i]);
    cluster->count = 0;
}
