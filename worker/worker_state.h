/* What a worker holds in memory. Private to worker/; one struct worker per process. */
#ifndef WORKER_WORKER_STATE_H
#define WORKER_WORKER_STATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/interval.h"
#include "common/ipc.h"
#include "common/resp.h"
#include "common/transport.h"
#include "worker/worker.h"

/* One read takes at most so much. Value bytes are skipped, so one buffer serves all connections.
 * Measured with values of 1 MiB: 32 KiB cost 5 % more CPU per request, 256 KiB 2 % more. */
#define WORKER_READ_BYTES (64u * 1024)
/* Requests of one write are rendered here. A longer request goes out in windows of the larger size. */
#define WORKER_WRITE_BYTES (64u * 1024)
#define WORKER_WINDOW_BYTES (1024u * 1024)

enum connection_state {
    CONNECTION_CONNECTING, /* -> GREETING on writable, -> BACKOFF on failure or connection timeout   */
    CONNECTION_GREETING, /* AUTH, SELECT, PING under way. -> READY on the last reply, -> BACKOFF   */
    CONNECTION_READY,   /* carries requests; leaves only to BACKOFF                               */
    CONNECTION_BACKOFF, /* no descriptor; -> CONNECTING at deadline_ns                            */
    CONNECTION_WAITING  /* never tried yet: too many are being opened at once. -> CONNECTING      */
};

struct request_slot {
    uint64_t ticket;
    uint64_t sent_ns; /* clock reading just before the write that carried its first byte */
};

/* Slots form a ring: `in_flight` requests from head_index on have been sent (the last of them maybe
 * only in part), `unsent` ones behind them have a ticket but no byte on the wire yet. */
struct connection {
    struct worker *worker;
    struct request_slot *slots; /* slot_mask + 1 of them, at least pipeline */
    int fd;                     /* -1: none; with the null transport its number */
    enum connection_state state;
    uint32_t slot_mask;
    uint32_t head_index;
    uint32_t in_flight;
    uint32_t unsent;
    uint32_t head_replies; /* of the oldest request, already here (sequences)           */
    bool head_failed;      /* one of them was an error ...                              */
    uint32_t head_kind;    /* ... and the first of those was of this kind               */
    bool write_waiting;    /* the write event is pending                                */
    bool read_cut;         /* the rest is read in the next turn of the loop             */
    uint32_t greeting_replies;
    uint32_t attempts;    /* since it was last ready */
    size_t partial_bytes; /* written of the newest in-flight request; 0: all of it */
    size_t greeting_sent_bytes;
    uint64_t deadline_ns; /* of connecting and greeting, or end of the back-off  */
    struct resp_scanner scanner;
    struct event read_event;
    struct event write_event;
};

struct worker {
    const struct worker_run *run;
    const struct worker_share *share;
    const struct spec *spec;
    const struct transport *transport;
    struct ipc_worker *live; /* totals that the orchestrator sees at any time */
    struct ring *ring;
    struct ipc_control *control;
    struct ipc_tickets *tickets;

    struct event_base *base;
    struct event *tick; /* timer: interval edges, timeouts, reconnects */
    struct event *wake; /* start and stop */

    struct connection *connections;
    uint32_t connection_count;
    uint32_t connections_ready;
    uint32_t connections_opening; /* CONNECTING or GREETING now      */
    uint32_t connections_failed;  /* before the start only           */
    uint32_t reads_cut;           /* connections with read_cut       */
    bool reconnects_pending;      /* some connection is not READY    */

    char *in;  /* WORKER_READ_BYTES */
    char *out; /* out_bytes */
    size_t out_bytes;
    uint32_t out_requests; /* whole ones that fit into out */
    char *greeting;
    size_t greeting_bytes;
    uint32_t greeting_replies;
    size_t request_bytes;
    uint32_t replies_per_request;
    enum read_kind read_kind; /* of the first reply; a sequence asks the workload */

    uint64_t wakeup_ns;  /* first clock reading of this turn of the loop; 0: none yet */
    uint64_t start_ns;   /* common start; 0 before                            */
    uint64_t measure_ns; /* end of the warm-up                               */
    uint64_t edge_ns;    /* end of the interval under way                     */
    uint64_t stop_at_ns; /* no request is sent from then on                  */
    bool connected;      /* all connections have been opened once: from now on they are reopened  */
    bool warming_up;
    bool tickets_exhausted;
    bool stopping; /* drain, publish, leave the loop */
    bool finished;
    uint64_t warmup_next;
    uint64_t in_flight; /* over all connections                         */
    uint64_t unsent;
    uint64_t unsent_idle; /* of those, held by connections that are not ready: others take them */
    uint64_t reconnected; /* connections opened after the start */
    uint64_t cpu_user_ns; /* of this process, as last counted */
    uint64_t cpu_system_ns;

