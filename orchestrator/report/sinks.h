/* The outputs. Each maker fills a sink; the timeline owns it from then on and destroys it. */
#ifndef ORCHESTRATOR_REPORT_SINKS_H
#define ORCHESTRATOR_REPORT_SINKS_H

#include <stdio.h>

#include "orchestrator/report/timeline.h"

enum text_style {
    TEXT_REPORT, /* features 1.21 with volley's additions */
    TEXT_QUIET,  /* -q: one line a test                   */
    TEXT_CSV,    /* --csv: header once, one line a test   */
};

MUST_USE enum err_code sink_text(struct sink *sink, FILE *out, enum text_style style, bool debug,
                                 struct err *err);
/* 16 columns per csv_interval_ns (a whole number of intervals); zero rows during a stall. */
MUST_USE enum err_code sink_interval_csv(struct sink *sink, FILE *out, bool owns_file,
                                         uint64_t csv_interval_ns, struct err *err);
/* volley.run/1, streamed. Path "-": stdout. Written to path + ".tmp" and renamed at the end. */
MUST_USE enum err_code sink_json(struct sink *sink, const char *path, struct err *err);
/* HdrHistogram V2 log, one tagged line per interval and histogram kind. */
MUST_USE enum err_code sink_hdr_log(struct sink *sink, const char *path, struct err *err);
/* Append only, each record checksummed. Refuses a directory that already holds a journal. */
MUST_USE enum err_code sink_journal(struct sink *sink, const char *directory, struct err *err);
/* The same as a CSV file in a directory, renamed at the end. */
MUST_USE enum err_code sink_interval_csv_file(struct sink *sink, const char *path,
                                              uint64_t csv_interval_ns, struct err *err);

/* Feeds the events of DIR/journal to the timeline. A record cut short at the end (the orchestrator
 * was killed) ends the replay cleanly with *complete = false; the missing run_end is made from what
 * is there and marked interrupted. E_DATA: no journal, or not one of volley's. */
MUST_USE enum err_code journal_replay(const char *directory, struct timeline *timeline,
                                      bool *complete, struct err *err);

#endif
