/* Every struct that two processes share. One segment, mapped before the fork:
 *
 *   struct ipc_control      written by the orchestrator, read by the workers
 *   struct ipc_tickets      what workers share: who has claimed which tickets of a closed loop with -n
 *   struct ipc_worker [N]   each written by its worker only, read by the orchestrator
 *   struct ring [N]         worker -> orchestrator, encoded intervals
 *   struct schedule         intended times of an open loop; the orchestrator appends (schedule.h)
 *   struct topology_shared  who serves what; the scout writes (topology.h)
 *
 * No cache line is written by two processes, except those of the ticket counter. All words are single-writer
 * atomics with relaxed order unless the comment names a partner. */
#ifndef COMMON_IPC_H
#define COMMON_IPC_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/interval.h"
#include "common/resp.h"
#include "common/ring.h"
#include "common/schedule.h"
#include "common/topology.h"

#define IPC_VERSION 1u
#define IPC_WORKERS_MAX 1024u
#define IPC_NEVER UINT64_MAX

struct ipc_control {
    alignas(64) uint32_t version;
    uint32_t worker_count;
    uint64_t ring_offset_bytes; /* of ring 0 from the start of the segment */
    uint64_t ring_stride_bytes;
    uint64_t schedule_offset_bytes;
    uint64_t topology_offset_bytes;
    /* Clock reading of the common start; 0 while workers connect. Release; the workers' acquire. */
    alignas(64) _Atomic uint64_t start_ns;
    /* No request is sent at or after this clock reading; IPC_NEVER: not set. Release / acquire. */
    _Atomic uint64_t stop_ns;
    /* End of the warm-up since the common start, at an interval edge; IPC_NEVER while it is not
     * known (--steady auto). Set at least IPC_MEASURE_AHEAD_NS before it comes. Release / acquire. */
    _Atomic uint64_t measure_after_ns;
    _Atomic uint64_t caches_cleared; /* how often near caches were to be cleared so far */
};

#define IPC_MEASURE_AHEAD_NS 100000000ull

/* A claim and who made it are one word, so that a worker that is killed between claiming tickets and
 * noting them in its own words loses none: whoever claims next first writes down, in known_end, up to
 * where the one before it has claimed. */
struct ipc_tickets {
    alignas(64) _Atomic uint64_t
        claimed; /* IPC_CLAIM: tickets below are claimed, last by this worker */
    alignas(64) _Atomic uint64_t known_end[IPC_WORKERS_MAX]; /* by worker; only grows */
};
#define IPC_CLAIM(end, worker) ((uint64_t)(end) << 10 | (worker))
#define IPC_CLAIM_END(claimed) ((claimed) >> 10)
#define IPC_CLAIM_WORKER(claimed) ((uint32_t)((claimed) & (IPC_WORKERS_MAX - 1)))
#define IPC_REQUESTS_MAX 10000000000000000ull /* below 2^54 */

enum worker_state {
    WORKER_FORKED,     /* -> CONNECTING                                                     */
    WORKER_CONNECTING, /* -> READY when every connection answered its PING, -> FAILED        */
    WORKER_READY,      /* waits for start_ns. -> RUNNING                                     */
    WORKER_RUNNING,    /* -> DONE after its INTERVAL_LAST record is in the ring              */
    WORKER_DONE,
    WORKER_FAILED /* err says why; published after it with release                      */
};

/* In front of the word of what the server said that was no answer to a request: nothing counts it. */
#define IPC_CLOSING_WORDS "closing:"

struct ipc_error_kind {
    char word[32];
    char text[RESP_LINE_BYTES]; /* the first error reply that began with this word, terminated */
};

/* What a cluster said instead of answering a request, which is sent again: the newest, about one a
 * millisecond at most. As it came: the password may stand in it. */
struct ipc_refusal {
    /* So far; the newest is texts[count % 2]. Release, after the text; the orchestrator's acquire. */
    _Atomic uint64_t count;
    _Atomic uint64_t at_ns; /* clock reading of the newest */
    char texts[2][RESP_LINE_BYTES];
};

/* One node of the target as a worker sees it at this moment; a plain server is number 0, and the last
 * place may stand for several. Instants are clock readings. */
