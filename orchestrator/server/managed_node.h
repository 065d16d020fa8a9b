/* Talk with one managed server, for what starts clusters and what breaks them: connects, orders and
 * asks with a limit for each wait (managed_server_address, and for an order some seconds). Blocks: before the runs, or in a process of
 * its own. */
#ifndef ORCHESTRATOR_SERVER_MANAGED_NODE_H
#define ORCHESTRATOR_SERVER_MANAGED_NODE_H

#include <stdbool.h>

#include "common/err.h"
#include "orchestrator/server/cluster_nodes.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/managed_server.h"

MUST_USE enum err_code managed_node_open(struct control **control,
                                         const struct managed_server *server,
                                         const volatile int *interrupted, struct err *err);

/* A command of words separated by blanks, and what answers it as text (free), NULL: no text was asked
 * for. E_FAILED: an error reply, whose words are in err; E_CONNECT as control_command. */
MUST_USE enum err_code managed_node_ask(struct control *control, char **text, struct err *err,
                                        const char *format, ...) PRINTF_LIKE(4, 5);
#define managed_node_order(control, err, ...) managed_node_ask(control, NULL, err, __VA_ARGS__)

/* CLUSTER NODES; cluster_nodes_free in any case. */
MUST_USE enum err_code managed_node_cluster(struct cluster_nodes *nodes, struct control *control,
                                            struct err *err);
/* Whether a field of the text that a command gives has this value: "INFO replication",
 * "CLUSTER INFO". */
MUST_USE enum err_code managed_node_field_is(bool *is, struct control *control, const char *command,
                                             const char *field, const char *value, struct err *err);

/* A wait in small steps. E_INTERRUPTED; E_CONNECT: it is later than deadline_ns, and `what` did not come
 * about. */
MUST_USE enum err_code managed_node_wait(uint64_t deadline_ns, const volatile int *interrupted,
                                         const char *what, struct err *err);

#endif
