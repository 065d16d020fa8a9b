/* What the live page and the endpoints are told of alerts and health (live.h), from a session's alerts. */
#ifndef ORCHESTRATOR_WATCH_ALERT_JUDGES_H
#define ORCHESTRATOR_WATCH_ALERT_JUDGES_H

#include "orchestrator/watch/alert_sink.h"
#include "orchestrator/watch/live.h"

/* alerts may be opened later, and stays the caller's. */
struct live_judges alert_judges(struct alert_sink *alerts);

#endif
