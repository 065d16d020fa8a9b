/* A stream: a generator, a schedule, its connections, its tickets and its accounting, put together from parts,
 * each of which is its own file's. Private to worker/. */
#ifndef WORKER_STREAM_H
#define WORKER_STREAM_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/greeting.h"
#include "common/interval.h"
#include "common/ipc.h"
#include "common/transport.h"
#include "worker/buffer.h"
#include "worker/connection.h"
#include "worker/consume_state.h"
#include "worker/dispatch.h"
#include "worker/exchange.h"
#include "worker/generate/generator.h"
#include "worker/lag.h"
#include "worker/near_reads.h"
#include "worker/pacer.h"
#include "worker/pools.h"
#include "worker/recorder.h"
#include "worker/repeat.h"
#include "worker/replaying.h"
#include "worker/router.h"
#include "worker/think.h"
#include "worker/users.h"
#include "worker/wait.h"
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

/* What the streams of a process have in common. They begin together; each ends by itself. */
struct worker {
    struct stream *streams;
    uint32_t stream_count;
    uint32_t running; /* of these, those that have not ended */
    struct event_base *base;
    struct event *tick; /* timer: interval edges, timeouts, reconnects */
    struct event *wake; /* start and stop */
    struct wait wait;
    struct process_cpu cpu;
};

struct stream {
    struct worker *worker;
    const struct worker_run *run;
    const struct worker_share *share;
    const struct spec *spec;
    const struct transport *transport;
    const struct protocol *protocol;
    struct ipc_worker *live; /* totals that the orchestrator sees at any time */
    struct ring *ring;
    struct ipc_control *control;
    struct ipc_tickets *tickets;
    /* Closed loop, of the chunk that is drawn from: live has the end, and the next one once it is told what was drawn. */
    uint64_t next_ticket, end_ticket;

    event_callback_fn on_io; /* of connections */

    struct connection *connections;
    uint32_t connection_count; /* that carry requests; idle ones stand behind them */
    uint32_t idle_count;       /* with those of consumers, which stand behind them */
    uint32_t idle_ready;
    uint32_t connections_ready;
    uint32_t connections_opening; /* CONNECTING or GREETING now      */
    uint32_t connections_failed;  /* before the start only           */
    uint32_t reads_cut;           /* connections with read_cut       */
    uint32_t next_source;         /* of the local addresses          */
    bool reconnects_pending;      /* some connection is not READY    */
    bool connected; /* all connections have been opened once: from now on they are reopened  */
    uint64_t reconnected;             /* connections opened after the start */
    uint64_t next_opening_ns;         /* of the client ramp; UINT64_MAX: none is to come */
    bool ramp_planned;                /* ... whose times are known */
    struct greeting greeting;         /* to primaries, and where roles do not matter */
    struct greeting replica_greeting; /* to replicas of a cluster                     */

    struct generation generation;
    struct replay *replay; /* its state, where requests were recorded; NULL */
    struct pools pools;
    struct router router;
    struct dispatch dispatch;
    struct exchange exchange;
    struct lag lag;
    struct recorder recorder;
    struct pacer pacer;
    struct users users;
    struct buffer buffer;
    struct think think;
    struct repeat repeat;

    uint64_t start_ns;   /* common start; 0 before                            */
    uint64_t measure_ns; /* end of the warm-up                               */
    uint64_t edge_ns;    /* end of the interval under way                     */
    uint64_t stop_at_ns; /* no request is sent from then on                  */
    uint64_t warmup_ns;  /* since the common start; IPC_NEVER: not known yet */
    bool warming_up;
    bool tickets_exhausted;
    bool stopping; /* drain, publish, leave the loop */
    bool finished;
    bool ended; /* its last record is published, its connections are closed */
    bool open_loop;
    uint64_t warmup_next;
    uint64_t in_flight; /* over all connections                         */
    uint64_t unsent;    /* with a ticket, and never sent                */
    uint64_t allocations_at_start;
    struct err err;
    struct consume consume;
    struct near_reads near;
};

/* Adds to a live word. Only this process writes it; others read it at any time. */
static inline void stream_add(_Atomic uint64_t *word, uint64_t by)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* The same for a total. */
static inline void stream_count(struct stream *stream, enum counter counter, uint64_t by)
{
    stream_add(&stream->live->counters[counter], by);
}

static inline uint64_t stream_total(const struct stream *stream, enum counter counter)
{
    return atomic_load_explicit(&stream->live->counters[counter], memory_order_relaxed);
}

/* Tickets counted as due that are neither sent nor shed. */
static inline uint64_t stream_backlog(const struct stream *stream)
{
    return stream_total(stream, COUNTER_DUE) - stream_total(stream, COUNTER_SENT) -
           stream_total(stream, COUNTER_SHED_LATE) - stream_total(stream, COUNTER_SHED_WORKER) -
           stream_total(stream, COUNTER_SHED_NODE);
}

/* What the orchestrator sees of the connection's node at this moment. */
static inline struct ipc_node *connection_live_node(const struct connection *connection)
{
    uint32_t place = connection->node < NODE_FIGURES_MAX ? connection->node : NODE_FIGURES_MAX - 1;
    return &connection->stream->live->nodes[place];
}

