/* A whole worker against the scripted server, in the test's own process and in simulated time: the run of
 * one worker as the fleet would have it, and its books. */
#ifndef TESTS_SUPPORT_SIMULATED_RUN_H
#define TESTS_SUPPORT_SIMULATED_RUN_H

#include "common/interval.h"
#include "common/ipc.h"
#include "common/spec.h"
#include "common/topology.h"
#include "tests/support/check/scripted_server.h"
#include "worker/worker.h"

#define SIMULATED_LIMIT_SECONDS 120u
/* The worker's connections stand after that, and the run begins. */
#define SIMULATED_START_NS 10000000ull

struct simulated_run {
    /* Set by the test between _init and _go. */
    struct spec spec;
    struct worker_run run;
    struct worker_share share;
    uint64_t rate;              /* requests a second; 0: a closed loop */
    const char *const *command; /* NULL: the test "set"; argument_count below */
    size_t argument_count;
    const struct topology *topology; /* NULL: one server */
    uint64_t
        woken_late_ns; /* the worker sees the common start, or a replacement is forked, so much later */
    uint64_t stop_after_ns; /* the load's end since then, as the fleet sets it; 0: none */

    /* After _go. */
    uint64_t start_ns; /* clock reading of the common start */
    /* Sums of the records, which have been checked one by one. */
    struct interval_row *warmup, *measured;
    uint32_t record_count;
    uint32_t window_count; /* records that end a window of classes */
    struct interval_header first,
        last;                   /* of the first and the last record, without a gap between */
    struct own_stops own_stops; /* put together from the records */
    struct own_stop own_stop;   /* the only one of them          */
    const struct ipc_worker *live;
    struct workload *workload;
};

/* Defaults: one connection, no pipeline, intervals of 100 ms, five seconds for a request. */
void simulated_run_init(struct simulated_run *simulated);
/* Runs it to its end; the test fails when the worker does, or takes longer than the limit. */
void simulated_run_go(struct simulated_run *simulated, const struct scripted_server *server);
void simulated_run_free(struct simulated_run *simulated);
/* The same of several streams of one worker: what is the process's comes from the first. */
void simulated_runs_go(struct simulated_run *const *streams, size_t count,
                       const struct scripted_server *server);
void simulated_runs_free(struct simulated_run *const *streams, size_t count);

/* Of the measured part. */
static inline uint64_t simulated_counter(const struct simulated_run *simulated,
                                         enum counter counter)
{
    return simulated->measured->counters[counter];
}
#endif
