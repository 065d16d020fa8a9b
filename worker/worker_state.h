/* What a worker holds in memory. Private to worker/; one struct worker per process. */
#ifndef WORKER_WORKER_STATE_H
#define WORKER_WORKER_STATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/interval.h"
#include "common/ipc.h"
#include "common/redirect.h"
#include "common/resp.h"
#include "common/transport.h"
#include "worker/greeting.h"
#include "worker/supply.h"
#include "worker/worker.h"

/* One read takes at most so much. Value bytes are skipped, so one buffer serves all connections.
 * Measured with values of 1 MiB: 32 KiB cost 5 % more CPU per request, 256 KiB 2 % more. */
#define WORKER_READ_BYTES (64u * 1024)
/* Requests of one write are rendered here. A longer request goes out in windows of the larger size. */
#define WORKER_WRITE_BYTES (64u * 1024)
#define WORKER_WINDOW_BYTES (1024u * 1024)
/* The loop turns at least every 50 ms. A worker that did not for so long has stood still: it was stopped, or
 * kept from its CPU. */
#define OWN_STOP_NS (200 * NS_PER_MS)
/* Turns whose replies that may have waited in volley are recorded: one in so many, once an interval had that
 * many replies, and enough for some hundred turns in which every connection is ready. */
#define LAG_SAMPLING 16u
#define LAG_SAMPLED_FROM 10000u
#define LAG_SAMPLED_FROM_TURNS 400u

enum connection_state {
    CONNECTION_CONNECTING, /* -> HANDSHAKE on writable, -> BACKOFF on failure or connection timeout  */
    CONNECTION_HANDSHAKE, /* TLS. -> GREETING, -> BACKOFF                                          */
    CONNECTION_GREETING, /* AUTH, SELECT, PING under way. -> READY on the last reply, -> BACKOFF   */
    CONNECTION_READY, /* carries requests; -> BACKOFF when it breaks, -> WAITING when recycled   */
    CONNECTION_BACKOFF, /* no descriptor; -> CONNECTING at deadline_ns, -> GIVEN_UP               */
    CONNECTION_WAITING, /* not tried yet, or ended by plan. -> CONNECTING at deadline_ns          */
    CONNECTION_GIVEN_UP /* --max-reconnects attempts in a row have failed; stays so               */
};

struct request_slot {
    uint64_t ticket;
    union {
        uint64_t sent_ns;   /* clock reading just before the write that carried its first byte */
        uint64_t waited_ns; /* until then, open loop: for a connection that could take it      */
    };
    uint64_t intended_ns; /* clock reading of the schedule; open loop only               */
    uint32_t retry_ms; /* the clock's milliseconds, cut to 32 bits, while it waits to be retried */
    uint8_t hops;      /* how often a node has sent it elsewhere                      */
    bool again;        /* has been sent before: sent_ns is that of the first time     */
    bool asking;       /* goes out behind ASKING                                      */
};

/* Requests that wait for a node, and the memory that all such lists share: slot_list.h. */
struct slot_list {
    uint32_t head, tail, count; /* places in the store */
};
struct slot_store {
    struct waiting_slot {
        struct request_slot slot;
        uint32_t next; /* 0: the last one */
    } * slots;
    uint32_t size, free, untouched; /* first free place, first that was never used */
};

/* Connections that serve the same requests: all of them, or those to one node of a cluster. What is
 * waiting has no connection yet: none is free, or none is ready. */
struct pool {
    /* The connections with so many requests each, while they can take one more; open loops and
     * clusters. No list below `lowest` has one. */
    TAILQ_HEAD(load_list, connection) * by_load;
    uint32_t lowest;
    struct supply supply;   /* of connections in by_load, to tickets of an open loop        */
    uint32_t ready;         /* connections that are                                     */
    bool failing;           /* none is, and the last attempt to open one has failed     */
    uint32_t assigned;      /* connections that are this pool's, open or not            */
    uint32_t wanted;        /* ... that are to be                                       */
    bool called;            /* has no slots, but a node has sent requests there         */
    uint32_t free;          /* connections in by_load                                   */
    struct slot_list again; /* sent before, and to be sent again: they go first         */
    struct slot_list fresh; /* never sent                                               */
    /* With by_slot: the router's lists of pools that have a free connection, and of those where
     * somebody waits for it, too. */
    TAILQ_ENTRY(pool) by_free;
    TAILQ_ENTRY(pool) by_work;
    bool listed_free, listed_work;
};
TAILQ_HEAD(pool_list, pool);

