/* The review of what monitors have kept: as text, JSON, and a page. For monitor.c. */
#ifndef ORCHESTRATOR_COMMANDS_MONITOR_REPORT_H
#define ORCHESTRATOR_COMMANDS_MONITOR_REPORT_H

#include <stdint.h>

#include "common/err.h"

#define MONITOR_TEXT_BYTES 40u

struct monitor_report_setup {
    const char *path;         /* of the store */
    uint64_t to_ms, since_ms; /* wall clock; how long before it */
    const char *html, *json;  /* files; NULL: none */
};

/* E_USAGE: there is no store, or a file cannot be written; E_DATA: nothing is kept of that time. */
MUST_USE enum err_code monitor_report(const struct monitor_report_setup *setup, struct err *err);

/* "39.5 min"; and of a part of 0..1 "98.68 %": what is not all of it is not told as 100 %. */
const char *monitor_time_text(char text[MONITOR_TEXT_BYTES], uint64_t ms);
const char *monitor_percent_text(char text[MONITOR_TEXT_BYTES], double part);

#endif
