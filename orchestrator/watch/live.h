/* Page and endpoints of a session under way (--listen): a listener of the timeline that answers who asks over HTTP.
 *
 *   /                the live page: a frame, and the script of all pages as /page.js
 *   /events          what happens, as server-sent events: each has a number, and who comes back goes on behind it
 *   /metrics         for Prometheus             /stats     numbers by the names of get_stats()
 *   /health, /health/buffer, /health/performance
 *   /api/page.json   the page's data so far     /api/run.json   the session so far, as run.json
 *   /api/intervals?from=K   the newest intervals, as those of run.json
 *   /api/control     {"rate": 500} and so on, as over the control socket; with --allow-control
 *   /api/login       {"token": TEXT}            /report.html    after the end
 *
 * docs/reference/live.md is the manual. Nobody who looks on can hold anything up: what is queued for each is bounded, and who does
 * not read loses what is older than the newest, and is told. Orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_LIVE_H
#define ORCHESTRATOR_WATCH_LIVE_H

#include <event2/event.h>

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/prometheus.h"
#include "orchestrator/watch/samples.h"

struct live;

/* The newest interval, for whoever judges it. */
struct live_newest {
    const struct watch_reading *reading; /* NULL: there is none yet */
    uint64_t age_ms, interval_ms;        /* since it came; its length */
    double duration_ms;                  /* that it took to have it */
    bool ended;                          /* the session is over */
};

/* Who knows of alerts and of health; NULL functions: nobody. */
struct live_judges {
    void *state;
    /* The rules as they stand, until the next call. */
    uint32_t (*alerts)(void *state, const struct prometheus_alert **alerts);
    /* The body of a health endpoint ("", "buffer", "performance"), a new object, and its status. */
    json_t *(*health)(void *state, const char *which, const struct live_newest *newest,
                      int *status);
    /* Of the alerts, for the page: a new array. */
    json_t *(*told)(void *state);
};

struct live_setup {
    const struct watch_options *options;
    const struct timeline *timeline; /* whose sink it is: what it knows of the run under way */
    struct watch_samples *samples;   /* NULL: nothing is sampled; its listener is taken */
    struct run_control *control;     /* NULL: nobody steers */
    struct live_judges judges;
    const char *kind; /* of the page: "runs" */
};

/* Listens; errors as http_service_open. A volley that was built without pages has the endpoints alone. */
MUST_USE enum err_code live_open(struct live **live, struct event_base *base,
                                 const struct live_setup *setup, struct err *err);
/* Its state stays the caller's. */
struct sink live_sink(struct live *live);
/* Where it listens. */
const char *live_url(const struct live *live);
/* A phase of a scenario begins, the one before it is over; NULL: the last one is. */
void live_phase(struct live *live, const char *name, const char *type);
/* An alert has begun or ended: object is let go of. */
void live_tell_alert(struct live *live, json_t *object);
/* After the end of the session: tells it, and stays for that long, or until *interrupted is above `interrupts`. */
void live_linger(struct live *live, uint64_t linger_ns, const volatile int *interrupted,
                 int interrupts);
void live_close(struct live *live); /* NULL is fine */

#endif
