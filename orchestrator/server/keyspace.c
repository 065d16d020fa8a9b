#include "orchestrator/server/keyspace.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/reply_value.h"

/* A server frees some million keys in a second. */
#define FLUSH_TIMEOUT_NS (600 * NS_PER_SECOND)
#define CATCH_UP_LOOK_NS (10 * NS_PER_MS)

/* What is done at one primary. */
typedef enum err_code visit_primary(struct control *control, const struct target_address *address,
                                    struct keyspace *seen, struct err *err);

static enum err_code visit_all(visit_primary *visit, struct keyspace *seen,
                               const struct topology *topology, const struct endpoint *endpoint,
                               const volatile int *interrupted, struct err *err)
{
    enum err_code code = OK;
    control_aside_begin();
    for (uint32_t i = 0; i < topology->node_count && code == OK; i++) {
        const struct topology_node *node = &topology->nodes[i];
        struct control *control = NULL;
        if (node->role != TOPOLOGY_PRIMARY)
            continue;
        code = control_connect_to(&control, &node->address, endpoint, interrupted, err);
        if (code == OK)
            code = visit(control, &node->address, seen, err);
        control_close(control);
    }
    return code;
}

static enum err_code refused(const char *command, const struct target_address *address,
                             const redisReply *reply, struct err *err)
{
    return err_set(err, E_CONNECT, "%s: %s: %s", address->text, command,
                   reply->type == REDIS_REPLY_ERROR ? reply->str : "the answer is no number");
}

static void read_info(struct keyspace *seen, const char *info)
{
    uint64_t used = 0, limit = 0, count = 0;
    char policy[32];
    if (!info_number(&limit, info, "maxmemory", INT64_MAX) || limit == 0 ||
        !info_number(&used, info, "used_memory", INT64_MAX))
        seen->room_bytes = UINT64_MAX;
    else if (seen->room_bytes != UINT64_MAX)
        seen->room_bytes += used < limit ? limit - used : 0;
    seen->evicts |= info_field(info, "maxmemory_policy", policy, sizeof policy) &&
                    strcmp(policy, "noeviction") != 0;
    if (info_number(&count, info, "evicted_keys", INT64_MAX))
        seen->evicted += count;
    if (info_number(&count, info, "expired_keys", INT64_MAX))
        seen->expired += count;
}

static enum err_code look(struct control *control, const struct target_address *address,
                          struct keyspace *seen, struct err *err)
{
    static const char *const argv[] = {"DBSIZE"};
    struct err unknown = {.code = OK};
    redisReply *reply = NULL;
    char *info = NULL;
    int64_t keys = 0;
    enum err_code code = control_command(control, &reply, 1, argv, err);
    if (code == OK && !reply_integer(&keys, reply, 0, INT64_MAX))
        code = refused(argv[0], address, reply, err);
    seen->keys += (uint64_t)keys;
    if (code == OK)
        read_info(seen, control_info(control, &info, &unknown) == OK ? info : "");
    free(info);
    freeReplyObject(reply);
    return code;
}

enum err_code keyspace_look(struct keyspace *seen, const struct topology *topology,
                            const struct endpoint *endpoint, const volatile int *interrupted,
                            struct err *err)
{
    *seen = (struct keyspace){.known = false};
    enum err_code code = visit_all(look, seen, topology, endpoint, interrupted, err);
    seen->known = code == OK;
    return code;
}

/* Its place in the stream of changes; 0: it does not say. */
static uint64_t offset_of(struct control **control, const struct topology_node *node,
                          const struct endpoint *endpoint, const volatile int *interrupted)
{
    struct err unknown = {.code = OK};
    char *info = NULL;
    uint64_t offset = 0;
    const char *field = node->role == TOPOLOGY_REPLICA ? "slave_repl_offset" : "master_repl_offset";
    if (*control == NULL &&
        control_connect_to(control, &node->address, endpoint, interrupted, &unknown) != OK)
        return 0;
    if (control_info(*control, &info, &unknown) != OK ||
        !info_number(&offset, info, field, INT64_MAX))
        offset = 0;
    free(info);
    return offset;
}

static bool reaches(const struct topology_node *replica, uint64_t offset, uint64_t until_ns,
                    const struct endpoint *endpoint, const volatile int *interrupted)
{
    struct control *control = NULL;
    bool there = false;
    do {
        there = offset_of(&control, replica, endpoint, interrupted) >= offset;
        if (!there)
            clock_sleep_until(clock_now_ns() + CATCH_UP_LOOK_NS);
    } while (!there && *interrupted == 0 && clock_now_ns() < until_ns);
    control_close(control);
    return there;
}

const struct target_address *keyspace_await_replicas(const struct topology *topology,
                                                     const struct endpoint *endpoint,
                                                     const volatile int *interrupted)
{
    const uint64_t until_ns = clock_now_ns() + KEYSPACE_CATCH_UP_NS;
    const struct target_address *behind = NULL;
    control_aside_begin();
    for (uint32_t i = 0; i < topology->node_count; i++) {
        struct control *control = NULL;
        if (topology->nodes[i].role != TOPOLOGY_PRIMARY)
            continue;
        const uint64_t offset = offset_of(&control, &topology->nodes[i], endpoint, interrupted);
        control_close(control);
        for (uint32_t k = 0; k < topology->node_count && *interrupted == 0; k++)
            if (topology->nodes[k].role == TOPOLOGY_REPLICA && topology->nodes[k].primary == i &&
                !reaches(&topology->nodes[k], offset, until_ns, endpoint, interrupted))
                behind = &topology->nodes[k].address;
    }
    return behind;
}

/* Freed in the background keys would take memory, and the server's CPUs, from what comes next. Servers before 6.2 do not
 * know the word, and wait unless they are told not to. */
static enum err_code flush(struct control *control, const struct target_address *address,
                           struct keyspace *seen, struct err *err)
{
    static const char *const argv[] = {"FLUSHDB", "SYNC"};
    redisReply *reply = NULL;
    (void)seen;
    enum err_code code = control_command(control, &reply, 2, argv, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "syntax") != NULL) {
        freeReplyObject(reply);
        code = control_command(control, &reply, 1, argv, err);
    }
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = refused(argv[0], address, reply, err);
    freeReplyObject(reply);
    return code;
}

enum err_code keyspace_flush(const struct topology *topology, const struct endpoint *endpoint,
                             const volatile int *interrupted, struct err *err)
{
    struct endpoint patient = *endpoint;
    if (patient.request_timeout_ns < FLUSH_TIMEOUT_NS)
        patient.request_timeout_ns = FLUSH_TIMEOUT_NS;
    return visit_all(flush, NULL, topology, &patient, interrupted, err);
}
