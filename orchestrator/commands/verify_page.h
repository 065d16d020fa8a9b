/* The page of what `volley verify` has read: a verdict, figures and the first findings, without a time line. */
#ifndef ORCHESTRATOR_COMMANDS_VERIFY_PAGE_H
#define ORCHESTRATOR_COMMANDS_VERIFY_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/checked_report.h"
#include "orchestrator/report/output.h"

struct verify_outcome {
    const char *directory, *target; /* whose keys; read from whom */
    uint64_t keys, right, unverified;
    const struct checked_report *report;
    bool cut; /* not all was read */
};

/* Into an output that is open, and is committed. */
MUST_USE enum err_code verify_page_write(struct output *out, const struct verify_outcome *outcome,
                                         struct err *err);

#endif
