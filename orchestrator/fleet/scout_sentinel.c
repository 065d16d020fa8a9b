/* What the scout asks of sentinels and hears from them. */
#include <hiredis/hiredis.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/fleet/scout_state.h"
#include "orchestrator/server/discover.h"

#define AVOID_NS (500 * NS_PER_MS)
/* The rest at the next look: one that does not stop talking must not keep it from happening. */
#define MESSAGES_AT_ONCE 64u

static void drop_sentinel(struct scout *scout)
{
    control_close(scout->sentinel);
    control_close(scout->listener);
    scout->sentinel = scout->listener = NULL;
}

/* Subscribed, the connection takes no further questions. */
static enum err_code subscribe(struct control *listener, struct err *err)
{
    const char *const argv[] = {"SUBSCRIBE", "+switch-master"};
    redisReply *reply;
    enum err_code code = control_command(listener, &reply, 2, argv, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "SUBSCRIBE: %s", reply->str);
    freeReplyObject(reply);
    return code;
}

static bool connect_sentinel(struct scout *scout)
{
    struct target_address target;
    struct err err = {.code = OK};
    const struct host_name *name = &scout->sentinels[scout->sentinel_at];
    enum err_code code =
        sentinel_connect(&scout->sentinel, &target, name, &scout->patience, NULL, &err);
    if (code == OK)
        code = sentinel_connect(&scout->listener, &target, name, &scout->patience, NULL, &err);
    if (code == OK)
        code = subscribe(scout->listener, &err);
    if (code == OK)
        return true;
    log_line(LOG_DEBUG, "topology: sentinel: %s", err.text);
    drop_sentinel(scout);
    return false;
}

/* The one in use, or else the next that answers; not again at once when none did. */
static bool reach_sentinel(struct scout *scout)
{
    struct err err = {.code = OK};
    if (scout->sentinel != NULL)
        return true;
    if (scout->sentinel_count == 0 &&
        resolve_split(scout->sentinels, &scout->sentinel_count, RESOLVE_NAMES_MAX,
                      scout->run->spec->endpoint.sentinels, 26379, "--sentinel", &err) != OK)
        return false;
    if (clock_now_ns() < scout->sentinels_avoided_until_ns)
        return false;
    for (uint32_t i = 0; i < scout->sentinel_count; i++) {
        if (connect_sentinel(scout))
            return true;
        scout->sentinel_at = (scout->sentinel_at + 1) % scout->sentinel_count;
    }
    scout->sentinels_avoided_until_ns = clock_now_ns() + AVOID_NS;
    return false;
}

/* The next time another one is asked. */
static void leave_sentinel(struct scout *scout, const char *why)
{
    log_line(LOG_DEBUG, "topology: sentinel: %s", why);
    drop_sentinel(scout);
    scout->sentinel_at = (scout->sentinel_at + 1) % scout->sentinel_count;
}

static bool take_replicas(struct scout *scout, uint32_t primary, struct err *err)
{
    const struct spec *spec = scout->run->spec;
    if (spec->endpoint.replica_reads == REPLICA_READS_NO)
        return true;
    return sentinel_ask_replicas(&scout->role, NULL, scout->sentinel, spec->endpoint.master_name,
                                 err) == OK &&
           replicas_into(&scout->next, primary, &scout->role);
}

/* Replicas of the primary before this one are the new one's, until it is asked. */
static int take_primary(struct scout *scout, const struct host_name *name)
{
    struct topology *next = &scout->next;
    int primary = topology_sole_primary(next, name);
    for (uint32_t i = 0; i < next->node_count && primary >= 0; i++)
        if (next->nodes[i].role == TOPOLOGY_REPLICA)
            next->nodes[i].primary = (uint16_t)primary;
    return primary;
}

bool scout_ask_sentinels(struct scout *scout)
{
    struct host_name name;
    struct err err = {.code = OK};
    bool known = false;
    scout->unsettled = false;
    if (!reach_sentinel(scout))
        return false;
    if (sentinel_ask_primary(&name, &known, scout->sentinel, scout->run->spec->endpoint.master_name,
                             &err) != OK ||
        !known) {
        leave_sentinel(scout, known ? err.text : "it does not answer, or not know the name");
        return false;
    }
    int primary = take_primary(scout, &name);
    if (primary < 0 || !take_replicas(scout, (uint32_t)primary, &err)) {
        leave_sentinel(scout, err.text);
        return false;
    }
    scout_resolve(scout);
    return true;
}

void scout_hear_sentinels(struct scout *scout)
{
    struct err err = {.code = OK};
    redisReply *message = NULL;
    if (!reach_sentinel(scout))
        return;
    for (uint32_t i = 0; i < MESSAGES_AT_ONCE; i++) {
        if (control_heard(scout->listener, &message, &err) != OK || message == NULL)
            break;
        struct host_name name;
        if (sentinel_switch_parse(&name, message, scout->run->spec->endpoint.master_name)) {
            topology_copy(&scout->next, &scout->current);
            if (take_primary(scout, &name) >= 0) {
                scout_resolve(scout);
                scout_publish(scout);
            }
            scout->unsettled = true; /* its replicas have to be asked for */
        }
        freeReplyObject(message);
    }
    if (err.code != OK)
        leave_sentinel(scout, err.text);
}
