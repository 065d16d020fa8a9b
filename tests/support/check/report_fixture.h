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
/* The same in an open loop, which the row becomes part of: sent slip_ns after the intended time, and
 * answered service_ns after that. */
void fixture_answer_at(struct interval_row *row, uint64_t service_ns, uint64_t slip_ns,
                       uint64_t times);
/* Requests of an open loop that were sent slip_ns late and have had no reply so far. */
void fixture_send_at(struct interval_row *row, uint64_t slip_ns, uint64_t times);
/* So many requests get no reply, counted by this counter: timed out, lost, or shed. They had waited so long
 * when they were given up, since they were sent; in an open loop slip_ns longer since their intended
 * time. The counters of what was sent and due are the caller's. */
void fixture_unanswered(struct interval_row *row, enum counter counter, uint64_t slip_ns,
                        uint64_t waited_ns, uint64_t times);
/* The same with an error reply of this kind. */
void fixture_refuse(struct interval_row *row, uint32_t kind, uint64_t latency_ns, uint64_t times);
/* A run of "GET" with two workers, -n 1000, 1 s intervals. */
struct run_facts fixture_facts(void);
/* The same for 10 s at 1,000/s. */
struct run_facts fixture_open_facts(void);
/* A session with p50, p95, p99, p99.9; its JSON is released by fixture_session_free. */
struct session_facts fixture_session(void);
void fixture_session_free(struct session_facts *session);
/* A result of fixture_facts' workers; the timeline completes it. */
struct run_result *fixture_result(void);
void fixture_kind(struct timeline *timeline, const char *word, const char *text);

/* A session of three rows with errors, a stall, warm-up and a time-out through these sinks. */
void fixture_play(struct timeline *timeline, const struct session_facts *session);

/* The same of an open loop: 1 s of warm-up, then three rows of 1,000 requests due in each. In the first
 * 900 are sent and answered in time, in the second none, in the third 1,000, 500 of them late; 400 are
 * shed, 20 time out, and 680 stay in the backlog. */
void fixture_play_open(struct timeline *timeline, const struct session_facts *session);

/* Requests of one node that were answered between these two times, or failed. */
void fixture_node_ok(struct interval_row *row, uint32_t node, uint64_t first_ms, uint64_t last_ms,
                     uint64_t latency_ns, uint64_t times);
void fixture_node_failed(struct interval_row *row, uint32_t node, uint64_t first_ms,
                         uint64_t last_ms, enum node_counter what, uint64_t times);
/* Of 8 s on three primaries, 127.0.0.1:7000 and up, and a replica of the second one. */
struct run_facts fixture_cluster_facts(void);
/* Node 1 breaks after 3.2 s, the whole cluster after 4.5 s; that one recovers after 5.9 s, and node 3 takes
 * over from node 1 after 5.95 s. */
void fixture_play_cluster(struct timeline *timeline, const struct session_facts *session);

/* The same as fixture_answer and the others, of a class of the row; the window of classes ends with the row. */
void fixture_class_ok(struct interval_row *row, uint32_t class, uint64_t latency_ns,
                      uint64_t times);
/* In an open loop, sent in time. */
void fixture_class_ok_at(struct interval_row *row, uint32_t class, uint64_t response_ns,
                         uint64_t times);
void fixture_class_failed(struct interval_row *row, uint32_t class, enum class_counter what,
                          uint64_t times);
/* Of 3 s and two classes, "read" and "write" (closed loop), after 1 s of warm-up. Reads take 150 us, and 10 of them
 * 2.5 ms; writes 900 us, of which 2 fail and 3 time out in the last second. */
struct run_facts fixture_class_facts(void);
void fixture_play_classes(struct timeline *timeline, const struct session_facts *session);

/* A new empty directory under /tmp, and its removal with all that is in it. */
char *fixture_directory(void);
void fixture_remove(char *directory);
/* Files in it, under whatever names. */
int fixture_count_files(const char *directory);
/* Whole file as a terminated string, NULL when there is none; owned by the caller. */
char *fixture_read_file(const char *directory, const char *name, size_t *byte_count);

#endif
