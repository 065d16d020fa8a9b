/* The page of a monitor's report: a result a server. For monitor_report.c. */
#ifndef ORCHESTRATOR_COMMANDS_MONITOR_REPORT_PAGE_H
#define ORCHESTRATOR_COMMANDS_MONITOR_REPORT_PAGE_H

#include "orchestrator/report/output.h"
#include "orchestrator/watch/monitor_review.h"

/* text: the report for people, shown with the first of them. Servers beyond PAGE_RESULTS_MAX are left out, and it says so. */
MUST_USE enum err_code monitor_report_page(struct output *out, const struct review *review,
                                           const char *text, size_t text_bytes, struct err *err);

#endif