/* Where requests go: router.c. */
struct router {
    struct topology *topology; /* as last copied, with what MOVED told since      */
    uint32_t version;          /* of the shared table                             */
    struct pool *pools;        /* pool_count; by node with by_slot, else one      */
    uint32_t pool_count;
    struct pool_list free_pools, work_pools;
    bool by_slot;
    bool many_nodes;    /* figures are kept for each                       */
    bool asking;        /* some request has been sent behind ASKING      */
    bool from_replicas; /* replicas serve the run's requests: they only read     */
    bool called;        /* some pool has been called: share out anew            */
    /* Of the nodes, in one piece; NULL where neither slots nor roles matter. */
    uint16_t *slot_counts;    /* slots of a primary                              */
    uint16_t *replica_counts; /* replicas of a primary                           */
    /* By primary, with from_replicas: the nodes that serve its slots. */
    uint16_t *readers, *reader_first, *reader_count;
    uint64_t capacity;         /* requests in flight that there may be             */
    struct slot_store store;   /* of all lists                                     */
    uint32_t fresh_max;        /* tickets that may wait for one node ...           */
    uint32_t held_max;         /* ... and for all                                  */
    struct slot_list retry;    /* waiting for their time, in its order             */
    uint64_t held;             /* in the `fresh` rings of all pools                */
    struct request_slot drawn; /* a ticket whose node's ring is full ...          */
    bool has_drawn;            /* ... there is one                                */
    uint64_t full_ns;          /* since then; 0: no ring is full                  */
    struct pool *full_pool;    /* whose ring that is                              */
    bool stopped;          /* tickets of an open loop are not drawn: a ring is full, or too ... */
    struct supply drawing; /* ... many are in flight; and since when they are again           */
    uint32_t free_connections; /* of all pools, those that can take one more */
    uint32_t next_source;      /* of the local addresses                          */
};

/* Slots form a ring: `in_flight` requests from head_index on have been sent (the last of them maybe
 * only in part), `unsent` ones behind them have a ticket but no byte on the wire yet. */
struct connection {
    struct worker *worker;
    struct request_slot *slots; /* slot_mask + 1 of them, at least pipeline */
    struct wire wire;
    enum connection_state state;
    struct pool *pool;
    uint16_t node; /* of the topology                                            */
    bool idle;     /* carries nothing, all the time                              */
    bool retiring; /* takes no more: ends when nothing is in flight, goes to next_node */
    uint16_t next_node;
    uint32_t again_in_flight;  /* requests among those in flight that were sent before  */
    uint32_t asking_in_flight; /* ... that have a reply to ASKING in front              */
    /* 0 while retiring */
    uint64_t quota; /* requests that it may still take before it is opened anew   */
    uint32_t slot_mask;
    uint32_t head_index;
    uint32_t in_flight;
    uint32_t unsent;
    uint32_t head_replies;           /* of the oldest request, already here (sequences)           */
    bool head_failed;                /* one of them was an error ...                              */
    uint32_t head_kind;              /* ... and the first of those was of this kind               */
    uint32_t head_redirects;         /* so many of them sent the request elsewhere ...          */
    struct redirect head_redirect;   /* ... the last one there                            */
    bool head_asked;                 /* the reply to its ASKING is here                         */
    bool write_waiting;              /* the write event is pending                                */
    bool read_cut;                   /* the rest is read in the next turn of the loop             */
    bool write_failed;               /* the server has closed: read what it said, and end         */
    const struct greeting *greeting; /* the one under way */
    uint32_t greeting_replies;
    uint32_t attempts;    /* since it was last ready */
    size_t partial_bytes; /* written of the newest in-flight request; 0: all of it */
    size_t greeting_sent_bytes;
    uint64_t deadline_ns;   /* of connecting and greeting, or end of the back-off  */
    uint64_t connect_ns;    /* when this attempt to connect began                  */
    uint64_t handshake_ns;  /* when its TLS handshake began                       */
    uint64_t unwritable_ns; /* when it began to wait for room in its socket       */
    /* Open loop: the list of connections with so many requests, while it can take one more. */
    TAILQ_ENTRY(connection) by_load;
    uint32_t listed_load; /* PACER_UNLISTED: in no list */
    bool touched;         /* has been given tickets that are about to be written */
    struct resp_scanner scanner;
    struct event read_event;
    struct event write_event;
};

