#include "orchestrator/commands/scenario_nodes.h"

#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

uint32_t scenario_node_number(const struct session *session, uint32_t index)
{
    const struct managed_cluster *managed = &session->managed;
    for (uint32_t i = 0; i < managed->count; i++)
        if (managed->nodes[i].port == session->topology->nodes[index].port)
            return i;
    return index;
}

static void keep(struct scenario_run *run, const struct sampled_node *node, uint32_t number,
                 const struct series_row *sample)
{
    static const enum series_metric of_server[NODE_VALUES] = {
        [NODE_USED_MEMORY] = SERIES_USED_MEMORY,
        [NODE_RSS] = SERIES_RSS,
        [NODE_KEYS] = SERIES_KEYS,
        [NODE_OPS] = SERIES_SERVER_OPS,
        [NODE_EVICTED] = SERIES_EVICTED,
    };
    struct err err = {.code = OK};
    struct node_series_row row = {.at_ns = sample->at_ns,
                                  .wall_ns = sample->wall_ns,
                                  .phase = sample->phase,
                                  .node = number,
                                  .role = !node->answered ? NODE_SILENT
                                          : node->primary ? NODE_PRIMARY
                                                          : NODE_REPLICA};
    snprintf(row.address, sizeof row.address, "%.63s", node->address->text);
    for (unsigned i = 0; i < NODE_VALUES; i++)
        row.values[i] = node->answered ? node->values[of_server[i]] : (double)NAN;
    row.values[NODE_SLOTS] = node->answered ? (double)node->slots : (double)NAN;
    row.values[NODE_LAG] = node->answered ? node->lag_bytes : (double)NAN;
    if (node_series_add(&run->nodes, &row, &err) != OK)
        log_line(LOG_WARNING, "a sample is lost: %s", err.text);
}

void scenario_nodes_hear(struct scenario_run *run, const struct server_sample *sample,
                         struct series_row *row)
{
    const size_t before = run->nodes.count;
    for (uint32_t i = 0; i < sample->node_count; i++)
        keep(run, &sample->nodes[i], scenario_node_number(run->session, i), row);
    const struct node_series_row *rows = run->nodes.rows;
    const size_t count = run->nodes.count - before;
    if (!sample->known || count == 0)
        return;
    row->values[SERIES_NODE_CV] = node_memory_cv(rows + before, count);
    row->values[SERIES_NODE_MAX_MIN] = node_memory_max_min(rows + before, count);
    row->values[SERIES_REPLICA_LAG] = node_lag_most(rows + before, count);
}

void scenario_nodes_account(struct phase_trouble *trouble, const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    trouble->moved += counters[COUNTER_MOVED];
    trouble->asked += counters[COUNTER_ASKED];
    trouble->clusterdown += counters[COUNTER_CLUSTERDOWN];
    trouble->reconnects += counters[COUNTER_CONNECTIONS_OPENED];
    if (result->outages != NULL)
        trouble->unavailable_seconds += clock_seconds(outages_any_ns(result->outages));
}
