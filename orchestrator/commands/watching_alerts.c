#include "orchestrator/commands/watching_alerts.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/units.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/watch/live.h"

/* One that can never fire, since its time is longer than all there is to come. */
static void warn_of_long_times(const struct session *session)
{
    const struct alerts *alerts = &session->watching.alerts.alerts;
    const uint64_t duration_ns = session->request->spec.load.duration_ns;
    char need[32], length[32];
    struct alert_view view;
    for (size_t i = 0; duration_ns > 0 && session->more_runs_ns == 0 && alerts_at(alerts, i, &view);
         i++) {
        const uint64_t for_ns = alerts_for_ns(alerts, view.rule);
        if (for_ns >= duration_ns && !view.uncalibrated)
            log_line(LOG_WARNING,
                     "alert %s cannot fire: its condition has to hold for %s, and the run takes "
                     "%s; --for-scale makes these times shorter",
                     view.rule->name, units_format_duration(need, sizeof need, for_ns),
                     units_format_duration(length, sizeof length, duration_ns));
    }
}

/* The report of bench, which the table of KPIs stands behind. */
static bool prints_report(const struct session *session)
{
    const struct output_options *outputs = &session->request->spec.outputs;
    return strcmp(session->command, "bench") == 0 && session->request->dialect == NULL &&
           !outputs->quiet && !outputs->csv && outputs->csv_interval_ns == 0 &&
           !output_is_stdout(outputs->json_path);
}

/* Also for the health of a run that is only looked at. */
static bool is_wanted(const struct session *session)
{
    const struct watch_options *watch = &session->request->spec.watch;
    return watch->alerts_path != NULL || watch->kpis_path != NULL || watch->listen != NULL;
}

/* Everybody beside the outputs who is told of an alert. */
static void tell(void *state, const struct alert_event *event)
{
    struct session *session = state;
    if (session->watching.live != NULL)
        live_tell_alert(session->watching.live, alert_event_to_json(event));
}

enum err_code watching_alerts_open(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    struct alert_sink *alerts = &session->watching.alerts;
    char events[BENCH_PATH_BYTES], kpis[BENCH_PATH_BYTES];
    const char *directory = spec->outputs.out_dir;
    enum err_code code = OK;
    if (!is_wanted(session))
        return OK;
    alerts->keeps = spec->watch.listen != NULL;
    alerts->hear = tell;
    alerts->state = session;
    alerts->for_scale = spec->watch.for_scale;
    alerts->timeline = &session->timeline;
    alerts->samples = &session->watching.samples;
    if (spec->watch.alerts_path != NULL)
        code = alert_rules_read(&alerts->rules,
                                &(struct file_source){.name = spec->watch.alerts_path}, err);
    if (code == OK && spec->watch.kpis_path != NULL)
        code = kpi_file_read(&alerts->rules, &(struct file_source){.name = spec->watch.kpis_path},
                             err);
    if (code == OK && directory != NULL)
        code = bench_outputs_path(events, directory, "events.jsonl", err);
    if (code == OK && directory != NULL)
        code = bench_outputs_path(kpis, directory, "kpis.json", err);
    if (code == OK)
        code = alert_sink_open(alerts, directory != NULL && alerts->rules.count > 0 ? events : NULL,
                               directory != NULL ? kpis : NULL, err);
    if (code == OK && prints_report(session))
        alerts->kpis.table = stdout;
    if (code == OK)
        warn_of_long_times(session);
    return code;
}

void watching_alerts_add(struct session *session)
{
    if (is_wanted(session))
        timeline_add(&session->timeline, alert_sink(&session->watching.alerts));
}

enum err_code watching_alerts_end(struct session *session)
{
    const uint32_t fails = session->request->spec.watch.fail_on_alert;
    const enum alert_severity least = (enum alert_severity)(fails > 0 ? fails - 1 : 0);
    if (fails == 0 || !alerts_fired(&session->watching.alerts.alerts, least))
        return OK;
    log_line(LOG_ERROR, "--fail-on-alert %s: an alert has fired", alert_severity_name(least));
    return E_FAILED;
}
