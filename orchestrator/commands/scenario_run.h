/* Carries a scenario out: one phase after the other as fleets of a session, with samples of the server on one time axis.
 * Called by `volley run`, which judges and writes what came of it. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_RUN_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_RUN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/live_map.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/report/live_line.h"
#include "orchestrator/scenario/node_series.h"
#include "orchestrator/scenario/observation.h"
#include "orchestrator/scenario/phase_account.h"
#include "orchestrator/scenario/scenario.h"
#include "orchestrator/scenario/series.h"
#include "orchestrator/server/server_sampler.h"

struct chaos;
struct slow_log;
struct chaos_plan;
struct disturbance;

struct scenario_run {
    /* set by the command, which has zeroed the rest */
    struct session *session;
    const struct scenario *scenario;
    bool force, show_progress;
    double host_least_bytes; /* below it a phase that may grow is ended, where servers run here */
    const struct scenario_resume *resume; /* what it goes on with; NULL: from the beginning */
    bool fail_over_others; /* also nodes that volley did not start: --allow-external-failover */

    /* what it came to */
    struct phase_account *accounts; /* phase_count */
    struct series series;
    struct scenario_events events;
    struct node_series nodes;         /* of a cluster */
    uint64_t began_ns, began_wall_ns; /* clock readings */
    bool host_short;                  /* phases were ended, since it has too little memory left */
    bool sent_workload;               /* which leaves keys that the live map does not know */
    bool unheard;                     /* the last sample had no answer of some server */
    uint64_t samples, samples_missed;
    double sampling_seconds; /* that servers took to answer */
    char allocator[64];      /* of the server; "": not known */
    char prefix[LIVE_PREFIX_BYTES];

    /* private */
    struct live_map *map;
    struct scenario_index *index; /* scenario_index.h; NULL: no vectors */
    struct server_sampler *sampler;
    struct slow_log *slow_log;
    struct chaos_plan *plans; /* phase_count: actions of phases */
    struct chaos *chaos;      /* those under way; NULL: none */
    bool flushed;             /* by one of them */
    struct event *deadline;
    uint32_t phase;            /* under way */
    const struct phase *aside; /* under way, and none of the scenario's; NULL: that one */
    bool done;                 /* its end has been reached; its account says why */
    bool running;              /* a fleet */
    struct series_row newest;  /* sample; at_ns 0: none yet */
    uint64_t phase_samples;    /* of this phase */
    /* Clock readings, of samples of this phase that no server has answered: the first of those one behind the other
     * (0: the newest was answered), and the newest of all. */
    uint64_t silent_since_ns, silent_at_ns;
    double last_value, slope; /* of its `until`, by nanosecond */
    uint64_t last_value_ns, shown_ns;
    struct live_line line;             /* of show_progress */
    uint64_t window_ok, window_failed; /* of the rows since the last sample */
    double window_seconds;
    struct histogram *window_latency;
    /* Of what is sent side by side: when the last interval with a reply ended, since the start of its run. */
    uint64_t branch_end_ns[SCENARIO_CHILDREN_MAX];
    bool in_parts; /* the load of the phase comes in parts, which do not go beyond its end */
    double sent_seconds;
    struct histogram *phase_latency;
    double *stable_values; /* of wait_stable, with their times: the samples of the phase */
    uint64_t *stable_at_ns;
    size_t stable_count, stable_room;
    double last_rate; /* of the last phase that sent something */
    double max_rate;  /* the highest of phases whose rate the target gave; 0: none yet */
    struct live_skew skews[SCENARIO_SKEWS_MAX];    /* of the phases up to now */
    uint32_t skew_count, skew_phase;               /* of the last one */
    struct live_name names[SCENARIO_PREFIXES_MAX]; /* likewise */
    uint32_t name_count, name_phase;
    struct disturbance *disturbance; /* of the phase under way; NULL: none */
};

/* Finds out what the server has for vectors. Refuses what cannot be done with this target before anything is written: a memory target that does not fit into what
 * the server may take, or into this host where the server runs here (E_DATA, unless force). After session_reach. */
MUST_USE enum err_code scenario_run_check(struct scenario_run *run, struct err *err);
/* All phases. The status is the gravest of them; E_INTERRUPTED: some were not reached. A phase that failed is in its
 * account; those behind it run only when its on_error says so. */
MUST_USE enum err_code scenario_run_phases(struct scenario_run *run, struct err *err);
/* What was seen so far, for judges; valid until the next sample. */
struct observation scenario_run_observation(const struct scenario_run *run);
/* Safe on a zeroed struct, and at any stage. Before session_free. */
void scenario_run_free(struct scenario_run *run);

#endif