static inline void stream_publish_in_flight(struct stream *stream)
{
    atomic_store_explicit(&stream->live->in_flight, stream->in_flight, memory_order_relaxed);
}

/* What has a ticket is known before its bytes go out: death in the middle of a write leaves no gap. What was drawn
 * since, and is not told yet, was not sent: with its worker's death nobody has drawn it. */
static inline void stream_publish_drawn(struct stream *stream)
{
    uint64_t held = stream->pools.held;
    if (!stream->open_loop)
        atomic_store_explicit(&stream->live->ticket_next, stream->next_ticket,
                              memory_order_relaxed);
    atomic_store_explicit(&stream->live->held, stream->open_loop ? 0 : held, memory_order_relaxed);
    atomic_store_explicit(&stream->live->drawn,
                          stream_total(stream, COUNTER_SENT) + stream->unsent - held,
                          memory_order_relaxed);
}

/* The same of a closed loop where no pool holds any, and that is known. */
static inline void stream_publish_unsent(struct stream *stream)
{
    atomic_store_explicit(&stream->live->ticket_next, stream->next_ticket, memory_order_relaxed);
    atomic_store_explicit(&stream->live->drawn, stream_total(stream, COUNTER_SENT) + stream->unsent,
                          memory_order_relaxed);
}

/* Asks the scout for a new look at the target. */
static inline void stream_want_refresh(struct stream *stream)
{
    stream_add(&stream->live->refresh_wanted, 1);
}

/* The same for the request's class, where there are several. */
static inline void stream_count_class(struct stream *stream, const struct request_slot *slot,
                                      enum class_counter counter, uint64_t count)
{
    struct interval *interval = stream->recorder.interval;
    if (interval->class_count > 0)
        interval->classes[slot->class].counters[counter] += count;
}

/* Whether the request follows a miss: then it has no ticket of its own. */
static inline bool stream_is_follow_up(const struct stream *stream, const struct request_slot *slot)
{
    return slot->class >= stream->generation.weighted_count;
}

/* A request that was sent will get no reply: counts its fate. */
static inline void stream_unanswered(struct stream *stream, const struct request_slot *slot,
                                     enum counter fate, uint64_t now_ns)
{
    const bool late = fate == COUNTER_TIMED_OUT;
    if (stream->generation.classes[slot->class].feeds != 0)
        recorder_fed(stream, slot, CLASS_UNSURE);
    stream_count_class(stream, slot, late ? CLASS_TIMED_OUT : CLASS_LOST, 1);
    generation_drop(&stream->generation, slot);
    if (stream_is_follow_up(stream, slot)) {
        stream_count(stream, late ? COUNTER_FOLLOW_UPS_TIMED_OUT : COUNTER_FOLLOW_UPS_LOST, 1);
        return;
    }
    stream_count(stream, fate, 1);
    recorder_unanswered(stream, slot, now_ns);
}

/* Of a request that a connection holds, and that came through the buffer. */
static inline struct buffer_times *buffer_times_of(const struct connection *connection,
                                                   const struct request_slot *slot)
{
    const struct stream *stream = connection->stream;
    return &stream->buffer.times[slot - stream->connections[0].slots];
}

/* The pool of the connection, which goes to this node. */
static inline struct pool *stream_pool(const struct connection *connection, uint32_t node)
{
    const struct stream *stream = connection->stream;
    return &stream->pools.each[stream->router.by_client ? (size_t)(connection - stream->connections)
                               : stream->router.by_slot ? node
                                                        : 0];
}

/* Whether the connection is to send nothing now: it thinks, or is about to (think.h). The head moves with each request
 * that is answered, or lost. */
static inline bool stream_holds_back(const struct connection *connection)
{
    return connection->stream->think.waits &&
           (connection->thinks_until_ns != 0 ||
            connection->head_index != connection->thought_at_head);
}

/* Where a connection's figures go; NULL: one node only. Valid until the next edge. */
static inline struct node_figures *stream_node(struct stream *stream, uint32_t node)
{
    return stream->router.many_nodes ? interval_node(stream->recorder.interval, node) : NULL;
}

/* Whether a ticket that was never sent is backlog: one of a warm-up that is over was shed with it. */
static inline bool stream_is_backlog(const struct stream *stream, const struct request_slot *slot)
{
    return slot->ticket < WORKLOAD_WARMUP_TICKET || !stream->pacer.measuring;
}

/* A stream's life, worker.c's to call. What it begins with is set by the caller: worker and run and share. */
MUST_USE enum err_code stream_create(struct stream *stream, struct err *err);
void stream_destroy(struct stream *stream);
void stream_set_state(struct stream *stream, enum worker_state state);
/* Whether connections that are to be open at the start have not been tried yet. */
bool stream_is_connecting(const struct stream *stream);
/* The common start. */
void stream_enter(struct stream *stream, uint64_t start_ns);
void stream_tick(struct stream *stream, uint64_t now_ns);
/* When it wants the next tick, at the latest. */
uint64_t stream_next_tick_ns(const struct stream *stream, uint64_t now_ns);
/* The orchestrator may have set a stop. */
void stream_read_stop_word(struct stream *stream);
/* Whether there is nothing more to do. */
bool stream_is_over(struct stream *stream);
/* Abandons what is left, checks the books, publishes the last record. */
MUST_USE enum err_code stream_end(struct stream *stream, struct err *err);

#endif
