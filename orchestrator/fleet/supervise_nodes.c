/* The nodes of the target under watch: a line at once when one goes away, and when it is back. */
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/fleet/fleet_state.h"
#include "orchestrator/fleet/run_nodes.h"

/* Outages that are told in one run: whoever looks on has understood by then. */
#define TOLD_MAX 10u

/* Workers tell nodes apart. */
static bool has_nodes(const struct fleet *fleet)
{
    const struct spec *spec = fleet->run->spec;
    return fleet->timeline->run.node_count > 0 || spec->endpoint.sentinels != NULL ||
           spec->endpoint.replica_reads != REPLICA_READS_NO;
}

static bool load_is_over(const struct fleet *fleet, uint64_t elapsed_ns)
{
    const struct worker_run *run = fleet->run;
    return fleet->stop_ns != IPC_NEVER || (run->duration_ns > 0 && run->warmup_ns != IPC_NEVER &&
                                           elapsed_ns >= run->warmup_ns + run->duration_ns);
}

/* The newest outage of the node that the rows know, when another one has taken over; else NULL. */
static const struct outage *taken_over(const struct fleet *fleet, uint32_t node)
{
    const struct outage_list *list = outages_of_node(fleet->timeline->outages, node);
    if (list == NULL || list->kept == 0 || list->kept != list->count)
        return NULL;
    const struct outage *newest = &list->items[list->kept - 1];
    return newest->taken_over_by != OUTAGE_NOBODY ? newest : NULL;
}

/* Of one workload of a worker. */
static const struct ipc_node *live_node(const struct fleet *fleet, uint32_t member, uint32_t node)
{
    const struct collector_member *of = &fleet->collector.members[member];
    return &ipc_worker(of->segment, of->worker)->nodes[node];
}

static struct node_sight see(const struct fleet *fleet, uint32_t node, bool has_nodes)
{
    const struct outages *outages = fleet->timeline->outages;
    struct node_sight sight = {.connected = 0};
    uint64_t last_ok_ns = 0;
    for (uint32_t i = 0; i < fleet->collector.member_count; i++) {
        const struct ipc_node *live = live_node(fleet, i, node);
        uint64_t ok_ns = atomic_load_explicit(&live->last_ok_ns, memory_order_relaxed);
        sight.connected += atomic_load_explicit(&live->connected, memory_order_relaxed);
        sight.lost += atomic_load_explicit(&live->lost, memory_order_relaxed);
        sight.failed += atomic_load_explicit(&live->failed, memory_order_relaxed);
        last_ok_ns = ok_ns > last_ok_ns ? ok_ns : last_ok_ns;
    }
    if (last_ok_ns > fleet->start_ns)
        sight.last_ok_ns = last_ok_ns - fleet->start_ns;
    sight.outage = outages_under_way(outages, has_nodes ? (int32_t)node : OUTAGE_NOBODY,
                                     &sight.outage_begin_ns);
    const struct outage *replaced = has_nodes ? taken_over(fleet, node) : NULL;
    if (replaced != NULL)
        sight.replaced_ns = replaced->end_ns;
    return sight;
}

/* ---- What is said. ---- */

/* "GET, 1.5 s": since the measuring began, as the report has it. */
static char *format_when(char *text, size_t text_bytes, const struct fleet *fleet, uint64_t at_ns)
{
    const uint64_t warmup_ns = fleet->run->warmup_ns;
    const bool warming = at_ns < warmup_ns;
    snprintf(text, text_bytes, "%s, %.1f s%s", fleet->facts->name,
             clock_seconds(warming ? at_ns : at_ns - warmup_ns), warming ? " of the warm-up" : "");
    return text;
}

/* The last place may stand for several. */
static char *format_node(char *text, size_t text_bytes, const struct fleet *fleet, uint32_t node)
{
    struct run_facts *run = &fleet->timeline->run;
    if (node > 0 && node >= run->node_count)
        run_nodes_renew(run, fleet->segments.each[0]); /* it has joined since */
    if (node < run->node_count)
        snprintf(text, text_bytes, "%s", run->nodes[node].text);
    else if (node == 0)
        snprintf(text, text_bytes, "%s", run->target);
    else
        snprintf(text, text_bytes, "node %u", node);
    return text;
}

