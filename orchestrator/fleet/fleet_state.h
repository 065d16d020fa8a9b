/* What a fleet holds while it runs, for the files of this folder that share it: fleet.c (the phases of
 * a run), supervise.c and supervise_nodes.c (workers and target under watch), conclude.c (what the run came to). */
#ifndef ORCHESTRATOR_FLEET_FLEET_STATE_H
#define ORCHESTRATOR_FLEET_FLEET_STATE_H

#include <event2/event.h>

#include "orchestrator/fleet/collector.h"
#include "orchestrator/fleet/fleet.h"
#include "orchestrator/fleet/node_watch.h"
#include "orchestrator/fleet/scout.h"
#include "orchestrator/fleet/steering.h"
#include "orchestrator/machine/host_sample.h"
#include "orchestrator/server/info_sampler.h"

/* A stop is set so far ahead: every worker has read it by then, so that it is defined what was due. */
#define STOP_AHEAD_NS (3 * NS_PER_MS)

struct member {
    struct child process;
    pid_t last_pid;                                 /* of the newest process, dead or alive */
    struct worker_share shares[WORKER_STREAMS_MAX]; /* of each workload */
    uint32_t restarts;
    uint32_t failed_in_a_row;
    uint64_t next_seen; /* collector's `next` of its streams when they last moved: the heartbeat */
    uint64_t silent_ns; /* time of ours since then                             */
};

struct fleet {
    const struct plan *plan;
    struct worker_run *run; /* of the first workload, and those of others behind it: run_count */
    uint32_t run_count;
    struct run_facts *facts;
    struct timeline *timeline;
    struct interrupts *interrupts;
    struct run_result *result;
    struct collector collector;
    struct host_sample host;
    struct steering steering;
    struct info_sampler *sampler; /* NULL: nobody asks the server */
    struct scout_run scout_run;
    struct child scout;
    uint32_t scout_restarts;
    struct member *members;
    uint32_t member_count;
    struct segments segments; /* one for each of the runs */
    size_t segment_bytes[WORKER_STREAMS_MAX];
    struct event_base *base; /* the session's */
    struct event *tick;
    struct event *child; /* SIGCHLD: a tick ahead of time */
    int wake_fd;
    int interrupts_seen;
    uint64_t tick_ns;
    uint64_t last_tick_ns;
    uint64_t connect_deadline_ns;
    uint64_t start_ns;
    uint64_t stop_ns; /* IPC_NEVER: no early stop */
    uint64_t live_at_ns;
    uint64_t unconnected_ns;
    uint64_t stalled_ns; /* requests have waited since one was last answered */
    uint64_t answered;   /* so many were then                                */
    struct node_watch nodes[NODE_FIGURES_MAX];
    bool told[NODE_FIGURES_MAX]; /* that a node is away */
    uint32_t outages_told;
    bool running;
    bool stopped; /* by somebody who steers */
    enum note_by stopped_by;
    bool stopped_at_once; /* the user asked twice: that workers die is no fault of theirs */
    bool over;
    struct err err; /* ends the run */
};

/* supervise.c ---------------------------------------------------------------------------------- */

MUST_USE enum err_code fleet_fork_member(struct fleet *fleet, uint32_t index, bool replacement,
                                         struct err *err);
void fleet_wake_workers(struct fleet *fleet);
/* Nobody sends at or after this clock reading; an earlier stop stays. */
void fleet_set_stop(struct fleet *fleet, uint64_t stop_ns);
void fleet_kill_workers(struct fleet *fleet);
/* Ends the run at once with fleet->err; what was collected is still reported. */
void fleet_fail(struct fleet *fleet);
/* Of all workloads of a worker: failed when one is, else that of the one that lags behind. */
enum worker_state fleet_state_of(const struct fleet *fleet, uint32_t index);
/* Why a worker has failed; code OK: it does not say. */
const struct err *fleet_err_of(const struct fleet *fleet, uint32_t index);
/* Called on every tick: looks for workers that have ended, that are stuck, for a run that has become
 * pointless, and for the end of a warm-up of --steady auto. passed_ns: since the tick before, as far
 * as the orchestrator itself was running. */
void supervise_reap(struct fleet *fleet);
void supervise_scout(struct fleet *fleet);
void supervise_heartbeats(struct fleet *fleet, uint64_t passed_ns);
void supervise_target(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns);
void supervise_progress(struct fleet *fleet, uint64_t now_ns, uint64_t passed_ns);
void supervise_warmup(struct fleet *fleet, uint64_t elapsed_ns);

/* How long no connection at all may last in a run that no duration ends, and the option that says so: the
 * longer one of two. */
uint64_t fleet_patience_ns(const struct fleet *fleet);
const char *fleet_patience_option(const struct fleet *fleet);
/* How long in such a run nothing at all may be answered while some connections are open: 25 s by default, at
 * most 30 s unless one of the two options that make it is set to more. */
uint64_t fleet_progress_patience_ns(const struct spec *spec);

/* supervise_nodes.c ---------------------------------------------------------------------------- */

/* At the start and on every tick: tells the user when a node of the target goes away, and when it is back. */
void supervise_nodes(struct fleet *fleet, uint64_t elapsed_ns);

/* conclude.c ----------------------------------------------------------------------------------- */

/* Completes fleet->result and passes it on. Every worker is gone. */
void fleet_conclude(struct fleet *fleet);

#endif
