/* Whether a run says nothing about what it was made to find out: it failed for another reason than its load,
 * or its target was away for a while. Such a probe or step marks no limit. Pure. */
#ifndef ORCHESTRATOR_CAPACITY_MISHAP_H
#define ORCHESTRATOR_CAPACITY_MISHAP_H

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/report/timeline.h"

#define MISHAP_TEXT_BYTES 256

/* Sets text to what happened, for people; "" when nothing did, or the run was interrupted. A target that
 * refuses every request from the start, or has answered none yet, is no mishap: that is what it does under
 * this load. Returns whether something happened. */
bool mishap_find(char *text, size_t text_bytes, const struct run_result *result);

#endif
