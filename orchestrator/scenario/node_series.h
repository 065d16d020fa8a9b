/* What the nodes of a cluster said while a scenario ran: a row a sample and node, in the order of time. And how unlike the
 * primaries of one sample are. Owned by the command. Numbers that are not known are NAN. */
#ifndef ORCHESTRATOR_SCENARIO_NODE_SERIES_H
#define ORCHESTRATOR_SCENARIO_NODE_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Identifier, name of the column. A new one is a row here. */
#define NODE_SERIES_TABLE(X)                                                                       \
    X(NODE_USED_MEMORY, "used_memory")                                                             \
    X(NODE_RSS, "used_memory_rss")                                                                 \
    X(NODE_KEYS, "keys")                                                                           \
    X(NODE_SLOTS, "slots") /* that it serves */                                                    \
    X(NODE_OPS, "instantaneous_ops_per_sec")                                                       \
    X(NODE_EVICTED, "evicted_keys")                                                                \
    X(NODE_LAG, "repl_lag_bytes") /* of a replica */

#define NODE_SERIES_ID(id, name) id,
enum node_value { NODE_SERIES_TABLE(NODE_SERIES_ID) NODE_VALUES };
#undef NODE_SERIES_ID

enum node_role { NODE_SILENT, NODE_PRIMARY, NODE_REPLICA }; /* silent: it has not answered */

struct node_series_row {
    uint64_t at_ns; /* since the scenario began */
    uint64_t wall_ns;
    uint32_t phase;   /* of the scenario */
    uint32_t node;    /* its number, as phases name it */
    char address[64]; /* as it is shown */
    enum node_role role;
    double values[NODE_VALUES];
};

struct node_series {
    struct node_series_row *rows;
    size_t count;
    size_t room; /* private */
};

const char *node_value_name(enum node_value value);
const char *node_role_word(enum node_role role); /* "primary", "replica", "silent" */
/* E_SYSTEM: no memory. */
MUST_USE enum err_code node_series_add(struct node_series *series,
                                       const struct node_series_row *row, struct err *err);
void node_series_free(struct node_series *series); /* safe on a zeroed struct */

/* Of the used_memory of primaries that serve slots, in one sample: they are all that there are, so that the deviation is
 * divided by their number. NAN: fewer than two of them, or one is not known. */
double node_memory_cv(const struct node_series_row *rows, size_t count);
double node_memory_max_min(const struct node_series_row *rows, size_t count);
double node_lag_most(const struct node_series_row *rows, size_t count); /* NAN: no replica tells */

#endif
