/* The live line, once a second, on a terminal or with --progress. On a terminal it is as wide as fits,
 * whatever the width is at that moment: what says least goes first. */
#ifndef ORCHESTRATOR_REPORT_PROGRESS_H
#define ORCHESTRATOR_REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "orchestrator/report/timeline.h"

struct progress {
    FILE *out;
    bool terminal;
    uint64_t last_ns, last_ok;
    struct interval_row *window; /* the rows since the last line                          */
    uint64_t warmup_answered,
        warmup_ok; /* of the warm-up's rows: outside the share and the average */
    bool open_loop;
    uint64_t window_row_ns; /* length of those rows                                      */
    uint64_t due;           /* of the measured rows so far: with -n it comes to an end         */
    double target;          /* requests due per second, by the latest rows; < 0: no row so far */
    uint64_t backlog, shed; /* at the end of the latest row; so far                         */
    int line_columns;       /* of the line that stands unfinished on the terminal; 0: none */
    bool named; /* set by the caller: the session has more runs, each line names its own */
    char prefix[80];
};

MUST_USE enum err_code progress_init(struct progress *progress, FILE *out, struct err *err);
void progress_begin(struct progress *progress, const struct run_facts *run);
void progress_add(struct progress *progress, const struct interval_row *row);
/* Prints the line of features 1.20 for elapsed_ns since the common start. Live totals since then:
 * answered are requests with a reply, an error or not: how far the run is; ok are those without one: its
 * rate; errors are all that failed. A run with a duration shows the share of its time. An open loop's
 * target, backlog and latencies (response times) are those of the rows that were added. */
void progress_line(struct progress *progress, const struct run_facts *run, uint64_t elapsed_ns,
                   uint64_t answered, uint64_t ok, uint64_t errors);
/* Takes the line away: it is some moment's, and what the run came to follows. */
void progress_end(struct progress *progress);
void progress_destroy(struct progress *progress);

#endif
