/* The nodes of the target as a worker sees them, and which of them serves a request. */
#ifndef WORKER_ROUTER_H
#define WORKER_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/topology.h"
#include "worker/pools.h"

struct router {
    struct topology *topology; /* as last copied, with what MOVED told since      */
    uint32_t version;          /* of the shared table                             */
    bool
        by_slot; /* of a cluster; and where primaries get what replicas do not: those share slots evenly */
    bool many_pools;          /* by slot, or one for each connection (replaying.h)     */
    bool has_again;           /* there may be requests that were sent before, or follow others */
    bool many_nodes;          /* figures are kept for each                       */
    bool lanes;               /* ... or for classes: what is sent is counted for them */
    bool by_client;           /* that                                                 */
    bool gated;               /* by slot, and a replay: its requests have gates       */
    bool selects;             /* requests of a replay are of several databases       */
    bool asking;              /* some request has been sent behind ASKING      */
    bool loads;               /* what a server does not know is sent ahead of the request again */
    bool from_replicas;       /* replicas serve requests that only read: some of the run's do     */
    bool mixed;               /* ... and others do not: primaries serve those                    */
    bool due_read, due_other; /* tickets are of classes that only read; of others            */
    bool called;              /* some pool has been called: share out anew            */
    /* Of the nodes, in one piece; NULL where neither slots nor roles matter. */
    uint16_t *slot_counts;    /* slots of a primary                              */
    uint16_t *replica_counts; /* replicas of a primary                           */
    /* By primary, with from_replicas: the nodes that serve its slots. */
    uint16_t *readers, *reader_first, *reader_count;
    struct slot_list retry; /* waiting for their time, in its order             */
};

/* router_nodes.c: pools and a copy of the topology; every connection of the worker has its node after that.
 * E_CONNECT: no node serves the requests of this run, or there are fewer connections than nodes. */
enum err_code router_create(struct stream *stream, struct err *err);
void router_destroy(struct stream *stream);
/* Takes over a new version of the shared table, and moves connections as it says. False: there is none. */
bool router_take_topology(struct stream *stream, uint64_t now_ns);

/* router.c: the pool that serves a ticket. Hot path. */
struct pool *router_route(struct stream *stream, const struct request_slot *slot);
/* The oldest request of the connection was sent elsewhere: takes it from there, to be sent again. */
void router_redirected(struct connection *connection, uint64_t now_ns);
/* Looks for a new topology, and for requests whose time to be retried, or to be given up, has come. */
void router_tick(struct stream *stream, uint64_t now_ns);
/* Requests of a list that were sent too long ago time out. */
void router_time_out(struct stream *stream, struct slot_list *list, uint64_t now_ns);
/* All that waits and has been sent is lost by this cause. */
void router_abandon(struct stream *stream, enum counter cause, uint64_t now_ns);

#endif
