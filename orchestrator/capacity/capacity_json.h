/* What the JSON of find-max and of sweep have in common. */
#ifndef ORCHESTRATOR_CAPACITY_CAPACITY_JSON_H
#define ORCHESTRATOR_CAPACITY_CAPACITY_JSON_H

#include <jansson.h>

#include "common/err.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/objective.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* {"schema", "volley", "spec", "environment", "label", "name", "target"}; run NULL: nothing ran, and
 * the last two are null. A new reference; NULL: no memory. */
json_t *capacity_json_root(const char *schema, const struct session_facts *session,
                           const struct run_facts *run);
/* "p99_9": microseconds, null when there is no value or too much is missing to know it. */
void capacity_json_percentile(json_t *object, double percent,
                              const struct figure_percentile *figure);
/* The same, and only of one of which too much is missing: it is at least so much. */
void capacity_json_bound(json_t *object, double percent, const struct figure_percentile *figure);
/* Likewise of a figure that is called so. */
void capacity_json_bound_of(json_t *object, const char *key,
                            const struct figure_percentile *figure);
/* The text; null: "". */
json_t *capacity_json_error(const char *text);
/* What the user asked for, and what was read for each objective: null where it cannot be known. */
json_t *capacity_json_objectives(const struct objective_list *objectives);
json_t *capacity_json_readings(const struct objective_reading readings[OBJECTIVE_MAX],
                               const struct objective_list *objectives);
/* The document with these members behind its others; takes both. NULL: no memory, as when one of them is NULL. */
json_t *capacity_json_document(json_t *root, json_t *members);
/* Writes curve_document or sweep_document. E_SYSTEM: it is NULL, or there is no memory. */
MUST_USE enum err_code capacity_json_write(struct output *out, const json_t *document,
                                           struct err *err);

#endif
