/* Connections that serve the same requests, and what waits for them: one pool for a server, one for each node
 * of a cluster. Which connection takes the next request, and what was given back. */
#ifndef WORKER_POOLS_H
#define WORKER_POOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/interval.h"
#include "worker/connection.h"
#include "worker/slot_list.h"
#include "worker/supply.h"

struct pool {
    /* The connections with so many requests each, while they can take one more. No list below `lowest`
     * has one. */
    TAILQ_HEAD(load_list, connection) * by_load;
    uint32_t lowest;
    struct supply supply; /* of connections in by_load, to tickets of an open loop        */
    uint32_t ready;       /* connections that are                                     */
    bool failing;         /* none is, and the last attempt to open one has failed     */
    uint32_t assigned;    /* connections that are this pool's, open or not            */
    uint32_t wanted;      /* ... that are to be                                       */
    bool called;          /* has no slots, but a node has sent requests there         */
    uint32_t free;        /* connections in by_load                                   */
    /* What has no connection: none is free, or the one that had it has ended. */
    struct slot_list again; /* sent before, and to be sent again: they go first         */
    struct slot_list fresh; /* never sent                                               */
    TAILQ_ENTRY(pool) by_free;
    TAILQ_ENTRY(pool) by_work;
    bool listed_free, listed_work;
    bool takes_tickets; /* and not only what follows them, or is sent again */
};
TAILQ_HEAD(pool_list, pool);

struct pools {
    struct pool *each; /* count; one, or by node with router.by_slot */
    uint32_t count;
    /* Those that have a free connection, and those of them for which somebody waits. */
    struct pool_list free, work;
    uint32_t free_connections; /* of all pools, those that can take one more     */
    uint64_t capacity;         /* requests in flight that there may be           */
    uint64_t takes_below;      /* requests of a connection with which it can take more */
    struct slot_store store;   /* of all lists                                   */
    uint32_t fresh_max;        /* tickets that may wait for one node ...         */
    uint32_t held_max;         /* ... and for all                                */
    uint64_t held;             /* in the `fresh` lists of all pools              */
    uint64_t full_ns;          /* since then a list is full; 0: none is          */
    struct pool *full;         /* whose that is; kept for the ticket that is drawn */
};

/* One more. False: no memory. */
bool pools_add(struct stream *stream);
void pools_destroy(struct pools *pools);

/* A connection has more or fewer requests than before, or has become ready or unable to take any. */
void pools_connection_changed(struct connection *connection);
/* The same in an open loop, where it may have become able to take one. */
void pools_connection_able(struct connection *connection, uint64_t now_ns);
/* Open loop: what a connection holds unsent could not be written for a while. */
void pools_waited_to_write(struct connection *connection, uint64_t now_ns);

/* The connection with the fewest requests, that has waited longest among equals; NULL: none has room. */
struct connection *pools_pick(const struct stream *stream, struct pool *pool);
/* How many more requests it may be given now. */
uint32_t pools_room_of(const struct connection *connection);
/* So many requests more may be in flight, or held by connections. */
uint64_t pools_capacity_left(const struct stream *stream);

/* Gives a connection with room a request that was sent before, or a ticket that was not. */
void pools_place(struct connection *connection, const struct request_slot *slot);
void pools_place_fresh(struct connection *connection, struct request_slot *slot, uint64_t now_ns);
/* Gives a free connection what waits in its pool. A rate gives each one at a time, the least loaded one
 * first. */
void pools_serve(struct connection *connection, uint64_t now_ns);

/* Makes it wait in the pool, behind what waits there. */
void pools_wait_again(struct stream *stream, struct pool *pool, const struct request_slot *slot);
void pools_wait_fresh(struct stream *stream, struct pool *pool, const struct request_slot *slot);
/* A connection has ended, or goes elsewhere: what it had not sent waits in front of the others. */
void pools_take_back(struct connection *connection);
/* Puts a pool into the lists that it belongs to now, once its own have been changed by hand. */
void pools_list(struct stream *stream, struct pool *pool);

/* A ticket that is not to be sent any more: of a warm-up that is over, with which it was shed, or too late,
 * and shed here. */
bool pools_is_stale(struct stream *stream, const struct pool *pool, const struct request_slot *slot,
                    uint64_t now_ns);
/* Drops such tickets where they stand in front: no connection of a pool may be free, and come by them. */
void pools_shed_stale(struct stream *stream, uint64_t now_ns);
/* Drops a ticket that finds no room where it should wait. */
void pools_shed_for_node(struct stream *stream, const struct pool *pool,
                         const struct request_slot *slot, uint64_t now_ns);
/* The load is over, or it is too late, and this ticket was never sent: counts it for its node, if the node had no
 * connection free for most of the time. */
void pools_left_unsent(struct stream *stream, const struct pool *pool,
                       const struct request_slot *slot, uint64_t now_ns);
/* Counts the time for which drawing stood still, and whether it does from now on: for this pool, NULL: not. */
void pools_note_full(struct stream *stream, uint64_t now_ns, struct pool *full);
/* Requests of a list that were sent are lost by this cause. */
void pools_abandon(struct stream *stream, struct slot_list *list, enum counter cause,
                   uint64_t now_ns);

#endif
