/* The parts of the text report. */
#ifndef ORCHESTRATOR_REPORT_TEXT_H
#define ORCHESTRATOR_REPORT_TEXT_H

#include "orchestrator/report/metric.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* Nanoseconds as an argument of a printf: "1.234". */
#define TEXT_SECONDS(ns) UNITS_REAL(clock_seconds(ns), 3)
#define TEXT_MS(ns) UNITS_REAL((ns) / NS_PER_MS, 3)

/* The head (text_session.c): what a result needs beside it to be repeated. Of an older journal only what it
 * holds is told. Version, date (local time, with its distance from UTC), host and command line; session may be
 * NULL. */
void text_session(struct output *out, const struct session_facts *session,
                  const struct run_facts *run);
/* What is sent: a command, or the phase of a scenario. */
void text_run_name(struct output *out, const struct session_facts *session,
                   const struct run_facts *run);
/* Who serves, with version and address, and how TLS is spoken with it. */
void text_server(struct output *out, const struct session_facts *session);
/* What is sent again with --replay; options that have no line of their own, and are not at their defaults; the label. */
void text_options(struct output *out, const struct session_facts *session);

/* A line "caption: 1,234" (this and what follows: text_figures.c). */
void text_count(struct output *out, const char *caption, uint64_t count);
/* One of a list behind the separator, nothing when there were none. Returns what separates the next one. */
const char *text_part(struct output *out, const char *separator, const char *name, uint64_t count);
/* A sentence: from when to when a latency of this run is. */
const char *text_what_latency_is(const struct run_facts *facts);
/* Of an open loop: target and achieved rate, what became of the requests that fell due, and why the target was
 * not reached; response time, service time, wait and slip side by side. */
void text_rate(struct output *out, const struct run_result *result);
void text_times(struct output *out, const struct run_result *result);
/* One line a node, nothing for one plain server; handshakes, churn and redirections, nothing when there
 * were none. */
void text_nodes(struct output *out, const struct run_result *result);
void text_connections(struct output *out, const struct run_result *result);
/* Those that came to their end, where some did. */
void text_walks(struct output *out, const struct metric_slice *slice);
/* One line a workload side by side, a class of requests, a command of requests of several, where there are any, and
 * what follows (text_classes.c). */
void text_lanes(struct output *out, const struct run_result *result);
/* A response time of a lane: ">= 2.500" where too many without a reply hide it; "-" when nobody was answered. */
#define TEXT_TIME_BYTES 32u
const char *text_lane_time(char text[TEXT_TIME_BYTES], const struct metric_slice *slice,
                           enum metric_statistic_kind kind, double percent);
/* What consumers got, where there are any (text_consumers.c). */
void text_consumers(struct output *out, const struct run_result *result);
/* Keys, values and classes, a line each, where there are any (text_drawn.c). */
/* Series of other programs' /metrics: what they were over the run; NULL: nothing. */
void text_scraped(struct output *out, const struct scraped_totals *scraped);
void text_drawn(struct output *out, const struct drawn *drawn);
/* With --extended-metrics (features 1.25); nothing when the session has none of it. */
void text_extended(struct output *out, const struct session_facts *session,
                   const struct run_result *result);
/* With --debug. Value, percentile, number of values up to it, and 1/(1 - percentile): five steps for each halving
 * of the distance to 100 %, the form that HdrHistogram made usual. */
void text_spectrum(struct output *out, const struct histogram *histogram);
/* One line a worker. */
void text_workers(struct output *out, const struct run_result *result);

/* What the server said that answered no request (text_failures.c). */
void text_closing_words(struct output *out, const struct error_kinds *kinds);
/* What a user saw of failures (text_failures.c): outages of the target and of each node. Nothing when
 * nothing went without a reply and there was no outage. */
void text_failures(struct output *out, const struct run_result *result);

/* What happened when (text_spark.c), in a few lines of characters: rate, p50, p99 and maximum over the time of a run.
 *
 * Memory is bounded: when the columns are full, two become one. A column keeps what stands out, the
 * lowest rate and the highest latencies of its rows, so that a stall shows at any width. */
#define SPARK_COLUMNS_MAX 512u /* even */
#define SPARK_ROWS_MIN 3u      /* fewer intervals show nothing that the totals do not */

/* The lowest rate of its rows; their highest p50, p99 and maximum in ms, at least; below 0: nothing is known. */
#define SPARK_LINES 4u
struct spark_column {
    double values[SPARK_LINES];
};

struct spark {
    struct spark_column columns[SPARK_COLUMNS_MAX];
    uint32_t count;           /* of columns                         */
    uint32_t rows_per_column; /* 1, 2, 4, ...                       */
    uint32_t rows_in_last;    /* of the last column                 */
    uint64_t rows;
    uint64_t start_ns, end_ns; /* of all rows */
    bool unanswered;           /* some latency counts what had no reply with its wait */
};

void spark_begin(struct spark *spark);
/* A measured row; latency is the kind that the report shows. */
void spark_add(struct spark *spark, const struct interval_row *row, bool open_loop);
/* Four lines of at most `width` characters under a heading; nothing with fewer rows than
 * SPARK_ROWS_MIN. ascii: for terminals that do not show UTF-8. */
void spark_print(struct output *out, const struct spark *spark, unsigned width, bool ascii);
/* The character of a value of a line from least to most, 0 and above; a value below 0, and of rates 0 itself, is a blank. */
const char *spark_cell(double value, double least, double most, bool rate, bool ascii);
/* Whether the locale of the environment (LC_ALL, LC_CTYPE, LANG) is not one of UTF-8. */
bool spark_wants_ascii(void);

#endif
