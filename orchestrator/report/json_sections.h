/* The parts of volley.run/1 that are figures, nodes and failures. Each returns a new reference; NULL
 * only when memory is exhausted. */
#ifndef ORCHESTRATOR_REPORT_JSON_SECTIONS_H
#define ORCHESTRATOR_REPORT_JSON_SECTIONS_H

#include <jansson.h>

#include "orchestrator/report/metric.h"

/* Figures of the table, as members of the object, and of objects in it: "requests.sent" in "requests". Of a
 * class those that it has; not of nodes. */
void json_section_metrics(json_t *object, const struct metric_slice *slice, enum metric_id first,
                          enum metric_id last);
/* All that are known; of an interval those that did something, briefly. */
json_t *json_section_nodes(const struct run_result *result);
json_t *json_section_interval_nodes(const struct interval_row *row);
/* All of a run; one of a single class is the run. Of an interval, briefly. */
json_t *json_section_classes(const struct run_result *result);
/* Of consumers; NULL: there are none. */
json_t *json_section_consumers(const struct metric_slice *whole, const struct run_facts *facts);
json_t *json_section_interval_classes(const struct metric_slice *slice,
                                      const struct run_facts *facts);
/* Outages of the whole target and of each node. */
json_t *json_section_failures(const struct run_result *result);

#endif
