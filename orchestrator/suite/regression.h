/* Whether the newest commit of the history is slower than the one before it. */
#ifndef ORCHESTRATOR_SUITE_REGRESSION_H
#define ORCHESTRATOR_SUITE_REGRESSION_H

#include "orchestrator/suite/comparison.h"
#include "orchestrator/suite/trend.h"

struct regression {
    struct record_set sets[2]; /* the commit before, the newest one */
    struct comparison comparison;
    char commits[2][65]; /* the former "": there is one alone, and nothing to compare */
    double threshold;
};

/* Of the two newest commits that match. E_USAGE: there is no such table or column; E_DATA: there is none, they were measured on several
 * architectures, or have no configuration in common; else as store_run. regression_free in any case. */
MUST_USE enum err_code regression_find(struct regression *regression, struct store *store,
                                       const struct trend_wishes *wishes, double threshold,
                                       double confidence, struct err *err);
void regression_free(struct regression *regression); /* safe on a zeroed struct */

/* {"baseline_commit", "new_commit", "threshold_pct", "regressions", "improvements", "has_regression"}; NULL: no memory. */
json_t *regression_json(const struct regression *regression);

#endif
