/* What one fixed slice of a run holds: counters, gauges, histograms. Three forms of the same thing:
 *
 *   struct interval       in a worker's memory, filled by its hot path
 *   bytes                 in a ring record and in the journal
 *   struct interval_row   merged over workers by the orchestrator
 *
 * All workers cut at the same instants: interval i covers [start + i * length, start + (i+1) * length).
 * A record that was kept because the ring was full covers [first, last]. Accounting rules:
 * design.md 4.6. */
#ifndef COMMON_INTERVAL_H
#define COMMON_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/histogram.h"
#include "common/histogram_wire.h"
#include "common/lane.h"

/* Counters, all of them deltas of the interval. One row a counter: identifier, name in JSON and
 * documents. Its place is its id in records: a new counter is one row, the last; one that goes leaves a
 * hole (docs/design/records.md). */
#define COUNTER_TABLE(X)                                                                           \
    X(COUNTER_DUE, "due")                         /* intended; closed loop: as sent       */       \
    X(COUNTER_SENT, "sent")                       /* requests whose first byte went out   */       \
    X(COUNTER_SHED_LATE, "shed_late")             /* dropped, later than --shed-after, or */       \
                                                  /* left over at the end of the warm-up  */       \
    X(COUNTER_SHED_WORKER, "shed_worker")         /* fell due while a worker was dead     */       \
    X(COUNTER_SHED_NODE, "shed_node")             /* node down, and its ring of tickets full */    \
    X(COUNTER_OK, "ok")                           /* requests answered without an error   */       \
    X(COUNTER_ERROR_REPLIES, "errors")            /* requests answered with an error      */       \
    X(COUNTER_TIMED_OUT, "timed_out")             /* no reply within --request-timeout    */       \
    X(COUNTER_LOST_TIMEOUT, "lost_timeout")       /* shared a connection with a time-out  */       \
    X(COUNTER_LOST_DISCONNECT, "lost_disconnect") /* in flight when the connection broke  */       \
    X(COUNTER_LOST_PROTOCOL, "lost_protocol")     /* in flight when a reply was rubbish   */       \
    X(COUNTER_LOST_DRAIN, "lost_drain")           /* unanswered when draining ended       */       \
    X(COUNTER_LOST_WORKER, "lost_worker")         /* in flight when the worker died       */       \
    X(COUNTER_HITS, "hits")                       /* keys that a read found               */       \
    X(COUNTER_MISSES, "misses")                   /* keys that a read did not find        */       \
    X(COUNTER_BYTES_OUT, "bytes_out")             /* accepted by the socket               */       \
    X(COUNTER_BYTES_IN, "bytes_in")               /* read from the socket                 */       \
    X(COUNTER_CONNECTIONS_OPENED,                                                                  \
      "connections_opened")                           /* again, after the common start         */  \
    X(COUNTER_CONNECTIONS_LOST, "connections_lost")   /* were ready and ended unexpectedly    */   \
    X(COUNTER_CONNECT_FAILURES, "connect_failures")   /* attempts that did not become ready   */   \
    X(COUNTER_CONNECT_REFUSED, "connect_refused")     /* of those: nobody listens           */     \
    X(COUNTER_CONNECT_TIMED_OUT, "connect_timed_out") /* ... not ready in time              */     \
    X(COUNTER_CONNECT_NO_PORT, "connect_no_port")     /* ... local ports used up            */     \
    X(COUNTER_CONNECT_TLS, "connect_tls")             /* ... the TLS handshake failed       */     \
    X(COUNTER_CONNECTIONS_RESET, "connections_reset") /* of those lost: reset by the peer   */     \
    X(COUNTER_CONNECTIONS_CLOSED, "connections_closed") /* ... the peer ended the stream    */     \
    X(COUNTER_CONNECTIONS_TIMED_OUT, "connections_timed_out") /* ... a request timed out    */     \
    X(COUNTER_CONNECTIONS_PROTOCOL, "connections_protocol")   /* ... what came was no reply   */   \
    X(COUNTER_CONNECTIONS_RECYCLED, "connections_recycled")   /* ended by plan: churn, moves */    \
    X(COUNTER_HANDSHAKES, "handshakes")                 /* TLS, completed                   */     \
    X(COUNTER_HANDSHAKES_RESUMED, "handshakes_resumed") /* of those: with an earlier session */    \
    X(COUNTER_IDLE_LOST, "idle_lost")                   /* idle connections that ended      */     \
    X(COUNTER_MOVED, "moved")             /* MOVED replies; with --cluster they are followed */    \
    X(COUNTER_ASKED, "asked")             /* ASK replies                                    */     \
    X(COUNTER_TRYAGAIN, "tryagain")       /* TRYAGAIN replies                               */     \
    X(COUNTER_CLUSTERDOWN, "clusterdown") /* CLUSTERDOWN replies                            */     \
    X(COUNTER_RESENT, "resent")           /* sent once more after one of these four         */     \
    X(COUNTER_PUSHES, "pushes")           /* RESP3 out-of-band messages           */               \
    X(COUNTER_CPU_USER_NS, "cpu_user_ns") /* of the worker process                */               \
    X(COUNTER_CPU_SYSTEM_NS, "cpu_system_ns")                                                      \
    X(COUNTER_RUN_DELAY_NS, "run_delay_ns") /* ready to run, and somebody else had the CPU      */ \
    X(COUNTER_SPIN_NS, "spin_ns")           /* spent spinning for the next intended time        */ \
    X(COUNTER_BLOCKED_NS, "blocked_ns")     /* requests were due and every connection was busy  */ \
    X(COUNTER_RING_FULL_NS, "ring_full_ns") /* drawing stopped: a node's ring was full       */    \
    X(COUNTER_UNCONNECTED_NS, "unconnected_ns") /* requests were due and none was connected  */    \
    X(COUNTER_STOOD_STILL_NS,                                                                      \
      "stood_still_ns") /* stopped, or kept from its CPU: as far as the interval goes */           \
    /* Requests that follow others stand beside all that are due, and in flight with them. */      \
    X(COUNTER_FOLLOW_UPS, "follow_ups")                                                            \
    X(COUNTER_FOLLOW_UPS_OK, "follow_ups_ok")                                                      \
    X(COUNTER_FOLLOW_UPS_ERRORS, "follow_ups_errors")                                              \
    X(COUNTER_FOLLOW_UPS_TIMED_OUT, "follow_ups_timed_out")                                        \
    X(COUNTER_FOLLOW_UPS_LOST, "follow_ups_lost") /* for any cause but a worker's death */         \
    /* Keys that were read with --verify. */                                                       \
    X(COUNTER_VERIFIED, "verified")                                                                \
    X(COUNTER_UNVERIFIED, "unverified") /* nothing is known of the key */                          \
    X(COUNTER_CORRUPTED, "corrupted")                                                              \
    X(COUNTER_STALE, "stale")                                                                      \
    X(COUNTER_LOST_WRITES, "lost_writes")                                                          \
    X(COUNTER_RELOADED, "reloaded") /* sent again behind the script that a server did not know */  \
    X(COUNTER_WALKS, "walks")       /* by cursors, that came to their end                      */  \
    /* Of a client that buffers. */                                                                \
    X(COUNTER_BUFFER_FLUSHES_SIZE, "buffer_flushes_size") /* batches: a round was full     */      \
    X(COUNTER_BUFFER_FLUSHES_TIME, "buffer_flushes_time") /* ... had waited long enough    */      \
    X(COUNTER_BUFFER_FLUSHES_IDLE, "buffer_flushes_idle") /* ... and nobody could add to it */     \
    X(COUNTER_BUFFER_MESSAGES, "buffer_messages")         /* in these batches               */     \
    X(COUNTER_BUFFER_FULL_NS, "buffer_full_ns")     /* a request was due, and none fitted       */ \
    X(COUNTER_BUFFER_ROUND_NS, "buffer_round_ns")   /* time, times requests in the round     */    \
    X(COUNTER_BUFFER_HYBRID_NS, "buffer_hybrid_ns") /* time, times batches that waited       */    \
    X(COUNTER_BUFFER_BUSY_NS, "buffer_busy_ns")     /* of flush workers with a batch under way */  \
    /* Of its near cache. */                                                                       \
    X(COUNTER_CACHE_HITS, "cache_hits")               /* of those sent: never to the server */     \
    X(COUNTER_CACHE_MISSES, "cache_misses")           /* looked for there, and sent         */     \
    X(COUNTER_CACHE_EXPIRED, "cache_expired")         /* replies that were found too old    */     \
    X(COUNTER_CACHE_EVICTED, "cache_evicted")         /* ... that made room for others      */     \
    X(COUNTER_CACHE_INVALIDATED, "cache_invalidated") /* ... whose key had changed          */     \
    X(COUNTER_CACHE_REPLIES_US, "cache_replies_us")   /* time, times replies kept           */     \
    X(COUNTER_CACHE_BYTES_MS, "cache_bytes_ms")       /* ... times their bytes, in ms: many */     \
    X(COUNTER_CACHE_CLEARED, "cache_cleared")         /* replies that went with all others  */