/* What an open loop needs beyond connections: pacer.c. All zero in a closed loop. */
struct pacer {
    struct arrivals draw; /* the next ticket to be sent                                    */
    struct arrivals due;  /* the same stream, as far as it has been counted                */
    struct schedule *warmup_schedule; /* constant; NULL without a warm-up                  */
    bool measuring;      /* the streams are those of the run, no longer of the warm-up    */
    uint64_t origin_ns;  /* clock reading of the streams' time 0                          */
    uint64_t next_ns;    /* clock reading at which `draw` is due; UINT64_MAX: never       */
    uint64_t last_ns;    /* the intended time of the ticket drawn last                    */
    uint64_t due_warmup; /* due in the warm-up, once it is over                           */
    int timer_fd;        /* -1: none */
    struct event *timer;
    uint64_t turn_ns;         /* clock reading before the newest turn of the loop             */
    uint64_t armed_ns;        /* the timer is set for this clock reading; 0: not set           */
    uint64_t stretch_ns;      /* so long before an intended time the worker spins; 0: it sleeps */
    uint64_t spinning_ns;     /* this turn does not sleep since this clock reading; 0: it may  */
    bool starved;             /* a ticket is due and no connection can take it ...             */
    enum counter starved_for; /* ... blocked or unconnected ...                            */
    uint64_t starved_ns;      /* ... counted up to this clock reading                          */
};
#define PACER_UNLISTED UINT32_MAX

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
    uint32_t connection_count; /* that carry requests; idle ones stand behind them */
    uint32_t idle_count;
    uint32_t idle_ready;
    struct router router;
    uint32_t connections_ready;
    uint32_t connections_opening; /* CONNECTING or GREETING now      */
    uint32_t connections_failed;  /* before the start only           */
    uint32_t reads_cut;           /* connections with read_cut       */
    bool reconnects_pending;      /* some connection is not READY    */

    char *in;  /* WORKER_READ_BYTES */
    char *out; /* out_bytes */
    size_t out_bytes;
    uint32_t out_requests;            /* whole ones that fit into out */
    struct greeting greeting;         /* to primaries, and where roles do not matter */
    struct greeting replica_greeting; /* to replicas of a cluster                     */
    size_t request_bytes;
    uint32_t replies_per_request;
    enum read_kind read_kind; /* of the first reply; a sequence asks the workload */

    uint64_t alive_ns; /* clock reading of the newest tick: the worker was not standing still */
    /* When the worker stood still, in clock readings: in the record under way, and the newest time. A signal
     * may end a wait before that looks, so what came meanwhile is read in that turn or in the next one. */
    struct own_stops own_stops;
    struct own_stop still;
    uint32_t woken_turns;    /* that are left of these two */
    uint64_t cpu_counted_ns; /* when the CPU time below was counted */
    /* How long a reply may have been waiting when it is read. What a wait did not report has come since
     * that wait looked; a wait that slept had nothing to report before it ended. */
    uint64_t looked_ns;       /* first clock reading behind the wait of the turn before */
    uint64_t waiting_ns;      /* last one before the wait of this turn                  */
    uint64_t wakeup_ns;       /* first one behind it; 0: none yet                       */
    uint64_t unread_since_ns; /* what is read in this turn has come since then          */
    uint64_t slept_ns;        /* a wait that takes longer has slept                     */
    uint64_t lag_ns;          /* so long it may have waited, in the read under way      */
    uint64_t lagged_below_ns; /* more than a tenth of any latency below this was that   */
    uint64_t lag_weight;      /* 10; 0: what is read is made by the reading             */
    /* Of such replies those of one turn in LAG_SAMPLING are recorded, and stand for as many, but all that
     * took as long as the longest hundredth of the interval before: few reach the high percentiles. */
    uint64_t lag_tail_ns;       /* 0: there are few, or nothing is known yet: all           */
    uint64_t lagged_from_ns;    /* shorter ones are left out in this turn                   */
    uint32_t lag_stands_for;    /* those that are shorter than the tail, in this turn       */
    uint32_t lag_turns_to_skip; /* before the next that is recorded                         */
    uint32_t lag_random;        /* how many those are; never 0                              */
    struct {
        uint64_t latency_ns, service_ns;
        uint32_t count;
    } lagged;            /* such replies, alike, that are in no histogram yet; within one read */
    uint64_t start_ns;   /* common start; 0 before                            */
    uint64_t measure_ns; /* end of the warm-up                               */
    uint64_t edge_ns;    /* end of the interval under way                     */
    uint64_t stop_at_ns; /* no request is sent from then on                  */
    uint64_t warmup_ns;  /* since the common start; IPC_NEVER: not known yet */
    uint64_t next_opening_ns; /* of the client ramp; UINT64_MAX: none is to come */
    bool connected; /* all connections have been opened once: from now on they are reopened  */
    bool warming_up;
    bool tickets_exhausted;
    bool stopping; /* drain, publish, leave the loop */
    bool finished;
    bool open_loop;
    struct pacer pacer;
    uint64_t warmup_next;
    uint64_t in_flight; /* over all connections                         */
    uint64_t unsent;
    uint64_t unsent_idle; /* of those, held by connections that are not ready: others take them */
    uint64_t reconnected; /* connections opened after the start */
    uint64_t cpu_user_ns; /* of this process, as last counted */
    uint64_t cpu_system_ns;
    uint64_t run_delay_ns;
    int schedstat_fd; /* -1: the kernel does not tell */

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

