/* A monitor under way: probes and samplers of its targets, their rows on a timeline of one run without an end, samples into the
 * store, a line a window. For monitor.c, and for tests that feed it rows of their own. */
#ifndef ORCHESTRATOR_COMMANDS_MONITOR_RUN_H
#define ORCHESTRATOR_COMMANDS_MONITOR_RUN_H

#include <event2/event.h>
#include <stdio.h>

#include "orchestrator/commands/monitor_servers.h"
#include "orchestrator/commands/watch_targets.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/server/server_sampler.h"
#include "orchestrator/watch/alerts.h"
#include "orchestrator/watch/latency_probe.h"
#include "orchestrator/watch/monitor_store.h"
#include "orchestrator/watch/samples.h"

struct terminal;

struct monitored {
    struct latency_probe *probe;
    struct server_sampler *sampler;
    double fields[SAMPLER_FIELDS_MAX]; /* the newest; NAN: not known */
    bool known, heard;                 /* the newest was answered; there was one at all */
    struct watch_samples alone;        /* of this server, where rules are judged by each */
    struct interval_row *window;       /* since the last line */
    double ops_sum;
    uint32_t ops_count;
    struct monitor_server server;
    struct monitor *monitor;
};

struct monitor {
    /* set by the caller, which has zeroed the rest */
    const struct watch_targets *targets;
    struct event_base *base;
    struct timeline *timeline;
    struct watch_samples *samples;
    struct monitor_store *store; /* NULL: nothing is kept */
    const volatile int *interrupted;
    FILE *out;                 /* lines of windows; NULL: none */
    struct terminal *terminal; /* that shows its servers; NULL: none */
    /* As many as targets, for what judges each: the newest interval and samples are put there ahead of the row on the timeline.
     * NULL: nobody does. */
    struct alert_server *judged;
    uint64_t interval_ns, window_ns, probe_period_ns;
    uint64_t duration_ns; /* 0: until an interrupt */

    /* private */
    struct monitored items[WATCH_TARGETS_MAX];
    struct sampler_field fields[SAMPLER_FIELDS_MAX];
    uint32_t field_count;
    int field_of[MONITOR_VALUES]; /* -1: no field */
    struct interval_row *row;
    struct event *timer;
    uint64_t start_ns, cut_ns, window_from_ns, shown_seconds;
    uint32_t next_row;
    enum err_code code;
    struct err err;
};

/* Memory, and the run on the timeline. E_SYSTEM. monitor_free in any case. */
MUST_USE enum err_code monitor_begin(struct monitor *monitor, uint64_t start_ns, struct err *err);
/* Until an interrupt, or the end of the duration; no server is asked any more then. E_SYSTEM, E_UNTRUSTED: rows did not add up. */
MUST_USE enum err_code monitor_run(struct monitor *monitor, struct err *err);
/* An interval is over: rows of the targets, in their order. wall_ms: of its end. */
void monitor_take(struct monitor *monitor, const struct interval_row *const *rows, uint64_t wall_ms,
                  bool last);
/* Of the sampler of a target. state: a struct monitored. */
void monitor_hear(void *state, const struct server_sample *sample);
/* Ends the run on the timeline. */
void monitor_end(struct monitor *monitor);
void monitor_free(struct monitor *monitor);

#endif