#define COUNTER_ID(id, name) id,
enum counter { COUNTER_TABLE(COUNTER_ID) COUNTER_COUNT };
#undef COUNTER_ID
extern const char *const counter_names[COUNTER_COUNT];

/* The number is the id in records, as with counters. */
enum interval_histogram_kind {
    HISTOGRAM_SERVICE_OK,    /* done - sent of requests answered without an error; count = ok     */
    HISTOGRAM_SERVICE_ERROR, /* the same of requests answered with an error; count = errors       */
    HISTOGRAM_LOOP_LAG, /* one value a read: since when what it brought may have waited to be read */
    HISTOGRAM_RESPONSE_OK, /* done - intended of those of HISTOGRAM_SERVICE_OK; open loop only     */
    HISTOGRAM_SLIP, /* sent - intended, without the wait below; counted when sent; open loop only */
    HISTOGRAM_CONNECT, /* from connect to ready; the first connections count in the first interval  */
    /* Of replies that may have waited in volley for more than a tenth of their latency (response time of an
     * open loop, service time of a closed one): that latency, and what it is without the wait. Estimated
     * from a sample, the longest ones apart, where there are many. */
    HISTOGRAM_LAGGED,
    HISTOGRAM_UNLAGGED,
    HISTOGRAM_HANDSHAKE, /* of TLS, from the connected socket to its end; count = handshakes        */
    HISTOGRAM_WAIT, /* of that time, while no connection could take it; count = sent; open loop only */
    /* How long those had waited that got no reply, when they were given up, or when the load ended, if
     * that was earlier: whatever draining does. They would have waited longer, so these are lower
     * bounds. 0 is the bound of what nobody timed. Lost with a worker: in neither, nobody knows when
     * they were sent. */
    HISTOGRAM_SERVICE_UNANSWERED, /* since sent; count = timed out and lost                        */
    HISTOGRAM_RESPONSE_UNANSWERED, /* since intended; the same, those shed, and the backlog that is
                                    * left at the end; open loop only                               */
    HISTOGRAM_KINDS
};

