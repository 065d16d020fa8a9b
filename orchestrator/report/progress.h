/* The live line, once a second, on a terminal or with --progress. On a terminal it is as wide as fits,
 * whatever the width is at that moment: what says least goes first. */
#ifndef ORCHESTRATOR_REPORT_PROGRESS_H
#define ORCHESTRATOR_REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "orchestrator/report/live_line.h"
#include "orchestrator/report/timeline.h"

struct progress {
    struct live_line line;
    bool named; /* the session has more runs, each line names its own */

    /* of the run under way */
    const struct run_facts *run;
    uint64_t last_ns, last_ok;
    struct interval_row *window; /* the rows since the last line                          */
    uint64_t warmup_answered,
        warmup_ok;          /* of the warm-up's rows: outside the share and the average */
    uint64_t window_row_ns; /* length of those rows                                      */
    uint64_t due;           /* of the measured rows so far: with -n it comes to an end         */
    double target;          /* requests due per second, by the latest rows; < 0: no row so far */
    uint64_t backlog, shed; /* at the end of the latest row; so far                         */
    char prefix[80];
};

MUST_USE enum err_code progress_init(struct progress *progress, FILE *out, bool named,
                                     struct err *err);
/* Prints the line of features 1.20 with the live figures. A run with a duration shows the share of its time.
 * An open loop's target, backlog and latencies (response times) are those of the rows since the last line.
 * At the end of a run the line is taken away: it is some moment's, and what the run came to follows. So it
 * comes before the outputs that print. The progress outlives the sink, which releases what it owns. */
struct sink progress_sink(struct progress *progress);

#endif
