#include "orchestrator/server/replication.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/server/reply_value.h"
#include "orchestrator/server/sightings.h"

/* ---- words of a reply ---- */

static bool read_host(struct host_name *name, const char *host)
{
    return host != NULL && text_host(name->host, sizeof name->host, host, strlen(host));
}

static bool read_name(struct host_name *name, const redisReply *host, const redisReply *port)
{
    return read_host(name, reply_text(host)) && reply_port(&name->port, port);
}

static void add_replica(struct server_role *role, const struct host_name *name)
{
    if (role->replica_count < RESOLVE_NAMES_MAX)
        role->replicas[role->replica_count++] = *name;
    else
        role->left_out++;
}

/* ---- ROLE ---- */

bool role_parse(struct server_role *role, const struct redisReply *reply)
{
    memset(role, 0, sizeof *role);
    const char *word = reply_text(reply_item(reply, 0));
    if (word == NULL)
        return false;
    if (strcmp(word, "slave") == 0 || strcmp(word, "replica") == 0) {
        const char *link = reply_text(reply_item(reply, 3));
        snprintf(role->link, sizeof role->link, "%s", link != NULL ? link : "");
        return read_name(&role->primary_name, reply_item(reply, 1), reply_item(reply, 2));
    }
    const redisReply *replicas = reply_item(reply, 2);
    role->primary = strcmp(word, "master") == 0 || strcmp(word, "primary") == 0;
    if (!role->primary || replicas == NULL || replicas->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < replicas->elements; i++) {
        struct host_name name = {.port = 0};
        if (read_name(&name, reply_item(replicas->element[i], 0),
                      reply_item(replicas->element[i], 1)))
            add_replica(role, &name);
    }
    return true;
}

enum err_code role_ask(struct server_role *role, struct control *control, struct err *err)
{
    const char *const argv[] = {"ROLE"};
    redisReply *reply;
    enum err_code code = control_command(control, &reply, 1, argv, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "ROLE: %s", reply->str);
    else if (!role_parse(role, reply))
        code = err_set(err, E_CONNECT, "ROLE: the answer is neither a primary's nor a replica's");
    freeReplyObject(reply);
    return code;
}

/* ---- INFO replication ---- */

static bool is_in_role(const struct server_role *role, const struct host_name *name)
{
    for (uint32_t i = 0; i < role->replica_count; i++)
        if (role->replicas[i].port == name->port && strcmp(role->replicas[i].host, name->host) == 0)
            return true;
    return false;
}

/* "slave0:ip=10.0.0.3,port=6380,state=wait_bgsave,offset=0,lag=0" */
static bool read_replica_line(struct sighting *sighting, const char *line, size_t line_bytes)
{
    const size_t word_bytes = strcspn(line, "0123456789:\r\n");
    const size_t name_bytes = word_bytes + strspn(line + word_bytes, "0123456789");
    size_t host_bytes, port_bytes, state_bytes;
    if (!(word_bytes == 5 && memcmp(line, "slave", 5) == 0) &&
        !(word_bytes == 7 && memcmp(line, "replica", 7) == 0))
        return false;
    if (name_bytes == word_bytes || line[name_bytes] != ':')
        return false;
    const char *parts = line + name_bytes + 1;
    const size_t parts_bytes = line_bytes - name_bytes - 1;
    const char *host = info_part(&host_bytes, parts, parts_bytes, "ip");
    const char *port = info_part(&port_bytes, parts, parts_bytes, "port");
    const char *state = info_part(&state_bytes, parts, parts_bytes, "state");
    if (host == NULL || port == NULL || state == NULL)
        return false;
    snprintf(sighting->state, sizeof sighting->state, "%.*s", (int)state_bytes, state);
    return text_port(&sighting->name.port, port, port_bytes) &&
           text_host(sighting->name.host, sizeof sighting->name.host, host, host_bytes);
}

