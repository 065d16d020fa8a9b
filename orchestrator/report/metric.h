/* The table of figures: every number that volley tells of a slice of a run (an interval, a window, a total), of
 * the whole load or of one lane of it. One row says what it is called, what it means and how it is read; JSON, CSV,
 * text, verdict, objectives, `ctl status` and docs/reference/metrics.md read the rows, so that they cannot disagree.
 * A new figure is one enumerator here, and one row in metric.c. Pure functions. */
#ifndef ORCHESTRATOR_REPORT_METRIC_H
#define ORCHESTRATOR_REPORT_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/interval.h"
#include "orchestrator/report/timeline.h"

enum metric_type {
    METRIC_COUNT, /* of what happened in the slice: sums of slices and of lanes are counts again */
    METRIC_GAUGE, /* what there was at the end of the slice, or at its beginning               */
    METRIC_RATE,  /* per second of the slice                                                   */
    METRIC_SHARE, /* in percent                                                                */
    METRIC_TIMES, /* many times: read with a statistic                                         */
    METRIC_WORDS  /* counts by the first word of an error reply: only JSON has them all        */
};

/* One row a figure: identifier, place in JSON, unit, what it means, and how it is read (the macros of metric.c). In the
 * order of JSON. Invalidations are there with client tracking only; loop lag, the time to connect and what
 * failed in totals only; handshakes where there were any; from METRIC_FAILED_PERCENT on nothing is in JSON: it is
 * made of what stands above, or sampled. */
