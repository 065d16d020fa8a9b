/* A run without the names in it, to be shown to others: hosts, users, other names of connections, paths, and what
 * the words of a command say of keys and values. Each name becomes a word and a number, host1, the same wherever
 * it stands, so that what belongs together still does. */
#ifndef ORCHESTRATOR_REPORT_ANONYMISE_H
#define ORCHESTRATOR_REPORT_ANONYMISE_H

#include "orchestrator/report/timeline.h"

/* A sink that passes everything on to another timeline, which outlives it, under other names. Names are those
 * that the session and its runs tell; an address in digits counts wherever it stands. Passed on is the
 * measurement: figures, times, versions and CPUs stay. E_SYSTEM: no memory. */
MUST_USE enum err_code sink_anonymised(struct sink *sink, struct timeline *to, struct err *err);

#endif
