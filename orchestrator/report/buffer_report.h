/* What a run says of its client's buffer: how batches went, what a crash of the client would have lost, and where latency
 * went, stage by stage. Text and JSON of the same figures; nothing where nothing was buffered. */
#ifndef ORCHESTRATOR_REPORT_BUFFER_REPORT_H
#define ORCHESTRATOR_REPORT_BUFFER_REPORT_H

#include <jansson.h>

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

void text_buffer(struct output *out, const struct run_result *result);
/* A new reference; NULL: nothing was buffered. */
json_t *buffer_report_json(const struct run_result *result);

#endif