#define METRIC_TABLE(X)                                                                            \
    X(METRIC_TARGET_RATE, "rate.target", "requests/s",                                             \
      "What fell due per second; of a whole run: what was asked for",                              \
      NUMBER(METRIC_RATE, target_rate), OPEN_LOOP)                                                 \
    X(METRIC_ACHIEVED_RATE, "rate.achieved", "requests/s",                                         \
      "Requests answered without an error per second", RATE(COUNTER_OK), IN_CLASS(CLASS_OK))       \
    X(METRIC_DUE, "requests.due", "requests",                                                      \
      "Intended by the schedule; in a closed loop as many as were sent", COUNTED(COUNTER_DUE))     \
    X(METRIC_SENT, "requests.sent", "requests",                                                    \
      "Requests whose first byte went out; of a node also those sent again",                       \
      COUNTED(COUNTER_SENT), IN_NODE(NODE_SENT), IN_CLASS(CLASS_SENT))                             \
    X(METRIC_OK, "requests.ok", "requests", "Answered without an error", COUNTED(COUNTER_OK),      \
      IN_NODE(NODE_OK), IN_CLASS(CLASS_OK))                                                        \
    X(METRIC_OK_WITHOUT_LATENCY, "requests.ok_without_latency", "requests",                        \
      "Of these, those whose latency was lost with a worker that was killed",                      \
      REST(without_latency))                                                                       \
    X(METRIC_ERRORS, "requests.errors", "requests", "Answered with an error",                      \
      COUNTED(COUNTER_ERROR_REPLIES), IN_NODE(NODE_ERRORS), IN_CLASS(CLASS_ERRORS))                \
    X(METRIC_TIMED_OUT, "requests.timed_out", "requests",                                          \
      "Without a reply within --request-timeout", COUNTED(COUNTER_TIMED_OUT),                      \
      IN_NODE(NODE_TIMED_OUT), IN_CLASS(CLASS_TIMED_OUT))                                          \
    X(METRIC_LOST, "requests.lost", "requests",                                                    \
      "In flight when their connection, their worker or the run ended", SUM(counters_lost),        \
      IN_NODE(NODE_LOST), IN_CLASS(CLASS_LOST))                                                    \
    X(METRIC_BACKLOG, "requests.backlog", "requests",                                              \
      "Due, and neither sent nor shed, at the end", GAUGE(backlog_after), OPEN_LOOP)               \
    X(METRIC_BACKLOG_BEFORE, "requests.backlog_before", "requests", "The same at the beginning",   \
      GAUGE(backlog_before), OPEN_LOOP)                                                            \
    X(METRIC_SHED, "requests.shed", "requests", "Due, and dropped without having been sent",       \
      SUM(counters_shed), OPEN_LOOP)                                                               \
    X(METRIC_IN_FLIGHT, "requests.in_flight", "requests",                                          \
      "Sent, and waiting for a reply, at the end", GAUGE(in_flight_after))                         \
    X(METRIC_IN_FLIGHT_BEFORE, "requests.in_flight_before", "requests",                            \
      "The same at the beginning", GAUGE(in_flight_before))                                        \
    X(METRIC_HITS, "requests.hits", "keys", "Keys that a read found", COUNTED(COUNTER_HITS),       \
      IN_CLASS(CLASS_HITS))                                                                        \
    X(METRIC_MISSES, "requests.misses", "keys", "Keys that a read did not find",                   \
      COUNTED(COUNTER_MISSES), IN_CLASS(CLASS_MISSES))                                             \
    X(METRIC_RESPONSE_TIME, "response_time_us", "us",                                              \
      "From the intended time to the reply; in a closed loop the service time",                    \
      TIMES(HISTOGRAM_RESPONSE_OK), IN_CLASS_TIMES(CLASS_RESPONSE))                                \
    X(METRIC_SERVICE_TIME, "service_time_us", "us",                                                \
      "From sending to the reply: what server and network took", TIMES(HISTOGRAM_SERVICE_OK),      \
      IN_CLASS_TIMES(CLASS_SERVICE))                                                               \
    X(METRIC_WAIT, "wait_us", "us",                                                                \
      "How long a request waited for a connection that could take it", TIMES(HISTOGRAM_WAIT),      \
      OPEN_LOOP)                                                                                   \
    X(METRIC_SLIP, "slip_us", "us", "How late volley sent, beyond that wait",                      \
      TIMES(HISTOGRAM_SLIP), OPEN_LOOP)                                                            \
    X(METRIC_ERROR_TIME, "error_time_us", "us", "Service time of requests answered with an error", \
      TIMES(HISTOGRAM_SERVICE_ERROR))                                                              \
    X(METRIC_SHED_LATE, "shed_by_cause.late", "requests",                                          \
      "Later than --shed-after, or left over from the warm-up", COUNTED(COUNTER_SHED_LATE),        \
      SPARSE)                                                                                      \
    X(METRIC_SHED_WORKER, "shed_by_cause.worker", "requests", "Fell due while a worker was dead",  \
      COUNTED(COUNTER_SHED_WORKER), SPARSE)                                                        \
    X(METRIC_SHED_NODE, "shed_by_cause.node", "requests",                                          \
      "Their node was away, and as many waited for it as may", COUNTED(COUNTER_SHED_NODE),         \
      IN_NODE(NODE_UNSENT), SPARSE)                                                                \
    X(METRIC_ERRORS_BY_KIND, "errors_by_kind", "requests",                                         \
      "Error replies by their first word; with those below all that failed", WORDS)                \
    X(METRIC_UNANSWERED_TIMED_OUT, "errors_by_kind.timed_out", "requests",                         \
      "Without a reply within --request-timeout", COUNTED(COUNTER_TIMED_OUT), SPARSE)              \
    X(METRIC_LOST_TIMEOUT, "errors_by_kind.timeout", "requests",                                   \
      "Lost: shared a connection with one that timed out", COUNTED(COUNTER_LOST_TIMEOUT), SPARSE)  \
    X(METRIC_LOST_DISCONNECT, "errors_by_kind.disconnect", "requests",                             \
      "Lost: in flight when the connection broke", COUNTED(COUNTER_LOST_DISCONNECT), SPARSE)       \
    X(METRIC_LOST_PROTOCOL, "errors_by_kind.protocol", "requests",                                 \
      "Lost: in flight when something came that was no reply", COUNTED(COUNTER_LOST_PROTOCOL),     \
      SPARSE)                                                                                      \
    X(METRIC_LOST_DRAIN, "errors_by_kind.drain", "requests",                                       \
      "Lost: unanswered when --drain-timeout ended", COUNTED(COUNTER_LOST_DRAIN), SPARSE)          \
    X(METRIC_LOST_WORKER, "errors_by_kind.worker", "requests",                                     \
      "Lost: in flight when a worker died", COUNTED(COUNTER_LOST_WORKER), SPARSE)                  \
    X(METRIC_CONNECTIONS_OPENED, "connections.opened", "connections",                              \
      "Opened again, after the common start", COUNTED(COUNTER_CONNECTIONS_OPENED),                 \
      IN_NODE(NODE_CONNECTIONS_OPENED))                                                            \
    X(METRIC_CONNECTIONS_LOST, "connections.lost", "connections", "Ended unexpectedly",            \
      COUNTED(COUNTER_CONNECTIONS_LOST), IN_NODE(NODE_CONNECTIONS_LOST))                           \
    X(METRIC_CONNECTIONS_FAILED, "connections.failed", "connections",                              \
      "Attempts to connect that failed", COUNTED(COUNTER_CONNECT_FAILURES),                        \
      IN_NODE(NODE_CONNECT_FAILURES))                                                              \
    X(METRIC_CONNECTIONS_RECYCLED, "connections.recycled", "connections",                          \
      "Ended by plan, and opened anew", COUNTED(COUNTER_CONNECTIONS_RECYCLED))                     \
    X(METRIC_IDLE_LOST, "connections.idle_lost", "connections", "Idle connections that ended",     \
      COUNTED(COUNTER_IDLE_LOST))                                                                  \
    X(METRIC_CONNECTIONS_OPEN, "connections.open", "connections", "Open at the end",               \
      GAUGE(connections_open))                                                                     \
    X(METRIC_CONNECTIONS_RESET, "connections.lost_by_cause.reset", "connections",                  \
      "Reset by the peer", COUNTED(COUNTER_CONNECTIONS_RESET), LABEL("reset"), SPARSE)             \
    X(METRIC_CONNECTIONS_CLOSED, "connections.lost_by_cause.closed_by_peer", "connections",        \
      "Closed by the server", COUNTED(COUNTER_CONNECTIONS_CLOSED), LABEL("closed by the server"),  \
      SPARSE)                                                                                      \
    X(METRIC_CONNECTIONS_TIMED_OUT, "connections.lost_by_cause.timed_out", "connections",          \
      "Closed by volley, because a request on it timed out",                                       \
      COUNTED(COUNTER_CONNECTIONS_TIMED_OUT), LABEL("a request timed out"), SPARSE)                \
    X(METRIC_CONNECTIONS_PROTOCOL, "connections.lost_by_cause.protocol", "connections",            \
      "Closed by volley, because what came was no reply", COUNTED(COUNTER_CONNECTIONS_PROTOCOL),   \
      LABEL("no reply"), SPARSE)                                                                   \
    X(METRIC_CONNECTIONS_LOST_OTHER, "connections.lost_by_cause.other", "connections",             \
      "For another reason", REST(lost_otherwise), SPARSE)                                          \
    X(METRIC_CONNECT_REFUSED, "connections.failed_by_cause.refused", "connections",                \
      "Nobody listens there", COUNTED(COUNTER_CONNECT_REFUSED), LABEL("refused"), SPARSE)          \
    X(METRIC_CONNECT_TIMED_OUT, "connections.failed_by_cause.timed_out", "connections",            \
      "Not ready within --connection-timeout", COUNTED(COUNTER_CONNECT_TIMED_OUT),                 \
      LABEL("timed out"), SPARSE)                                                                  \
    X(METRIC_CONNECT_NO_PORT, "connections.failed_by_cause.no_port", "connections",                \
      "All local ports were in use", COUNTED(COUNTER_CONNECT_NO_PORT),                             \
      LABEL("no local port left"), SPARSE)                                                         \
    X(METRIC_CONNECT_TLS, "connections.failed_by_cause.tls", "connections",                        \
      "The TLS handshake failed", COUNTED(COUNTER_CONNECT_TLS), LABEL("TLS handshake failed"),     \
      SPARSE)                                                                                      \
    X(METRIC_CONNECT_OTHER, "connections.failed_by_cause.other", "connections",                    \
      "For another reason", REST(failed_otherwise), SPARSE)                                        \
    X(METRIC_MOVED, "redirections.moved", "replies",                                               \
      "MOVED replies; with --cluster they are followed", COUNTED(COUNTER_MOVED))                   \
    X(METRIC_ASKED, "redirections.asked", "replies", "ASK replies", COUNTED(COUNTER_ASKED))        \
    X(METRIC_TRYAGAIN, "redirections.tryagain", "replies", "TRYAGAIN replies",                     \
      COUNTED(COUNTER_TRYAGAIN))                                                                   \
    X(METRIC_CLUSTERDOWN, "redirections.clusterdown", "replies", "CLUSTERDOWN replies",            \
      COUNTED(COUNTER_CLUSTERDOWN))                                                                \
    X(METRIC_RESENT, "redirections.resent", "requests", "Sent once more after one of these",       \
      COUNTED(COUNTER_RESENT))                                                                     \
    X(METRIC_RELOADED, "redirections.reloaded", "requests",                                        \
      "Sent once more behind the script, or the functions, that a server did not know",            \
      COUNTED(COUNTER_RELOADED), SPARSE)                                                           \
    X(METRIC_WALKS, "walks.completed", "walks",                                                    \
      "By {cursor} of a workload file, to the cursor 0 at the end", COUNTED(COUNTER_WALKS),        \
      SPARSE)                                                                                      \
    X(METRIC_FOLLOW_UPS, "follow_ups.sent", "requests",                                            \
      "Sent because others were answered (on_miss, then); in no other count of requests",          \
      COUNTED(COUNTER_FOLLOW_UPS), SPARSE)                                                         \
    X(METRIC_FOLLOW_UPS_OK, "follow_ups.ok", "requests", "Of these, answered without an error",    \
      COUNTED(COUNTER_FOLLOW_UPS_OK), SPARSE)                                                      \
    X(METRIC_FOLLOW_UPS_ERRORS, "follow_ups.errors", "requests", "Answered with an error",         \
      COUNTED(COUNTER_FOLLOW_UPS_ERRORS), SPARSE)                                                  \
    X(METRIC_FOLLOW_UPS_TIMED_OUT, "follow_ups.timed_out", "requests",                             \
      "Without a reply within --request-timeout", COUNTED(COUNTER_FOLLOW_UPS_TIMED_OUT), SPARSE)   \
    X(METRIC_FOLLOW_UPS_LOST, "follow_ups.lost", "requests",                                       \
      "In flight when their connection or the run ended", COUNTED(COUNTER_FOLLOW_UPS_LOST),        \
      SPARSE)                                                                                      \
    X(METRIC_VERIFIED, "values.verified", "keys", "Read with --verify, and checked",               \
      COUNTED(COUNTER_VERIFIED), SPARSE)                                                           \
    X(METRIC_UNVERIFIED, "values.unverified", "keys",                                              \
      "Read with --verify, and nothing was known of them", COUNTED(COUNTER_UNVERIFIED), SPARSE)    \
    X(METRIC_CORRUPTED, "values.corrupted", "keys", "Of those checked: bytes that nobody wrote",   \
      COUNTED(COUNTER_CORRUPTED), SPARSE)                                                          \
    X(METRIC_STALE, "values.stale", "keys",                                                        \
      "Of those checked: a replica's, older than what was acknowledged", COUNTED(COUNTER_STALE),   \
      SPARSE)                                                                                      \
    X(METRIC_LOST_WRITES, "values.lost_writes", "keys", "The same of a primary",                   \
      COUNTED(COUNTER_LOST_WRITES), SPARSE)                                                        \
    X(METRIC_BYTES_OUT, "bytes.out", "bytes",                                                      \
      "Taken by the sockets; of a class what its requests have", COUNTED(COUNTER_BYTES_OUT),       \
      IN_CLASS(CLASS_BYTES_OUT))                                                                   \
    X(METRIC_BYTES_IN, "bytes.in", "bytes",                                                        \
      "Read from the sockets; of a class what its replies have", COUNTED(COUNTER_BYTES_IN),        \
      IN_CLASS(CLASS_BYTES_IN))                                                                    \
    X(METRIC_INVALIDATIONS, "invalidations", "messages",                                           \
      "Invalidation messages, with client tracking", COUNTED(COUNTER_PUSHES))                      \
    X(METRIC_LOOP_LAG, "loop_lag_us", "us",                                                        \
      "How long what a read brought may have waited to be read", TIMES(HISTOGRAM_LOOP_LAG))        \
    X(METRIC_CONNECT_TIME, "connect_time_us", "us",                                                \
      "From connecting to being ready, the first connections among them",                          \
      TIMES(HISTOGRAM_CONNECT))                                                                    \
    X(METRIC_HANDSHAKES, "handshakes.count", "handshakes", "TLS handshakes that were completed",   \
      COUNTED(COUNTER_HANDSHAKES))                                                                 \
    X(METRIC_HANDSHAKES_RESUMED, "handshakes.resumed", "handshakes",                               \
      "Of these, those that resumed an earlier session", COUNTED(COUNTER_HANDSHAKES_RESUMED))      \
    X(METRIC_HANDSHAKE_RATE, "handshakes.per_second", "handshakes/s", "Handshakes per second",     \
      RATE(COUNTER_HANDSHAKES))                                                                    \
    X(METRIC_HANDSHAKE_TIME, "handshakes.time_us", "us",                                           \
      "From the connected socket to the end of the handshake", TIMES(HISTOGRAM_HANDSHAKE))         \
    X(METRIC_FAILED, "failures.failed_requests", "requests",                                       \
      "Answered with an error, timed out or lost", SUM(figure_failed),                             \
      CLASS_NUMBER(metric_class_failed))                                                           \
    X(METRIC_OUTCOME_UNKNOWN, "failures.outcome_unknown", "requests",                              \
      "Timed out or lost: the server may have executed them", SUM(outcome_unknown))                \
    X(METRIC_FAILED_PERCENT, "failed_percent", "percent",                                          \
      "Of the requests that ended, those that failed", NUMBER(METRIC_SHARE, failed_percent),       \
      CLASS_NUMBER(metric_class_failed_percent))                                                   \
    X(METRIC_TIMEOUTS, "timeouts", "requests", "Timed out, and lost with one that timed out",      \
      SUM(timeouts))                                                                               \
    X(METRIC_CONNECTION_ERRORS, "connection_errors", "requests, attempts",                         \
      "Requests lost with their connection, and failed attempts to connect",                       \
      SUM(connection_errors))                                                                      \
    X(METRIC_BUSY_ERRORS, "busy_errors", "requests", "BUSY replies", WORD("BUSY"))                 \
    X(METRIC_OOM_ERRORS, "oom_errors", "requests", "OOM replies", WORD("OOM"))                     \
    X(METRIC_LOADING_ERRORS, "loading_errors", "requests", "LOADING replies", WORD("LOADING"))     \
    X(METRIC_WORKER_CPU, "worker_cpu_percent", "percent",                                          \
      "Of the time of all workers, that in which they worked and did not spin",                    \
      NUMBER(METRIC_SHARE, worker_cpu))                                                            \
    X(METRIC_KEYS, "keys", "keys", "Keys of the server's database, with --extended-metrics",       \
      NUMBER(METRIC_GAUGE, keys))                                                                  \
    X(METRIC_REPLICATION_LAG, "replication_lag_seconds", "s",                                      \
      "How far the replica that is furthest behind is, with --extended-metrics",                   \
      NUMBER(METRIC_GAUGE, replication_lag))                                                       \
    /* Of consumers, by their name. */                                                             \
    X(METRIC_MESSAGES_DELIVERED, "messages.delivered", "messages",                                 \
      "Read by consumers, for the first time", OF_CONSUMERS(CLASS_OK))                             \
    X(METRIC_MESSAGES_EXPECTED, "messages.expected", "messages",                                   \
      "Of messages that the server has taken: times the consumers that are to get each",           \
      OF_CONSUMERS(CLASS_EXPECTED))                                                                \
    X(METRIC_MESSAGES_LOST, "messages.lost", "messages",                                           \
      "Expected, and neither delivered nor claimed when waiting ended",                            \
      NUMBER_OF_CONSUMERS(metric_class_lost_messages))                                             \
    X(METRIC_MESSAGES_UNSURE, "messages.unsure", "messages",                                       \
      "Beside those expected: no reply told whether the server took them",                         \
      OF_CONSUMERS(CLASS_UNSURE))                                                                  \
    X(METRIC_MESSAGES_DUPLICATES, "messages.duplicates", "messages",                               \
      "Came a second time on a connection", OF_CONSUMERS(CLASS_DUPLICATES))                        \
    X(METRIC_MESSAGES_OUT_OF_ORDER, "messages.out_of_order", "messages",                           \
      "Came behind one that its connection has sent later", OF_CONSUMERS(CLASS_OUT_OF_ORDER))      \
    X(METRIC_MESSAGES_FOREIGN, "messages.foreign", "messages", "Without a stamp of this run",      \
      OF_CONSUMERS(CLASS_FOREIGN))                                                                 \
    X(METRIC_MESSAGES_ACKNOWLEDGED, "messages.acknowledged", "messages",                           \
      "Entries of a stream that XACK has taken", OF_CONSUMERS(CLASS_ACKNOWLEDGED))                 \
    X(METRIC_MESSAGES_PENDING, "messages.pending", "messages",                                     \
      "Entries of a stream that were read and not acknowledged",                                   \
      NUMBER_OF_CONSUMERS(metric_class_pending))                                                   \
    X(METRIC_MESSAGES_CLAIMED, "messages.claimed", "messages",                                     \
      "Entries of a stream that were taken over from another consumer",                            \
      OF_CONSUMERS(CLASS_CLAIMED))                                                                 \
    X(METRIC_MESSAGES_EMPTY_WAITS, "messages.empty_waits", "replies",                              \
      "Blocking commands in whose time nothing came", OF_CONSUMERS(CLASS_EMPTY))                   \
    X(METRIC_MESSAGES_DISCONNECTED, "messages.disconnected", "connections",                        \
      "Connections of consumers that were lost", OF_CONSUMERS(CLASS_DISCONNECTED))