/* Tickets counted as due that are neither sent nor shed. */
static inline uint64_t worker_backlog(const struct worker *worker)
{
    return worker_total(worker, COUNTER_DUE) - worker_total(worker, COUNTER_SENT) -
           worker_total(worker, COUNTER_SHED_LATE) - worker_total(worker, COUNTER_SHED_WORKER) -
           worker_total(worker, COUNTER_SHED_NODE);
}

/* A wait that takes longer, with the read behind it, has slept. One that returns at once was measured at 1 to
 * 6 us with 50 connections and at up to 9 us with 200, which may all be ready; one that sleeps at 13 us and
 * more on a virtual machine, where a wake-up costs most of that. */
static inline uint64_t worker_slept_ns(const struct worker_share *share)
{
    return 5 * NS_PER_US + (uint64_t)share->connections * 25;
}

/* Which of this turn's replies are recorded among those that may have waited in volley. */
static inline void worker_sample_lag(struct worker *worker)
{
    worker->lagged_from_ns = 0;
    worker->lag_stands_for = 1;
    if (worker->lag_tail_ns == 0)
        return;
    if (worker->lag_turns_to_skip > 0) {
        worker->lag_turns_to_skip--;
        worker->lagged_from_ns = worker->lag_tail_ns;
        return;
    }
    worker->lag_stands_for = LAG_SAMPLING;
    /* Marsaglia's xorshift of 32 bits (Journal of Statistical Software 8, 2003). From 0 to
     * 2 * LAG_SAMPLING - 2, so LAG_SAMPLING - 1 on average: a fixed number could keep step with the load. */
    uint32_t random = worker->lag_random;
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    worker->lag_random = random;
    worker->lag_turns_to_skip = random % (2 * LAG_SAMPLING - 1);
}

/* To be called with the first clock reading behind a wait. */
static inline void worker_woke(struct worker *worker, uint64_t now_ns)
{
    bool slept =
        now_ns - worker->waiting_ns > worker->slept_ns && !worker->transport->answers_at_once;
    worker->wakeup_ns = now_ns;
    worker->unread_since_ns = slept ? now_ns : worker->looked_ns;
    worker_sample_lag(worker);
}

