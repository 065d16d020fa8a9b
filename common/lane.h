/* Lanes: what a part of the load came to in one interval, beside the figures of the whole. A lane is counters and
 * coarse histograms, 32 steps to a power of two, so that a value is at most 3.2 % above the truth; as many times
 * are in them as its counter of ok says. There are two kinds: a node of the target and a class of requests. */
#ifndef COMMON_LANE_H
#define COMMON_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/histogram_wire.h"

#define COARSE_STEPS 32u
#define COARSE_STEP_BITS 5u
#define COARSE_COUNTS ((37u + 2u) * COARSE_STEPS) /* up to 2^42 ns, above one hour */

struct coarse_times {
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t counts[COARSE_COUNTS];
};

/* Index of the bucket that counts value_ns; above the range: the last one. */
static inline uint32_t coarse_index(uint64_t value_ns)
{
    uint32_t shift =
        63u - COARSE_STEP_BITS - (uint32_t)__builtin_clzll(value_ns | (2 * COARSE_STEPS - 1));
    uint32_t index = (shift << COARSE_STEP_BITS) + (uint32_t)(value_ns >> shift);
    return index < COARSE_COUNTS ? index : COARSE_COUNTS - 1;
}
uint64_t coarse_highest(uint32_t index);

/* Counts a value so many times. */
static inline void coarse_record(struct coarse_times *times, uint64_t value_ns, uint64_t count)
{
    times->sum_ns += value_ns * count;
    if (value_ns > times->max_ns)
        times->max_ns = value_ns;
    times->counts[coarse_index(value_ns)] += count;
}

uint64_t coarse_count(const struct coarse_times *times);
/* Highest value of the bucket in which the count reaches ceil(q * count), capped by the maximum; 0 when nothing
 * was recorded. */
uint64_t coarse_quantile(const struct coarse_times *times, double q);
/* The same where the count reaches `rank`, of 1 and more. */
uint64_t coarse_value_of_rank(const struct coarse_times *times, uint64_t rank);

#define COARSE_WIRE_MAX_BYTES (3u * 10u + COARSE_COUNTS * 12u)

/* Nodes: numbered as in topology.h; the last number takes all that found no room. */
#define NODE_FIGURES_MAX 64u

/* One row a counter: identifier, name in JSON and documents. */
#define NODE_COUNTER_TABLE(X)                                                                      \
    X(NODE_SENT, "sent")             /* requests written to it, those sent again among them */     \
    X(NODE_OK, "ok")                 /* requests that it answered without an error          */     \
    X(NODE_ERRORS, "errors")         /* requests that it answered with an error             */     \
    X(NODE_REDIRECTED, "redirected") /* MOVED, ASK, TRYAGAIN and CLUSTERDOWN that it said   */     \
    X(NODE_TIMED_OUT, "timed_out")                                                                 \
    X(NODE_LOST, "lost")                                                                           \
    X(NODE_CONNECTIONS_OPENED, "connections_opened")                                               \
    X(NODE_CONNECTIONS_LOST, "connections_lost")                                                   \
    X(NODE_CONNECT_FAILURES, "connect_failures")                                                   \
    X(NODE_UNSENT, "unsent")             /* never sent: no connection to it could take them   */   \
    X(NODE_RING_FULL_NS, "ring_full_ns") /* nothing was drawn: so many requests waited for it */

#define NODE_COUNTER_ID(id, name) id,
enum node_counter { NODE_COUNTER_TABLE(NODE_COUNTER_ID) NODE_COUNTERS };
#undef NODE_COUNTER_ID
extern const char *const node_counter_names[NODE_COUNTERS];

/* When requests succeeded and failed (error reply, time-out, lost), since the common start; 0: never.
 * For what a user saw of an outage. */
struct outcome_times {
    uint64_t first_ok_ns, last_ok_ns;
    uint64_t first_failed_ns, last_failed_ns;
};

static inline void outcome_ok(struct outcome_times *times, uint64_t at_ns)
{
    if (times->first_ok_ns == 0)
        times->first_ok_ns = at_ns;
    times->last_ok_ns = at_ns;
}

static inline void outcome_failed(struct outcome_times *times, uint64_t at_ns)
{
    if (times->first_failed_ns == 0)
        times->first_failed_ns = at_ns;
    times->last_failed_ns = at_ns;
}

/* The earlier first and the later last of both. */
void outcome_times_add(struct outcome_times *into, const struct outcome_times *from);

struct node_figures {
    uint64_t counters[NODE_COUNTERS];
    struct outcome_times times;
    struct coarse_times response; /* closed loop: service times */
};