    /* Interval under way: counters are differences of the live totals. */
    struct interval *interval;
    uint64_t published[COUNTER_COUNT];
    unsigned char *wire; /* INTERVAL_RECORD_MAX_BYTES */
    /* The last record of the warm-up while it waits for room: it must not be merged with what is
     * measured. As long as wire; NULL without a warm-up. */
    unsigned char *held;
    uint32_t held_bytes; /* 0: none waits */
    uint64_t allocations_at_start;
    struct err err;
};

/* Adds to a live total. Only this process writes it; the orchestrator reads it at any time. */
static inline void worker_count(struct worker *worker, enum counter counter, uint64_t by)
{
    _Atomic uint64_t *total = &worker->live->counters[counter];
    atomic_store_explicit(total, atomic_load_explicit(total, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static inline uint64_t worker_total(const struct worker *worker, enum counter counter)
{
    return atomic_load_explicit(&worker->live->counters[counter], memory_order_relaxed);
}

/* The slot `place` behind the oldest request. */
static inline struct request_slot *connection_slot(const struct connection *connection,
                                                   uint32_t place)
{
    return &connection->slots[(connection->head_index + place) & connection->slot_mask];
}

static inline void worker_publish_in_flight(struct worker *worker)
{
    atomic_store_explicit(&worker->live->in_flight, worker->in_flight, memory_order_relaxed);
}

/* What has a ticket is known before its bytes go out: death in the middle of a write leaves no gap. */
static inline void worker_publish_drawn(struct worker *worker)
{
    atomic_store_explicit(&worker->live->drawn, worker_total(worker, COUNTER_SENT) + worker->unsent,
                          memory_order_relaxed);
}

/* tickets.c ------------------------------------------------------------------------------------ */

/* The next ticket of this worker. False: the run has no more (with -n). */
bool tickets_draw(struct worker *worker, uint64_t *ticket);

/* recorder.c ----------------------------------------------------------------------------------- */

/* Starts the interval that contains now_ns; called at the common start and by a replacement. */
void recorder_start(struct worker *worker, uint64_t now_ns);
/* Publishes every interval that ended at or before now_ns. Called before anything that happened at
 * or after an edge is counted. Without room in the ring the interval is merged with the next one; at
 * the end of the warm-up its record is held instead, and pushed before any other. */
void recorder_cut(struct worker *worker, uint64_t now_ns);
/* Publishes what is left as the last record, waiting for room in the ring at most 10 s. */
enum err_code recorder_finish(struct worker *worker, uint64_t now_ns, struct err *err);
/* The worker's number for the first word of an error reply; a new word takes the next one. */
uint32_t recorder_error_kind(struct worker *worker, const char *text, size_t text_bytes);
/* Counts a request that failed with an error of this kind, once its last reply is here. */
void recorder_error_reply(struct worker *worker, uint32_t kind);

/* exchange.c ----------------------------------------------------------------------------------- */

/* Gives every free slot a ticket and sends. now_ns is a recent clock reading. */
void exchange_fill(struct connection *connection, uint64_t now_ns);
/* Writes what is waiting, until nothing is left, the socket is full, or the connection is gone. */
void exchange_flush(struct connection *connection);
/* Reads, counts replies, and fills the slots that they freed. closed_by_peer: reads to the end. */
void exchange_receive(struct connection *connection, bool closed_by_peer);

/* connection.c --------------------------------------------------------------------------------- */

/* A ready connection has ended: its requests in flight are lost by this cause; it will come back. */
void connection_lost(struct connection *connection, enum counter cause, uint64_t now_ns);
/* Asks for the write event, once. */
void connection_wait_writable(struct connection *connection);
/* Marks that reading was cut short and goes on in the next turn of the loop. */
void connection_set_read_cut(struct connection *connection, bool cut);
/* Sets up all connections of the worker; nothing is opened yet. */
enum err_code connections_create(struct worker *worker, struct err *err);
void connections_destroy(struct worker *worker);
/* Opens connections that are due, gives up those whose time is over, times requests out. Called on
 * every tick. */
void connections_tick(struct worker *worker, uint64_t now_ns);
/* Fills every free slot of every ready connection. */
void connections_fill(struct worker *worker);
/* Makes every connection with a request in flight ready to read, as a wait does for sockets: for a
 * transport that answers at once, once a turn of the loop. */
void connections_activate(struct worker *worker);
/* Makes every connection ready to read whose reading was cut short: no edge will say so again. */
void connections_resume(struct worker *worker);
/* Counts what is in flight as lost by the end of draining and closes everything. */
void connections_abandon(struct worker *worker);
/* Requests in flight, counted slot by slot: must equal worker->in_flight. */
uint64_t connections_recount(const struct worker *worker);

#endif
