/* The parts of volley.run/1 about connections, nodes and failures. Each returns a new reference; NULL
 * only when memory is exhausted. */
#ifndef ORCHESTRATOR_REPORT_JSON_SECTIONS_H
#define ORCHESTRATOR_REPORT_JSON_SECTIONS_H

#include <jansson.h>

#include "orchestrator/report/timeline.h"

json_t *json_section_connections(const struct interval_row *row);
json_t *json_section_redirections(const struct interval_row *row);
json_t *json_section_handshakes(const struct interval_row *row, double seconds);
/* All that are known; of an interval those that did something, briefly. */
json_t *json_section_nodes(const struct run_result *result);
json_t *json_section_interval_nodes(const struct interval_row *row);
/* Outages of the whole target and of each node, and what is not known of requests. */
json_t *json_section_failures(const struct run_result *result);

#endif
