/* What was asked beside what was drawn (common/drawn.h), in JSON reports and journals. */
#ifndef ORCHESTRATOR_REPORT_DRAWN_JSON_H
#define ORCHESTRATOR_REPORT_DRAWN_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "common/drawn.h"

extern const char *const drawn_change_names[DRAWN_CHANGES];

/* NULL: nothing is told. */
json_t *drawn_to_json(const struct drawn *drawn);
/* False: damaged. json may be NULL: nothing is told. */
bool drawn_from_json(struct drawn *drawn, const json_t *json);

#endif
