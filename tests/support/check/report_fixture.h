/* Rows, facts and sessions made up for the tests of the outputs. */
#ifndef TESTS_SUPPORT_CHECK_REPORT_FIXTURE_H
#define TESTS_SUPPORT_CHECK_REPORT_FIXTURE_H

#include <stdint.h>
#include <stdio.h>

#include "orchestrator/report/sinks.h"
#include "orchestrator/report/timeline.h"

#define FIXTURE_WALL_NS 1800000000000000000ull /* 2027-01-15T08:00:00Z */

/* An empty row of one second, number index; owned by the caller (free). */
struct interval_row *fixture_row(uint32_t index);
/* Counts `times` requests that were answered without an error after latency_ns. */
void fixture_answer(struct interval_row *row, uint64_t latency_ns, uint64_t times);
/* The same with an error reply of this kind. */
void fixture_refuse(struct interval_row *row, uint32_t kind, uint64_t latency_ns, uint64_t times);
/* A run of "GET" with two workers, -n 1000, 1 s intervals. */
struct run_facts fixture_facts(void);
/* A session with p50, p95, p99, p99.9; its JSON is released by fixture_session_free. */
struct session_facts fixture_session(void);
void fixture_session_free(struct session_facts *session);
/* A result of fixture_facts' workers; the timeline completes it. */
struct run_result *fixture_result(void);
void fixture_kind(struct timeline *timeline, const char *word, const char *text);

/* A session of three rows with errors, a stall, warm-up and a time-out through these sinks. */
void fixture_play(struct timeline *timeline, const struct session_facts *session);

/* A new empty directory under /tmp, and its removal with all that is in it. */
char *fixture_directory(void);
void fixture_remove(char *directory);
/* Whole file as a terminated string, NULL when there is none; owned by the caller. */
char *fixture_read_file(const char *directory, const char *name, size_t *byte_count);

#endif
