#include "orchestrator/server/cluster_reply.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/server/reply_value.h"
#include "orchestrator/server/sightings.h"

/* A node as one reply announces it. */
struct announced {
    char host[256];
    uint16_t port;
    bool primary;
    bool usable;  /* neither failed nor loading                              */
    bool loading; /* nothing has been replicated to it so far                */
    bool silent;  /* nothing has been replicated from it or to it            */
    char health[32];
};

/* A reply under way. */
struct reading {
    struct topology *topology;
    const struct cluster_asked *asked;
    const char *command;
    bool other_port; /* some node has only a port of the other kind */
    bool was_replica[TOPOLOGY_NODES_MAX];
    struct err *err;
};

static enum err_code senseless(const struct reading *reading, const char *what)
{
    return err_set(reading->err, E_CONNECT, "%s answers %s with %s", reading->asked->text,
                   reading->command, what);
}

static enum err_code check_time(const struct reading *reading)
{
    const struct cluster_asked *asked = reading->asked;
    if (asked->interrupted != NULL && *asked->interrupted != 0)
        return err_set(reading->err, E_INTERRUPTED, "interrupted while reading what %s answers",
                       asked->text);
    if (asked->until_ns != 0 && clock_now_ns() >= asked->until_ns)
        return senseless(reading, "so many nodes that it takes too long to read them");
    return OK;
}

/* ---- words of a reply ---- */

static bool is_list(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY;
}