struct ipc_node {
    _Atomic uint64_t last_ok_ns; /* of the last read that brought a success; 0: none        */
    _Atomic uint32_t connected;  /* connections that are ready and carry requests           */
    _Atomic uint32_t lost;       /* of them, those that have ended unexpectedly, so far     */
    _Atomic uint32_t failed;     /* attempts to connect again that were in vain, so far ... */
    _Atomic uint32_t failed_by;  /* ... and what the newest was counted as (enum counter)   */
};

struct ipc_worker {
    /* Release by the worker, acquire by the orchestrator: everything below is then visible. */
    alignas(64) _Atomic uint32_t state;
    _Atomic uint32_t connections_ready;
    struct err err; /* of WORKER_FAILED */

    /* Live totals since the common start, of all replacements of this worker together. */
    alignas(64) _Atomic uint64_t counters[COUNTER_COUNT];
    _Atomic uint64_t in_flight;
    _Atomic uint64_t last_done_ns; /* clock reading of the last reply */
    _Atomic uint64_t ticket_next;  /* claimed chunk: tickets [next, end) are still to be sent;  */
    _Atomic uint64_t ticket_end;  /* without -n, and in an open loop: next is how many were drawn */
    _Atomic uint64_t claim_first; /* with -n: where the claim last tried begins            */
    _Atomic uint64_t held; /* closed loop: tickets that wait for their node, never sent      */
    _Atomic uint64_t refresh_wanted; /* grows whenever the worker's topology seems out of date */
    _Atomic uint32_t given_up; /* connections that will not be tried again (--max-reconnects) */
    _Atomic uint64_t drawn;    /* requests sent, or with a ticket and about to be: what is  */
                               /* above COUNTER_SENT when a worker dies may be on the wire  */
    _Atomic uint64_t inside;   /* code of the user's, and where in it: PLUGIN_AT; 0: not      */
    /* Of messages to consumers of any worker: what its requests have sent, what its consumers got; and whether it
     * sends no more. */
    _Atomic uint64_t expected, delivered;
    _Atomic uint32_t sent_all, begun; /* begun: how often, with its replacements */

    alignas(64) struct ipc_node nodes[NODE_FIGURES_MAX];

    alignas(64) struct ipc_refusal refusal;

    /* Append only; count is stored with release after the entry. */
    alignas(64) _Atomic uint32_t error_kind_count;
    struct ipc_error_kind error_kinds[ERROR_KINDS_MAX];
    /* Live totals, too: error replies by kind. Each before its COUNTER_ERROR_REPLIES. */
    alignas(64) _Atomic uint64_t error_kind_replies[ERROR_KINDS_MAX];
};

/* The layout of the segment for a number of workers; ring_capacity_bytes is a power of two.
 * schedule_bytes: room for the schedule, 0 in a closed loop. */
size_t ipc_segment_bytes(uint32_t worker_count, uint64_t ring_capacity_bytes,
                         size_t schedule_bytes);

/* Lays out zeroed memory of ipc_segment_bytes. Orchestrator, before the first fork. */
void ipc_segment_init(void *segment, uint32_t worker_count, uint64_t ring_capacity_bytes);

struct topology_shared *ipc_topology(void *segment);
struct ipc_control *ipc_control(void *segment);
struct ipc_tickets *ipc_tickets(void *segment);
/* It has no connections any more: it is done, or dead. */
void ipc_worker_disconnected(struct ipc_worker *worker);
struct ipc_worker *ipc_worker(void *segment, uint32_t index);
struct ring *ipc_ring(void *segment, uint32_t index);
struct schedule *ipc_schedule(void *segment); /* planned by the caller of ipc_segment_init */

/* Requests of all workers since the common start that failed: error replies, time-outs, and what was lost with a
 * connection. Any process, any time. */
uint64_t ipc_failures(void *segment);
/* Likewise of one counter, and the connections that can take requests. */
uint64_t ipc_live_total(void *segment, enum counter counter);
uint32_t ipc_live_connections(void *segment);

/* Room for a minute of ordinary records of a worker, as far as so many rings may take it, and for the largest record
 * there can be. */
uint64_t ipc_ring_capacity_bytes(uint64_t interval_ns, uint32_t worker_count, uint32_t class_count,
                                 uint32_t part_count);

#endif
