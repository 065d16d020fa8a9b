#include "orchestrator/server/topology_renew.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/replication.h"

#define PATIENCE_NS NS_PER_SECOND
#define TAKES_OVER_NS (30 * NS_PER_SECOND)
#define AGAIN_NS (6 * NS_PER_SECOND)
#define STEP_NS (50 * NS_PER_MS)

struct renewal {
    const struct topology *topology;
    struct endpoint endpoint;
    const volatile int *interrupted;
    struct topology *asked, *best; /* what one node says, and the newest of it */
    bool answered[TOPOLOGY_NODES_MAX];
    uint64_t epoch;
    bool any;
};

/* E_INTERRUPTED, or E_CONNECT: it answers, and does not call the cluster ok. A node that does not answer is OK. */
static enum err_code ask(struct renewal *renewal, uint32_t node, struct err *err)
{
    const struct target_address *address = &renewal->topology->nodes[node].address;
    struct control *control = NULL;
    struct cluster_view view = {.ok = false};
    struct err own = {.code = OK};
    topology_copy(renewal->asked, renewal->topology);
    enum err_code code =
        control_connect_to(&control, address, &renewal->endpoint, renewal->interrupted, &own);
    if (code == OK)
        code = cluster_ask_view(&view, control, &own);
    if (code == OK)
        code = cluster_ask_nodes(renewal->asked, NULL, control, address,
                                 renewal->endpoint.tls.wanted, &own);
    control_close(control);
    if (code == E_INTERRUPTED)
        return err_set(err, code, "%s", own.text);
    if (code != OK)
        return OK;
    renewal->answered[node] = true;
    if (!view.ok || view.slots_failed > 0)
        return err_set(err, E_CONNECT, "%s does not call the cluster ok", address->text);
    if (!renewal->any || view.epoch > renewal->epoch) {
        topology_copy(renewal->best, renewal->asked);
        renewal->epoch = view.epoch;
    }
    renewal->any = true;
    return OK;
}

static enum err_code judge(const struct renewal *renewal, struct err *err)
{
    if (!renewal->any)
        return err_set(err, E_CONNECT, "no node of the cluster answers");
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++) {
        const uint16_t owner = renewal->best->owner[slot];
        if (owner == TOPOLOGY_NOBODY)
            return err_set(err, E_CONNECT, "nobody serves slot %u", slot);
        if (owner < renewal->topology->node_count && !renewal->answered[owner])
            return err_set(err, E_CONNECT, "%s, which serves slot %u, does not answer",
                           renewal->best->nodes[owner].address.text, slot);
    }
    return OK;
}

enum err_code topology_renew(struct topology *topology, const struct endpoint *endpoint,
                             const volatile int *interrupted, struct err *err)
{
    struct renewal *renewal = calloc(1, sizeof *renewal);
    enum err_code code = OK;
    if (renewal != NULL) {
        *renewal = (struct renewal){.topology = topology,
                                    .endpoint = *endpoint,
                                    .interrupted = interrupted,
                                    .asked = calloc(1, sizeof *renewal->asked),
                                    .best = calloc(1, sizeof *renewal->best)};
        renewal->endpoint.wait_ready_ns = 0;
        renewal->endpoint.connection_timeout_ns = PATIENCE_NS;
        renewal->endpoint.request_timeout_ns = PATIENCE_NS;
    }
    if (renewal == NULL || renewal->asked == NULL || renewal->best == NULL)
        code = err_set(err, E_SYSTEM, "no memory to look at a cluster");
    for (uint32_t i = 0; i < topology->node_count && code == OK; i++)
        code = ask(renewal, i, err);
    if (code == OK)
        code = judge(renewal, err);
    if (code == OK)
        code = topology_resolve(renewal->best, interrupted, err);
    if (code == OK)
        topology_copy(topology, renewal->best);
    if (renewal != NULL) {
        free(renewal->asked);
        free(renewal->best);
    }
    free(renewal);
    return code;
}

/* ---- a failover that is asked for ---- */

static enum err_code order(struct control *control, struct err *err)
{
    static const char *const words[] = {"CLUSTER", "FAILOVER", "FORCE"};
    redisReply *reply = NULL;
    enum err_code code = control_command(control, &reply, 3, words, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_FAILED, "CLUSTER FAILOVER FORCE: %s", reply->str);
    freeReplyObject(reply);
    return code;
}

/* A vote that fails is asked for again. */
static enum err_code promote(struct control *control, struct err *err)
{
    const uint64_t end_ns = clock_now_ns() + TAKES_OVER_NS;
    static struct server_role role; /* too large for a stack */
    uint64_t again_ns = 0;
    enum err_code code = OK;
    while (code == OK && clock_now_ns() < end_ns) {
        code = role_ask(&role, control, err);
        if (code == OK && role.primary)
            return OK;
        if (code == OK && clock_now_ns() >= again_ns) {
            code = order(control, err);
            again_ns = clock_now_ns() + AGAIN_NS;
        }
        clock_sleep_until(clock_now_ns() + STEP_NS);
    }
    return code == OK ? err_set(err, E_FAILED, "the replica did not become the primary") : code;
}

enum err_code topology_force_failover(const struct topology *topology, uint32_t node,
                                      const struct endpoint *endpoint, struct err *err)
{
    const bool is_replica = topology->nodes[node].role == TOPOLOGY_REPLICA;
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *replica = &topology->nodes[i];
        struct control *control = NULL;
        struct err own = {.code = OK};
        if (is_replica ? i != node : replica->role != TOPOLOGY_REPLICA || replica->primary != node)
            continue;
        if (control_connect_to(&control, &replica->address, endpoint, NULL, &own) != OK)
            continue;
        const enum err_code code = promote(control, err);
        control_close(control);
        return code;
    }
    return err_set(err, E_CONNECT, "%s has no replica that answers",
                   topology->nodes[node].address.text);
}