/* The slot `place` behind the oldest request. */
static inline struct request_slot *connection_slot(const struct connection *connection,
                                                   uint32_t place)
{
    return &connection->slots[(connection->head_index + place) & connection->slot_mask];
}

/* What the orchestrator sees of the connection's node at this moment. */
static inline struct ipc_node *connection_live_node(const struct connection *connection)
{
    uint32_t place = connection->node < NODE_FIGURES_MAX ? connection->node : NODE_FIGURES_MAX - 1;
    return &connection->worker->live->nodes[place];
}

static inline void worker_publish_in_flight(struct worker *worker)
{
    atomic_store_explicit(&worker->live->in_flight, worker->in_flight, memory_order_relaxed);
}

/* What has a ticket is known before its bytes go out: death in the middle of a write leaves no gap. */
static inline void worker_publish_drawn(struct worker *worker)
{
    uint64_t held = worker->router.held;
    atomic_store_explicit(&worker->live->held, worker->open_loop ? 0 : held, memory_order_relaxed);
    atomic_store_explicit(&worker->live->drawn,
                          worker_total(worker, COUNTER_SENT) + worker->unsent - held,
                          memory_order_relaxed);
}

/* tickets.c ------------------------------------------------------------------------------------ */

/* The next ticket of this worker. False: the run has no more (with -n). */
bool tickets_draw(struct worker *worker, uint64_t *ticket);

/* pacer.c -------------------------------------------------------------------------------------- */

/* Sets up and takes down what an open loop needs. Before anything is connected. */
enum err_code pacer_create(struct worker *worker, struct err *err);
void pacer_destroy(struct worker *worker);
/* From the common start, or the end of the warm-up, on: tickets come from this stream. Called by the
 * recorder, which knows the edge. */
void pacer_begin_warmup(struct worker *worker);
void pacer_begin_measuring(struct worker *worker);
/* A replacement's first act: what fell due while nobody was there is shed. */
void pacer_shed_missed(struct worker *worker, uint64_t now_ns);
/* Brings the counters of what is due, shed and starved up to at_ns, an edge. end_of_warmup: what is
 * left of the warm-up is shed. */
void pacer_settle(struct worker *worker, uint64_t at_ns, bool end_of_warmup);
/* Sends every ticket that is due to the connections with the fewest requests. */
void pacer_send_due(struct worker *worker, uint64_t now_ns);
/* What is due is sent, and the next wait prepared: sets the timer, or returns EVLOOP_NONBLOCK for a
 * turn that must not sleep. clock_ns: a clock reading of now, taken anew after sending. */
int pacer_prepare_wait(struct worker *worker, uint64_t *clock_ns);
/* Tickets due that were neither drawn, sent nor shed, counted from the streams and the slots. */
uint64_t pacer_recount(struct worker *worker);
/* Records how long those same tickets have waited by until_ns: exact to the histogram's digits, however
 * many there are, with no more steps than a histogram has buckets. */
void pacer_record_backlog(struct worker *worker, uint64_t until_ns);

/* Draws the next ticket, if it is due: pacer_draw of an open loop, tickets_draw of a closed one. */
bool pacer_draw(struct worker *worker, uint64_t now_ns, struct request_slot *slot);
/* Drops what is late by --shed-after. */
void pacer_shed_late(struct worker *worker, uint64_t now_ns);

/* router_nodes.c ------------------------------------------------------------------------------- */

/* Pools and a copy of the topology; every connection of the worker has its node after that. E_CONNECT:
 * no node serves the requests of this run, or there are fewer connections than nodes. */
enum err_code router_create(struct worker *worker, struct err *err);
void router_destroy(struct worker *worker);
/* Takes over a new version of the shared table, and moves connections as it says. False: there is none. */
bool router_take_topology(struct worker *worker, uint64_t now_ns);

/* router.c ------------------------------------------------------------------------------------- */

