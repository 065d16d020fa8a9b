/* The servers that a command looks at which the user has named one of: that one alone, or where it is in a cluster, its nodes. */
#ifndef ORCHESTRATOR_SERVER_NODE_LIST_H
#define ORCHESTRATOR_SERVER_NODE_LIST_H

#include "orchestrator/server/control.h"

struct node_list {
    struct target_address *addresses; /* owned; primaries first */
    size_t count;
    bool is_cluster;
};

enum node_choice { NODES_ALL, NODES_PRIMARIES };

/* Looks for them over connections of its own, which it closes; a cluster is noted in the endpoint. E_CONNECT; E_INTERRUPTED; E_SYSTEM.
 * node_list_free in any case. */
MUST_USE enum err_code node_list_find(struct node_list *list, struct endpoint *endpoint,
                                      enum node_choice choice, const volatile int *interrupted,
                                      struct err *err);
void node_list_free(struct node_list *list); /* safe on a zeroed struct */

#endif
