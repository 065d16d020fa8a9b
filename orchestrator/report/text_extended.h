/* The sections of the text report that only --extended-metrics shows (features 1.25). */
#ifndef ORCHESTRATOR_REPORT_TEXT_EXTENDED_H
#define ORCHESTRATOR_REPORT_TEXT_EXTENDED_H

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* Nothing when the session has none of it. */
void text_extended(struct output *out, const struct session_facts *session,
                   const struct run_result *result);

#endif