/* Error replies are told apart by their first word. A worker numbers the words as they come (its
 * table is in ipc.h); the last number takes all words that found no room. */
#define ERROR_KINDS_MAX 32

enum interval_flags {
    INTERVAL_WARMUP = 1u << 0,    /* measured and kept, but outside the totals            */
    INTERVAL_LAST = 1u << 1,      /* the worker's last record; includes draining          */
    INTERVAL_DEGRADED = 1u << 2,  /* a worker died or was late: outside the identity      */
    INTERVAL_OPEN_LOOP = 1u << 3, /* requests had intended times                          */
    /* Of workloads side by side some are closed loops: their response times are their service times, and of slip
     * and wait they have none. */
    INTERVAL_BOTH_LOOPS = 1u << 4,
    INTERVAL_USERS =
        1u << 5 /* these were the times at which users had them: no rate says what was due */
};

/* When volley itself stood still, since the common start; both 0: it did not. */
struct own_stop {
    uint64_t from_ns, to_ns;
};

/* What both have; both 0: nothing. */
struct own_stop own_stop_common(struct own_stop one, struct own_stop other);

/* Several, in their order, apart from each other. */
#define OWN_STOPS_IN_ROW 8u
struct own_stops {
    uint32_t count;
    struct own_stop items[OWN_STOPS_IN_ROW];
};

/* Adds one that is later than the others, or goes on where the newest ends. Without room the shortest one is
 * left out. */
void own_stops_add(struct own_stops *stops, struct own_stop stop);
struct own_stops own_stops_common(const struct own_stops *one, const struct own_stops *other);

struct interval_header {
    uint32_t first, last; /* interval numbers, inclusive                                     */
    uint32_t flags;
    uint64_t start_ns; /* since the common start of the run                               */
    uint64_t end_ns;
    uint64_t in_flight_before; /* gauges at start_ns and end_ns                           */
    uint64_t in_flight_after;
    uint64_t connections_open; /* gauge at end_ns */
    uint64_t backlog_before;   /* gauges: due, and neither sent nor shed */
    uint64_t backlog_after;
    struct outcome_times times;
    struct own_stops own_stops; /* of the worker; of a row: of all workers at once           */
};

