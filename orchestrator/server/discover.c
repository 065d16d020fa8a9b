#include "orchestrator/server/discover.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/server/cluster_reply.h"
#include "orchestrator/server/reach.h"
#include "orchestrator/server/replica_wait.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/reply_value.h"

#define READING_LIMIT_NS (5 * NS_PER_SECOND)
#define RESOLVE_LIMIT_NS (5 * NS_PER_SECOND)

/* What all ways of finding out share. */
struct search {
    struct topology *topology;
    struct control *control;
    struct target_address *first;
    const struct endpoint *endpoint;
    const volatile int *interrupted;
    struct err *err;
    struct host_name names[RESOLVE_NAMES_MAX];
    uint32_t name_count;
    struct server_role role;
    enum server_probe probe; /* the last of those that the servers needed */
    struct sightings *seen;
};

static bool wants_replicas(const struct search *search)
{
    return search->endpoint->replica_reads != REPLICA_READS_NO;
}

/* ---- questions ---- */

static uint64_t number_field(const char *info, const char *field)
{
    uint64_t number;
    return info_number(&number, info, field, INT64_MAX) ? number : 0;
}

static bool says_disabled(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           strstr(reply->str, "cluster support disabled") != NULL;
}

enum err_code cluster_ask_view(struct cluster_view *view, struct control *control, struct err *err)
{
    const char *const argv[] = {"CLUSTER", "INFO"};
    /* Who may not ask goes by the slots alone. */
    const struct cluster_view unknown = {.enabled = true, .ok = true};
    char state[16];
    redisReply *reply;
    *view = (struct cluster_view){.enabled = false};
    struct err attempt = {.code = OK};
    enum err_code code = control_command(control, &reply, 2, argv, &attempt);
    if (code == E_CONNECT && control_is_open(control)) {
        *view = unknown;
        return OK;
    }
    if (code != OK)
        return err_set(err, code, "%s", attempt.text);
    if (says_disabled(reply)) {
        code = OK;
    } else if (reply->type == REDIS_REPLY_ERROR) {
        *view = unknown;
    } else if (reply->str == NULL ||
               !info_field(reply->str, "cluster_state", state, sizeof state)) {
        code = err_set(err, E_CONNECT, "CLUSTER INFO: no cluster node's answer");
    } else {
        view->enabled = true;
        view->ok = strcmp(state, "ok") == 0;
        view->epoch = number_field(reply->str, "cluster_current_epoch");
        view->slots_failed = number_field(reply->str, "cluster_slots_fail");
        view->slots_suspected = number_field(reply->str, "cluster_slots_pfail");
    }
    freeReplyObject(reply);
    return code;
}

enum err_code cluster_ask_nodes(struct topology *topology, struct sightings *seen,
                                struct control *control, const struct target_address *asked,
                                bool tls, struct err *err)
{
    const struct cluster_asked whom = {.host = asked->host,
                                       .text = asked->text,
                                       .tls = tls,
                                       .seen = seen,
                                       .until_ns = clock_now_ns() + READING_LIMIT_NS,
                                       .interrupted = control_interrupted(control)};
    static const char *const shards[] = {"CLUSTER", "SHARDS"}, *const slots[] = {"CLUSTER",
                                                                                 "SLOTS"};
    redisReply *reply;
    struct err attempt = {.code = OK};
    enum err_code code = control_command(control, &reply, 2, shards, &attempt);
    if (code != OK && (code != E_CONNECT || !control_is_open(control)))
        return err_set(err, code, "%s", attempt.text);
    if (code == OK && reply->type != REDIS_REPLY_ERROR) {
        code = cluster_reply_shards(topology, reply, &whom, err);
        freeReplyObject(reply);
        return code;
    }
    freeReplyObject(reply);
    code = control_command(control, &reply, 2, slots, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "CLUSTER SLOTS: %s", reply->str);
    else
        code = cluster_reply_slots(topology, reply, &whom, err);
    freeReplyObject(reply);
    return code;
}