#define METRIC_ID(id, ...) id,
enum metric_id { METRIC_TABLE(METRIC_ID) METRICS };
#undef METRIC_ID

/* Where a figure is read. What is NULL is not known there, and neither is what would be read from it. */
struct metric_slice {
    const uint64_t *counters; /* [COUNTER_COUNT] */
    const struct interval_header *header;
    const struct interval_row *row;        /* histograms and error replies          */
    const struct node_figures *node;       /* a lane; then only this is read        */
    const struct class_figures *class;     /* likewise; and of its times ...         */
    const struct histogram *class_windows; /* ... these [CLASS_TIMES]; NULL: coarse  */
    const struct run_facts *run;           /* knows names of classes; NULL: nobody   */
    const struct error_kinds *error_kinds; /* the numbers of the words              */
    const struct note *sample;             /* the newest                            */
    bool open_loop;
    bool
        lost_for_ever; /* what a class lost is not an answer that nobody waited for: it never came */
    uint32_t worker_count;
    double seconds, due_seconds; /* of the slice; in which requests fell due */
};
/* Of a row, with its own seconds. */
struct metric_slice metric_slice_of(const struct interval_row *row, bool open_loop);
/* Of the measured part of a run. */
struct metric_slice metric_slice_of_run(const struct run_result *result);
/* Of one class in a slice that has its row. Its times have three digits where windows of classes say all there is
 * about that row: in totals, in what is made of whole windows, in intervals of a second or more. Elsewhere they are coarse. */
