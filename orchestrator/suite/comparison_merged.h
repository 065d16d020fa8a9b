/* Percentiles of all requests of a configuration's runs together: their histograms merged, and the percentile read once. They are
 * shown beside the means of the runs' percentiles, which statistics are made of. */
#ifndef ORCHESTRATOR_SUITE_COMPARISON_MERGED_H
#define ORCHESTRATOR_SUITE_COMPARISON_MERGED_H

#include "orchestrator/suite/comparison.h"

/* Of each group whose records all have a histogram, on both sides. What cannot be read is said by log_line, and left out.
 * E_SYSTEM: no memory. */
MUST_USE enum err_code comparison_merge(struct comparison *comparison, struct err *err);
/* In milliseconds; NAN: not known, or of no percentile. */
double comparison_merged(const struct comparison_row *row, int side);
/* Whether any row has one. */
bool comparison_has_merged(const struct comparison *comparison);

#endif
