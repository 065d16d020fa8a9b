#include "orchestrator/watch/alert_judges.h"

#include <math.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/watch/health.h"

static uint32_t list_alerts(void *state, const struct prometheus_alert **list)
{
    static struct prometheus_alert items[ALERT_JUDGED_MAX];
    const struct alert_sink *alerts = state;
    struct alert_view view;
    uint32_t count = 0;
    for (; count < ALERT_JUDGED_MAX && alerts_at(&alerts->alerts, count, &view); count++)
        items[count] = (struct prometheus_alert){.name = view.rule->name,
                                                 .node = view.server,
                                                 .severity = view.rule->severity,
                                                 .state = view.status->state};
    *list = items;
    return count;
}

static json_t *health(void *state, const char *which, const struct live_newest *newest, int *status)
{
    const struct alert_sink *alerts = state;
    enum health_page page = HEALTH_ALL;
    if (which[0] != '\0')
        page = strcmp(which, "buffer") == 0 ? HEALTH_BUFFER : HEALTH_PERFORMANCE;
    const struct health_state now = {.reading = newest->reading,
                                     .rules = &alerts->rules,
                                     .age_ms = newest->age_ms,
                                     .interval_ms = newest->interval_ms,
                                     .duration_ms = newest->duration_ms,
                                     .ended = newest->ended};
    return health_body(page, &now, status);
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *tell_one(const struct alert_sink *alerts, const struct alert_view *view)
{
    char duration[32];
    const struct expression_result *newest = &view->status->newest;
    const bool holds = view->status->state != ALERT_INACTIVE;
    units_format_duration(duration, sizeof duration, alerts_for_ns(&alerts->alerts, view->rule));
    json_t *object = json_pack(
        "{s:o, s:s, s:s, s:b, s:o, s:s, s:o, s:b, s:s, s:o, s:o, s:o}", "alert",
        json_value_text(view->rule->name), "severity", alert_severity_name(view->rule->severity),
        "state", alert_state_name(view->status->state), "uncalibrated", view->uncalibrated,
        "condition", json_value_text(view->rule->condition), "for", duration, "value",
        number_or_null(newest->value.number), "at_least", newest->value.at_least, "unit",
        alert_unit(view->rule), "threshold", number_or_null(newest->threshold), "since_ms",
        holds ? json_integer((json_int_t)view->status->since_ms) : json_null(), "summary",
        json_value_text(view->rule->summary));
    if (object != NULL && view->server != NULL)
        json_object_set_new(object, "server", json_value_text(view->server));
    return object;
}

static json_t *told(void *state)
{
    const struct alert_sink *alerts = state;
    struct alert_view view;
    json_t *list = json_array();
    for (size_t i = 0; alerts_at(&alerts->alerts, i, &view); i++)
        json_array_append_new(list, tell_one(alerts, &view));
    return list;
}

struct live_judges alert_judges(struct alert_sink *alerts)
{
    return (struct live_judges){
        .state = alerts, .alerts = list_alerts, .health = health, .told = told};
}
