/* Alerts of a session, as a sink of its timeline: every interval that is measured is a sample; what begins to fire or ends
 * is a note of the run, a line of the log, a line of events.jsonl, and told to a listener. Owned by the command. */
#ifndef ORCHESTRATOR_WATCH_ALERT_SINK_H
#define ORCHESTRATOR_WATCH_ALERT_SINK_H

#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/alerts.h"
#include "orchestrator/watch/kpi_account.h"
#include "orchestrator/watch/samples.h"

struct output_place;

struct alert_sink {
    /* set by the command, which has zeroed the rest */
    struct alert_rules rules; /* owned by this */
    double for_scale;
    struct timeline *timeline;
    const struct watch_samples *samples; /* NULL: none */
    /* Each is judged alone, by what its owner has put there before an interval comes; KPIs are of all of them. NULL as none. */
    const struct alert_servers *servers;
    void (*hear)(void *state, const struct alert_event *event); /* NULL: nobody */
    void *state;

    /* to be read */
    struct alerts alerts;
    struct kpi_account kpis; /* its table may be set by the command */
    bool still_firing;       /* at the end */

    /* private */
    FILE *events;
    struct output_place *place;
    const struct run_facts *run;
    const char *label;
    uint64_t first_wall_ns, now_ns;
    bool judged; /* a run that is no prefill */
};

/* Paths of events.jsonl and kpis.json; NULL: none. E_USAGE: one cannot be written; errors as alerts_init. */
MUST_USE enum err_code alert_sink_open(struct alert_sink *alerts, const char *events_path,
                                       const char *kpis_path, struct err *err);
struct sink alert_sink(struct alert_sink *alerts);
void alert_sink_free(struct alert_sink *alerts); /* safe on a zeroed struct */

#endif
