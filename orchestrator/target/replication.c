#include "orchestrator/target/replication.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/target/sightings.h"

/* ---- words of a reply ---- */

static const redisReply *item(const redisReply *list, size_t index)
{
    if (list == NULL || list->type != REDIS_REPLY_ARRAY || index >= list->elements)
        return NULL;
    return list->element[index];
}

static const char *text_of(const redisReply *reply)
{
    if (reply == NULL || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS) ||
        strlen(reply->str) != reply->len)
        return NULL;
    return reply->str;
}

/* A port as a number or as digits. */
static bool read_port(uint16_t *port, const redisReply *reply)
{
    uint64_t number = 0;
    const char *text = text_of(reply);
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
        number = (uint64_t)reply->integer;
    else if (text == NULL || strspn(text, "0123456789") != strlen(text) ||
             !units_parse_count(&number, text))
        return false;
    *port = (uint16_t)number;
    return number >= 1 && number <= UINT16_MAX;
}

static bool read_host(struct host_name *name, const char *host)
{
    if (host == NULL || host[0] == '\0' || strlen(host) >= sizeof name->host)
        return false;
    for (const char *at = host; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return false;
    snprintf(name->host, sizeof name->host, "%s", host);
    return true;
}

static bool read_name(struct host_name *name, const redisReply *host, const redisReply *port)
{
    return read_host(name, text_of(host)) && read_port(&name->port, port);
}

/* INFO's text; "" of anything else. */
static const char *text_of_info(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? reply->str : "";
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
    const char *word = text_of(item(reply, 0));
    if (word == NULL)
        return false;
    if (strcmp(word, "slave") == 0 || strcmp(word, "replica") == 0) {
        const char *link = text_of(item(reply, 3));
        snprintf(role->link, sizeof role->link, "%s", link != NULL ? link : "");
        return read_name(&role->primary_name, item(reply, 1), item(reply, 2));
    }
    const redisReply *replicas = item(reply, 2);
    role->primary = strcmp(word, "master") == 0 || strcmp(word, "primary") == 0;
    if (!role->primary || replicas == NULL || replicas->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < replicas->elements; i++) {
        struct host_name name = {.port = 0};
        if (read_name(&name, item(replicas->element[i], 0), item(replicas->element[i], 1)))
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
static bool read_replica_line(struct sighting *sighting, const char *line)
{
    unsigned number, port;
    char word[16], host[256];
    if (sscanf(line, "%15[a-z]%u:ip=%255[^,\r\n],port=%u,state=%47[^,\r\n]", word, &number, host,
               &port, sighting->state) != 5 ||
        (strcmp(word, "slave") != 0 && strcmp(word, "replica") != 0) || port < 1 ||
        port > UINT16_MAX)
        return false;
    sighting->name.port = (uint16_t)port;
    return read_host(&sighting->name, host);
}

void replicas_seen(struct sightings *seen, const struct server_role *role, const char *info)
{
    for (const char *line = info; *line != '\0';) {
        struct sighting sighting = {.role = "replica", .primary = -1};
        if (read_replica_line(&sighting, line)) {
            sighting.coming = !is_in_role(role, &sighting.name);
            sightings_add(seen, &sighting);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

enum err_code replicas_ask_seen(struct sightings *seen, const struct server_role *role,
                                struct control *control, struct err *err)
{
    const char *const argv[] = {"INFO", "replication"};
    redisReply *reply;
    enum err_code code = control_command(control, &reply, 2, argv, err);
    if (code == OK)
        replicas_seen(seen, role, text_of_info(reply));
    if (code == OK)
        freeReplyObject(reply);
    return code;
}

enum err_code replica_ask(struct replica_view *view, struct control *control, struct err *err)
{
    const char *const argv[] = {"INFO", "replication"};
    char role[16], link[16], filling[8], host[256], port[8];
    uint64_t number;
    redisReply *reply;
    *view = (struct replica_view){.replica = false};
    enum err_code code = control_command(control, &reply, 2, argv, err);
    if (code != OK)
        return code;
    const char *info = text_of_info(reply);
    info_field(info, "role", role, sizeof role);
    info_field(info, "master_link_status", link, sizeof link);
    info_field(info, "master_sync_in_progress", filling, sizeof filling);
    info_field(info, "master_host", host, sizeof host);
    if (info_field(info, "master_port", port, sizeof port) && units_parse_count(&number, port) &&
        number >= 1 && number <= UINT16_MAX && read_host(&view->primary, host))
        view->primary.port = (uint16_t)number;
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
    for (size_t i = 0; item(list, i + 1) != NULL; i += 2) {
        const char *name = text_of(item(list, i));
        if (name != NULL && strcmp(name, key) == 0)
            return text_of(item(list, i + 1));
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
        uint64_t number;
        if (port == NULL || !units_parse_count(&number, port) || number < 1 ||
            number > UINT16_MAX || !read_host(&sighting.name, field_of(reply->element[i], "ip")))
            continue;
        sighting.name.port = (uint16_t)number;
        if (can_serve(&sighting, reply->element[i]))
            add_replica(role, &sighting.name);
        sightings_add(seen, &sighting);
    }
    return true;
}

bool sentinel_primary_parse(struct host_name *primary, const struct redisReply *reply)
{
    return read_name(primary, item(reply, 0), item(reply, 1));
}

bool sentinel_switch_parse(struct host_name *primary, const struct redisReply *message,
                           const char *master_name)
{
    char name[128], host[256], port[8];
    const char *kind = text_of(item(message, 0)), *channel = text_of(item(message, 1));
    const char *text = text_of(item(message, 2));
    uint64_t number;
    if (kind == NULL || strcmp(kind, "message") != 0 || channel == NULL ||
        strcmp(channel, "+switch-master") != 0 || text == NULL)
        return false;
    if (sscanf(text, "%127s %*s %*s %255s %7s", name, host, port) != 3 ||
        strcmp(name, master_name) != 0 || !units_parse_count(&number, port) || number < 1 ||
        number > UINT16_MAX)
        return false;
    primary->port = (uint16_t)number;
    return read_host(primary, host);
}

enum err_code sentinel_connect(struct control **control, struct target_address *target,
                               const struct host_name *name, const struct spec *spec,
                               const volatile int *interrupted, struct err *err)
{
    struct spec plain = *spec;
    struct err first = {.code = OK};
    plain.database = 0;
    plain.password = NULL;
    plain.user = NULL;
    enum err_code code = control_connect_host(control, target, name, &plain, interrupted, &first);
    if (code == E_CONNECT && spec->password != NULL && strstr(first.text, "NOAUTH") != NULL) {
        plain.password = spec->password;
        plain.user = spec->user;
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
