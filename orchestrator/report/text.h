/* The parts of the text report that only --debug shows. */
#ifndef ORCHESTRATOR_REPORT_TEXT_H
#define ORCHESTRATOR_REPORT_TEXT_H

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* Value, percentile, number of values up to it, and 1/(1 - percentile): five steps for each halving
 * of the distance to 100 %, the form that HdrHistogram made usual. */
void text_spectrum(struct output *out, const struct histogram *histogram);
/* One line a worker. */
void text_workers(struct output *out, const struct run_result *result);

#endif