/* Nobody gave volley this name but the target itself. */
static enum err_code not_resolved(const struct topology *topology, const struct topology_node *node,
                                  const struct err *cause, struct err *err)
{
    bool cluster = topology->kind == TOPOLOGY_SLOTS;
    return err_set(err, E_CONNECT,
                   "%s; %s announces this name for its %s on port %u: make it known here "
                   "(/etc/hosts), or have %s announced (%s)",
                   cause->text, cluster ? "the cluster" : "the server",
                   cluster ? "node" : "replica", node->port, cluster ? "addresses" : "an address",
                   cluster ? "cluster-preferred-endpoint-type ip" : "replica-announce-ip");
}

/* Without an address nobody connects to it: a node that is refused keeps its place, and its slots. */
static void forget_address(struct target_address *address)
{
    memset(&address->address, 0, sizeof address->address);
    address->address_bytes = 0;
}

/* The address of a node that has only a name. */
static enum err_code resolve_node(struct topology_node *node, uint64_t end_ns,
                                  const volatile int *interrupted, struct err *err)
{
    struct target_address address;
    uint32_t count = 0;
    const uint64_t now_ns = clock_now_ns();
    struct host_name name = {.port = node->port};
    memcpy(name.host, node->address.host, sizeof name.host);
    enum err_code code = resolve_host(&address, &count, 1, &name,
                                      end_ns > now_ns ? end_ns - now_ns : 1, interrupted, err);
    if (code == OK)
        node->address = address;
    return code;
}

enum err_code topology_resolve(struct topology *topology, const volatile int *interrupted,
                               struct err *err)
{
    enum err_code first = OK;
    const uint64_t end_ns = clock_now_ns() + RESOLVE_LIMIT_NS;
    for (uint32_t i = 0; i < topology->node_count; i++) {
        struct topology_node *node = &topology->nodes[i];
        struct err cause = {.code = OK};
        enum err_code code = OK;
        if (node->role == TOPOLOGY_GONE)
            continue;
        if (node->address.address_bytes == 0 && clock_now_ns() >= end_ns)
            return err_set(err, E_CONNECT,
                           "the resolver takes more than 5 s over names that the target announces; "
                           "the next is %s: have addresses announced",
                           node->address.text);
        if (node->address.address_bytes == 0)
            code = resolve_node(node, end_ns, interrupted, &cause);
        if (code == E_INTERRUPTED)
            return err_set(err, code, "%s", cause.text);
        if (code != OK) {
            first = not_resolved(topology, node, &cause, err);
        } else if (reach_allow(&node->address, &cause) != OK) {
            forget_address(&node->address);
            first = err_set(err, cause.code, "%s", cause.text);
        }
    }
    return first;
}

