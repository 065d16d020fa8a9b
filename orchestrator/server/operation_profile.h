/* What a server was called for between two looks at INFO, and what its counters came to meanwhile. Pure but for its memory; any
 * text is safe. */
#ifndef ORCHESTRATOR_SERVER_OPERATION_PROFILE_H
#define ORCHESTRATOR_SERVER_OPERATION_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct redisReply;

enum operation_kind { OPERATION_OTHER, OPERATION_WRITE, OPERATION_QUERY, OPERATION_KINDS };

struct operation {
    char name[64];                /* "set", "config|get" */
    uint64_t calls, usec, failed; /* failed: rejected, too */
    enum operation_kind kind;
};

#define OPERATIONS_MAX 1024u
struct operations {
    struct operation *items; /* owned */
    size_t count;
};

/* Lines cmdstat_NAME of INFO; those beyond OPERATIONS_MAX are left out. E_SYSTEM: no memory. operations_free in any case. */
MUST_USE enum err_code operations_read(struct operations *operations, const char *info,
                                       struct err *err);
void operations_free(struct operations *operations); /* safe on a zeroed struct */
/* Makes of `after` what lies between the two, the most time first, without what was not called. False: a counter has gone back. */
MUST_USE bool operations_subtract(struct operations *after, const struct operations *before);
/* Adds those of another node to the total, the most time first; those beyond OPERATIONS_MAX are left out. E_SYSTEM: no memory. */
MUST_USE enum err_code operations_add(struct operations *total, const struct operations *node,
                                      struct err *err);
/* The reply of COMMAND INFO with the names of operations from `first` on, in their order. */
void operations_mark(struct operations *operations, size_t first, const struct redisReply *reply);

/* Counters and gauges of one look; NAN: the server does not tell. */
struct profile_sample {
    double seconds; /* since the first look */
    double used_memory, maxmemory, evicted, rejected_connections, delayed_fsyncs, forks, fork_usec,
        hits, misses, thread_cpu_seconds, clients;
};
void profile_sample_read(struct profile_sample *sample, double seconds, const char *info);
/* Adds the memory of another node, at about the same time, to the total. */
void profile_sample_add(struct profile_sample *total, const struct profile_sample *node);

#define PROFILE_PEAKS_MAX 10u
/* Places of the highest peaks of used_memory, in the order of time. Returns how many. */
size_t profile_peaks(size_t peaks[PROFILE_PEAKS_MAX], const struct profile_sample *samples,
                     size_t count);

#endif
