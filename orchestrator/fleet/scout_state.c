#include "orchestrator/fleet/scout_state.h"

#include "common/clock.h"
#include "common/ipc.h"
#include "common/log.h"

/* A node that did not answer is left alone for so long. */
#define AVOID_NS NS_PER_SECOND
#define NAMED_CHANGES_MAX 4

/* ---- publishing ---- */

static const char *const role_words[] = {
    [TOPOLOGY_PRIMARY] = "a primary", [TOPOLOGY_REPLICA] = "a replica", [TOPOLOGY_GONE] = "gone"};

/* Whether anything has changed that workers go by; and says what. */
static bool is_news(const struct topology *before, const struct topology *after, bool tell)
{
    uint32_t changes = 0, moved = 0;
    for (uint32_t i = 0; i < after->node_count; i++) {
        const struct topology_node *node = &after->nodes[i], *old = &before->nodes[i];
        bool new = i >= before->node_count;
        if (!new && old->role == node->role &&
            old->primary == node->primary &&target_address_same(&old->address, &node->address))
            continue;
        if (tell && changes++ < NAMED_CHANGES_MAX)
            log_line(LOG_INFO, "topology: %s is %s%s", node->address.text, role_words[node->role],
                     new ? ", and new" : "");
        else if (!tell)
            return true;
    }
    for (uint32_t slot = 0; slot < SLOTS_COUNT && after->kind == TOPOLOGY_SLOTS; slot++)
        moved += before->owner[slot] != after->owner[slot];
    if (tell && moved > 0)
        log_line(LOG_INFO, "topology: %u slots have another owner, %u have none", moved,
                 topology_uncovered(after));
    if (tell && changes > NAMED_CHANGES_MAX)
        log_line(LOG_INFO, "topology: %u nodes have changed", changes);
    return moved > 0 || changes > 0;
}

void scout_show(const struct scout *scout)
{
    for (uint32_t i = 0; i < scout->run->segments.count; i++)
        topology_publish(ipc_topology(scout->run->segments.each[i]), &scout->current);
}

void scout_publish(struct scout *scout)
{
    if (!is_news(&scout->current, &scout->next, false))
        return;
    topology_copy(&scout->current, &scout->next);
    scout_show(scout);
    (void)is_news(&scout->told, &scout->current, true);
    topology_copy(&scout->told, &scout->current);
}

/* ---- connections ---- */

struct control *scout_reach(struct scout *scout, uint32_t node)
{
    const struct target_address *target = &scout->next.nodes[node].address;
    struct err err = {.code = OK};
    uint64_t now_ns = clock_now_ns();
    if (scout->controls[node] != NULL && target_address_same(target, &scout->reached[node]))
        return scout->controls[node];
    scout_drop(scout, node);
    if (target->address_bytes == 0 || now_ns < scout->avoid_until_ns[node])
        return NULL;
    struct endpoint *patience = &scout->patience;
    if (control_connect_to(&scout->controls[node], target, patience, NULL, &err) == OK) {
        scout->reached[node] = *target;
        return scout->controls[node];
    }
    log_line(LOG_DEBUG, "topology: %s", err.text);
    scout->avoid_until_ns[node] = clock_now_ns() + AVOID_NS;
    return NULL;
}

void scout_drop(struct scout *scout, uint32_t node)
{
    control_close(scout->controls[node]);
    scout->controls[node] = NULL;
}

void scout_unanswered(struct scout *scout, uint32_t node, const struct err *err)
{
    log_line(LOG_DEBUG, "topology: %s: %s", scout->next.nodes[node].address.text, err->text);
    scout_drop(scout, node);
    scout->avoid_until_ns[node] = clock_now_ns() + AVOID_NS;
}
