/* Outages: what a user of the target saw of its failures, found in the rows of a run. Pure: no clock,
 * no input but the rows; the timeline feeds it, so that a replay finds the same.
 *
 * A *gap* lies between two successes that follow one another, the last of one row and the first of a
 * later one, to the nanosecond; successes are merged over all workers. It is an outage when
 *
 *   something failed in it (an error reply, a time-out, a lost request; of a node also a connection that
 *   was lost or could not be opened, and of all together when each node that served just before lost some;
 *   in a cluster also CLUSTERDOWN)
 *   and it is at least OUTAGE_FAILED_NS long, or
 *   nothing failed, requests waited for replies at an edge of a row in it, and it is at least
 *   OUTAGE_PAUSE_NS long: a pause
 *
 * and in both cases OUTAGE_USUAL_GAPS times as long as the usual gap: the largest of the mean gaps in
 * the newest row, the newest two, and so on up to OUTAGE_HISTORY rows. That keeps slow loads and loads
 * with a share of regular errors from being taken for outages.
 *
 * Time in which volley itself stood still, by the rows' own account, is taken off a gap before it is
 * held against these lengths.
 *
 * A gap within one row cannot be seen: an outage that is shorter than the interval is found only when
 * an edge of a row falls into it. Time without load is no gap: where nothing was sent, nothing waited
 * and nothing failed in a whole row, the next gap begins at its end. Requests that a worker of volley
 * lost by dying, and those given up when draining ended, have not failed: they only waited. What nobody
 * answered by the end of the load is the outage's, however long draining takes: replies after it end none.
 *
 * The same is done for all nodes together and for each node. The outage of a node also ends when
 * another node of its shard, idle until then, has its first success: it took over. What fails at the
 * old node from then on, such as requests that time out only now, still counts in that outage. */
#ifndef ORCHESTRATOR_REPORT_OUTAGE_H
#define ORCHESTRATOR_REPORT_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/interval.h"

#define OUTAGE_FAILED_NS 100000000ull
#define OUTAGE_PAUSE_NS 1000000000ull
#define OUTAGE_USUAL_GAPS 10u
#define OUTAGE_HISTORY 8u
/* Times before: of replies in the 10 s up to the outage. During: of those that came from its end until
 * 5 s after it, which are the ones that had to wait. After: of those in the 10 s behind that. By whole
 * rows, at most 3.2 % above the truth; the maximum is exact. */
#define OUTAGE_BEFORE_NS 10000000000ull
#define OUTAGE_DURING_NS 5000000000ull
#define OUTAGE_AFTER_NS 10000000000ull

#define OUTAGES_KEPT 64u /* the first ones; all are counted */
#define OWN_STOPS_KEPT 64u
#define OUTAGE_NOBODY (-1)
#define OUTAGE_LOST_CAUSES 5u /* COUNTER_LOST_TIMEOUT and the four behind it */

struct outage_response {
    uint64_t count;
    uint64_t p50_ns, p99_ns, max_ns;
};

/* Requests that failed in an outage, and connections. Kinds, causes and clusterdown: of all nodes
 * together only. */
struct outage_failures {
    uint64_t errors, timed_out, lost;
    uint64_t errors_by_kind[ERROR_KINDS_MAX];
    uint64_t lost_by_cause[OUTAGE_LOST_CAUSES];
    uint64_t connections_lost, connect_failures;
    uint64_t clusterdown; /* answers of a cluster that is down, to requests that were sent again */
};

/* Instants since the common start. */
struct outage {
    uint64_t begin_ns; /* last success before; or where measuring, or load on the node, began */
    uint64_t
        first_failed_ns; /* first failed request in it; 0: none (see pause)                    */
    uint64_t end_ns;     /* first success after; where the load ended, when there was none     */
    bool from_start;     /* no success before                                                  */
    bool recovered;
    bool pause; /* nothing failed in it                                                       */
    uint64_t
        own_stop_ns; /* of that time volley itself stood still                                */
    bool shared; /* its first or last row also had failures outside of it: they are counted too */
    int32_t taken_over_by; /* the node whose success ended it, OUTAGE_NOBODY: its own           */
    struct outage_failures failures;
    struct outage_response before, during, after;
};

/* Of one node, or of all together. */
struct outage_list {
    uint64_t count; /* of outages */
    uint64_t total_ns, longest_ns, longest_begin_ns;
    uint32_t kept;
    struct outage *items; /* the first OUTAGES_KEPT, in the order in which they ended */
};

/* When all of volley stood still: nobody was there to see the target. */
struct own_stop_list {
    uint64_t count, total_ns, end_ns; /* of the newest */
    uint32_t kept;
    struct own_stop items[OWN_STOPS_KEPT]; /* the first ones */
};

struct outage_setup {
    bool open_loop;
    uint64_t load_end_ns; /* when sending will end by plan, since the common start; 0: not known */
    uint32_t node_count;  /* of the nodes known at the start                 */
    bool one_shard;       /* all nodes are, those too that come later: no cluster, one primary */
    int32_t primary_of[NODE_FIGURES_MAX]; /* of a replica, its primary; OUTAGE_NOBODY: none  */
};

struct outages; /* of one run after another */

/* NULL: no memory. */
struct outages *outages_create(void);
void outages_destroy(struct outages *outages);
void outages_begin(struct outages *outages, const struct outage_setup *setup);
/* The next row; rows of the warm-up only tell what is in flight. */
void outages_add(struct outages *outages, const struct interval_row *row);
/* This node has left its cluster, or whatever it was known by: nobody expects a success of it any more.
 * Call it before outages_end(). */
void outages_leave(struct outages *outages, uint32_t node);
/* No row will follow. load_end_ns: when sending ended by plan, since the common start; 0: not known. */
void outages_end(struct outages *outages, uint64_t load_end_ns);

/* While rows still come: whether the gap under way at this node (OUTAGE_NOBODY: all together), as far as the
 * rows go, is an outage already; *begin_ns: where it began. */
bool outages_under_way(const struct outages *outages, int32_t node, uint64_t *begin_ns);

/* After outages_end(): whether all nodes together were in an outage when the load ended, and nothing has
 * answered any more, not even with an error or while draining; *begin_ns: the last success. */
bool outages_silent_end(const struct outages *outages, uint64_t *begin_ns);

const struct outage_list *outages_of_all(const struct outages *outages);
const struct own_stop_list *outages_own_stops(const struct outages *outages);
/* NULL: nothing is known of this node. */
const struct outage_list *outages_of_node(const struct outages *outages, uint32_t node);
/* Nodes that had an outage. */
uint32_t outages_nodes(const struct outages *outages);
/* Time in which some node, or all together, had an outage: those that overlap count once. Of the outages that are kept. */
uint64_t outages_any_ns(const struct outages *outages);
/* First failed request to first success after it; 0 when nothing failed or it did not recover. */
uint64_t outage_failed_to_ok_ns(const struct outage *outage);

#endif
