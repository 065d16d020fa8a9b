/* One worker's life, and all that the orchestrator may know of this room. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc.h"
#include "common/spec.h"
#include "common/transport.h"
#include "worker/generate/check_plan.h"
#include "worker/generate/live_plan.h"
#include "worker/generate/plugin.h"
#include "worker/generate/prefill.h"
#include "worker/generate/replay_plan.h"
#include "worker/generate/workload.h"
#include "worker/generate/workload_drawn.h"

struct generator;
struct protocol;

/* One run of one workload, as all its workers see it. Constant from the fork on. */
struct worker_run {
    const struct spec *spec;
    const struct workload *workload;
    const struct target_address *target; /* resolved; NULL with the null transport           */
    const struct topology *topology;     /* as found before the run; NULL: the target alone  */
    struct wire_setup wire_setup;
    uint64_t requests;    /* tickets of the run; 0: time decides              */
    uint64_t duration_ns; /* measured time after the warm-up; 0: requests decide */
    uint64_t warmup_ns;   /* 0: none; its end is control's measure_after_ns                    */
    uint64_t pipeline;
    bool open_loop; /* requests have intended times: ipc_schedule()                          */
    bool null_transport;
    bool
        beside; /* other streams are in the same run: its classes are told apart, if there is only one, too */
    const struct transport *transport; /* NULL: what the spec asks for; tests bring their own   */
    const struct protocol *protocol;   /* NULL: RESP; tests bring their own                     */
    const struct generator *generator; /* NULL: the workload's; tests bring their own ...       */
    const void *generator_source;      /* ... with what it makes requests of                    */
    const struct replay_plan
        *replay; /* recorded requests, which are sent in the workload's place; NULL */
    const struct version_table *versions; /* of keys whose values are checked; NULL: of none    */
    void *segment;                        /* ipc.h */
    int wake_fd; /* eventfd, written at the start and at a stop; never read          */
    uint32_t worker_count;
};

/* What is this worker's own. */
struct worker_share {
    uint32_t index;              /* 0 .. worker_count - 1                                */
    int cpu;                     /* -1: not pinned                                       */
    uint32_t connections;        /* at least 1; with a client ramp those at its end      */
    uint32_t connections_before; /* of the workers before this one                       */
    uint32_t idle;               /* connections beside them that carry nothing           */
    uint32_t users;              /* in place of a schedule (users.h); 0: none             */
    bool own_cpu;     /* pinned, and nobody else's: spinning takes nothing from the server  */
    bool replacement; /* takes over the live words of one that died: the run is under way */
};

/* What a worker does beside other things: a load of its own, with the segment, rings, schedule and target that
 * belong to it. A plain run has one. */
struct worker_stream {
    const struct worker_run *run;
    const struct worker_share *share;
};
#define WORKER_STREAMS_MAX 16u

/* Runs a worker from fork to its last record. Called in the child, once; closes nothing that the
 * caller opened. Streams have one start, and each ends by itself; what is the process's (CPU, parent, wake_fd,
 * replacement) is said by the first. At most one is without a server (null_transport). Returns the status for
 * _exit(): 0, or an error code that is also in the ipc_worker.err of the stream whose it is, or of all. */
MUST_USE int worker_main(const struct worker_stream *streams, uint32_t count);

#endif
