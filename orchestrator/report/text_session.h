/* The head of the text report: what a result needs beside it to be repeated. Of an older journal only
 * what it holds is told. */
#ifndef ORCHESTRATOR_REPORT_TEXT_SESSION_H
#define ORCHESTRATOR_REPORT_TEXT_SESSION_H

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* Version, date (local time, with its distance from UTC), host and command line. session may be NULL. */
void text_session(struct output *out, const struct session_facts *session,
                  const struct run_facts *run);
/* Who serves, with version and address, and how TLS is spoken with it. */
void text_server(struct output *out, const struct session_facts *session);
/* Options that have no line of their own, and are not at their defaults; and the label. */
void text_options(struct output *out, const struct session_facts *session);

#endif