void replicas_seen(struct sightings *seen, const struct server_role *role, const char *info)
{
    for (const char *line = info; *line != '\0';) {
        struct sighting sighting = {.role = "replica", .primary = -1};
        const size_t line_bytes = strcspn(line, "\r\n");
        if (read_replica_line(&sighting, line, line_bytes)) {
            sighting.coming = !is_in_role(role, &sighting.name);
            sightings_add(seen, &sighting);
        }
        line += line_bytes;
        line += strspn(line, "\r\n");
    }
}

enum err_code replicas_ask_seen(struct sightings *seen, const struct server_role *role,
                                struct control *control, struct err *err)
{
    const char *const argv[] = {"INFO", "replication"};
    redisReply *reply;
    enum err_code code = control_command(control, &reply, 2, argv, err);
    if (code == OK)
        replicas_seen(seen, role, reply_info(reply));
    freeReplyObject(reply);
    return code;
}

enum err_code replica_ask(struct replica_view *view, struct control *control, struct err *err)
{
    const char *const argv[] = {"INFO", "replication"};
    char role[16], link[16], filling[8], host[256];
    uint64_t port;
    redisReply *reply;
    *view = (struct replica_view){.replica = false};
    enum err_code code = control_command(control, &reply, 2, argv, err);
    if (code != OK)
        return code;
    const char *info = reply_info(reply);
    info_field(info, "role", role, sizeof role);
    info_field(info, "master_link_status", link, sizeof link);
    info_field(info, "master_sync_in_progress", filling, sizeof filling);
    info_field(info, "master_host", host, sizeof host);
    if (info_number(&port, info, "master_port", UINT16_MAX) && port > 0 &&
        read_host(&view->primary, host))
        view->primary.port = (uint16_t)port;
    freeReplyObject(reply);
    view->replica = strcmp(role, "slave") == 0 || strcmp(role, "replica") == 0;
    view->ready = strcmp(link, "up") == 0;
    if (view->ready || strcmp(filling, "1") == 0)
        snprintf(view->state, sizeof view->state, "%s", view->ready ? "online" : "being filled");
    else if (link[0] != '\0')
        snprintf(view->state, sizeof view->state, "link %s", link);
    return OK;
}

/* ---- sentinels ---- */

static const char *field_of(const redisReply *list, const char *key)
{
    for (size_t i = 0; reply_item(list, i + 1) != NULL; i += 2) {
        const char *name = reply_text(reply_item(list, i));
        if (name != NULL && strcmp(name, key) == 0)
            return reply_text(reply_item(list, i + 1));
    }
    return NULL;
}

/* A replica that is down is no place to read from; one that is not in touch with its primary may become
 * one before long. */
static bool can_serve(struct sighting *sighting, const redisReply *replica)
{
    const char *flags = field_of(replica, "flags");
    const char *link = field_of(replica, "master-link-status");
    bool down =
        flags != NULL && (strstr(flags, "s_down") != NULL || strstr(flags, "o_down") != NULL ||
                          strstr(flags, "disconnected") != NULL);
    bool linked = link == NULL || strcmp(link, "ok") == 0;
    sighting->coming = !down && !linked;
    snprintf(sighting->state, sizeof sighting->state, "%s",
             down     ? "down"
             : linked ? "online"
                      : "not linked to its primary");
    return !down && linked;
}

bool sentinel_replicas_parse(struct server_role *role, struct sightings *seen,
                             const struct redisReply *reply)
{
    memset(role, 0, sizeof *role);
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < reply->elements && i < TOPOLOGY_NODES_MAX; i++) {
        struct sighting sighting = {.role = "replica", .primary = -1};
        const char *port = field_of(reply->element[i], "port");
        if (port == NULL || !text_port(&sighting.name.port, port, strlen(port)) ||
            !read_host(&sighting.name, field_of(reply->element[i], "ip")))
            continue;
        if (can_serve(&sighting, reply->element[i]))
            add_replica(role, &sighting.name);
        sightings_add(seen, &sighting);
    }
    return true;
}

