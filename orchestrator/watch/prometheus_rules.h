/* Alert rules as a file of rules for Prometheus: recording rules without labels for every figure that they name, from the
 * families of /metrics, and the alerts over them. What fires there fires here at the same samples. */
#ifndef ORCHESTRATOR_WATCH_PROMETHEUS_RULES_H
#define ORCHESTRATOR_WATCH_PROMETHEUS_RULES_H

#include <stdio.h>

#include "orchestrator/watch/alert_rules.h"

#define PROMETHEUS_RECORD_BYTES 96u

/* interval_ns: how often Prometheus evaluates them; a count of an interval is what it grew by in this time. Rules that are not
 * calibrated become comments. */
void prometheus_rules_write(FILE *out, const struct alert_rules *rules, uint64_t interval_ns);

/* What a figure is called in these rules; until the next call but one. */
const char *prometheus_record_name(const struct watch_figure *figure);
/* Where it comes from, as an expression of Prometheus; "": nowhere. Returns text. */
char *prometheus_record_source(char *text, size_t text_bytes, const struct watch_figure *figure,
                               uint64_t interval_ns);

#endif
