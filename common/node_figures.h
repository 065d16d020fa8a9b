/* What one node of the target did in one interval: counters, instants, and a histogram of response
 * times (closed loop: service times) that is coarser than the run's own: 32 steps to a power of two, so
 * that a value is at most 3.2 % above the truth. Numbered as in topology.h; the last number takes all
 * nodes that found no room. */
#ifndef COMMON_NODE_FIGURES_H
#define COMMON_NODE_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define NODE_FIGURES_MAX 64u

/* One row a counter: identifier, name in JSON and documents. Its place is its id in records: a new one is
 * the last row, one that goes leaves a hole (docs/design/records.md). */
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

#define NODE_TIMES_STEPS 32u
#define NODE_TIMES_STEP_BITS 5u
#define NODE_TIMES_COUNTS ((37u + 2u) * NODE_TIMES_STEPS) /* up to 2^42 ns, above one hour */

struct node_figures {
    uint64_t counters[NODE_COUNTERS];
    struct outcome_times times;
    uint64_t sum_ns; /* of response times, as many as ok */
    uint64_t max_ns;
    uint64_t response[NODE_TIMES_COUNTS];
};

/* Index of the bucket that counts value_ns; above the range: the last one. */
static inline uint32_t node_times_index(uint64_t value_ns)
{
    uint32_t shift = 63u - NODE_TIMES_STEP_BITS -
                     (uint32_t)__builtin_clzll(value_ns | (2 * NODE_TIMES_STEPS - 1));
    uint32_t index = (shift << NODE_TIMES_STEP_BITS) + (uint32_t)(value_ns >> shift);
    return index < NODE_TIMES_COUNTS ? index : NODE_TIMES_COUNTS - 1;
}

/* Counts so many answered requests, which took as long. Hot path of a cluster. */
static inline void node_figures_ok(struct node_figures *node, uint64_t response_ns, uint64_t times)
{
    node->counters[NODE_OK] += times;
    node->sum_ns += response_ns * times;
    if (response_ns > node->max_ns)
        node->max_ns = response_ns;
    node->response[node_times_index(response_ns)] += times;
}

/* Highest value of the bucket in which the count reaches ceil(q * ok), capped by the maximum; 0 when
 * nothing was answered. */
uint64_t node_figures_quantile(const struct node_figures *node, double q);
uint64_t node_times_highest(uint32_t index);

bool node_figures_empty(const struct node_figures *node);
void node_figures_add(struct node_figures *into, const struct node_figures *from);

/* Bytes of one node, sparse, at most NODE_FIGURES_WIRE_MAX_BYTES. */
#define NODE_FIGURES_WIRE_MAX_BYTES ((NODE_COUNTERS + 8u) * 12u + NODE_TIMES_COUNTS * 12u)
size_t node_figures_encode(unsigned char *out, const struct node_figures *node);
/* Adds encoded figures; any input is safe. Counters that are not known are left out and set their bits in
 * *unknown (wire_pairs_decode_add). E_DATA: cut short, out of range, or more times than ok. On error `into`
 * may hold a part. */
MUST_USE enum err_code node_figures_decode_add(struct node_figures *into, uint64_t *unknown,
                                               const unsigned char *in, size_t in_bytes,
                                               size_t *used_bytes, struct err *err);

#endif
