/* What phases about vectors came to, in files and for people; each says by what driver. Called by run.c and
 * scenario_files.c, of a scenario that has vectors. */
#ifndef ORCHESTRATOR_SCENARIO_VECTOR_REPORT_H
#define ORCHESTRATOR_SCENARIO_VECTOR_REPORT_H

#include <jansson.h>

#include "orchestrator/report/output.h"
#include "orchestrator/scenario/observation.h"
#include "orchestrator/vector/vector_driver.h"

/* {"driver": "vector-set", "about": "...", "emulated": false}. The caller owns it; NULL: no memory. */
json_t *vector_report_driver(const struct vector_driver *driver);
/* The same with the figures of one phase, under the names of checks; what is not known is null. */
json_t *vector_report_phase(const struct vector_driver *driver,
                            const struct observation *observation, uint32_t phase);
/* A table: phases that have a figure. */
void vector_report_print(struct output *out, const struct vector_driver *driver,
                         const struct observation *observation);

#endif
