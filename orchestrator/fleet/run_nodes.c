#include "orchestrator/fleet/run_nodes.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/ipc.h"
#include "common/topology.h"

/* The writer is another process and takes microseconds; if it died in the middle, the table of the
 * start stays. */
#define TRIES 1000

/* The newest table, to be freed; NULL when there is none. */
static struct topology *newest(void *segment)
{
    struct topology *topology = calloc(1, sizeof *topology);
    uint32_t version = UINT32_MAX;
    for (int i = 0; topology != NULL && i < TRIES; i++)
        if (topology_refresh(topology, &version, ipc_topology(segment)))
            return topology;
    free(topology);
    return NULL;
}

static uint32_t role_of(const struct topology_node *node)
{
    return node->role == TOPOLOGY_PRIMARY   ? RUN_ROLE_PRIMARY
           : node->role == TOPOLOGY_REPLICA ? RUN_ROLE_REPLICA
                                            : RUN_ROLE_GONE;
}

static void take(struct run_facts *run, void *segment, bool at_start, bool followed)
{
    struct topology *topology = newest(segment);
    if (topology == NULL)
        return;
    bool plain = topology->kind == TOPOLOGY_ALIKE && topology->node_count <= 1 && !followed;
    uint32_t count = topology->node_count;
    uint32_t named = count <= NODE_FIGURES_MAX ? count : NODE_FIGURES_MAX;
    for (uint32_t i = 0; i < named && !plain; i++) {
        const struct topology_node *node = &topology->nodes[i];
        struct run_node *into = &run->nodes[i];
        bool known = !at_start && i < run->node_count;
        bool replica = node->role == TOPOLOGY_REPLICA && node->primary < NODE_FIGURES_MAX;
        into->role = role_of(node);
        if (!known) {
            into->role_at_start = at_start ? into->role : (uint32_t)RUN_ROLE_ABSENT;
            into->primary = replica ? node->primary : OUTAGE_NOBODY;
            snprintf(into->text, sizeof into->text, "%s", node->address.text);
        }
    }
    if (count > NODE_FIGURES_MAX)
        snprintf(run->nodes[NODE_FIGURES_MAX - 1].text, sizeof run->nodes[0].text, "%u other nodes",
                 count - NODE_FIGURES_MAX + 1);
    run->node_count = plain ? 0 : named;
    free(topology);
}

void run_nodes_begin(struct run_facts *run, void *segment, bool followed)
{
    run->node_count = 0;
    take(run, segment, true, followed);
}

void run_nodes_renew(struct run_facts *run, void *segment)
{
    take(run, segment, false, run->node_count > 0);
}
