#include "orchestrator/commands/watching_alerts.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/units.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/watching.h"
#include "orchestrator/fleet/fleet.h"
#include "orchestrator/watch/live.h"

/* One that can never fire, since its time is longer than all there is to come. */
static void warn_of_long_times(const struct alerts *alerts, uint64_t duration_ns)
{
    char need[32], length[32];
    for (size_t i = 0; duration_ns > 0 && i < alerts->rules->count; i++) {
        const struct alert_rule *rule = &alerts->rules->items[i];
        const uint64_t for_ns = alerts_for_ns(alerts, rule);
        if (for_ns >= duration_ns && !rule->expression.uncalibrated)
            log_line(LOG_WARNING,
                     "alert %s cannot fire: its condition has to hold for %s, and the run takes "
                     "%s; --for-scale makes these times shorter",
                     rule->name, units_format_duration(need, sizeof need, for_ns),
                     units_format_duration(length, sizeof length, duration_ns));
    }
}

/* Also for the health of a run that is only looked at. */
static bool is_wanted(const struct watch_options *watch)
{
    return watch->alerts_path != NULL || watch->kpis_path != NULL || watch->listen != NULL;
}

/* Everybody beside the outputs who is told of an alert. */
static void tell(void *state, const struct alert_event *event)
{
    struct watching *watching = state;
    if (watching->live != NULL)
        live_tell_alert(watching->live, alert_event_to_json(event));
    if (watching->notifier != NULL)
        notifier_tell(watching->notifier, event);
    if (watching->hear_alert != NULL)
        watching->hear_alert(watching->hearer, event);
}

enum err_code watching_alerts_open(struct watching *watching, const struct watching_place *place,
                                   struct err *err)
{
    const struct watch_options *watch = place->options;
    struct alert_sink *alerts = &watching->alerts;
    char events[BENCH_PATH_BYTES], kpis[BENCH_PATH_BYTES];
    const char *directory = place->out_dir;
    enum err_code code = OK;
    if (!is_wanted(place->options))
        return OK;
    alerts->hear = tell;
    alerts->state = watching;
    watching->hear_alert = place->hear_alert;
    watching->hearer = place->hearer;
    alerts->for_scale = watch->for_scale;
    alerts->timeline = place->timeline;
    alerts->samples = place->sampled ? &watching->samples : NULL;
    alerts->servers = place->servers;
    if (watch->alerts_path != NULL)
        code = alert_rules_read(&alerts->rules, &(struct file_source){.name = watch->alerts_path},
                                err);
    if (code == OK && watch->kpis_path != NULL)
        code = kpi_file_read(&alerts->rules, &(struct file_source){.name = watch->kpis_path}, err);
    if (code == OK && directory != NULL)
        code = bench_outputs_path(events, directory, "events.jsonl", err);
    if (code == OK && directory != NULL)
        code = bench_outputs_path(kpis, directory, "kpis.json", err);
    if (code == OK)
        code = alert_sink_open(alerts, directory != NULL && alerts->rules.count > 0 ? events : NULL,
                               directory != NULL ? kpis : NULL, err);
    if (code == OK && place->prints_kpis)
        alerts->kpis.table = stdout;
    if (code == OK)
        warn_of_long_times(&alerts->alerts, place->duration_ns);
    return code;
}

void watching_alerts_add(struct watching *watching, const struct watching_place *place)
{
    if (is_wanted(place->options))
        timeline_add(place->timeline, alert_sink(&watching->alerts));
}

enum err_code watching_alerts_end(struct watching *watching, const struct watching_place *place)
{
    const uint32_t fails = place->options->fail_on_alert;
    const enum alert_severity least = (enum alert_severity)(fails > 0 ? fails - 1 : 0);
    if (fails == 0 || !alerts_fired(&watching->alerts.alerts, least))
        return OK;
    log_line(LOG_ERROR, "--fail-on-alert %s: an alert has fired", alert_severity_name(least));
    return E_FAILED;
}
