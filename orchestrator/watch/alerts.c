#include "orchestrator/watch/alerts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"

enum err_code alerts_init(struct alerts *alerts, const struct alert_rules *rules, double for_scale,
                          struct err *err)
{
    *alerts = (struct alerts){.rules = rules, .for_scale = for_scale};
    alerts->statuses = calloc(rules->count + 1, sizeof alerts->statuses[0]);
    if (alerts->statuses == NULL)
        return err_set(err, E_SYSTEM, "no memory for alert rules");
    for (size_t i = 0; i < rules->count; i++)
        alerts->statuses[i].newest =
            (struct expression_result){.value.number = NAN, .threshold = NAN};
    return OK;
}

void alerts_free(struct alerts *alerts)
{
    free(alerts->statuses);
    *alerts = (struct alerts){.rules = NULL};
}

uint64_t alerts_for_ns(const struct alerts *alerts, const struct alert_rule *rule)
{
    return (uint64_t)((double)rule->for_ns * alerts->for_scale);
}

static void tell(const struct alerts *alerts, size_t index, enum alert_state state, uint64_t at_ms,
                 const char *run)
{
    const struct alert_rule *rule = &alerts->rules->items[index];
    const struct alert_status *status = &alerts->statuses[index];
    struct alert_event event = {.state = state,
                                .severity = rule->severity,
                                .value = status->newest.value.number,
                                .at_least = status->newest.value.at_least,
                                .threshold = status->newest.threshold,
                                .for_ns = alerts_for_ns(alerts, rule),
                                .since_ms = status->since_ms,
                                .at_ms = at_ms,
                                .label_count = rule->label_count};
    if (alerts->hear == NULL)
        return;
    snprintf(event.alert, sizeof event.alert, "%s", rule->name);
    snprintf(event.run, sizeof event.run, "%s", run);
    memcpy(event.summary, rule->summary, sizeof event.summary);
    memcpy(event.description, rule->description, sizeof event.description);
    memcpy(event.labels, rule->labels, sizeof event.labels);
    alerts->hear(alerts->state, &event, rule);
}

static void step(struct alerts *alerts, size_t index, uint64_t at_ms, const char *run)
{
    struct alert_status *status = &alerts->statuses[index];
    const uint64_t for_ms = alerts_for_ns(alerts, &alerts->rules->items[index]) / NS_PER_MS;
    if (!status->newest.holds) {
        if (status->state == ALERT_FIRING)
            tell(alerts, index, ALERT_RESOLVED, at_ms, run);
        status->state = ALERT_INACTIVE;
        return;
    }
    if (status->state == ALERT_INACTIVE) {
        status->state = ALERT_PENDING;
        status->since_ms = at_ms;
    }
    if (status->state == ALERT_PENDING && at_ms - status->since_ms >= for_ms) {
        status->state = ALERT_FIRING;
        status->fired_ms = at_ms;
        status->fired++;
        tell(alerts, index, ALERT_FIRING, at_ms, run);
    }
}

void alerts_feed_results(struct alerts *alerts, const struct expression_result *results,
                         uint64_t at_ms, const char *run)
{
    for (size_t i = 0; i < alerts->rules->count; i++) {
        alerts->statuses[i].newest = results[i];
        step(alerts, i, at_ms, run);
    }
}

void alerts_feed(struct alerts *alerts, const struct watch_reading *reading, const char *run)
{
    for (size_t i = 0; i < alerts->rules->count; i++) {
        alerts->statuses[i].newest = expression_read(&alerts->rules->items[i].expression, reading);
        step(alerts, i, reading->at_ms, run);
    }
}

bool alerts_fired(const struct alerts *alerts, enum alert_severity least)
{
    for (size_t i = 0; alerts->rules != NULL && i < alerts->rules->count; i++)
        if (alerts->rules->items[i].severity >= least && alerts->statuses[i].fired > 0)
            return true;
    return false;
}

bool alerts_at(const struct alerts *alerts, size_t index, struct alert_view *view)
{
    if (alerts->rules == NULL || index >= alerts->rules->count)
        return false;
    const struct alert_rule *rule = &alerts->rules->items[index];
    *view = (struct alert_view){rule, &alerts->statuses[index], rule->expression.uncalibrated};
    return true;
}

/* ---- for people ---- */

char *alert_value_text(char *text, size_t text_bytes, struct watch_value value, const char *unit)
{
    char number[UNITS_REAL_BYTES];
    if (isnan(value.number))
        snprintf(text, text_bytes, "not known");
    else
        snprintf(text, text_bytes, "%s%s %s", value.at_least ? "at least " : "",
                 units_format_figure(number, sizeof number, value.number, ALERT_VALUE_DIGITS),
                 unit);
    return text;
}

const char *alert_unit(const struct alert_rule *rule)
{
    const struct expression *expression = &rule->expression;
    const struct expression_node *first = &expression->nodes[expression->first];
    const struct expression_node *left = &expression->nodes[first->left];
    const struct expression_node *figure =
        left->kind == EXPRESSION_FIGURE ? left : &expression->nodes[first->right];
    return expression->figures[figure->figure].unit;
}

char *alert_event_text(char *text, size_t text_bytes, const struct alert_event *event,
                       const struct alert_rule *rule, uint64_t fired_ms)
{
    char value[80], limit[80] = "", number[UNITS_REAL_BYTES], after[40] = "";
    const char *unit = alert_unit(rule);
    alert_value_text(value, sizeof value, (struct watch_value){event->value, event->at_least},
                     unit);
    if (!isnan(event->threshold))
        snprintf(limit, sizeof limit, ", limit %s",
                 units_format_figure(number, sizeof number, event->threshold, ALERT_LIMIT_DIGITS));
    if (event->state == ALERT_RESOLVED)
        snprintf(after, sizeof after, " after %.1f s", (double)(event->at_ms - fired_ms) / 1e3);
    snprintf(text, text_bytes, "%s (%s) %s%s: %s%s", event->alert,
             alert_severity_name(event->severity), alert_state_name(event->state), after, value,
             limit);
    return text;
}