struct metric_slice metric_slice_of_class(const struct metric_slice *whole, uint32_t class);

/* Of one of several workloads side by side, without what follows its misses; until the next call, since its classes are
 * summed in a place of their own. The slice has run. */
struct metric_slice metric_slice_of_stream(const struct metric_slice *whole, uint32_t stream);
/* Of several classes together, likewise. */
struct metric_slice metric_slice_of_classes(const struct metric_slice *whole,
                                            const bool wanted[CLASSES_MAX]);
/* Of one part of requests; its times are coarse. What got no answer, as far as the whole tells, counts as lost. Until the
 * next call; the slice has run. */
struct metric_slice metric_slice_of_part(const struct metric_slice *whole, uint32_t part);

/* What of many times is read. */
enum metric_statistic_kind {
    STATISTIC_COUNT,
    STATISTIC_MIN,
    STATISTIC_MEAN,
    STATISTIC_STDEV,
    STATISTIC_PERCENTILE,
    STATISTIC_MAX
};
struct metric_statistic {
    const char *name; /* "p99_9", in JSON */
    enum metric_statistic_kind kind;
    double percent; /* of a percentile */
};
/* Those that stand in JSON, in their order. */
#define METRIC_STATISTICS 12u
extern const struct metric_statistic metric_statistics[METRIC_STATISTICS];