/* Text of a string, NULL: it is none, or holds what no name may hold. */
static const char *text_of(const redisReply *reply)
{
    const char *text = reply_text(reply);
    for (const char *at = text; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return NULL;
    return text;
}

/* Value of a key in a map, or in a list that holds keys and values in turn. */
static const redisReply *value_of(const redisReply *map, const char *key)
{
    for (size_t i = 0; is_list(map) && i + 1 < map->elements; i += 2) {
        const char *name = text_of(map->element[i]);
        if (name != NULL && strcmp(name, key) == 0)
            return map->element[i + 1];
    }
    return NULL;
}

/* A number from 0 to the limit, or -1. */
static int64_t number_of(const redisReply *reply, int64_t limit)
{
    int64_t number;
    return reply_integer(&number, reply, 0, limit) ? number : -1;
}

/* The endpoint when there is one; "?" is a node that has no host name where names are preferred: then
 * its address. Otherwise whatever leads to the node that was asked leads to this one. */
static bool name_node(struct announced *node, const char *endpoint, const char *ip,
                      const struct cluster_asked *asked)
{
    const char *host = endpoint;
    if (host != NULL && strcmp(host, "?") == 0)
        host = ip;
    if (host == NULL || host[0] == '\0' || strcmp(host, "?") == 0)
        host = asked->host;
    size_t host_bytes = strlen(host);
    if (host_bytes == 0 || host_bytes >= sizeof node->host)
        return false;
    memcpy(node->host, host, host_bytes + 1);
    return true;
}

/* ---- into the table ---- */

static void forget_all(struct reading *reading)
{
    struct topology *topology = reading->topology;
    topology->kind = TOPOLOGY_SLOTS;
    for (uint32_t i = 0; i < topology->node_count; i++) {
        reading->was_replica[i] = topology->nodes[i].role == TOPOLOGY_REPLICA;
        topology->nodes[i].role = TOPOLOGY_GONE;
    }
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology->owner[slot] = TOPOLOGY_NOBODY;
}

static enum err_code add_node(const struct reading *reading, uint16_t *index,
                              const struct announced *node, enum topology_role role,
                              uint16_t primary)
{
    int found = topology_add(reading->topology, node->host, node->port);
    if (found < 0)
        return err_set(reading->err, E_CONNECT,
                       "the cluster at %s has more nodes than volley can follow (%u)",
                       reading->asked->text, TOPOLOGY_NODES_MAX);
    *index = (uint16_t)found;
    reading->topology->nodes[found].role = role;
    reading->topology->nodes[found].primary = role == TOPOLOGY_REPLICA ? primary : *index;
    return OK;
}

static enum err_code own_range(const struct reading *reading, const redisReply *first,
                               const redisReply *last, uint16_t index)
{
    int64_t from = number_of(first, SLOTS_COUNT - 1), to = number_of(last, SLOTS_COUNT - 1);
    if (from < 0 || to < from)
        return senseless(reading, "a range of slots that is none");
    for (int64_t slot = from; slot <= to; slot++)
        reading->topology->owner[slot] = index;
    return OK;
}

/* A replica whose primary is in the table is waited for while it loads. */
static void take_sighting(const struct reading *reading, const struct announced *node,
                          struct sighting sighting)
{
    if (reading->asked->seen == NULL)
        return;
    memcpy(sighting.name.host, node->host, sizeof sighting.name.host);
    sighting.name.port = node->port;
    snprintf(sighting.state, sizeof sighting.state, "%s", node->health);
    sightings_add(reading->asked->seen, &sighting);
}

/* ---- CLUSTER SHARDS ---- */

/* False: it has no port of our kind, as a node without TLS has none for a client with TLS. */
static bool read_shard_node(struct announced *node, struct reading *reading, const redisReply *map)
{
    const char *role = text_of(value_of(map, "role"));
    const char *health = text_of(value_of(map, "health"));
    int64_t port = number_of(value_of(map, reading->asked->tls ? "tls-port" : "port"), UINT16_MAX);
    if (port <= 0) {
        reading->other_port = true;
        return false;
    }
    node->port = (uint16_t)port;
    node->primary = role != NULL && (strcmp(role, "master") == 0 || strcmp(role, "primary") == 0);
    node->usable = health == NULL || strcmp(health, "online") == 0;
    node->loading = health != NULL && strcmp(health, "loading") == 0;
    node->silent = number_of(value_of(map, "replication-offset"), INT64_MAX) == 0;
    snprintf(node->health, sizeof node->health, "%s", health != NULL ? health : "online");
    return name_node(node, text_of(value_of(map, "endpoint")), text_of(value_of(map, "ip")),
                     reading->asked);
}

/* The primary of a shard: one that has not failed when there are two. */
static bool find_primary(struct announced *primary, struct reading *reading,
                         const redisReply *nodes)
{
    struct announced node;
    bool found = false;
    for (size_t i = 0; i < nodes->elements; i++) {
        if (!read_shard_node(&node, reading, nodes->element[i]) || !node.primary ||
            (found && !node.usable))
            continue;
        *primary = node;
        found = true;
        if (node.usable)
            break;
    }
    return found;
}

static enum err_code take_shard_primary(struct reading *reading, const redisReply *shard)
{
    struct announced primary;
    const redisReply *ranges = value_of(shard, "slots"), *nodes = value_of(shard, "nodes");
    if (!is_list(ranges) || ranges->elements % 2 != 0 || !is_list(nodes))
        return senseless(reading, "a shard without slots or nodes");
    if (!find_primary(&primary, reading, nodes))
        return OK; /* its slots stay uncovered */
    take_sighting(
        reading, &primary,
        (struct sighting){.role = "primary", .idle = ranges->elements == 0, .primary = -1});
    if (!primary.usable && ranges->elements == 0)
        return OK; /* it failed, and another one has taken its place */
    uint16_t index = 0;
    enum err_code code = add_node(reading, &index, &primary, TOPOLOGY_PRIMARY, 0);
    for (size_t i = 0; i < ranges->elements && code == OK; i += 2)
        code = own_range(reading, ranges->element[i], ranges->element[i + 1], index);
    return code;
}

/* A replica that is still loading is used when it has been before, and in a new cluster: what it lacks
 * there is nothing. */
static bool is_taken(const struct reading *reading, const struct announced *node,
                     const struct announced *primary)
{
    int known = topology_find(reading->topology, node->host, node->port);
    if (known >= 0 && reading->topology->nodes[known].role != TOPOLOGY_GONE)
        return false; /* already in the table */
    return node->usable || (node->loading && ((known >= 0 && reading->was_replica[known]) ||
                                              (node->silent && primary->silent)));
}

static enum err_code take_shard_replicas(struct reading *reading, const redisReply *shard)
{
    struct announced primary, node;
    const redisReply *nodes = value_of(shard, "nodes");
    enum err_code code = OK;
    if (!find_primary(&primary, reading, nodes))
        return OK;
    int owner = topology_find(reading->topology, primary.host, primary.port);
    if (owner >= 0 && reading->topology->nodes[owner].role != TOPOLOGY_PRIMARY)
        return OK;
    for (size_t i = 0; i < nodes->elements && owner >= 0 && code == OK; i++) {
        uint16_t index = 0;
        if (!read_shard_node(&node, reading, nodes->element[i]) || node.primary)
            continue;
        if ((code = check_time(reading)) != OK)
            break;
        bool taken = is_taken(reading, &node, &primary);
        take_sighting(reading, &node,
                      (struct sighting){
                          .role = "replica", .coming = !taken && node.loading, .primary = owner});
        if (taken)
            code = add_node(reading, &index, &node, TOPOLOGY_REPLICA, (uint16_t)owner);
    }
    return code;
}

/* ---- CLUSTER SLOTS ---- */

/* [host, port, id, further names] */
static bool read_slots_node(struct announced *node, const struct reading *reading,
                            const redisReply *list)
{
    if (!is_list(list) || list->elements < 2)
        return false;
    int64_t port = number_of(list->element[1], UINT16_MAX);
    if (port <= 0)
        return false;
    const redisReply *names = list->elements > 3 ? list->element[3] : NULL;
    node->port = (uint16_t)port;
    node->usable = true;
    node->loading = node->silent = false;
    snprintf(node->health, sizeof node->health, "online");
    return name_node(node, text_of(list->element[0]), text_of(value_of(names, "ip")),
                     reading->asked);
}

static enum err_code take_range_primary(struct reading *reading, const redisReply *range)
{
    struct announced primary;
    uint16_t index = 0;
    if (!is_list(range) || range->elements < 3)
        return senseless(reading, "a range of slots without a node");
    if (!read_slots_node(&primary, reading, range->element[2]))
        return senseless(reading, "a node without a port");
    take_sighting(reading, &primary, (struct sighting){.role = "primary", .primary = -1});
    enum err_code code = add_node(reading, &index, &primary, TOPOLOGY_PRIMARY, 0);
    return code != OK ? code : own_range(reading, range->element[0], range->element[1], index);
}

static enum err_code take_range_replicas(struct reading *reading, const redisReply *range)
{
    enum err_code code = OK;
    uint16_t owner = reading->topology->owner[range->element[0]->integer];
    for (size_t i = 3; i < range->elements && code == OK; i++) {
        struct announced node;
        uint16_t index = 0;
        if (!read_slots_node(&node, reading, range->element[i]))
            continue;
        if ((code = check_time(reading)) != OK)
            break;
        take_sighting(reading, &node, (struct sighting){.role = "replica", .primary = owner});
        if (is_taken(reading, &node, &node))
            code = add_node(reading, &index, &node, TOPOLOGY_REPLICA, owner);
    }
    return code;
}

/* ---- both ---- */

struct part {
    const redisReply *reply;
    int64_t first_slot;
};

static int by_first_slot(const void *a, const void *b)
{
    const struct part *left = a, *right = b;
    return (left->first_slot > right->first_slot) - (left->first_slot < right->first_slot);
}

static const redisReply *first_of(const redisReply *list)
{
    return is_list(list) && list->elements > 0 ? list->element[0] : NULL;
}

/* A shard is a map with its ranges, a part of CLUSTER SLOTS begins with its first slot. */
static int64_t first_slot_of(const redisReply *part)
{
    const redisReply *ranges = value_of(part, "slots");
    int64_t slot = number_of(ranges != NULL ? first_of(ranges) : first_of(part), SLOTS_COUNT - 1);
    return slot < 0 ? SLOTS_COUNT : slot;
}

/* All primaries in the order of their slots, then the replicas. */
static enum err_code take_parts(struct reading *reading, const redisReply *reply,
                                enum err_code (*primary)(struct reading *, const redisReply *),
                                enum err_code (*replicas)(struct reading *, const redisReply *))
{
    if (!is_list(reply))
        return senseless(reading, "no list");
    struct part *parts = calloc(reply->elements + 1, sizeof *parts);
    if (parts == NULL)
        return err_set(reading->err, E_SYSTEM, "no memory to read a cluster");
    for (size_t i = 0; i < reply->elements; i++)
        parts[i] = (struct part){reply->element[i], first_slot_of(reply->element[i])};
    qsort(parts, reply->elements, sizeof *parts, by_first_slot);
    forget_all(reading);
    enum err_code code = OK;
    for (size_t i = 0; i < reply->elements && code == OK; i++) {
        code = check_time(reading);
        if (code == OK)
            code = primary(reading, parts[i].reply);
    }
    for (size_t i = 0; i < reply->elements && code == OK; i++)
        code = replicas(reading, parts[i].reply);
    free(parts);
    if (code != OK || topology_primaries(reading->topology) > 0)
        return code;
    if (reading->other_port)
        return err_set(reading->err, E_CONNECT, "the nodes of the cluster at %s announce no %s",
                       reading->asked->text,
                       reading->asked->tls ? "TLS port: leave out --tls"
                                           : "port without TLS: add --tls");
    return senseless(reading, "no node");
}

enum err_code cluster_reply_shards(struct topology *topology, const struct redisReply *reply,
                                   const struct cluster_asked *asked, struct err *err)
{
    struct reading reading = {
        .topology = topology, .asked = asked, .command = "CLUSTER SHARDS", .err = err};
    return take_parts(&reading, reply, take_shard_primary, take_shard_replicas);
}

enum err_code cluster_reply_slots(struct topology *topology, const struct redisReply *reply,
                                  const struct cluster_asked *asked, struct err *err)
{
    struct reading reading = {
        .topology = topology, .asked = asked, .command = "CLUSTER SLOTS", .err = err};
    return take_parts(&reading, reply, take_range_primary, take_range_replicas);
}
