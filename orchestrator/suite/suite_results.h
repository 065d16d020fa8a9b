/* What comes out of measurements: records of the subject, and what is said of them. Private to suite_run.c. */
#ifndef ORCHESTRATOR_SUITE_SUITE_RESULTS_H
#define ORCHESTRATOR_SUITE_SUITE_RESULTS_H

#include "orchestrator/suite/suite_measurement.h"

/* Whether run `number` of the combination of that index has its records, and is not wanted again (--resume). */
bool suite_results_are_there(const struct suite_run *run, const struct suite_subject *subject,
                             size_t index, uint64_t number);
/* Of one that is over: its figures become records, are logged, and told to who looks on. E_FAILED: there are none; else errors as
 * suite_metrics_add. */
MUST_USE enum err_code suite_results_keep(const struct measurement *measurement, struct err *err);
/* Of those from first to end, which have failed. Of scenarios a record says that there are no figures, and why; it is measured
 * again by --resume. Errors as suite_metrics_add. */
MUST_USE enum err_code suite_results_keep_failure(const struct measurement *common, size_t first,
                                                  size_t end, const char *reason, struct err *err);

#endif
