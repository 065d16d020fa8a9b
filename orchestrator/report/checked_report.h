/* What --verify has found in a run: counts, and the first findings, in words. A value; read from shared memory when the
 * run is over, shown by all outputs, kept by the journal. */
#ifndef ORCHESTRATOR_REPORT_CHECKED_REPORT_H
#define ORCHESTRATOR_REPORT_CHECKED_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/version_table.h"
#include "orchestrator/report/output.h"

#define CHECKED_TEXT_BYTES 128u

struct checked_shown {
    char kind[16];                       /* checked_kind_name */
    char key[4 * CHECKED_KEY_SHOWN + 8]; /* bytes that are no text as \xNN; cut when it is long */
    char expected[CHECKED_TEXT_BYTES];   /* "version 7", "version 7 to 9" */
    char got[CHECKED_TEXT_BYTES];        /* "version 5 of 300 bytes", "nothing", ... */
};

struct checked_report {
    bool known;                     /* the run was one with --verify                     */
    uint64_t counts[CHECKED_KINDS]; /* by enum checked_kind; of the warm-up, too         */
    bool may_go; /* some keys may end by themselves: where they are not there is unverified      */
    uint32_t finding_count;
    struct checked_shown findings[CHECKED_FINDINGS_MAX];
};

/* Of a run that is over. versions NULL: not known. */
void checked_report_read(struct checked_report *report, const struct version_table *versions);
/* Where it is not known, since the orchestrator was killed: what the counters of the run tell. [COUNTER_COUNT] */
void checked_report_count(struct checked_report *report, const uint64_t *counters);
/* "corrupted", "stale", "lost write" */
const char *checked_kind_name(enum checked_kind kind);
void checked_finding_show(struct checked_shown *shown, const struct checked_finding *finding);

/* NULL: nothing is known. */
json_t *checked_report_to_json(const struct checked_report *report);
/* False: damaged. json NULL: nothing is known. */
bool checked_report_from_json(struct checked_report *report, const json_t *json);

/* A section of the text report; read: keys that were checked, and those of which nothing was known. Nothing where nothing is
 * known. */
struct checked_reads {
    uint64_t verified, unverified;
};
void text_checked(struct output *out, const struct checked_report *report,
                  const struct checked_reads *read);
/* A line for each of the first findings. */
void text_findings(struct output *out, const struct checked_report *report);

#endif
