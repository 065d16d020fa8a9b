/* The columns that --extended-metrics puts behind the sixteen of the interval CSV. */
#ifndef ORCHESTRATOR_REPORT_INTERVAL_CSV_EXTENDED_H
#define ORCHESTRATOR_REPORT_INTERVAL_CSV_EXTENDED_H

#include "common/interval.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* A cell of any of the columns, with a comma before it: whole microseconds, cut; empty when the percentile is
 * not known, or there is nothing that it could be of. */
void interval_csv_percentile(struct output *out, const struct interval_row *row,
                             enum interval_histogram_kind kind, double percent);
/* The same of another figure of these values: empty when there are none. */
void interval_csv_of_values(struct output *out, const struct interval_row *row,
                            enum interval_histogram_kind kind, uint64_t value_ns);
/* Each name with a comma before it. */
void interval_csv_extended_names(struct output *out);
/* The same for the values: of a row, with the flags and gauges of its header, and of the newest sample
 * before its end; NULL: there is none. */
void interval_csv_extended_values(struct output *out, const struct interval_row *row,
                                  const struct error_kinds *error_kinds,
                                  const struct target_sample *sample, const struct run_facts *run);

#endif