/* Counts so many answered requests, which took as long. Hot path of a cluster. */
static inline void node_figures_ok(struct node_figures *node, uint64_t response_ns, uint64_t times)
{
    coarse_record(&node->response, response_ns, times);
    node->counters[NODE_OK] += times;
}

bool node_figures_empty(const struct node_figures *node);
void node_figures_add(struct node_figures *into, const struct node_figures *from);

/* Bytes of one node, sparse, at most NODE_FIGURES_WIRE_MAX_BYTES. */
#define NODE_FIGURES_WIRE_MAX_BYTES ((2u * NODE_COUNTERS + 6u) * 10u + COARSE_WIRE_MAX_BYTES)
size_t node_figures_encode(unsigned char *out, const struct node_figures *node);
/* Adds encoded figures and moves the cursor behind them; any input is safe. Counters that are not known are left out and set their bits in
 * *unknown (wire_pairs_decode_add). E_DATA: cut short, out of range, or not as many times as ok. On error `into`
 * may hold a part. */
MUST_USE enum err_code node_figures_decode_add(struct node_figures *into, uint64_t *unknown,
                                               struct wire_cursor *cursor, struct err *err);

/* Classes: numbered as the generator has them. */
#define CLASSES_MAX 16u
#define CLASS_NAME_BYTES 64u /* with the byte that ends it */

#define CLASS_COUNTER_TABLE(X)                                                                     \
    X(CLASS_SENT, "sent")                                                                          \
    X(CLASS_OK, "ok")                                                                              \
    X(CLASS_ERRORS, "errors")                                                                      \
    X(CLASS_TIMED_OUT, "timed_out")                                                                \
    X(CLASS_LOST, "lost") /* but with a worker: nobody knows what it had in flight */              \
    X(CLASS_HITS, "hits")                                                                          \
    X(CLASS_MISSES, "misses")                                                                      \
    X(CLASS_BYTES_OUT, "bytes_out") /* of requests, counted when they are sent; also when again */ \
    X(CLASS_BYTES_IN, "bytes_in")   /* of replies                                               */ \
    /* Of consumers, whose ok are messages that came. */                                           \
    X(CLASS_EXPECTED, "expected") /* of messages that the server has taken: who is to get them */  \
    X(CLASS_UNSURE, "unsure")     /* ... that it may have taken: there was no reply            */  \
    X(CLASS_DUPLICATES, "duplicates")                                                              \
    X(CLASS_OUT_OF_ORDER, "out_of_order") /* behind one that was sent later on its connection  */  \
    X(CLASS_FOREIGN, "foreign")           /* not of this run                                   */  \
    X(CLASS_EMPTY, "empty")               /* replies to a wait in which nothing came           */  \
    X(CLASS_ACKNOWLEDGED, "acknowledged")                                                          \
    X(CLASS_CLAIMED, "claimed")           /* taken over from another consumer, beside ok       */  \
    X(CLASS_DISCONNECTED, "disconnected") /* its connections that were lost                    */  \
    X(CLASS_READ, "read") /* entries of a stream, by the first of the group that got them       */

#define CLASS_COUNTER_ID(id, name) id,
enum class_counter { CLASS_COUNTER_TABLE(CLASS_COUNTER_ID) CLASS_COUNTERS };
#undef CLASS_COUNTER_ID
extern const char *const class_counter_names[CLASS_COUNTERS];

#define CLASS_COUNTERS_OF_REQUESTS (CLASS_BYTES_IN + 1u)

enum class_times { CLASS_SERVICE, CLASS_RESPONSE /* open loop only */, CLASS_TIMES };

struct class_figures {
    uint64_t counters[CLASS_COUNTERS];
    struct coarse_times times[CLASS_TIMES];
};

/* Parts of requests that are several commands: figures of the same kind, in no sum with those of classes. Sent and
 * unanswered is the whole, so of counters they have ok, errors, hits and misses. */
#define PARTS_MAX 64u

void class_figures_add(struct class_figures *into, const struct class_figures *from);

/* As those of a node; E_DATA also when there are response times, and not as many as ok. */
#define CLASS_FIGURES_WIRE_MAX_BYTES                                                               \
    ((2u * CLASS_COUNTERS + 2u) * 10u + CLASS_TIMES * COARSE_WIRE_MAX_BYTES)
size_t class_figures_encode(unsigned char *out, const struct class_figures *class);
MUST_USE enum err_code class_figures_decode_add(struct class_figures *into, uint64_t *unknown,
                                                struct wire_cursor *cursor, struct err *err);

#endif