/* The connection with the fewest requests, that has waited longest among equals; NULL: none has room. */
struct connection *router_pick(const struct worker *worker, struct pool *pool);
/* Whether a ticket that is due could go somewhere now. */
bool router_can_take(struct worker *worker);
/* A connection has more or fewer requests than before, or has become ready or unable to take any. */
void router_connection_changed(struct connection *connection);
/* The same in an open loop, where it may have become able to take one. */
void router_connection_able(struct connection *connection, uint64_t now_ns);
/* Open loop: what a connection holds unsent could not be written for a while. */
void router_waited_to_write(struct connection *connection, uint64_t now_ns);
/* With by_slot: gives connections what waits for them, and tickets as far as they are due. */
void router_send(struct worker *worker, uint64_t now_ns);
/* The same for a connection of a closed loop that may have become free. */
void router_fill(struct connection *connection, uint64_t now_ns);
/* The oldest request of the connection was sent elsewhere: takes it from there, to be sent again. */
void router_redirected(struct connection *connection, uint64_t now_ns);
/* A connection has ended: what it had not sent waits for another one of its pool. */
void router_take_back(struct connection *connection);
/* Looks for a new topology, and for requests whose time to be retried, or to be given up, has come. */
void router_tick(struct worker *worker, uint64_t now_ns);
/* Asks the scout for a new look at the target. */
void router_want_refresh(struct worker *worker);
/* All that waits and has been sent is lost by this cause; the rest is dropped. */
void router_abandon(struct worker *worker, enum counter cause, uint64_t now_ns);
/* Requests in flight that no connection holds, counted slot by slot; and tickets never sent, each of them
 * shown to `visit`, if there is one, with the pool that it waits for. */
typedef void unsent_visitor(struct worker *worker, const struct pool *pool,
                            const struct request_slot *slot, uint64_t until_ns);
uint64_t router_recount_in_flight(const struct worker *worker);
uint64_t router_recount_unsent(struct worker *worker, unsent_visitor *visit, uint64_t until_ns);
/* Whether a ticket that was never sent is backlog: one of a warm-up that is over was shed with it. */
bool router_is_backlog(const struct worker *worker, const struct request_slot *slot);

/* The pool of the connections to this node. */
static inline struct pool *worker_pool(const struct worker *worker, uint32_t node)
{
    return &worker->router.pools[worker->router.by_slot ? node : 0];
}

/* Where a connection's figures go; NULL: one node only. Valid until the next edge. */
static inline struct node_figures *worker_node(struct worker *worker, uint32_t node)
{
    return worker->router.many_nodes ? interval_node(worker->interval, node) : NULL;
}

/* router_unsent.c ------------------------------------------------------------------------------ */

/* A ticket of this pool is later than --shed-after, or its ring is full and its node down: drops it. */
void router_shed_late(struct worker *worker, const struct pool *pool,
                      const struct request_slot *slot, uint64_t now_ns);
void router_shed_for_node(struct worker *worker, const struct pool *pool,
                          const struct request_slot *slot, uint64_t now_ns);
/* The load is over, and this ticket was never sent. */
void router_left_unsent(struct worker *worker, const struct pool *pool,
                        const struct request_slot *slot, uint64_t now_ns);
/* Counts the time for which drawing stood still, and whether it does from now on: for this pool, NULL: not. */
void router_note_full(struct worker *worker, uint64_t now_ns, struct pool *full_pool);
/* Of what comes now, since when it may have been there: in the first turns after a stop of volley's own
 * nobody knows, and the time is not the target's. */
uint64_t router_able_since(const struct worker *worker, uint64_t now_ns);

/* recorder.c ----------------------------------------------------------------------------------- */

/* Starts the first interval, at the common start; a replacement's is the one that contains now_ns. */
void recorder_start(struct worker *worker, uint64_t now_ns);
/* Publishes every interval that ended at or before now_ns. Called before anything that happened at
 * or after an edge is counted. Without room in the ring the interval is merged with the next one; at
 * the end of the warm-up its record is held instead, and pushed before any other. */