int topology_sole_primary(struct topology *topology, const struct host_name *name)
{
    int index = topology_add(topology, name->host, name->port);
    for (uint32_t i = 0; i < topology->node_count && index >= 0; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            topology->nodes[i].role = TOPOLOGY_GONE;
    if (index >= 0) {
        topology->nodes[index].role = TOPOLOGY_PRIMARY;
        topology->nodes[index].primary = (uint16_t)index;
    }
    return index;
}

static enum err_code table_full(struct err *err)
{
    return err_set(err, E_CONNECT, "there are more nodes than volley can follow (%u)",
                   TOPOLOGY_NODES_MAX);
}

/* ---- a cluster ---- */

/* The seed that is connected: its word for who serves what, and whether that can be used. */
static enum err_code read_cluster(struct search *search)
{
    struct cluster_view view;
    struct err *err = search->err;
    const char *asked = search->first->text;
    enum err_code code = cluster_ask_view(&view, search->control, err);
    if (code == OK && !view.enabled)
        return err_set(err, E_USAGE,
                       "%s is in no cluster (cluster support disabled): leave out "
                       "--cluster",
                       asked);
    if (code == OK)
        code = cluster_ask_nodes(search->topology, search->seen, search->control, search->first,
                                 search->endpoint->tls.wanted, err);
    if (code != OK)
        return code;
    uint32_t uncovered = topology_uncovered(search->topology), first = 0;
    while (uncovered > 0 && search->topology->owner[first] != TOPOLOGY_NOBODY)
        first++;
    if (uncovered > 0 && view.slots_failed == 0) /* Redis 8 leaves out whose owner failed */
        return err_set(err, E_CONNECT,
                       "the cluster at %s is not whole: nobody owns %u of its %u slots, the first "
                       "is slot %u; assign them before a run",
                       asked, uncovered, SLOTS_COUNT, first);
    search->seen->forming = !view.ok && view.slots_failed == 0 && view.slots_suspected == 0;
    if (!view.ok || view.slots_failed > 0)
        return err_set(err, E_CONNECT,
                       "the cluster at %s is down: the owners of %llu slots do not answer it "
                       "(CLUSTER INFO, cluster_state:%s)",
                       asked, (unsigned long long)view.slots_failed, view.ok ? "ok" : "fail");
    return OK;
}

static enum err_code discover_cluster(struct search *search)
{
    struct err *err = search->err;
    struct err first = {.code = OK};
    for (uint32_t i = 0; i < search->name_count; i++) {
        struct err attempt = {.code = OK};
        enum err_code code =
            control_connect_host(&search->control, search->first, &search->names[i],
                                 search->endpoint, search->interrupted, &attempt);
        if (code == OK) {
            search->err = &attempt;
            code = read_cluster(search);
            search->err = err;
        }
        if (code == OK)
            return OK;
        control_close(search->control);
        search->control = NULL;
        topology_clear(search->topology);
        search->seen->count = 0;
        if (code == E_USAGE || code == E_INTERRUPTED)
            return err_set(search->err, code, "%s", attempt.text);
        (void)err_set(&first, code, "%s", attempt.text);
    }
    if (search->name_count == 1)
        return err_set(search->err, first.code, "%s", first.text);
    return err_set(search->err, first.code, "none of the %u hosts leads to a cluster: %s",
                   search->name_count, first.text);
}

/* ---- servers that are named ---- */

/* A cluster of one node answers everything and may be used like a server; any other node would send
 * most requests elsewhere. A server that does not let us ask is taken for what it was said to be. */
static enum err_code look_for_cluster(struct control *control, const struct target_address *target,
                                      const struct endpoint *endpoint, struct err *err)
{
    const char *const argv[] = {"INFO", "cluster"};
    char enabled[8] = "";
    redisReply *reply;
    struct err attempt = {.code = OK};
    enum err_code code = control_command(control, &reply, 2, argv, &attempt);
    if (code == E_CONNECT && control_is_open(control))
        return OK;
    if (code != OK)
        return err_set(err, code, "%s", attempt.text);
    if (reply->type == REDIS_REPLY_STRING)
        info_field(reply->str, "cluster_enabled", enabled, sizeof enabled);
    freeReplyObject(reply);
    if (strcmp(enabled, "1") != 0)
        return OK;
    struct topology *topology = calloc(1, sizeof *topology);
    struct err ignored = {.code = OK};
    if (topology == NULL)
        return err_set(err, E_SYSTEM, "no memory to read a cluster");
    bool alone =
        cluster_ask_nodes(topology, NULL, control, target, endpoint->tls.wanted, &ignored) == OK &&
        topology_primaries(topology) == 1 && topology_uncovered(topology) == 0;
    free(topology);
    return alone ? OK
                 : err_set(err, E_USAGE, "%s is a node of a cluster: add --cluster", target->text);
}

/* One that takes too long over it, too. */
static enum err_code refuse_cluster_node(struct control *control,
                                         const struct target_address *target,
                                         const struct endpoint *endpoint, struct err *err)
{
    struct err attempt = {.code = OK};
    control_set_aside(control, true);
    enum err_code code = look_for_cluster(control, target, endpoint, &attempt);
    control_set_aside(control, false);
    if (code == OK || (code == E_CONNECT && control_aside_is_late(control)))
        return OK;
    return err_set(err, code, "%s", attempt.text);
}

/* Index of the node at this address, under whatever name; -1: none. */
static int find_address(const struct topology *topology, const struct target_address *target)
{
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (target_address_same(&topology->nodes[i].address, target))
            return (int)i;
    return -1;
}

/* A replica that is not in touch with its primary is not among those that the primary knows. */
static void see_unlinked(struct search *search, const struct host_name *name)
{
    struct sighting sighting = {.name = *name, .role = "replica", .coming = true, .primary = -1};
    if (search->role.link[0] == '\0' || strcmp(search->role.link, "connected") == 0)
        return;
    snprintf(sighting.state, sizeof sighting.state, "link %s", search->role.link);
    sightings_add(search->seen, &sighting);
}

/* A replica leads to its primary, over as many steps as a chain of them can have. */
static enum err_code follow_to_primary(struct search *search, struct control **control,
                                       struct target_address *target, struct host_name *name)
{
    for (uint32_t step = 0; step < 8; step++) {
        enum err_code code = role_ask(&search->role, *control, search->err);
        if (code != OK || search->role.primary)
            return code;
        see_unlinked(search, name);
        *name = search->role.primary_name;
        control_close(*control);
        code = control_connect_host(control, target, name, search->endpoint, search->interrupted,
                                    search->err);
        if (code != OK)
            return code;
    }
    return err_set(search->err, E_CONNECT, "%s: the replicas lead in a circle", target->text);
}

/* One server, connected: into the table, with its replicas when those are wanted. */
static enum err_code take_server(struct search *search, struct control **control,
                                 struct target_address *target, struct host_name *name)
{
    struct topology *topology = search->topology;
    enum err_code code = refuse_cluster_node(*control, target, search->endpoint, search->err);
    bool replicas = wants_replicas(search);
    if (code == OK && replicas)
        code = follow_to_primary(search, control, target, name);
    if (code == OK && replicas) {
        sightings_note(search->seen, name->host, name->port, "primary", "online");
        code = replicas_ask_seen(search->seen, &search->role, *control, search->err);
    }
    if (code != OK)
        return code;
    int index = find_address(topology, target);
    if (index < 0)
        index = topology_add(topology, name->host, name->port);
    if (index < 0)
        return table_full(search->err);
    topology->nodes[index].role = TOPOLOGY_PRIMARY;
    topology->nodes[index].primary = (uint16_t)index;
    topology->nodes[index].address = *target;
    if (replicas && !replicas_into(topology, (uint32_t)index, &search->role))
        return table_full(search->err);
    return OK;
}

static enum err_code discover_hosts(struct search *search)
{
    for (uint32_t i = 0; i < search->name_count; i++) {
        struct control *control = NULL;
        struct target_address target;
        struct host_name name = search->names[i];
        enum err_code code = control_connect_host(&control, &target, &name, search->endpoint,
                                                  search->interrupted, search->err);
        if (code == OK)
            code = take_server(search, &control, &target, &name);
        if (code == OK && control_probe(control) > search->probe)
            search->probe = control_probe(control);
        if (code != OK || search->control != NULL) {
            control_close(control);
        } else {
            search->control = control;
            *search->first = target;
        }
        if (code != OK)
            return code;
    }
    return OK;
}

static enum err_code discover_socket(struct search *search)
{
    struct topology_node *node = &search->topology->nodes[0];
    enum err_code code = control_connect(&search->control, search->first, search->endpoint,
                                         search->interrupted, search->err);
    if (code == OK)
        code = refuse_cluster_node(search->control, search->first, search->endpoint, search->err);
    node->address = *search->first;
    node->role = TOPOLOGY_PRIMARY;
    search->topology->node_count = 1;
    return code;
}

/* ---- what sentinels watch ---- */

/* The sentinel that is connected: the primary it names, and its replicas when those are wanted. */
static enum err_code read_sentinel(struct search *search, struct control *sentinel,
                                   const struct target_address *asked, bool *known)
{
    struct host_name primary;
    const char *master_name = search->endpoint->master_name;
    struct err cause = {.code = OK};
    enum err_code code = sentinel_ask_primary(&primary, known, sentinel, master_name, &cause);
    if (code != OK)
        return err_set(search->err, code, "%s does not answer as a sentinel: %s", asked->text,
                       cause.text);
    if (!*known)
        return OK;
    code = control_connect_host(&search->control, search->first, &primary, search->endpoint,
                                search->interrupted, &cause);
    if (code == OK)
        code = role_ask(&search->role, search->control, &cause);
    if (code == OK && !search->role.primary)
        code = err_set(&cause, E_CONNECT,
                       "%s says it is a replica; a failover may be under way: try again",
                       search->first->text);
    if (code == E_INTERRUPTED)
        return err_set(search->err, code, "%s", cause.text);
    if (code != OK)
        return err_set(search->err, code,
                       "the sentinel %s names %.100s:%u as the primary %.60s: %s", asked->text,
                       primary.host, primary.port, master_name, cause.text);
    int index = topology_sole_primary(search->topology, &primary);
    search->topology->nodes[index].address = *search->first;
    if (!wants_replicas(search))
        return OK;
    sightings_note(search->seen, primary.host, primary.port, "primary", "online");
    code = sentinel_ask_replicas(&search->role, search->seen, sentinel, master_name, search->err);
    if (code == OK)
        code = replicas_ask_unknown(search->seen, &search->role, search->control, search->err);
    if (code == OK && !replicas_into(search->topology, (uint32_t)index, &search->role))
        code = table_full(search->err);
    return code;
}

static enum err_code discover_by_sentinel(struct search *search)
{
    struct err *err = search->err;
    struct err first = {.code = OK};
    struct target_address asked;
    uint32_t connected = 0;
    for (uint32_t i = 0; i < search->name_count; i++) {
        struct err attempt = {.code = OK};
        struct control *sentinel = NULL;
        bool known = false;
        enum err_code code = sentinel_connect(&sentinel, &asked, &search->names[i],
                                              search->endpoint, search->interrupted, &attempt);
        connected += code == OK;
        search->err = &attempt;
        if (code == OK)
            code = read_sentinel(search, sentinel, &asked, &known);
        search->err = err;
        control_close(sentinel);
        if (code == OK && known)
            return OK;
        control_close(search->control);
        search->control = NULL;
        if (code == E_INTERRUPTED)
            return err_set(search->err, code, "%s", attempt.text);
        (void)err_set(&first, attempt.code, "%s", attempt.text);
    }
    const char *list = search->endpoint->sentinels, *name = search->endpoint->master_name;
    if (first.code != OK)
        return err_set(search->err, first.code, "%s%s",
                       connected == 0 ? "no sentinel answers: " : "", first.text);
    return err_set(search->err, E_CONNECT,
                   "%s: %s no primary called '%.60s'; see SENTINEL MASTERS for the names", list,
                   connected > 1 ? "these sentinels watch" : "this sentinel watches", name);
}

/* ---- all of them ---- */

static enum err_code split_names(struct search *search)
{
    const struct endpoint *endpoint = search->endpoint;
    const bool watched = endpoint->sentinels != NULL;
    return resolve_split(search->names, &search->name_count, RESOLVE_NAMES_MAX,
                         watched ? endpoint->sentinels : endpoint->host,
                         watched ? 26379 : endpoint->port, watched ? "--sentinel" : "--host",
                         search->err);
}

/* Everything is asked anew. */
static enum err_code look(struct search *search)
{
    const struct endpoint *endpoint = search->endpoint;
    control_close(search->control);
    search->control = NULL;
    topology_clear(search->topology);
    sightings_forget(search->seen);
    enum err_code code = endpoint->sentinels != NULL ? discover_by_sentinel(search)
                         : endpoint->cluster         ? discover_cluster(search)
                                                     : discover_hosts(search);
    if (code == OK && wants_replicas(search) && endpoint->cluster)
        code = replicas_ask_themselves(search->topology, search->seen, endpoint,
                                       search->interrupted, search->err);
    if (code == OK)
        code = topology_resolve(search->topology, search->interrupted, search->err);
    return code;
}

/* With an error of its own. */
static enum err_code try_look(struct search *search, struct err *attempt)
{
    struct err *err = search->err;
    *attempt = (struct err){.code = OK};
    search->err = attempt;
    enum err_code code = look(search);
    search->err = err;
    return code;
}

/* As long as replicas are on their way, or a cluster is. A failure after that was seen may pass, too:
 * servers close connections while they change their roles. */
static enum err_code look_until_ready(struct search *search)
{
    struct err *err = search->err, attempt;
    struct replica_wait wait = {.began_ns = clock_now_ns()};
    bool over = false;
    enum err_code code = try_look(search, &attempt);
    bool hopeful = code == OK || (code == E_CONNECT && search->seen->forming);
    while (hopeful && (code == E_CONNECT || (code == OK && wants_replicas(search) &&
                                             sightings_coming(search->seen) > 0))) {
        if (replica_wait_step(&wait, &over, search->seen, search->endpoint, search->interrupted,
                              err) != OK)
            return err->code;
        if (over)
            break;
        code = try_look(search, &attempt);
    }
    if (code != OK)
        return err_set(err, code, "%s", attempt.text);
    return wants_replicas(search)
               ? replica_wait_conclude(search->topology, search->seen, search->endpoint,
                                       search->first->text, err)
               : OK;
}

static enum err_code search_all(struct search *search)
{
    if (search->endpoint->socket_path != NULL)
        return discover_socket(search);
    enum err_code code = split_names(search);
    return code == OK ? look_until_ready(search) : code;
}

enum err_code topology_discover(struct topology *topology, struct control **control,
                                enum server_probe *probe, struct target_address *first,
                                const struct endpoint *endpoint, const volatile int *interrupted,
                                struct err *err)
{
    struct search *search = calloc(1, sizeof *search);
    struct sightings seen = {.items = NULL};
    *control = NULL;
    *probe = endpoint->probe;
    topology_clear(topology);
    memset(first, 0, sizeof *first);
    if (search == NULL)
        return err_set(err, E_SYSTEM, "no memory to find out who serves what");
    search->topology = topology;
    search->first = first;
    search->endpoint = endpoint;
    search->probe = endpoint->probe;
    search->interrupted = interrupted;
    search->err = err;
    search->seen = &seen;
    control_aside_begin();
    enum err_code code = search_all(search);
    if (code == OK)
        reach_go_on();
    if (code == OK && search->control != NULL && control_probe(search->control) > search->probe)
        search->probe = control_probe(search->control);
    *probe = search->probe;
    if (code == OK && wants_replicas(search) && search->role.left_out > 0)
        log_line(LOG_WARNING, "%s has %u replicas; volley reads from the first %u that it names",
                 first->text, search->role.replica_count + search->role.left_out,
                 RESOLVE_NAMES_MAX);
    if (code == OK)
        *control = search->control;
    else
        control_close(search->control);
    free(search);
    sightings_free(&seen);
    return code;
}

char *topology_describe(char *text, size_t text_bytes, const struct topology *topology,
                        const struct target_address *first, const struct endpoint *endpoint)
{
    char primaries[32], replicas[32], with[48] = "", more[48] = "";
    const uint32_t primary_count = topology_primaries(topology);
    const uint32_t replica_count = topology_replicas(topology);
    snprintf(primaries, sizeof primaries, "%u primar%s", primary_count,
             primary_count == 1 ? "y" : "ies");
    snprintf(replicas, sizeof replicas, "%u replica%s", replica_count,
             replica_count == 1 ? "" : "s");
    if (replica_count > 0) {
        snprintf(with, sizeof with, " with %s", replicas);
        snprintf(more, sizeof more, " and %s", replicas);
    }
    if (topology->kind == TOPOLOGY_SLOTS)
        snprintf(text, text_bytes, "cluster of %s%s at %s", primaries, more, first->text);
    else if (endpoint->sentinels != NULL)
        snprintf(text, text_bytes, "sentinel master %.60s at %s%s", endpoint->master_name,
                 first->text, with);
    else if (primary_count > 1)
        snprintf(text, text_bytes, "%u servers%s, the first at %s", primary_count, with,
                 first->text);
    else
        snprintf(text, text_bytes, "%s%s", first->text, with);
    return text;
}
