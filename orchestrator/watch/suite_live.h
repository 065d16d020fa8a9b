/* Page and endpoints of a suite under way (--listen). A suite has no loop: it waits for builds, servers and loads, one after the
 * other. So a child of its own listens and answers, for as long as the suite goes on; it is told what happens, a packet each, between
 * loads, and nothing comes back. It dies with its parent, and no load inherits its socket.
 *
 *   /                the page             /events    what happens, as server-sent events: state, result, notice, gap
 *   /api/run.json    the suite so far     /api/login {"token": TEXT}
 *   /metrics, /stats, /health
 *
 * docs/reference/live.md is the manual. Orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_SUITE_LIVE_H
#define ORCHESTRATOR_WATCH_SUITE_LIVE_H

#include <jansson.h>

#include "common/err.h"
#include "common/spec.h"

#define SUITE_LIVE_MESSAGE_BYTES 65536u

struct suite_live; /* owns the child */

/* Listens; errors as http_service_open. */
MUST_USE enum err_code suite_live_start(struct suite_live **live,
                                        const struct watch_options *options, struct err *err);
const char *suite_live_url(const struct suite_live *live);
/* event: "state" (members that replace those told before), "result" or "notice" (one more of them). object is let go of; NULL is
 * fine, of both. What cannot be told within a second is left out. */
void suite_live_tell(struct suite_live *live, const char *event, json_t *object);
/* Stays for that long, or until *interrupted is another number; NULL live is fine. */
void suite_live_linger(struct suite_live *live, uint64_t linger_ns,
                       const volatile int *interrupted);
void suite_live_close(struct suite_live *live); /* NULL is fine */

#endif
