/* The review of what monitors have kept: as text, JSON, and a page. For monitor.c. */
#ifndef ORCHESTRATOR_COMMANDS_MONITOR_REPORT_H
#define ORCHESTRATOR_COMMANDS_MONITOR_REPORT_H

#include <stdint.h>

#include "common/err.h"

struct monitor_report_setup {
    const char *path;         /* of the store */
    uint64_t to_ms, since_ms; /* wall clock; how long before it */
    const char *html, *json;  /* files; NULL: none */
};

/* E_USAGE: there is no store, or a file cannot be written; E_DATA: nothing is kept of that time. */
MUST_USE enum err_code monitor_report(const struct monitor_report_setup *setup, struct err *err);

#endif
