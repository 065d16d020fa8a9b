#include "orchestrator/watch/alert_event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/units.h"
#include "orchestrator/report/json_value.h"

const char *alert_state_name(enum alert_state state)
{
    static const char *const names[] = {[ALERT_INACTIVE] = "inactive",
                                        [ALERT_PENDING] = "pending",
                                        [ALERT_FIRING] = "firing",
                                        [ALERT_RESOLVED] = "resolved"};
    return names[state];
}

static const char *const severities[] = {
    [ALERT_INFO] = "info", [ALERT_WARNING] = "warning", [ALERT_CRITICAL] = "critical"};

const char *alert_severity_name(enum alert_severity severity)
{
    return severities[severity];
}

bool alert_severity_find(enum alert_severity *severity, const char *name)
{
    for (unsigned i = 0; i < sizeof severities / sizeof severities[0]; i++)
        if (strcmp(severities[i], name) == 0) {
            *severity = (enum alert_severity)i;
            return true;
        }
    return false;
}

const char *alert_event_label(const struct alert_event *event, const char *name)
{
    if (event->server[0] != '\0' && strcmp(name, ALERT_SERVER_LABEL) == 0)
        return event->server;
    for (uint32_t i = 0; i < event->label_count; i++)
        if (strcmp(event->labels[i].name, name) == 0)
            return event->labels[i].value;
    return NULL;
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *labels_to_json(const struct alert_event *event)
{
    json_t *labels = json_object();
    for (uint32_t i = 0; i < event->label_count; i++)
        json_object_set_new(labels, event->labels[i].name, json_value_text(event->labels[i].value));
    if (event->server[0] != '\0')
        json_object_set_new(labels, ALERT_SERVER_LABEL, json_value_text(event->server));
    return labels;
}

/* "2026-11-22T10:00:00.250Z" */
static json_t *utc(uint64_t wall_ms)
{
    char text[40], whole[24];
    struct tm parts;
    const time_t seconds = (time_t)(wall_ms / 1000);
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return json_null();
    snprintf(text, sizeof text, "%s.%03uZ", whole, (unsigned)(wall_ms % 1000));
    return json_string(text);
}

json_t *alert_event_to_json(const struct alert_event *event)
{
    char duration[32];
    units_format_duration(duration, sizeof duration, event->for_ns);
    json_t *object = json_pack(
        "{s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "alert",
        json_value_text(event->alert), "state", alert_state_name(event->state), "severity",
        alert_severity_name(event->severity), "value", number_or_null(event->value), "threshold",
        number_or_null(event->threshold), "for", duration, "since", utc(event->since_ms), "at",
        utc(event->at_ms), "run", json_value_text(event->run), "summary",
        json_value_text(event->summary), "labels", labels_to_json(event));
    if (object != NULL && event->at_least)
        json_object_set_new(object, "at_least", json_true());
    if (object != NULL && event->description[0] != '\0')
        json_object_set_new(object, "description", json_value_text(event->description));
    return object;
}
