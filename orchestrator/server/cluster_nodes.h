/* What CLUSTER NODES says, taken apart. Pure. Every version of a server since 3.0 has it, with the
 * identifiers that moving slots and forgetting nodes need. */
#ifndef ORCHESTRATOR_SERVER_CLUSTER_NODES_H
#define ORCHESTRATOR_SERVER_CLUSTER_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/slots.h"

#define CLUSTER_NODE_ID_BYTES 41u

struct cluster_node {
    char id[CLUSTER_NODE_ID_BYTES];
    char primary_id[CLUSTER_NODE_ID_BYTES]; /* of a replica; "" */
    uint16_t port;
    bool myself;
    bool primary;   /* else a replica */
    bool failed;    /* as the others agree; not just suspected */
    bool connected; /* from the one that was asked; and known by now: no handshake */
    uint32_t slot_count;
    unsigned char slots[SLOTS_COUNT / 8]; /* bit set: it serves the slot */
};

struct cluster_nodes {
    struct cluster_node *items; /* owned */
    uint32_t count;
};

/* E_DATA: not such a list, or a line of it is not in order. cluster_nodes_free in any case. */
MUST_USE enum err_code cluster_nodes_parse(struct cluster_nodes *nodes, const char *text,
                                           struct err *err);
void cluster_nodes_free(struct cluster_nodes *nodes);

/* NULL: none of them. */
const struct cluster_node *cluster_nodes_by_port(const struct cluster_nodes *nodes, uint16_t port);

static inline bool cluster_node_serves(const struct cluster_node *node, uint32_t slot)
{
    return (node->slots[slot / 8] >> (slot % 8) & 1) != 0;
}

#endif
