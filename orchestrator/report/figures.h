/* The figures that more than one output shows, so that they cannot disagree. Pure functions. */
#ifndef ORCHESTRATOR_REPORT_FIGURES_H
#define ORCHESTRATOR_REPORT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/interval.h"
#include "orchestrator/report/timeline.h"

/* One percentile. */
struct figure_percentile {
    uint64_t value_ns;
    bool empty;       /* no value at all                                                   */
    bool few_samples; /* fewer than 10 / (1 - q) values: one outlier moves it              */
    bool censored;    /* more than 1 - q of what was sent had no reply: the true value is
                       * at least value_ns, which is the maximum then                      */
};
/* row NULL: not of the requests that were answered, so nothing can be missing from it. */
struct figure_percentile figure_percentile(const struct interval_row *row,
                                           const struct histogram *histogram, double percent);

/* Whether `count` values are too few for this percentile. */
bool figure_few_samples(uint64_t count, double percent);

/* What did not succeed: error replies, timed out and lost requests. */
uint64_t figure_failed(const uint64_t counters[COUNTER_COUNT]);
/* Requests with a reply, an error or not. */
uint64_t figure_answered(const uint64_t counters[COUNTER_COUNT]);

double figure_share(uint64_t part, uint64_t whole); /* 0 when whole is 0 */
double figure_rate(uint64_t count, double seconds); /* 0 when seconds is not above 0 */
double figure_row_seconds(const struct interval_row *row);

/* "99.9" -> "99.9th", "1" -> "1st". Returns text; 32 bytes are enough. */
char *figure_ordinal(char *text, size_t text_bytes, double percent);

/* "disconnect" for COUNTER_LOST_DISCONNECT, "timed_out" for COUNTER_TIMED_OUT, and so on. */
const char *figure_lost_cause_name(enum counter counter);
/* The counters of requests that went without a reply, timed out ones first. */
#define FIGURE_UNANSWERED_CAUSES 6u
extern const enum counter figure_unanswered_causes[FIGURE_UNANSWERED_CAUSES];

#endif
