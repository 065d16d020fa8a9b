/* The shared segments of a run (ipc.h), one for each of its workloads side by side, and what they say together. Any
 * process, any time. */
#ifndef ORCHESTRATOR_FLEET_SEGMENTS_H
#define ORCHESTRATOR_FLEET_SEGMENTS_H

#include "common/ipc.h"
#include "worker/worker.h"

struct segments {
    void *each[WORKER_STREAMS_MAX];
    uint32_t count;
};

/* Sums of ipc_live_total, ipc_failures and ipc_live_connections. */
uint64_t segments_total(const struct segments *segments, enum counter counter);
uint64_t segments_failures(const struct segments *segments);
uint32_t segments_connections(const struct segments *segments);

#endif
