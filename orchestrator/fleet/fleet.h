/* All workers of one run: segment, fork, pin, start barrier, supervise, collect, reap. The fleet
 * never blocks on a worker: it looks at state words and rings on a timer. */
#ifndef ORCHESTRATOR_FLEET_FLEET_H
#define ORCHESTRATOR_FLEET_FLEET_H

#include <stdbool.h>

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/fleet/plan.h"
#include "orchestrator/report/timeline.h"
#include "worker/worker.h"

struct chaos;
struct event_base;
struct managed_cluster;
struct run_control;

/* What reaches a run from outside. Signals of the session are counted by the handler that main
 * installs: the first one asks for a drained stop, the second one for an immediate one. */
struct interrupts {
    volatile int count;
    /* Not a signal: a listener of the run under way has seen all it needs. Asks for a drained stop,
     * which is no interruption; whoever starts the runs takes it back before the next one. */
    volatile bool enough;
    char ended_by[160];              /* why, when that is a failure; "": it is none */
    struct run_control *control;     /* of the session; NULL: none was asked for */
    struct chaos *chaos;             /* likewise: what is done to the target while it is measured */
    struct managed_cluster *managed; /* the session's own servers; NULL: none */
    /* Of the target, before the next run; a run leaves those of its end. Owned by the session; NULL: not known. */
    struct command_stats *stats;
};

/* One run from fork to the last record, on the session's event loop, which no child keeps: they close what
 * they inherit, and make one of their own. Events go to the timeline; `runs` name what is sent, several of
 * them workloads side by side as facts->streams has them, with one target, warm-up and duration; they are
 * completed here (segment, wake_fd, worker_count). result gets status, workers, seconds and evidence
 * of the fleet. Returns OK when the run happened, whatever its status; E_CONNECT when some
 * connections could not be opened (k of n and why), E_INTERRUPTED when it was interrupted before
 * the start, E_FAILED when it was stopped over the control socket before that, E_SYSTEM when memory
 * or fork failed. No child is left in any case, and no event of the run on the loop. */
MUST_USE enum err_code fleet_run(struct event_base *base, const struct plan *plan,
                                 struct worker_run *runs, uint32_t run_count,
                                 struct run_facts *facts, struct timeline *timeline,
                                 struct interrupts *interrupts, struct run_result *result,
                                 struct err *err);

#endif
