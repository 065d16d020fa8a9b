/* Any bytes as what a server, a cluster node or a sentinel answers: a table that can be used, or an
 * error. What comes behind one reply is read as the next, into the same table. The first byte chooses
 * the question. */
#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/cluster_reply.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/reply_reader.h"
#include "orchestrator/server/sightings.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_table(const struct topology *topology)
{
    require(topology->node_count <= TOPOLOGY_NODES_MAX);
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++) {
        uint16_t owner = topology->owner[slot];
        require(owner == TOPOLOGY_NOBODY ||
                (owner < topology->node_count && topology->nodes[owner].role == TOPOLOGY_PRIMARY));
    }
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        require(node->address.host[0] != '\0' && node->port > 0);
        require(topology_find(topology, node->address.host, node->port) == (int)i);
        require(node->role != TOPOLOGY_REPLICA ||
                (node->primary < topology->node_count && node->primary != i &&
                 topology->nodes[node->primary].role == TOPOLOGY_PRIMARY));
    }
}

static void check_name(const struct host_name *name)
{
    require(name->host[0] != '\0' && name->port > 0);
    require(memchr(name->host, '\0', sizeof name->host) != NULL);
}

static void check_seen(struct sightings *seen)
{
    char text[120];
    for (uint32_t i = 0; i < seen->count; i++)
        check_name(&seen->items[i].name);
    sightings_text(text, sizeof text, seen, false);
    for (const char *at = text; *at != '\0'; at++)
        require((unsigned char)*at >= ' ' && at < text + sizeof text);
    sightings_free(seen);
}

/* False: the table is of no use any more. */
static bool take(struct topology *topology, struct server_role *role, unsigned question,
                 const redisReply *reply)
{
    struct sightings seen = {.items = NULL};
    const struct cluster_asked asked = {
        .host = "h", .text = "h:1", .tls = question % 8 >= 4, .seen = &seen};
    struct host_name name;
    struct err err = {.code = OK};
    enum err_code code = OK;
    if (question % 4 == 0)
        code = cluster_reply_shards(topology, reply, &asked, &err);
    else if (question % 4 == 1)
        code = cluster_reply_slots(topology, reply, &asked, &err);
    else if (question % 4 == 2 && role_parse(role, reply) && !role->primary)
        check_name(&role->primary_name);
    else if (question % 4 == 3 && sentinel_replicas_parse(role, &seen, reply))
        for (uint32_t i = 0; i < role->replica_count; i++)
            check_name(&role->replicas[i]);
    if (reply->type == REDIS_REPLY_STRING)
        replicas_seen(&seen, role, reply->str);
    check_seen(&seen);
    if (sentinel_primary_parse(&name, reply))
        check_name(&name);
    if (sentinel_switch_parse(&name, reply, "main"))
        check_name(&name);
    require(code == OK || err.text[0] != '\0');
    if (code == OK && question % 4 < 2)
        check_table(topology);
    return code == OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static struct topology topology;
    static struct server_role role;
    struct reply_reader *reader = reply_reader_create();
    redisReply *reply;
    const char *why;
    if (reader == NULL || input_bytes == 0 || input_bytes > REPLY_ROOM_BYTES) {
        reply_reader_free(reader);
        return 0;
    }
    memset(&topology, 0, sizeof topology);
    memcpy(reply_reader_room(reader), input + 1, input_bytes - 1);
    reply_reader_filled(reader, input_bytes - 1);
    for (bool goes_on = true; goes_on && reply_reader_next(reader, &reply, &why) == REPLY_WHOLE;) {
        goes_on = take(&topology, &role, input[0], reply);
        freeReplyObject(reply);
    }
    reply_reader_free(reader);
    return 0;
}
