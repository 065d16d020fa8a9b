/* Alerts and KPIs of a session, or a monitor (--alerts, --kpis), and its health for --listen. For watching.c alone. */
#ifndef ORCHESTRATOR_COMMANDS_WATCHING_ALERTS_H
#define ORCHESTRATOR_COMMANDS_WATCHING_ALERTS_H

#include "common/err.h"

struct watching;
struct watching_place;

/* Reads the rules: ahead of what listens. E_CONFIG, or E_USAGE: their files in --out cannot be written. */
MUST_USE enum err_code watching_alerts_open(struct watching *watching,
                                            const struct watching_place *place, struct err *err);
/* Behind all other sinks, which have the row by then. */
void watching_alerts_add(struct watching *watching, const struct watching_place *place);
/* E_FAILED: one of --fail-on-alert has fired. */
MUST_USE enum err_code watching_alerts_end(struct watching *watching,
                                           const struct watching_place *place);

#endif
