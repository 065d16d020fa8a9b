#include "orchestrator/fleet/node_watch.h"

/* Connections that end by plan, or with their worker, are no sign of anything. */
static void look_at_connections(struct node_watch *watch, const struct node_sight *sight,
                                uint64_t now_ns)
{
    uint32_t troubles = sight->lost + sight->failed;
    if (sight->connected > 0) {
        if (sight->lost == watch->lost)
            watch->connections = sight->connected;
        watch->troubles = troubles;
        watch->empty_ns = 0;
    } else if (watch->empty_ns == 0 && watch->connections > 0 && troubles != watch->troubles) {
        watch->empty_ns = now_ns;
    }
    watch->lost = sight->lost;
}

static enum node_news leave(struct node_watch *watch, enum node_news news, uint64_t begin_ns)
{
    watch->away = news;
    watch->begin_ns = begin_ns;
    return news;
}

static enum node_news come_back(struct node_watch *watch, enum node_news news, uint64_t end_ns)
{
    watch->away = NODE_SAME;
    watch->end_ns = end_ns;
    return news;
}

enum node_news node_watch_look(struct node_watch *watch, const struct node_sight *sight,
                               uint64_t now_ns)
{
    look_at_connections(watch, sight, now_ns);
    if (watch->away != NODE_SAME && sight->last_ok_ns > watch->begin_ns) {
        if (watch->empty_ns != 0)
            watch->empty_ns = now_ns; /* it has gone again, meanwhile */
        return come_back(watch, NODE_BACK, sight->last_ok_ns);
    }
    if (watch->away != NODE_SAME && sight->replaced_ns > watch->begin_ns) {
        watch->connections = 0; /* nobody waits for it any more */
        watch->empty_ns = 0;
        return come_back(watch, NODE_REPLACED, sight->replaced_ns);
    }
    if (watch->away != NODE_SAME)
        return NODE_SAME;
    if (watch->empty_ns != 0)
        return now_ns >= watch->empty_ns + NODE_WATCH_GONE_NS
                   ? leave(watch, NODE_GONE, watch->empty_ns)
                   : NODE_SAME;
    /* The rows may not know yet of a success that was seen. */
    if (sight->outage && sight->outage_begin_ns >= sight->last_ok_ns &&
        sight->outage_begin_ns >= watch->end_ns)
        return leave(watch, NODE_SILENT, sight->outage_begin_ns);
    return NODE_SAME;
}
