/* The outputs. Each maker fills a sink; the timeline owns it from then on and destroys it. Makers of
 * files create them at once, so that what cannot be written is refused before the load starts:
 * E_USAGE, or E_SYSTEM when memory ran out. A file that is not completed is removed by destroy. */
#ifndef ORCHESTRATOR_REPORT_SINKS_H
#define ORCHESTRATOR_REPORT_SINKS_H

#include <stdbool.h>
#include <stdio.h>

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

enum text_style {
    TEXT_REPORT, /* features 1.21 with volley's additions */
    TEXT_QUIET,  /* -q: one line a test                   */
    TEXT_CSV,    /* --csv: header once, one line a test   */
};
#define TEXT_CSV_HEAD                                                                              \
    "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_"     \
    "ms\","                                                                                        \
    "\"p99_latency_ms\",\"max_latency_ms\"\n"

MUST_USE enum err_code sink_text(struct sink *sink, FILE *out, enum text_style style, bool debug,
                                 struct err *err);
/* Beside an output that shows none of it: a line on stderr for each kind of error reply with its first
 * text, for requests without a reply, for outages, and for each check of a RED verdict. */
struct sink sink_trouble(void);
/* What valkey-benchmark's report says of a session beside the facts of its runs. */
struct valkey_report {
    enum text_style style;
    bool idle;    /* connections only: their number is all that is reported  */
    bool command; /* the user's own, in place of tests                       */
    bool keepalive, cluster;
    enum replica_reads replica_reads;
    bool threads;
    double rate; /* requests per second; 0: as many as there can be */
};
/* The report of another tool (dialect.h): its text, -q and --csv, and its throughput lines. */
MUST_USE enum err_code sink_valkey_benchmark(struct sink *sink, FILE *out,
                                             const struct valkey_report *report, struct err *err);
/* 16 columns per csv_interval_ns (a whole number of intervals; 0: every interval); zero rows during
 * a stall; nothing of a warm-up or a prefill. */
MUST_USE enum err_code sink_interval_csv(struct sink *sink, FILE *out, uint64_t csv_interval_ns,
                                         struct err *err);
/* volley.run/1, streamed. Path "-": stdout. As output_create and output_commit have it; so for
 * the naming of all files. */
MUST_USE enum err_code sink_json(struct sink *sink, const char *path, enum output_naming naming,
                                 struct err *err);
/* HdrHistogram V2 log, one line per measured interval, tagged "<test>-service"; in an open loop also
 * "<test>-response", "<test>-wait" and "<test>-slip"; and "<test>-error" when there were error replies; with several classes of requests "<test>-<class>-service" and
 * "-response", one for each window of classes. Times in seconds since the first run's start, values
 * in nanoseconds, the maximum in milliseconds (the format's usual ratio). Renamed at the end. */
MUST_USE enum err_code sink_hdr_log(struct sink *sink, const char *path, enum output_naming naming,
                                    struct err *err);
/* DIR/journal: append only, each record checksummed and written at once. Makes the directory and
 * what is missing above it; E_USAGE when it already holds a journal, or is not trusted
 * (output_entry.h). A journal in which no run has
 * begun is removed by destroy, so that the directory can be used again after a failed start. */
MUST_USE enum err_code sink_journal(struct sink *sink, const char *directory, struct err *err);
/* The interval CSV of every interval as a file in a directory, and one more for each further measured run of the session:
 * x.csv, x-2.csv, x-3.csv. All of them are renamed at the end, x.csv last. Runs beyond
 * INTERVAL_CSV_FILES_MAX, which is more than any command has but a loop, get no file, with a warning. */
#define INTERVAL_CSV_FILES_MAX 512u
MUST_USE enum err_code sink_interval_csv_file(struct sink *sink, const char *path,
                                              enum output_naming naming, struct err *err);

/* A row for each interval and class, as a file in a directory, which is made when a run with several classes begins;
 * without one there is none. */
MUST_USE enum err_code sink_class_csv(struct sink *sink, const char *path,
                                      enum output_naming naming, struct err *err);

/* Whether another process writes DIR/journal at this moment: the files beside it are its own. */
bool journal_in_use(const char *directory);

/* Feeds the events of DIR/journal to the timeline. A record cut short at the end (the orchestrator
 * was killed) ends the replay cleanly with *complete = false; the missing run_end is made from what
 * is there and marked interrupted. E_DATA: no journal, not a regular file, not one of volley's, or a damaged record (what
 * stands before it was replayed, and the session ended, all the same). E_UNTRUSTED: a row or a run
 * does not add up; all of it was replayed. */
MUST_USE enum err_code journal_replay(const char *directory, struct timeline *timeline,
                                      bool *complete, struct err *err);
/* The same from a stream; name is for messages. */
MUST_USE enum err_code journal_replay_stream(FILE *in, const char *name, struct timeline *timeline,
                                             bool *complete, struct err *err);

#endif