struct interval {
    struct interval_header header;
    uint64_t counters[COUNTER_COUNT];
    uint64_t errors_by_kind[ERROR_KINDS_MAX];
    uint32_t node_count; /* 0: one server only; the header says all           */
    struct node_figures nodes[NODE_FIGURES_MAX];
    struct interval_histogram histograms[HISTOGRAM_KINDS];
    /* Of requests that are told apart; else 0, and no memory. What a class's histograms hold since the last window
     * that was published stays in them, interval by interval, until `window_ends` is set. */
    uint32_t class_count;
    bool window_ends;
    struct class_figures *classes;
    struct interval_histogram *class_windows; /* CLASS_TIMES of each class, side by side */
    uint32_t part_count;                      /* of requests of several commands; mostly 0 */
    struct class_figures *parts;
};

/* What a record of another version has that this one does not know, by where it stands. */
enum interval_unknown {
    INTERVAL_UNKNOWN_SECTIONS, /* also: more in a section than is known */
    INTERVAL_UNKNOWN_COUNTERS,
    INTERVAL_UNKNOWN_NODE_COUNTERS,
    INTERVAL_UNKNOWN_HISTOGRAMS,
    INTERVAL_UNKNOWNS
};

struct interval_row {
    struct interval_header header;
    uint64_t counters[COUNTER_COUNT];
    uint64_t errors_by_kind[ERROR_KINDS_MAX];
    uint32_t absent;                     /* bit k: a record of it had no histogram of kind k     */
    uint64_t unknown[INTERVAL_UNKNOWNS]; /* of the records decoded into it: bit id % 64          */
    uint32_t node_count;
    uint32_t class_count; /* 0: all requests are of one class             */
    bool window_ends;     /* class_windows hold what came since the last row that said so */
    uint32_t part_count;
    struct node_figures nodes[NODE_FIGURES_MAX];
    struct class_figures classes[CLASSES_MAX];
    struct class_figures parts[PARTS_MAX];
    struct histogram histograms[HISTOGRAM_KINDS];
    struct histogram class_windows[CLASSES_MAX * CLASS_TIMES]; /* as far as class_count */
};

/* What a record is made of (docs/design/records.md). A number is never used for something else. */
enum interval_section {
    INTERVAL_SECTION_HEADER = 1, /* the first */
    INTERVAL_SECTION_COUNTERS,
    INTERVAL_SECTION_ERROR_KINDS,
    INTERVAL_SECTION_NODES,
    INTERVAL_SECTION_HISTOGRAM, /* one a kind: the kind, then the histogram */
    INTERVAL_SECTION_CLASSES,
    /* Behind that, where a window ends: times * CLASSES_MAX + class, then the histogram. */
    INTERVAL_SECTION_CLASS_WINDOW,
    INTERVAL_SECTION_PARTS, /* as classes, where there are any */
    INTERVAL_SECTIONS
};

/* Puts its head before a section whose bytes stand at out + INTERVAL_SECTION_HEAD_BYTES, and moves them up
 * to it. Returns bytes written. */
#define INTERVAL_SECTION_HEAD_BYTES (1u + VARINT_MAX_BYTES)
size_t interval_section_close(unsigned char *out, enum interval_section section, size_t byte_count);

/* Room that holds any encoded interval or row. Large because any bucket may be touched; usual records
 * are a few kilobytes. What comes out of a ring was a struct interval, with 32-bit counts, and is at
 * most INTERVAL_RECORD_MAX_BYTES long, or so long by its number of classes and of parts. */
#define INTERVAL_SECTIONS_MAX_BYTES 6144u /* all but histograms and lanes themselves */
#define INTERVAL_BYTES(classes, histogram_bytes)                                                   \
    ((HISTOGRAM_KINDS + (classes)*CLASS_TIMES) * (histogram_bytes) +                               \
     NODE_FIGURES_MAX * NODE_FIGURES_WIRE_MAX_BYTES + (classes)*CLASS_FIGURES_WIRE_MAX_BYTES +     \
     INTERVAL_SECTIONS_MAX_BYTES)
#define INTERVAL_PARTS_MAX_BYTES(parts) ((parts)*CLASS_FIGURES_WIRE_MAX_BYTES)
#define INTERVAL_WIRE_MAX_BYTES                                                                    \
    (INTERVAL_BYTES(CLASSES_MAX, HISTOGRAM_WIRE_MAX_BYTES) + INTERVAL_PARTS_MAX_BYTES(PARTS_MAX))
