/* What was sampled while a scenario ran: a table of numbers, a row a sample, a column a metric, in the order of time. Kept
 * whole, since analysis looks at all of it: 8 bytes a number. Owned by the command. Numbers that are not known are NAN. */
#ifndef ORCHESTRATOR_SCENARIO_SERIES_H
#define ORCHESTRATOR_SCENARIO_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Identifier, name in files and checks, where it comes from, unit; as the server has them, so that what it counts only grows. A
 * new one is a row here. Sources: SERVER: a field of INFO of that name; CLIENT: what volley measured in the interval
 * before the sample; NODES: of the nodes of a cluster, against each other (node_series.h); HOST: of the servers'
 * processes on this host, and of the host. */
#define SERIES_METRIC_TABLE(X)                                                                     \
    X(SERIES_USED_MEMORY, "used_memory", SERVER, "bytes")                                          \
    X(SERIES_RSS, "used_memory_rss", SERVER, "bytes")                                              \
    X(SERIES_PEAK, "used_memory_peak", SERVER, "bytes")                                            \
    X(SERIES_OVERHEAD, "used_memory_overhead", SERVER, "bytes")                                    \
    X(SERIES_DATASET, "used_memory_dataset", SERVER, "bytes")                                      \
    X(SERIES_ALLOCATED, "allocator_allocated", SERVER, "bytes")                                    \
    X(SERIES_ACTIVE, "allocator_active", SERVER, "bytes")                                          \
    X(SERIES_RESIDENT, "allocator_resident", SERVER, "bytes")                                      \
    X(SERIES_FRAGMENTATION, "mem_fragmentation_ratio", SERVER, "ratio")                            \
    X(SERIES_ALLOCATOR_FRAGMENTATION, "allocator_frag_ratio", SERVER, "ratio")                     \
    X(SERIES_ALLOCATOR_RSS, "allocator_rss_ratio", SERVER, "ratio")                                \
    X(SERIES_RSS_OVERHEAD, "rss_overhead_ratio", SERVER, "ratio")                                  \
    X(SERIES_DEFRAG_RUNNING, "active_defrag_running", SERVER, "percent")                           \
    X(SERIES_LAZYFREE_PENDING, "lazyfree_pending_objects", SERVER, "keys")                         \
    X(SERIES_EVICTED, "evicted_keys", SERVER, "keys")                                              \
    X(SERIES_EXPIRED, "expired_keys", SERVER, "keys")                                              \
    X(SERIES_HITS, "keyspace_hits", SERVER, "keys")                                                \
    X(SERIES_MISSES, "keyspace_misses", SERVER, "keys")                                            \
    X(SERIES_SERVER_OPS, "instantaneous_ops_per_sec", SERVER, "requests/s")                        \
    X(SERIES_CONNECTED, "connected_clients", SERVER, "connections")                                \
    X(SERIES_CPU_SYS, "used_cpu_sys", SERVER, "s")                                                 \
    X(SERIES_CPU_USER, "used_cpu_user", SERVER, "s")                                               \
    X(SERIES_NET_IN, "total_net_input_bytes", SERVER, "bytes")                                     \
    X(SERIES_NET_OUT, "total_net_output_bytes", SERVER, "bytes")                                   \
    X(SERIES_KEYS, "keys", SERVER, "keys") /* DBSIZE, summed over primaries */                     \
    X(SERIES_OPS, "ops_per_second", CLIENT, "requests/s")                                          \
    X(SERIES_ERRORS, "errors", CLIENT, "requests")                                                 \
    X(SERIES_REQUESTS, "requests", CLIENT, "requests")                                             \
    X(SERIES_P50, "p50_ms", CLIENT, "ms")                                                          \
    X(SERIES_P95, "p95_ms", CLIENT, "ms")                                                          \
    X(SERIES_P99, "p99_ms", CLIENT, "ms")                                                          \
    X(SERIES_MAX, "max_ms", CLIENT, "ms")                                                          \
    X(SERIES_NODE_CV, "node_memory_cv", NODES, "ratio")                                            \
    X(SERIES_NODE_MAX_MIN, "node_memory_max_min", NODES, "ratio")                                  \
    X(SERIES_REPLICA_LAG, "replica_lag_bytes", NODES, "bytes")                                     \
    X(SERIES_PROCESS_RSS, "process_rss", HOST, "bytes")                                            \
    X(SERIES_PROCESS_CPU, "process_cpu_seconds", HOST, "s")                                        \
    X(SERIES_HOST_AVAILABLE, "host_available", HOST, "bytes")

enum series_source { SERIES_OF_SERVER, SERIES_OF_CLIENT, SERIES_OF_NODES, SERIES_OF_HOST };
#define SERIES_ID(id, name, source, unit) id,
enum series_metric { SERIES_METRIC_TABLE(SERIES_ID) SERIES_METRICS };
#undef SERIES_ID
#define SERIES_MB 1048576.0

struct series_row {
    uint64_t at_ns; /* since the scenario began */
    uint64_t wall_ns;
    uint32_t phase; /* of the scenario */
    double values[SERIES_METRICS];
};

struct series {
    struct series_row *rows;
    size_t count;
    size_t room; /* private */
};

const char *series_metric_name(enum series_metric metric);
enum series_source series_metric_source(enum series_metric metric);
const char *series_metric_unit(enum series_metric metric);
/* Also by its alias in vst's files: rss_mb is used_memory_rss in megabytes; then *divisor is 1048576, else 1. False:
 * nothing is called so. */
bool series_metric_find(enum series_metric *metric, double *divisor, const char *name);
/* Whether it is a ratio of resident memory that says nothing of the data: below so much used memory it is the fixed part of a
 * process that it measures. */
#define SERIES_RATIO_LEAST_BYTES (100 * SERIES_MB)
bool series_ratio_is_of_process(enum series_metric metric, double used_bytes);
/* Whether it is memory, in bytes. */
bool series_metric_is_memory(enum series_metric metric);
const char *series_alias_at(size_t index); /* NULL: behind the last */
/* E_SYSTEM: no memory. */
MUST_USE enum err_code series_add(struct series *series, const struct series_row *row,
                                  struct err *err);
void series_free(struct series *series); /* safe on a zeroed struct */

#endif
