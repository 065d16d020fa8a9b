/* Cuts the measured part of a run into windows and judges each: did it keep every objective, and the
 * rate that was asked? A sink on the timeline of the run.
 *
 * A window passes when
 *   - what fell due in it was sent, all but 1 %;
 *   - what was sent in it was answered (or is in flight as before), all but 1 % of what fell due;
 *   - every objective holds for the response times of the requests answered in it.
 * One request may always be missing: at 10 requests a window, 1 % would be none.
 *
 * Connections are a queue, too: a server that is too slow by a fifth seems to keep up until all of them
 * are busy. So over all windows together what fell due has to be answered, all but 1 %, and more in
 * flight at the end than at the beginning is no excuse, but for what the first window's median response
 * time explains (by Little's law): a run that began with nothing in flight. */
#ifndef ORCHESTRATOR_CAPACITY_WINDOWS_H
#define ORCHESTRATOR_CAPACITY_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/objective.h"
#include "orchestrator/report/timeline.h"

#define WINDOWS_MAX 100
#define WINDOWS_ACHIEVED 0.99

/* When a run has been measured long enough. */
enum windows_ending {
    WINDOWS_WHOLE,   /* when all of its windows are there                                     */
    WINDOWS_DECIDED, /* when a majority of those wanted has passed, or has failed             */
    WINDOWS_CLIMBING /* so, or when the first one has passed with every figure at most half of
                      * its objective: higher rates will tell more                            */
};

struct window {
    double start_seconds, seconds; /* since the measured part began */
    uint64_t due, sent, ok, failed;
    uint64_t answered; /* ok and error replies */
    uint64_t in_flight_before, in_flight_after;
    uint64_t median_ns;                               /* response time */
    uint64_t backlog;                                 /* at its end    */
    double achieved;                                  /* ok per second                */
    bool kept_up;                                     /* the first two conditions     */
    struct objective_reading readings[OBJECTIVE_MAX]; /* one for each objective */
    bool passed;
};

struct windows {
    /* set by the owner */
    const struct objective_list *objectives;
    uint64_t window_ns; /* a whole number of the run's intervals */
    uint32_t wanted;    /* windows of a run                      */
    /* The run is asked to end early (by *enough = true; NULL: never) when its backlog is larger than this many
     * requests, and as `ending` says. */
    uint64_t hopeless_backlog;
    enum windows_ending ending;
    volatile bool *enough;

    /* of the run under way, or of the last one */
    struct window list[WINDOWS_MAX];
    uint32_t count, passed;
    uint32_t degraded; /* windows in which a worker died: left out */
    bool hopeless;     /* ended because of its backlog             */

    /* private */
    struct interval_row *row;
    const struct run_facts *run;
    uint64_t begin_ns, edge_ns; /* of the measured part; where the window under way ends */
    bool begun, open, ended;
};

/* Owner's fields are set; windows_free in any case. */
MUST_USE enum err_code windows_init(struct windows *windows, struct err *err);
void windows_free(struct windows *windows);
/* The sink; windows stays its owner's. A run begins with an empty list. */
struct sink windows_sink(struct windows *windows);

/* The condition on all windows together; true when there are none. Pure. */
bool windows_kept_up(const struct windows *windows);

/* Judges what one row of a run holds; run NULL: of one class of requests. Pure. */
void window_judge(struct window *window, const struct interval_row *row,
                  const struct objective_list *objectives, const struct run_facts *run);

#endif