bool sentinel_primary_parse(struct host_name *primary, const struct redisReply *reply)
{
    return read_name(primary, reply_item(reply, 0), reply_item(reply, 1));
}

bool sentinel_switch_parse(struct host_name *primary, const struct redisReply *message,
                           const char *master_name)
{
    char name[128], host[256], port[8];
    const char *kind = reply_text(reply_item(message, 0)),
               *channel = reply_text(reply_item(message, 1));
    const char *text = reply_text(reply_item(message, 2));
    if (kind == NULL || strcmp(kind, "message") != 0 || channel == NULL ||
        strcmp(channel, "+switch-master") != 0 || text == NULL)
        return false;
    if (sscanf(text, "%127s %*s %*s %255s %7s", name, host, port) != 3 ||
        strcmp(name, master_name) != 0)
        return false;
    return text_port(&primary->port, port, strlen(port)) && read_host(primary, host);
}

enum err_code sentinel_connect(struct control **control, struct target_address *target,
                               const struct host_name *name, const struct endpoint *endpoint,
                               const volatile int *interrupted, struct err *err)
{
    struct endpoint plain = *endpoint;
    struct err first = {.code = OK};
    plain.database = 0;
    plain.password = NULL;
    plain.user = NULL;
    enum err_code code = control_connect_host(control, target, name, &plain, interrupted, &first);
    if (code == E_CONNECT && endpoint->password != NULL && strstr(first.text, "NOAUTH") != NULL) {
        plain.password = endpoint->password;
        plain.user = endpoint->user;
        return control_connect_host(control, target, name, &plain, interrupted, err);
    }
    return code == OK ? OK : err_set(err, code, "%s", first.text);
}

enum err_code sentinel_ask_primary(struct host_name *primary, bool *known, struct control *sentinel,
                                   const char *master_name, struct err *err)
{
    const char *const argv[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name};
    redisReply *reply;
    *known = false;
    enum err_code code = control_command(sentinel, &reply, 3, argv, err);
    if (code != OK)
        return code;
    *known = sentinel_primary_parse(primary, reply);
    if (!*known && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "SENTINEL GET-MASTER-ADDR-BY-NAME: %s", reply->str);
    else if (!*known && reply->type != REDIS_REPLY_NIL)
        code = err_set(err, E_CONNECT, "SENTINEL GET-MASTER-ADDR-BY-NAME: no sentinel's answer");
    freeReplyObject(reply);
    return code;
}

enum err_code sentinel_ask_replicas(struct server_role *role, struct sightings *seen,
                                    struct control *sentinel, const char *master_name,
                                    struct err *err)
{
    /* before 5.0 they have the older word only */
    static const char *const words[] = {"REPLICAS", "SLAVES"};
    bool read = false;
    for (size_t i = 0; i < 2 && !read; i++) {
        const char *const argv[] = {"SENTINEL", words[i], master_name};
        redisReply *reply;
        enum err_code code = control_command(sentinel, &reply, 3, argv, err);
        if (code != OK)
            return code;
        read = sentinel_replicas_parse(role, seen, reply);
        freeReplyObject(reply);
    }
    return read ? OK : err_set(err, E_CONNECT, "SENTINEL REPLICAS: no sentinel's answer");
}

/* ---- into the table ---- */

bool replicas_into(struct topology *topology, uint32_t primary, const struct server_role *role)
{
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].role == TOPOLOGY_REPLICA && topology->nodes[i].primary == primary)
            topology->nodes[i].role = TOPOLOGY_GONE;
    for (uint32_t i = 0; i < role->replica_count; i++) {
        const struct host_name *name = &role->replicas[i];
        int index = topology_add(topology, name->host, name->port);
        if (index < 0)
            return false;
        if ((uint32_t)index == primary)
            continue;
        topology->nodes[index].role = TOPOLOGY_REPLICA;
        topology->nodes[index].primary = (uint16_t)primary;
    }
    return true;
}
