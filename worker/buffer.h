/* A client that buffers: its requests do not go to the server one by one. Writes gather in the round buffer; so many of them,
 * or so many bytes, become a batch, which waits in the hybrid buffer for a flush worker, a connection that sends it with one
 * write. Where the hybrid buffer is full the round cannot become a batch, and its users are held up. Requests that only
 * read go to the next connection that is free, ahead of nothing and behind what waits. See docs/design/buffering.md.
 *
 * In a cluster each node has a round and a hybrid buffer of its own, and flush workers: a batch is of keys of one node. What a
 * node has no room for waits in front of it, so that the others go on, up to a limit at which the drawing stops
 * (router_nodes.c); what is for one that cannot be reached is shed.
 *
 * All that is between ticket and connection: what waits here has a ticket, is unsent, and held (pools.h). Called by dispatch.c
 * from the loop; nothing allocates after buffer_create, but for nodes that are added. Private to worker/. */
#ifndef WORKER_BUFFER_H
#define WORKER_BUFFER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "worker/batches.h"
#include "worker/slot_list.h"

struct connection;
struct pool;
struct stream;

/* Of a request on its way; see the stages in buffer_stage.h. */
struct buffer_times {
    uint64_t entered_ns; /* it was drawn                                 */
    uint64_t taken_ns;   /* its batch went to a flush worker             */
    uint64_t written_ns; /* behind the write that took it; 0: not known  */
};

/* By pools.h: of the server, or of a node. */
struct node_buffer {
    struct slot_list round;
    uint64_t round_bytes;
    uint64_t flush_at_ns; /* of the round, at the latest; 0: it is empty */
    struct batches batches;
    struct slot_list waiting; /* of a cluster: drawn, and there was no room                */
};

struct buffer {
    const struct buffer_options
        *plan;                 /* NULL: nothing is buffered, and the rest is without meaning */
    struct node_buffer *nodes; /* room for as many as pools may become */
    uint32_t node_count;
    uint32_t rounds, hybrids,
        waits; /* of all nodes: requests in rounds, batches, requests that wait */
    uint64_t most_round_bytes;
    uint64_t full_ns;        /* since then nothing fits; 0: it does                             */
    uint64_t accounted_ns;   /* COUNTER_BUFFER_ROUND_NS and COUNTER_BUFFER_HYBRID_NS reach so far */
    uint64_t *busy_until_ns; /* by connections: COUNTER_BUFFER_BUSY_NS reaches so far            */
    int timer_fd;            /* strikes at the moment that it is set to */
    struct event *timer;     /* of that                                 */
    bool timer_pending;
    bool draining;              /* the load has stopped, and what is here goes out */
    struct buffer_times *times; /* by the connections' slots */
    uint32_t first_part;        /* of the interval: the first stage */
};

/* Parts of an interval that the stages of a run with this buffer take. */
uint32_t buffer_stage_parts(const struct buffer_options *plan);
/* How many requests may be held, and when a connection can take a batch: for its pool, before there is room for them. */
void buffer_make_room(struct stream *stream);
/* callback: calls buffer_flush_late, and sends. Once connections and pools are there. E_SYSTEM: no memory. */
MUST_USE enum err_code buffer_create(struct stream *stream, event_callback_fn callback,
                                     struct err *err);
void buffer_destroy(struct buffer *buffer);

/* Those of nodes that the table has now; before they get pools. False: no memory. */
bool buffer_add_nodes(struct stream *stream);

/* Whether one more fits, whatever it is. Tells COUNTER_BUFFER_FULL_NS for how long none did; in a cluster, with some node. */
bool buffer_has_room(struct stream *stream, uint64_t now_ns);
/* A request that was drawn, and the pool that serves it. False: there is no room for it, and it is the next one again. With one
 * server there is room. */
bool buffer_put(struct stream *stream, struct pool *pool, const struct request_slot *slot,
                uint64_t now_ns);
/* What waits for nodes that cannot be reached is shed: at a tick. */
void buffer_shed_failing(struct stream *stream, uint64_t now_ns);
/* Where slots have other nodes now: all that was never sent to this one is in its pool's list from here on, and in no batch, so
 * many; and one of these, for the pool that serves it. */
uint32_t buffer_unpack(struct stream *stream, struct pool *pool, uint64_t now_ns);
void buffer_pack(struct stream *stream, struct pool *pool, const struct request_slot *slot,
                 uint64_t now_ns);
/* Nothing more is due now: where all users wait (size_based), or the run has no more tickets, or has stopped, the round goes,
 * once a flush worker has nothing else to do. */
void buffer_all_drawn(struct stream *stream, uint64_t now_ns);
/* The load has stopped: what was drawn before, and what users wait with, is sent from now on as flush workers are free; nothing
 * else falls due. */
void buffer_begin_draining(struct stream *stream, uint64_t now_ns);
/* Whether there is some of that, and a connection that may take it. */
bool buffer_drains(const struct stream *stream);
/* The round has waited long enough. */
void buffer_flush_late(struct stream *stream, uint64_t now_ns);
/* Gives a connection that can take one (pools_pick) what was sent before, or the oldest batch. */
void buffer_serve(struct connection *connection, uint64_t now_ns);
/* A request that the near cache answered, at done_ns: records its stage. */
void buffer_spared(struct stream *stream, const struct request_slot *slot, uint64_t done_ns);
/* Brings what is counted as time up to this moment, at which an interval ends. */
void buffer_account(struct stream *stream, uint64_t at_ns);
/* The warm-up is over: what it left is dropped; it was shed already. */
void buffer_drop_warmup(struct stream *stream);

/* What the connection was given has been written as far as possible: `before` was its in_flight. */
void buffer_written(struct connection *connection, uint32_t before, uint64_t now_ns);
/* Replies were read at done_ns, and their requests, from `head_before` on, are settled: records their stages. */
void buffer_answered(const struct connection *connection, uint32_t head_before, uint64_t done_ns);

#endif