void recorder_cut(struct worker *worker, uint64_t now_ns);
/* Whether the loop has stood still until now. Called on every tick; recorder_cut does it, too. */
void recorder_look_for_stop(struct worker *worker, uint64_t now_ns);
/* Publishes what is left as the last record, waiting for room in the ring at most 10 s. */
enum err_code recorder_finish(struct worker *worker, uint64_t now_ns, struct err *err);
/* A request that was sent will get no reply: keeps how long it has waited by now_ns, or by the end of the
 * load, if that was earlier. Called with the counting of its fate. */
void recorder_unanswered(struct worker *worker, const struct request_slot *slot, uint64_t now_ns);
/* The same of so many tickets that were due at since_ns or before, and never will be sent. */
void recorder_unsent(struct worker *worker, uint64_t tickets, uint64_t since_ns, uint64_t now_ns);
/* The worker's number for the first word of an error reply; a new word takes the next one. */
uint32_t recorder_error_kind(struct worker *worker, const char *text, size_t text_bytes);
/* Keeps what the server said that was no answer to a request, before a connection ended or instead of
 * taking one: an error kind of its own, which nothing counts. */
void recorder_closing_words(struct worker *worker, const char *text, size_t text_bytes);
/* Keeps what a cluster said instead of answering a request. */
void recorder_refusal(struct worker *worker, const char *text, size_t text_bytes, uint64_t now_ns);
/* Counts a request that failed with an error of this kind, once its last reply is here. */
void recorder_error_reply(struct worker *worker, uint32_t kind);
/* To be called when requests have been counted as failed: with --max-errors of them in all workers this one sends
 * nothing any more. */
void recorder_heed_failures(struct worker *worker, uint64_t now_ns);

/* exchange.c ----------------------------------------------------------------------------------- */

/* Gives every free slot a ticket and sends; in an open loop only tickets that are due, to any
 * connection. now_ns is a recent clock reading. */
void exchange_fill(struct connection *connection, uint64_t now_ns);
/* Writes what is waiting, until nothing is left, the socket is full, or the connection is gone. */
void exchange_flush(struct connection *connection);
/* Reads, counts replies, and fills the slots that they freed. closed_by_peer: reads to the end. */
void exchange_receive(struct connection *connection, bool closed_by_peer);

/* connection.c --------------------------------------------------------------------------------- */

/* A ready connection has ended: its requests in flight are lost by this cause, and it is counted by
 * this event; it will come back. */
void connection_lost(struct connection *connection, enum counter cause, enum counter event,
                     uint64_t now_ns);
/* A ready connection with nothing in flight ends by plan, and is opened anew: to its next node when it
 * is retiring. */
void connection_recycle(struct connection *connection, uint64_t now_ns);
/* Whether it has nothing left to do before it is recycled. */
bool connection_is_spent(const struct connection *connection);
/* Sends it to another node: at once, or when nothing is in flight any more. */
void connection_move(struct connection *connection, uint32_t node, uint64_t now_ns);
/* Asks for the write event, once. */
void connection_wait_writable(struct connection *connection);
/* Marks that reading was cut short and goes on in the next turn of the loop. */
void connection_set_read_cut(struct connection *connection, bool cut);
/* Begins to open a connection that has no descriptor. */
void connection_open(struct connection *connection);
/* An attempt to open it has failed, counted by `failure` beside COUNTER_CONNECT_FAILURES: for good while
 * the worker opens its connections for the first time, unless try_again; until the next try later. */
void connection_attempt_failed(struct connection *connection, bool try_again, enum counter failure,
                               const char *why);
/* Closes the descriptor, if there is one; nothing else. */
void connection_close(struct connection *connection);
/* Takes what is in flight out of the accounts, lost by this cause. */
void connection_drop_in_flight(struct connection *connection, enum counter cause, uint64_t now_ns);
/* What a user of the server saw fail, for its node's figures. */
void connection_note_failure(struct connection *connection, enum node_counter counter,
                             uint64_t count, uint64_t now_ns);

/* connections.c -------------------------------------------------------------------------------- */

/* Sets the times at which the connections of a client ramp are opened; once measuring has a start. */
void connections_plan_ramp(struct worker *worker);
/* Connections that are open before the start. */
uint32_t connections_at_start(const struct worker *worker);
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
