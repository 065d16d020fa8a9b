#include "orchestrator/server/groups.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/slots.h"
#include "orchestrator/server/control.h"

/* The primary that has the stream; a target without slots has one. */
static const struct target_address *node_of(const struct topology *topology,
                                            const struct workload_group *group)
{
    uint32_t node = 0;
    if (topology->kind == TOPOLOGY_SLOTS)
        node = topology->owner[slots_of_key(group->key, group->key_bytes)];
    for (uint32_t i = 0; topology->kind != TOPOLOGY_SLOTS && i < topology->node_count; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY) {
            node = i;
            break;
        }
    return node < topology->node_count ? &topology->nodes[node].address : NULL;
}

static enum err_code refused(const struct workload_group *group, const char *why, struct err *err)
{
    if (strncmp(why, "BUSYGROUP", strlen("BUSYGROUP")) == 0)
        return err_set(err, E_USAGE,
                       "%s: the stream %s has a consumer group %s already, which others may use: "
                       "give another \"group\", or remove it first (XGROUP DESTROY %s %s)",
                       group->consumer, PRINTABLE(group->key), group->name, PRINTABLE(group->key),
                       group->name);
    return err_set(err, E_CONNECT, "%s: the server does not make the group %s of the stream %s: %s",
                   group->consumer, group->name, PRINTABLE(group->key), PRINTABLE(why));
}

static enum err_code ask(const struct topology *topology, const struct workload_group *group,
                         bool create, const struct endpoint *endpoint,
                         const volatile int *interrupted, struct err *err)
{
    const char *argv[] = {"XGROUP",  create ? "CREATE" : "DESTROY", group->key, group->name, "$",
                          "MKSTREAM"};
    const size_t bytes[] = {6, strlen(argv[1]), group->key_bytes, strlen(group->name), 1, 8};
    const struct target_address *address = node_of(topology, group);
    struct control *control = NULL;
    redisReply *reply = NULL;
    if (address == NULL)
        return err_set(err, E_CONNECT, "%s: no node has the slot of the stream %s", group->consumer,
                       PRINTABLE(group->key));
    enum err_code code = control_connect_to(&control, address, endpoint, interrupted, err);
    if (code == OK)
        code = control_command_bytes(control, &reply, create ? 6 : 4, argv, bytes, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = refused(group, reply->str, err);
    freeReplyObject(reply);
    control_close(control);
    return code;
}

enum err_code groups_create(const struct topology *topology, const struct workload *workload,
                            const struct endpoint *endpoint, const volatile int *interrupted,
                            struct err *err)
{
    struct workload_group group;
    size_t made = 0;
    enum err_code code = OK;
    while (code == OK && workload_group_at(&group, workload, made)) {
        code = ask(topology, &group, true, endpoint, interrupted, err);
        made += code == OK;
    }
    while (code != OK && made > 0 && workload_group_at(&group, workload, --made)) {
        struct err ignored = {.code = OK};
        (void)ask(topology, &group, false, endpoint, NULL, &ignored);
    }
    return code;
}

void groups_destroy(const struct topology *topology, const struct workload *workload,
                    const struct endpoint *endpoint)
{
    struct workload_group group;
    for (size_t i = 0; workload_group_at(&group, workload, i); i++) {
        struct err err = {.code = OK};
        if (ask(topology, &group, false, endpoint, NULL, &err) == OK)
            continue;
        log_line(LOG_WARNING, "the group %s of the stream %s may be there still: %s", group.name,
                 PRINTABLE(group.key), err.text);
        return; /* the next ones would wait for the same server */
    }
}
