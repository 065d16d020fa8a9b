/* The figures that more than one output shows, so that they cannot disagree. Pure functions. */
#ifndef ORCHESTRATOR_REPORT_FIGURES_H
#define ORCHESTRATOR_REPORT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/interval.h"
#include "orchestrator/report/timeline.h"

/* The latency that every place with room for one shows (design.md 4.4): of an open loop the response
 * time, of a closed one the service time. As the kind, and as the row's histogram of it. */
enum interval_histogram_kind figure_latency_kind(bool open_loop);
const struct histogram *figure_latency(const struct interval_row *row, bool open_loop);

#define BYTES_PER_MB 1e6                 /* of traffic, in every output */
#define BYTES_PER_MB_OF_MEMORY 1048576.0 /* as servers, options, scenarios and pages tell it */

/* One percentile, or another figure of one of the row's histograms. */
struct figure_percentile {
    uint64_t value_ns;
    bool empty;       /* nothing that it could be of                                       */
    bool few_samples; /* fewer than 10 / (1 - q) values: one outlier moves it              */
    bool censored;    /* not known: it is at least value_ns                                */
};
/* The time within which a share q of all had its reply. All are (design.md 4.5):
 *   response time  what was answered without an error, got no reply, or was never sent
 *   service time   the same of what was sent
 *   others         what has a value
 * In flight and backlog count where the run ends (INTERVAL_LAST: its last row and its total); before
 * that they are the next row's.
 *
 * Who got no reply counts as one that is longer than any, so a percentile is exact as long as a share q
 * of all was answered. Else nobody knows it, but how long they had waited is known (figure_unanswered):
 * value_ns is then the percentile of all, each of them taken for a reply at that moment. No true time is
 * shorter than what is put in its place, and order statistics keep that order, so the true percentile is
 * not shorter either, whatever the rest of the waits would have been. (An estimate in place of the bound,
 * as Kaplan and Meier's, would have to assume that waits are cut off by chance; here it is the slow ones
 * that are.) */
struct figure_percentile figure_percentile(const struct interval_row *row,
                                           enum interval_histogram_kind kind, double percent);
/* The same of the mean: censored as soon as one of all got no reply. */
struct figure_percentile figure_mean(const struct interval_row *row,
                                     enum interval_histogram_kind kind);
/* How many of all got no reply, by the same rules; 0 of the other kinds. */
uint64_t figure_unanswered_count(const struct interval_row *row, enum interval_histogram_kind kind);
/* How long they had waited; NULL of the other kinds. It may count fewer: of the rest nobody knows, and
 * their bound is 0. */
const struct histogram *figure_unanswered(const struct interval_row *row,
                                          enum interval_histogram_kind kind);

/* By how much of itself a percentile of the latency may be too high because replies waited in volley before
 * they were read: at most, 0..1. */
double figure_lag_share(const struct interval_row *row, bool open_loop, double percent);

/* Whether `count` values are too few for this percentile. */
bool figure_few_samples(uint64_t count, double percent);
/* So many are enough. */
double figure_samples_needed(double percent);

/* What did not succeed: error replies, timed out and lost requests. */
uint64_t figure_failed(const uint64_t counters[COUNTER_COUNT]);
/* Whether anything failed, in the warm-up too, before the run's end cut replies off. */
bool figure_any_failure(const struct run_result *result);
/* Requests with a reply, an error or not. */
uint64_t figure_answered(const uint64_t counters[COUNTER_COUNT]);

double figure_share(uint64_t part, uint64_t whole); /* 0 when whole is 0 */
/* 0 when seconds is not above 0. No more than a count can hold, whatever a journal says. */
double figure_rate(uint64_t count, double seconds);
#define FIGURE_RATE_MAX 1e15
double figure_row_seconds(const struct interval_row *row);

/* The target of an open loop, requests per second, as run_result.target_rate has it; where that is not
 * known, what fell due per second. */
double figure_target(const struct run_result *result);

/* What fell due by a schedule, and came of it: of a run whose workloads are not all open loops, of those that are. */
struct figure_scheduled {
    uint64_t due, sent, ok, backlog, shed; /* due: with the backlog that was there before */
};
struct figure_scheduled figure_scheduled(const struct run_result *result);
/* False: its orchestrator was killed, and the rows do not tell one workload's schedule from another's. */
bool figure_schedule_known(const struct run_result *result);

/* A rate per second as people read it: "50,000", "0.5", "12.34". Returns text. */
char *figure_rate_text(char *text, size_t text_bytes, double rate);

/* A moment as people read it: "1.500 s", since the measuring began, or "0.500 s of the warm-up". at_ns counts
 * from the common start; of a warm-up whose end is not known warmup_ns is UINT64_MAX. Returns text; 48 bytes
 * are enough. */
char *figure_moment(char *text, size_t text_bytes, uint64_t at_ns, uint64_t warmup_ns);

/* How many nodes a report lists; 0: one plain server. */
uint32_t figure_node_count(const struct run_result *result);
/* Of all requests that nodes answered, those that this one did, 0..1. */
double figure_node_share(const struct interval_row *row, uint32_t node);
/* Its address, or "node 3" when the table never named it. Returns text. */
char *figure_node_name(char *text, size_t text_bytes, const struct run_facts *facts, uint32_t node);

#endif
