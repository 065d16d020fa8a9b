/* What the parts of the scout share. Private to scout*.c; from below to above: scout_state.c, scout_ask.c,
 * scout_sentinel.c, scout.c. */
#ifndef ORCHESTRATOR_FLEET_SCOUT_STATE_H
#define ORCHESTRATOR_FLEET_SCOUT_STATE_H

#include "orchestrator/fleet/scout.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/replication.h"

struct scout {
    const struct scout_run *run;
    struct topology current;  /* as published                                              */
    struct topology next;     /* being put together                                        */
    struct topology told;     /* as the log knows it                                       */
    struct topology spare;    /* the best of several answers                               */
    struct endpoint patience; /* with short deadlines                                   */
    bool wished;              /* a worker has just asked for a look                         */
    bool wish_open;           /* one has asked since the last look                         */
    bool unsettled;           /* what was seen will not stay so: look again soon           */

    bool heard; /* somebody has answered in this look                        */

    struct control *controls[TOPOLOGY_NODES_MAX]; /* NULL: none; by node */
    struct target_address reached[TOPOLOGY_NODES_MAX];
    uint64_t avoid_until_ns[TOPOLOGY_NODES_MAX];
    struct server_role role;

    uint64_t epoch; /* of the newest view of the cluster that was taken */
    uint32_t last_good;

    uint64_t resolved_at_ns; /* names, the last time */

    struct host_name sentinels[RESOLVE_NAMES_MAX];
    uint32_t sentinel_count, sentinel_at; /* 0: not read yet; the one in use */
    struct control *sentinel;             /* for questions                   */
    struct control *listener;             /* has subscribed                  */
    uint64_t sentinels_avoided_until_ns;
};

/* ---- scout_state.c ---- */

/* A connection to a node of next, kept for the next time; NULL: it does not answer now. */
struct control *scout_reach(struct scout *scout, uint32_t node);
void scout_drop(struct scout *scout, uint32_t node);
/* The node has not answered a question: its connection is closed, and it is left alone for a while. */
void scout_unanswered(struct scout *scout, uint32_t node, const struct err *err);
/* current is what the workers of all segments see from now on. */
void scout_show(const struct scout *scout);
/* next becomes current, and the workers' when it is news. */
void scout_publish(struct scout *scout);

/* ---- scout_ask.c, scout_sentinel.c ---- */

/* Whether the node's address has to be looked up. */
bool scout_is_name(const struct topology_node *node);
/* Looks up the names in next. One that does not resolve now may do so later; the node keeps its place
 * meanwhile. */
void scout_resolve(struct scout *scout);
/* Each puts together next out of current. False: nobody answered; next is of no use. */
bool scout_ask_cluster(struct scout *scout);
bool scout_ask_servers(struct scout *scout);
bool scout_ask_sentinels(struct scout *scout);
/* Takes what sentinels have said unasked, and publishes it. */
void scout_hear_sentinels(struct scout *scout);

#endif
