/* Tickets that are bound to a node and never sent: whose doing that was. */
#include "worker/worker_state.h"

uint64_t router_able_since(const struct worker *worker, uint64_t now_ns)
{
    uint64_t turn_ns = worker->pacer.turn_ns;
    if (worker->woken_turns > 0)
        return worker->still.from_ns;
    return turn_ns != 0 && now_ns > turn_ns + OWN_STOP_NS ? turn_ns : now_ns;
}

/* Where a node has its figures; NULL: tickets are bound to none. */
static struct node_figures *figures_of(struct worker *worker, const struct pool *pool)
{
    const struct router *router = &worker->router;
    return router->by_slot ? worker_node(worker, (uint32_t)(pool - router->pools)) : NULL;
}

/* Whether the ticket waited for a connection to its node for the most part of its time. */
static bool waited_for_node(const struct worker *worker, const struct pool *pool,
                            const struct request_slot *slot, uint64_t now_ns)
{
    struct supply supply = pool->supply;
    if (now_ns <= slot->intended_ns)
        return false;
    if (pool->free == 0)
        supply.since_ns = router_able_since(worker, now_ns);
    uint64_t waited_ns = supply_take(&supply, slot->intended_ns, slot->waited_ns, now_ns);
    return waited_ns > (now_ns - slot->intended_ns) / 2;
}

void router_left_unsent(struct worker *worker, const struct pool *pool,
                        const struct request_slot *slot, uint64_t now_ns)
{
    struct node_figures *node = figures_of(worker, pool);
    if (node != NULL && waited_for_node(worker, pool, slot, now_ns))
        node->counters[NODE_UNSENT]++;
}

void router_shed_late(struct worker *worker, const struct pool *pool,
                      const struct request_slot *slot, uint64_t now_ns)
{
    worker_count(worker, COUNTER_SHED_LATE, 1);
    recorder_unsent(worker, 1, slot->intended_ns, now_ns);
    router_left_unsent(worker, pool, slot, now_ns);
}

void router_shed_for_node(struct worker *worker, const struct pool *pool,
                          const struct request_slot *slot, uint64_t now_ns)
{
    worker_count(worker, COUNTER_SHED_NODE, 1);
    recorder_unsent(worker, 1, slot->intended_ns, now_ns);
    figures_of(worker, pool)->counters[NODE_UNSENT]++;
    worker->unsent--;
}

void router_note_full(struct worker *worker, uint64_t now_ns, struct pool *full_pool)
{
    struct router *router = &worker->router;
    if (router->full_ns != 0 && now_ns > router->full_ns) {
        worker_count(worker, COUNTER_RING_FULL_NS, now_ns - router->full_ns);
        figures_of(worker, router->full_pool)->counters[NODE_RING_FULL_NS] +=
            now_ns - router->full_ns;
    }
    router->full_ns = full_pool != NULL ? now_ns : 0;
    if (full_pool != NULL)
        router->full_pool = full_pool; /* kept for the ticket that is drawn */
}
