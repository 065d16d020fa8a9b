#include "orchestrator/watch/alerts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"

/* States of one rule. */
static size_t width(const struct alerts *alerts)
{
    return alerts->servers.count > 0 ? alerts->servers.count : 1;
}

static enum err_code check_servers(const struct alert_rules *rules,
                                   const struct alert_servers *servers, struct err *err)
{
    if (servers->count > 0 && rules->count > ALERT_JUDGED_MAX / servers->count)
        return err_set(err, E_USAGE,
                       "%zu alert rules (limits of KPIs are such, too) for each of %u servers are "
                       "too many: %u together is the most; take fewer, or watch some of the "
                       "servers on their own",
                       rules->count, servers->count, ALERT_JUDGED_MAX);
    for (size_t i = 0; servers->count > 0 && i < rules->count; i++)
        for (uint32_t k = 0; k < rules->items[i].label_count; k++)
            if (strcmp(rules->items[i].labels[k].name, ALERT_SERVER_LABEL) == 0)
                return err_set(err, E_CONFIG,
                               "alert %s has a label \"" ALERT_SERVER_LABEL
                               "\", which is the server's own name where several are watched; "
                               "call it otherwise",
                               rules->items[i].name);
    return OK;
}

enum err_code alerts_init(struct alerts *alerts, const struct alert_rules *rules, double for_scale,
                          const struct alert_servers *servers, struct err *err)
{
    *alerts = (struct alerts){.rules = NULL};
    if (servers != NULL && check_servers(rules, servers, err) != OK)
        return err->code;
    *alerts = (struct alerts){.rules = rules, .for_scale = for_scale};
    if (servers != NULL)
        alerts->servers = *servers;
    const size_t count = rules->count * width(alerts);
    alerts->statuses = calloc(count + 1, sizeof alerts->statuses[0]);
    if (alerts->statuses == NULL) {
        alerts->rules = NULL;
        return err_set(err, E_SYSTEM, "no memory for alert rules");
    }
    for (size_t i = 0; i < count; i++)
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

bool alerts_at(const struct alerts *alerts, size_t index, struct alert_view *view)
{
    if (alerts->rules == NULL || index >= alerts->rules->count * width(alerts))
        return false;
    const struct alert_rule *rule = &alerts->rules->items[index / width(alerts)];
    const struct alert_servers *servers = &alerts->servers;
    *view = (struct alert_view){
        .rule = rule,
        .server = servers->count > 0 ? servers->items[index % servers->count].name : NULL,
        .status = &alerts->statuses[index],
        .uncalibrated = rule->expression.uncalibrated};
    return true;
}

static void tell(const struct alerts *alerts, size_t index, enum alert_state state, uint64_t at_ms,
                 const char *run)
{
    struct alert_view view;
    if (alerts->hear == NULL || !alerts_at(alerts, index, &view))
        return;
    const struct alert_rule *rule = view.rule;
    struct alert_event event = {.state = state,
                                .severity = rule->severity,
                                .value = view.status->newest.value.number,
                                .at_least = view.status->newest.value.at_least,
                                .threshold = view.status->newest.threshold,
                                .for_ns = alerts_for_ns(alerts, rule),
                                .since_ms = view.status->since_ms,
                                .at_ms = at_ms,
                                .label_count = rule->label_count};
    snprintf(event.alert, sizeof event.alert, "%s", rule->name);
    snprintf(event.run, sizeof event.run, "%s", run);
    snprintf(event.server, sizeof event.server, "%s", view.server != NULL ? view.server : "");
    memcpy(event.summary, rule->summary, sizeof event.summary);
    memcpy(event.description, rule->description, sizeof event.description);
    memcpy(event.labels, rule->labels, sizeof event.labels);
    alerts->hear(alerts->state, &event, &view);
}

static void step(struct alerts *alerts, size_t index, uint64_t at_ms, const char *run)
{
    struct alert_status *status = &alerts->statuses[index];
    const struct alert_rule *rule = &alerts->rules->items[index / width(alerts)];
    const uint64_t for_ms = alerts_for_ns(alerts, rule) / NS_PER_MS;
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

void alerts_feed_results(struct alerts *alerts, uint32_t server,
                         const struct expression_result *results, uint64_t at_ms, const char *run)
{
    for (size_t i = 0; i < alerts->rules->count; i++) {
        const size_t index = i * width(alerts) + server;
        alerts->statuses[index].newest = results[i];
        step(alerts, index, at_ms, run);
    }
}

void alerts_feed(struct alerts *alerts, uint32_t server, const struct watch_reading *reading,
                 const char *run)
{
    for (size_t i = 0; i < alerts->rules->count; i++) {
        const size_t index = i * width(alerts) + server;
        alerts->statuses[index].newest =
            expression_read(&alerts->rules->items[i].expression, reading);
        step(alerts, index, reading->at_ms, run);
    }
}

bool alerts_fired(const struct alerts *alerts, enum alert_severity least)
{
    struct alert_view view;
    for (size_t i = 0; alerts_at(alerts, i, &view); i++)
        if (view.rule->severity >= least && view.status->fired > 0)
            return true;
    return false;
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
    snprintf(text, text_bytes, "%s (%s) %s%s%s%s: %s%s", event->alert,
             alert_severity_name(event->severity), alert_state_name(event->state),
             event->server[0] != '\0' ? " on " : "", event->server, after, value, limit);
    return text;
}
