/* What live.c and live_answers.c share; private to them. */
#ifndef ORCHESTRATOR_WATCH_LIVE_STATE_H
#define ORCHESTRATOR_WATCH_LIVE_STATE_H

#include <stdio.h>

#include "orchestrator/page/page_live.h"
#include "orchestrator/watch/event_streams.h"
#include "orchestrator/watch/http_service.h"
#include "orchestrator/watch/live.h"
#include "orchestrator/watch/live_ring.h"
#include "orchestrator/watch/totals.h"

struct live {
    struct event_base *base;
    struct live_setup setup;
    struct http_service *http;
    struct page *page;
    struct sink listener; /* of the page */
    struct watch_totals totals;
    struct event_streams *events;
    struct live_ring intervals;
    const struct session_facts *facts; /* NULL: not begun, or over */
    json_t *runs;                      /* that are over, as in run.json without intervals */
    json_t *head;                      /* what run.json begins with */
    json_t *newest_end;                /* what state tells of the run that ended last; NULL */
    char phase[24];                    /* "connecting", "warming up", "running", ... "ended" */
    char scenario_phase[96];           /* "": none is under way */
    char scenario_phase_type[32];
    double scenario_phase_start;
    uint32_t lanes;    /* that the page had when that was told */
    bool samples_open; /* the page has a table for them */
    bool ended;
    struct run_result *look; /* room for the run as it is now */
};

/* ---- live.c ---- */

/* What is under way, in numbers: {"phase", "op", "elapsed_seconds", ...}. A new object. */
json_t *live_state(struct live *live);
/* Now, in seconds on the page's axis; 0: it has not begun. */
double live_now(const struct live *live);
/* The phase under way as a region of the page, up to now; NULL: none is. */
json_t *live_region(const struct live *live);
/* Seconds from the first run of the page to the run under way, and a note as a mark of the page. */
double live_offset(const struct live *live);
json_t *live_mark(const struct note *note, double offset);
/* The run under way as a region of the page that has no end yet; null: none is drawn. */
json_t *live_run_region(const struct live *live);
/* The run under way as in run.json; NULL: none is. */
json_t *live_run(struct live *live);

/* ---- live_answers.c ---- */

extern const struct http_route live_routes[];
extern const size_t live_route_count;

#endif
