/* Who serves what: the nodes of a target and, of a cluster, the owner of each slot. One table in the
 * shared segment: the scout writes it, the workers copy it when its version has changed.
 *
 * A standalone server is a topology of one primary; several hosts are several primaries, all alike;
 * with replicas found by ROLE those are beside it. A node keeps its index for the whole run: per-node
 * figures are numbered by it. */
#ifndef COMMON_TOPOLOGY_H
#define COMMON_TOPOLOGY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/slots.h"
#include "common/transport.h"

/* Room in the table. Nodes stand last in it and are written, copied and touched as far as there are any: a
 * zeroed table of a few nodes costs their memory, wherever it lies. */
#define TOPOLOGY_NODES_MAX 4096u
#define TOPOLOGY_NOBODY UINT16_MAX

enum topology_kind {
    TOPOLOGY_ALIKE, /* any node of the right role serves any request                        */
    TOPOLOGY_SLOTS  /* owner[] tells the primary of each slot                               */
};

enum topology_role { TOPOLOGY_PRIMARY, TOPOLOGY_REPLICA, TOPOLOGY_GONE };

struct topology_node {
    struct target_address address; /* resolved; address.host is what it was announced as   */
    uint16_t port;                 /* as announced; with host the node's name in a MOVED    */
    uint16_t primary;              /* of a replica: its primary's index                     */
    uint32_t role;                 /* enum topology_role                                    */
};

struct topology {
    uint32_t kind; /* enum topology_kind */
    uint32_t node_count;
    uint16_t owner[SLOTS_COUNT]; /* index of a node, or TOPOLOGY_NOBODY; TOPOLOGY_SLOTS only */
    struct topology_node nodes[TOPOLOGY_NODES_MAX];
};

/* The shared form. One writer. */
struct topology_shared {
    _Atomic uint32_t version; /* odd while it is being written; grows */
    struct topology topology;
};

/* Both write no more than there are nodes. */
void topology_clear(struct topology *topology);
void topology_copy(struct topology *into, const struct topology *from);

/* Replaces the shared table; the version grows by two. The scout only, or before the fork. */
void topology_publish(struct topology_shared *shared, const struct topology *topology);

/* Copies the table when its version is another than *version, and sets that. False: it is the same,
 * or it is being written now (or there is no memory); ask again later. Never waits. */
bool topology_refresh(struct topology *copy, uint32_t *version,
                      const struct topology_shared *shared);

/* Index of the node of this name, -1: none. host "": a node on any host with that port, if there is
 * only one. */
int topology_find(const struct topology *topology, const char *host, uint16_t port);

/* The node of this name; added at the end, as a primary without slots, when it is new. -1: no room. */
int topology_add(struct topology *topology, const char *host, uint16_t port);

uint32_t topology_primaries(const struct topology *topology);
/* The nodes of a cluster that have slots, and so requests: TOPOLOGY_SLOTS only. */
struct topology_count {
    uint32_t primaries; /* with slots                       */
    uint32_t alone;     /* of those: without a replica      */
    uint32_t replicas;  /* of primaries with slots          */
};
struct topology_count topology_count_serving(const struct topology *topology);
/* Nodes that take writes: primaries with slots, or the one server; NULL is that, too. */
uint32_t topology_writers(const struct topology *topology);
/* Slots of each node: counts[node_count]. TOPOLOGY_SLOTS only. */
void topology_count_slots(const struct topology *topology, uint16_t *counts);
uint32_t topology_replicas(const struct topology *topology);
/* Slots that nobody owns; TOPOLOGY_SLOTS only. */
uint32_t topology_uncovered(const struct topology *topology);

#endif
