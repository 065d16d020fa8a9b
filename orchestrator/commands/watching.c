#include "orchestrator/commands/watching.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/units.h"
#include "orchestrator/commands/bench_outputs.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/watch/live.h"

bool watching_steers(const struct session *session)
{
    const struct watch_options *watch = &session->request->spec.watch;
    return watch->allow_control || watch->tui;
}

static enum err_code open_live(struct session *session, struct err *err)
{
    const struct watch_options *watch = &session->request->spec.watch;
    struct watching *watching = &session->watching;
    const struct live_setup setup = {
        .options = watch,
        .timeline = &session->timeline,
        .samples = session->request->spec.load.null_transport ? NULL : &watching->samples,
        .control = watch->allow_control ? session->interrupts->control : NULL,
        .kind = "runs"};
    if (live_open(&watching->live, session->base, &setup, err) != OK)
        return err->code;
    timeline_add(&session->timeline, live_sink(watching->live));
    log_line(LOG_WARNING, "the live page is at %s", live_url(watching->live));
    return OK;
}

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

static enum err_code open_alerts(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    struct alert_sink *alerts = &session->watching.alerts;
    char events[BENCH_PATH_BYTES], kpis[BENCH_PATH_BYTES];
    const char *directory = spec->outputs.out_dir;
    enum err_code code = OK;
    if (spec->watch.alerts_path == NULL && spec->watch.kpis_path == NULL)
        return OK;
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
        code = alert_sink_open(alerts, directory != NULL ? events : NULL,
                               directory != NULL ? kpis : NULL, err);
    if (code != OK)
        return code;
    if (prints_report(session))
        alerts->kpis.table = stdout;
    timeline_add(&session->timeline, alert_sink(alerts));
    warn_of_long_times(session);
    return OK;
}

enum err_code watching_open(struct session *session, struct err *err)
{
    const struct watch_options *watch = &session->request->spec.watch;
    struct watching *watching = &session->watching;
    watching->wanted = watch->listen != NULL || watch->tui || watch->alerts_path != NULL ||
                       watch->kpis_path != NULL;
    watch_samples_init(&watching->samples);
    const enum err_code code = open_alerts(session, err);
    return code == OK && watch->listen != NULL ? open_live(session, err) : code;
}

/* Once a second, and no more often than there are rows. */
static uint64_t sample_period_ns(const struct session *session)
{
    const uint64_t interval_ns = session->request->spec.load.interval_ns;
    return interval_ns > NS_PER_SECOND ? interval_ns : NS_PER_SECOND;
}

enum err_code watching_begin(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    if (!session->watching.wanted || session->watching.sampled || spec->load.null_transport ||
        session->topology == NULL)
        return OK;
    watch_samples_stop(&session->watching.samples); /* servers were started anew */
    const struct server_sampler_setup setup = {.topology = session->topology,
                                               .target = &session->target,
                                               .tls = spec->endpoint.tls_client,
                                               .endpoint = &spec->endpoint,
                                               .period_ns = sample_period_ns(session)};
    return watch_samples_start(&session->watching.samples, session->base, &setup, err);
}

void watching_phase(struct session *session, const char *name, const char *type)
{
    if (session->watching.live != NULL)
        live_phase(session->watching.live, name, type);
}

enum err_code watching_end(struct session *session)
{
    struct watching *watching = &session->watching;
    if (watching->live != NULL) {
        watch_samples_stop(&watching->samples);
        live_linger(watching->live, session->request->spec.watch.listen_linger_ns,
                    &session->interrupts->count, session->interrupts->count);
    }
    const uint32_t fails = session->request->spec.watch.fail_on_alert;
    const enum alert_severity least = (enum alert_severity)(fails > 0 ? fails - 1 : 0);
    if (fails == 0 || !alerts_fired(&session->watching.alerts.alerts, least))
        return OK;
    log_line(LOG_ERROR, "--fail-on-alert %s: an alert has fired", alert_severity_name(least));
    return E_FAILED;
}

void watching_free(struct session *session)
{
    live_close(session->watching.live);
    session->watching.live = NULL;
    watch_samples_stop(&session->watching.samples);
    alert_sink_free(&session->watching.alerts);
}