struct metric_value {
    bool known;
    /* Of times: requests without a reply hide the figure of all, which is at least so much (figures.h). A
     * percentile is not known then, and its number is that bound; mean and maximum are those of the answered. */
    bool censored;
    bool few_samples; /* a percentile that one outlier moves */
    uint64_t at_least_ns;
    uint64_t count; /* of counts and gauges, exact                    */
    double number;  /* of all types; times in nanoseconds, shares in percent */
};

struct metric {
    const char *path; /* where it stands in JSON: "requests.sent"; no two have the same */
    enum metric_type type;
    const char *unit;  /* "requests", "us" */
    const char *help;  /* one sentence without its full stop */
    const char *label; /* for people, in lists of causes; NULL: none */
    unsigned flags;
    /* Where it is read: the one of these that is set, or by `type`. */
    int counter, histogram, node_counter, class_counter, class_times; /* plus 1; 0: none */
    size_t gauge;                                                     /* its place in a header */
    uint64_t (*sum)(const uint64_t counters[COUNTER_COUNT]);
    uint64_t (*count)(const struct metric_slice *slice);
    bool (*number)(double *number, const struct metric_slice *slice); /* false: not known */
    const char *word;                                                 /* of error replies */
    /* Of a class, beside its counters. */
    bool (*class_number)(double *number, const struct class_figures *class);
};
/* flags */
#define METRIC_OPEN_LOOP 1u /* means something only with a rate         */
#define METRIC_SPARSE 2u    /* is left out of JSON where it is 0        */
#define METRIC_OF_LANES 4u  /* of consumers, and not of the whole       */

extern const struct metric metric_table[METRICS];

/* The last part of its path: "sent". */
const char *metric_key(enum metric_id metric);

/* statistic: of METRIC_TIMES, NULL: how many; else it does not matter. A lane that has no such figure does not know it. */
struct metric_value metric_read(const struct metric_slice *slice, enum metric_id metric,
                                const struct metric_statistic *statistic);
/* Whether a class has such a figure. */
bool metric_is_of_classes(enum metric_id metric);
/* How many got no reply of all that a figure of METRIC_TIMES is of; of a class only of those that were sent. False:
 * it is of what has a value, and of nothing else. */
bool metric_unanswered(const struct metric_slice *slice, enum metric_id metric, uint64_t *count);
/* Which times of its row a figure of METRIC_TIMES reads. */
enum interval_histogram_kind metric_histogram(const struct metric_slice *slice,
                                              enum metric_id metric);
struct metric_value metric_percentile(const struct metric_slice *slice, enum metric_id metric,
                                      double percent);
/* Of a count or a gauge; 0: not known. */
uint64_t metric_count(const struct metric_slice *slice, enum metric_id metric);
/* The same of the measured part of a run. */
uint64_t metric_total(const struct run_result *result, enum metric_id metric);

#endif
