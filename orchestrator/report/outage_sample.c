#include "orchestrator/report/outage_sample.h"

#include <string.h>

struct outage_sample outage_sample_of_all(const struct interval_row *row, bool open_loop,
                                          bool nodes_cut_off)
{
    const uint64_t *counters = row->counters;
    const struct interval_header *header = &row->header;
    uint64_t lost = counters_lost(counters) - counters[COUNTER_LOST_WORKER];
    struct outage_sample sample = {
        .row = row,
        .start_ns = header->start_ns,
        .end_ns = header->end_ns,
        .times = header->times,
        .sent = counters[COUNTER_SENT] + (open_loop ? counters[COUNTER_DUE] : 0),
        .ok = counters[COUNTER_OK],
        .failures = {.errors = counters[COUNTER_ERROR_REPLIES],
                     .timed_out = counters[COUNTER_TIMED_OUT],
                     .lost = lost,
                     .lost_by_cause = {counters[COUNTER_LOST_TIMEOUT],
                                       counters[COUNTER_LOST_DISCONNECT],
                                       counters[COUNTER_LOST_PROTOCOL],
                                       counters[COUNTER_LOST_DRAIN]},
                     .connections_lost = counters[COUNTER_CONNECTIONS_LOST],
                     .connect_failures = counters[COUNTER_CONNECT_FAILURES],
                     .clusterdown = counters[COUNTER_CLUSTERDOWN]},
        .waiting = header->in_flight_after > 0 || header->backlog_after > 0 ||
                   counters[COUNTER_LOST_DRAIN] > 0,
        .degraded = (header->flags & INTERVAL_DEGRADED) != 0,
    };
    /* Of several nodes, one that is away has lost connections for as long as it is: that says nothing of
     * the others. Attempts without a local port say nothing of the target. A cluster that calls itself
     * down refuses requests, though they are sent again. */
    sample.cut_off = ((row->node_count == 0 || nodes_cut_off) &&
                      (sample.failures.connections_lost > 0 ||
                       sample.failures.connect_failures > counters[COUNTER_CONNECT_NO_PORT])) ||
                     counters[COUNTER_CLUSTERDOWN] > 0;
    sample.no_load = open_loop && counters[COUNTER_DUE] == 0;
    memcpy(sample.failures.errors_by_kind, row->errors_by_kind, sizeof row->errors_by_kind);
    sample.evidence =
        sample.failures.errors + sample.failures.timed_out + lost - counters[COUNTER_LOST_DRAIN];
    return sample;
}

struct outage_sample outage_sample_of_node(const struct interval_row *row, uint32_t node,
                                           bool waiting)
{
    const struct node_figures *figures = &row->nodes[node];
    const uint64_t *counters = figures->counters;
    /* Which node's requests draining gave up is not told: as if all were this one's. */
    uint64_t drained = row->counters[COUNTER_LOST_DRAIN], lost = counters[NODE_LOST];
    return (struct outage_sample){
        .start_ns = row->header.start_ns,
        .end_ns = row->header.end_ns,
        .times = figures->times,
        .sent = counters[NODE_SENT],
        .ok = counters[NODE_OK],
        .failures = {.errors = counters[NODE_ERRORS],
                     .timed_out = counters[NODE_TIMED_OUT],
                     .lost = lost,
                     .connections_lost = counters[NODE_CONNECTIONS_LOST],
                     .connect_failures = counters[NODE_CONNECT_FAILURES]},
        .evidence = counters[NODE_ERRORS] + counters[NODE_TIMED_OUT] +
                    (lost > drained ? lost - drained : 0),
        .waiting = waiting || (drained > 0 && lost > 0),
        .cut_off = counters[NODE_CONNECTIONS_LOST] > 0 || counters[NODE_CONNECT_FAILURES] > 0 ||
                   (counters[NODE_REDIRECTED] > 0 && row->counters[COUNTER_CLUSTERDOWN] > 0),
        .degraded = (row->header.flags & INTERVAL_DEGRADED) != 0,
    };
}