#define INTERVAL_CLASSES_MAX_BYTES(classes)                                                        \
    INTERVAL_BYTES(classes, INTERVAL_HISTOGRAM_WIRE_MAX_BYTES)
#define INTERVAL_RECORD_MAX_BYTES                                                                  \
    (INTERVAL_CLASSES_MAX_BYTES(CLASSES_MAX) + INTERVAL_PARTS_MAX_BYTES(PARTS_MAX))

/* Zeroes everything (init) or everything that was touched (reset). */
void interval_init(struct interval *interval);
void interval_reset(struct interval *interval);
/* An empty interval of its own memory (interval_destroy), for requests of so many classes, 0 when they are not told
 * apart, and parts; NULL when there is none. All of it has been touched: 290 KB a class, and 20 KB a part. */
struct interval *interval_create(uint32_t class_count, uint32_t part_count);
void interval_destroy(struct interval *interval);
/* An empty row of its own memory (free), NULL when there is none. Its buckets cost no memory before
 * they are touched; a row is 13.7 MB, 9 MB of them for classes. */
struct interval_row *interval_row_create(void);
void interval_row_reset(struct interval_row *row);

/* Interval -> bytes. Return bytes written; out must have INTERVAL_RECORD_MAX_BYTES for an interval,
 * INTERVAL_WIRE_MAX_BYTES for a row. */
size_t interval_encode(unsigned char *out, const struct interval *interval);
size_t interval_row_encode(unsigned char *out, const struct interval_row *row);

/* Bytes -> header only: what the collector looks at before it decides. Any input is safe. */
MUST_USE enum err_code interval_decode_header(struct interval_header *header,
                                              const unsigned char *in, size_t in_bytes,
                                              struct err *err);

/* Bytes -> added to the row: counters, kinds, nodes and histograms; the row's header stays as it is. What
 * is not known is left out and noted in row->unknown, a histogram that is missing in row->absent.
 * The header's outcome times are added by whoever merges (outcome_times_add). kind_map[k] is the row's number for the record's error kind k; NULL: the numbers are the same.
 * Any input is safe; on error the row may hold a part. */
MUST_USE enum err_code interval_decode_add(struct interval_row *row, const unsigned char *in,
                                           size_t in_bytes, const uint8_t *kind_map,
                                           struct err *err);

/* Whether all records of the row had this histogram, empty perhaps. */
static inline bool interval_row_has(const struct interval_row *row,
                                    enum interval_histogram_kind kind)
{
    return (row->absent & 1u << kind) == 0;
}

/* Adds counters, kinds, lanes and histograms of `from`; the header of `into` stays as it is. */
void interval_row_add(struct interval_row *into, const struct interval_row *from);
/* The same, and class i of `from` is class first_class + i of `into`, and likewise its parts; they fit into CLASSES_MAX
 * and PARTS_MAX. */
void interval_row_add_at(struct interval_row *into, const struct interval_row *from,
                         uint32_t first_class, uint32_t first_part);
/* Gives what was measured in a closed loop the response times that it would have in an open one: its service times. */
void interval_row_close_loop(struct interval_row *row);

/* The figures of node `node` of the topology. */
struct node_figures *interval_node(struct interval *interval, uint32_t node);

/* lost, and shed, of all causes. */
uint64_t counters_lost(const uint64_t counters[COUNTER_COUNT]);
uint64_t counters_shed(const uint64_t counters[COUNTER_COUNT]);

/* The identities of design.md 4.6 within one row:
 * in_flight_before + sent = ok + errors + timed_out + lost + in_flight_after,
 * backlog_before + due = sent + shed + backlog_after, histogram counts = ok and errors (of an open
 * loop's also ok for response times, and sent for slip and wait, of both loops not more than that), those of the unanswered = timed out +
 * lost, but for those lost with a worker (of an open loop's response times also shed, and at most its
 * backlog, since it may hold several workers' last records), kinds add up to errors; where there are nodes, ok and errors are the sums of theirs; where there are classes,
 * these and sent, timed out, lost (but with a worker), hits and misses, and a class has as many times as ok. E_UNTRUSTED with the
 * numbers when one is broken. A row of records with counters that are not known adds up to nobody's knowledge, and
 * is OK; a histogram that they did not have is not compared. A row with INTERVAL_DEGRADED stands outside the
 * identities and is always OK. */
MUST_USE enum err_code interval_row_check(const struct interval_row *row, struct err *err);

#endif
