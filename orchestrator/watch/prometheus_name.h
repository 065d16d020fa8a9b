/* What a row of the table of figures, or a field of a sample, is called in Prometheus: base units (seconds, bytes, ratios from 0
 * to 1), counters end in _total, what is told apart by a cause is one family with a label. Pure. */
#ifndef ORCHESTRATOR_WATCH_PROMETHEUS_NAME_H
#define ORCHESTRATOR_WATCH_PROMETHEUS_NAME_H

#include "orchestrator/report/metric.h"
#include "orchestrator/scenario/series.h"

#define PROMETHEUS_NAME_BYTES 80u

enum prometheus_type { PROMETHEUS_COUNTER, PROMETHEUS_GAUGE, PROMETHEUS_HISTOGRAM };

struct prometheus_name {
    char family
        [PROMETHEUS_NAME_BYTES]; /* "volley_errors_total"; of times "volley_latency_seconds" */
    enum prometheus_type type;
    const char *label, *value; /* "kind", "timeout"; NULL: none. Static */
    double factor;             /* the table's unit times this is the family's */
};

/* METRIC_ERRORS_BY_KIND: the family, whose label's values are the words. */
struct prometheus_name prometheus_name_of(enum metric_id metric);
struct prometheus_name prometheus_name_of_field(enum series_metric field);
/* Of the newest interval, of a figure of many times: "volley_latency_quantile_seconds" (label q), and of those that are no
 * percentile "volley_latency_max_seconds". Writes family; *q: 0..1, below 0 where there is no such label. */
void prometheus_name_of_statistic(char family[PROMETHEUS_NAME_BYTES], double *q,
                                  enum metric_id metric, const struct metric_statistic *statistic);

#endif
