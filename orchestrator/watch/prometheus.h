/* /metrics: what is known now, as Prometheus reads it (text format 0.0.4). Families come from the table of figures and from
 * that of samples, under the names of prometheus_name.h: counters and histograms are of the measured part of each test (labels
 * op and target), as its report will have them; gauges of a rate or of a percentile are of the newest interval. A percentile that
 * requests without a reply hide is +Inf. */
#ifndef ORCHESTRATOR_WATCH_PROMETHEUS_H
#define ORCHESTRATOR_WATCH_PROMETHEUS_H

#include <stdio.h>

#include "orchestrator/watch/alert_event.h"
#include "orchestrator/watch/samples.h"
#include "orchestrator/watch/totals.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* An alert rule as it stands. */
struct prometheus_alert {
    const char *name;
    const char *node; /* of which server alone; NULL: of all */
    enum alert_severity severity;
    enum alert_state state;
};

struct prometheus_view {
    const struct watch_totals *totals;
    const struct watch_samples *samples; /* NULL: nothing is sampled */
    const char *phase;                   /* "running" */
    const char *version;
    const struct prometheus_alert *alerts;
    uint32_t alert_count;
};

void prometheus_write(FILE *out, const struct prometheus_view *view);

#endif
