/* The parts of volley.run/1 that a run comes to, for the report, which is streamed, and for whoever asks while a run is under
 * way: the same members, with the same meaning. */
#ifndef ORCHESTRATOR_REPORT_JSON_RUN_H
#define ORCHESTRATOR_REPORT_JSON_RUN_H

#include <jansson.h>

#include "orchestrator/report/timeline.h"

/* An element of `intervals`. A new reference. */
json_t *json_run_interval(const struct interval_row *row, const struct run_facts *run,
                          const struct error_kinds *error_kinds);
/* What stands before the intervals of a run, and behind them, in their order. */
void json_run_facts(json_t *object, const struct run_facts *run);
void json_run_members(json_t *object, const struct run_result *result);

#endif