static const char *why_unconnected(const struct fleet *fleet, uint32_t node)
{
    static const char *const reasons[COUNTER_COUNT] = {
        [COUNTER_CONNECT_REFUSED] = ", connection refused",
        [COUNTER_CONNECT_TIMED_OUT] = ", no answer in time",
        [COUNTER_CONNECT_NO_PORT] = ", no local port is free",
        [COUNTER_CONNECT_TLS] = ", the TLS handshake fails"};
    uint32_t failed_by = 0;
    for (uint32_t i = 0; i < fleet->collector.member_count; i++) {
        const struct ipc_node *live = live_node(fleet, i, node);
        if (atomic_load_explicit(&live->failed, memory_order_relaxed) > 0)
            failed_by = atomic_load_explicit(&live->failed_by, memory_order_relaxed);
    }
    return failed_by < COUNTER_COUNT && reasons[failed_by] != NULL ? reasons[failed_by] : "";
}

static char *format_patience(char *text, size_t text_bytes, const struct fleet *fleet)
{
    const struct spec *spec = fleet->run->spec;
    uint64_t patience_ns = fleet_patience_ns(fleet);
    if (spec->connections.max_reconnects > 0)
        snprintf(text, text_bytes, "reconnecting, each %llu times at most (--max-reconnects)",
                 (unsigned long long)spec->connections.max_reconnects);
    else if (fleet->run->duration_ns > 0)
        snprintf(text, text_bytes, "reconnecting until the run ends at %.1f s",
                 clock_seconds(fleet->run->duration_ns));
    else if (!has_nodes(fleet))
        snprintf(text, text_bytes, "reconnecting for %.1f s at most (%s)",
                 clock_seconds(patience_ns), fleet_patience_option(fleet));
    else
        snprintf(text, text_bytes, "reconnecting");
    return text;
}

static void tell_beginning(struct fleet *fleet, uint32_t node, enum node_news news,
                           uint64_t elapsed_ns)
{
    const struct node_watch *watch = &fleet->nodes[node];
    char when[192], name[192], patience[96];
    if (fleet->outages_told == TOLD_MAX)
        log_line(LOG_WARNING, "outages of the target are told no more; the report has them all");
    if (fleet->outages_told++ >= TOLD_MAX)
        return;
    fleet->told[node] = true;
    format_node(name, sizeof name, fleet, node);
    if (news == NODE_GONE)
        log_line(LOG_WARNING, "%s: %s is gone: %u connection%s lost%s; %s",
                 format_when(when, sizeof when, fleet, watch->begin_ns), name, watch->connections,
                 watch->connections == 1 ? "" : "s", why_unconnected(fleet, node),
                 format_patience(patience, sizeof patience, fleet));
    else
        log_line(LOG_WARNING, "%s: no request to %s has succeeded for %.1f s",
                 format_when(when, sizeof when, fleet, elapsed_ns), name,
                 clock_seconds(elapsed_ns - watch->begin_ns));
}

static void tell_end(struct fleet *fleet, uint32_t node, enum node_news before, enum node_news news)
{
    const struct node_watch *watch = &fleet->nodes[node];
    char when[192], name[192], heir[192];
    if (!fleet->told[node])
        return;
    fleet->told[node] = false;
    format_when(when, sizeof when, fleet, watch->end_ns);
    format_node(name, sizeof name, fleet, node);
    double after = clock_seconds(watch->end_ns - watch->begin_ns);
    if (news == NODE_REPLACED)
        log_line(
            LOG_WARNING, "%s: %s answers in place of %s after %.1f s", when,
            format_node(heir, sizeof heir, fleet, (uint32_t)taken_over(fleet, node)->taken_over_by),
            name, after);
    else if (before == NODE_GONE)
        log_line(LOG_WARNING, "%s: %s answers again after %.1f s", when, name, after);
    else
        log_line(LOG_WARNING, "%s: requests to %s succeed again after %.1f s", when, name, after);
}

void supervise_nodes(struct fleet *fleet, uint64_t elapsed_ns)
{
    const bool nodes = has_nodes(fleet);
    if (load_is_over(fleet, elapsed_ns) || fleet->run->null_transport)
        return;
    for (uint32_t i = 0; i < (nodes ? NODE_FIGURES_MAX : 1); i++) {
        const struct node_sight sight = see(fleet, i, nodes);
        const enum node_news before = fleet->nodes[i].away;
        const enum node_news news = node_watch_look(&fleet->nodes[i], &sight, elapsed_ns);
        if (news == NODE_GONE || news == NODE_SILENT)
            tell_beginning(fleet, i, news, elapsed_ns);
        else if (news != NODE_SAME)
            tell_end(fleet, i, before, news);
    }
}
