/* One node of a run's target under watch while the load goes on: when it goes away and when it is back.
 * Pure; what is said of it, and where, is its caller's (supervise_nodes.c).
 *
 * A node is gone when it had connections and all of them are lost, and none has come back for
 * NODE_WATCH_GONE_NS: connections tell it sooner than replies. It is silent when no request has
 * succeeded at it for so long that this is an outage (outage.h). Either ends with its next success, or
 * when another node has taken over: never more than one beginning and one end an outage. */
#ifndef ORCHESTRATOR_FLEET_NODE_WATCH_H
#define ORCHESTRATOR_FLEET_NODE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/report/outage.h"

#define NODE_WATCH_GONE_NS OUTAGE_FAILED_NS

/* What is known of the node at one moment. Instants count from the common start of the run. */
struct node_sight {
    uint32_t connected;    /* connections of all workers that are ready                    */
    uint32_t lost, failed; /* so far: of those, and attempts to connect again              */
    uint64_t last_ok_ns;   /* last success; 0: none                                        */
    bool outage;           /* by the rows, which are up to an interval behind              */
    uint64_t outage_begin_ns;
    uint64_t replaced_ns; /* likewise: when another node took over from it; 0: none has */
};

enum node_news {
    NODE_SAME,    /* nothing new                                            */
    NODE_GONE,    /* as many as watch->connections are lost, at begin_ns    */
    NODE_SILENT,  /* the last success was at begin_ns                       */
    NODE_BACK,    /* it has had a success, the newest at end_ns             */
    NODE_REPLACED /* another node has had it in its place, at end_ns        */
};

/* Zeros: nothing was seen yet. */
struct node_watch {
    enum node_news away; /* NODE_GONE or NODE_SILENT while it is, else NODE_SAME */
    uint64_t begin_ns, end_ns;
    uint32_t connections; /* of the node, as long as none is lost */
    /* private */
    uint32_t lost, troubles;
    uint64_t empty_ns; /* since when it has no connection; 0: it has */
};

/* What is new at now_ns. */
enum node_news node_watch_look(struct node_watch *watch, const struct node_sight *sight,
                               uint64_t now_ns);

#endif
