/* --abort-on: ends a run once a condition has held for as long as it says. A sink on the timeline of the run. */
#ifndef ORCHESTRATOR_CAPACITY_ABORT_H
#define ORCHESTRATOR_CAPACITY_ABORT_H

#include "orchestrator/fleet/fleet.h"
#include "orchestrator/report/objective.h"

struct abort_watch {
    /* set by the owner */
    const struct objective_list *conditions;
    struct interrupts *interrupts; /* asked to end the run, with the reason */

    /* private */
    const struct run_facts *run;                  /* under way */
    struct objective_reading seen[OBJECTIVE_MAX]; /* the last one that held */
    /* Plus 1: where the first interval began in which it held; 0: it does not. */
    uint64_t since_ns[OBJECTIVE_MAX];
    /* What came since the last window of classes ended; NULL: no condition is about a class. */
    struct interval_row *window;
    bool window_open;
};

/* Room for what conditions need: E_SYSTEM. abort_watch_free in any case. */
MUST_USE enum err_code abort_watch_init(struct abort_watch *watch, struct err *err);
void abort_watch_free(struct abort_watch *watch);
/* Looks at every interval of the measured part, but not of a prefill; for a class at every window of classes, of which
 * figures have three digits. One of which a condition cannot tell, because nothing was answered or a worker died, does
 * not begin its time, and does not end it. watch stays its owner's. */
struct sink abort_sink(struct abort_watch *watch);

#endif
