/* What a session has counted so far, by test, and its newest interval: for /metrics and for whoever asks for numbers now. What
 * is not measured (warm-ups) is in none of it, so that a test's totals are those of its report. A listener of the timeline;
 * bounded whatever the length of a session. */
#ifndef ORCHESTRATOR_WATCH_TOTALS_H
#define ORCHESTRATOR_WATCH_TOTALS_H

#include "common/err.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/samples.h"

#define WATCH_TESTS_MAX 16u /* those beyond are counted together, as "others" */

struct watch_word {
    char word[32];
    uint64_t count;
};

struct watch_test {
    char name[128], target[160];
    bool open_loop;
    struct interval_row *total; /* of all runs of this name; a prefill is one of its own */
    struct watch_word words[ERROR_KINDS_MAX];
    uint32_t word_count;
};

struct watch_totals {
    struct watch_test tests[WATCH_TESTS_MAX];
    uint32_t test_count;
    struct watch_test *current;  /* of the run under way; NULL: none has begun */
    bool running;                /* between begin and end of a run */
    struct run_facts run;        /* the newest */
    struct error_kinds kinds;    /* of its newest row */
    struct interval_row *newest; /* measured or warm-up; with its header */
    bool newest_known;
    uint64_t newest_ns;     /* clock reading when it came */
    uint64_t first_wall_ns; /* of the session's first run */
    uint64_t rows;          /* so far, warm-ups too */
};

MUST_USE enum err_code watch_totals_init(struct watch_totals *totals, struct err *err);
void watch_totals_free(struct watch_totals *totals); /* safe on a zeroed struct */
void watch_totals_run_begin(struct watch_totals *totals, const struct run_facts *run);
void watch_totals_add(struct watch_totals *totals, const struct interval_row *row,
                      const struct error_kinds *kinds);
void watch_totals_run_end(struct watch_totals *totals);

/* What is known of the newest interval, and of the servers (samples may be NULL); false: there is no interval yet, and the reading
 * has the servers alone. It points to slice and into totals. */
bool watch_totals_reading(struct watch_reading *reading, struct metric_slice *slice,
                          const struct watch_totals *totals, const struct watch_samples *samples);
/* Of a test's totals; its words cannot be read from it. */
struct metric_slice watch_totals_slice(const struct watch_totals *totals,
                                       const struct watch_test *test);

#endif
