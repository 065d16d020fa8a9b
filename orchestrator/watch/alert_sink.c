#include "orchestrator/watch/alert_sink.h"

#include <errno.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/report/output_place.h"

/* What goes with the moment: a note, a line, the file. */
static void write_event(struct alert_sink *alerts, const struct alert_event *event)
{
    json_t *object = alert_event_to_json(event);
    if (alerts->events == NULL || object == NULL) {
        json_decref(object);
        return;
    }
    if (json_dumpf(object, alerts->events, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0 ||
        fputc('\n', alerts->events) == EOF || fflush(alerts->events) != 0) {
        log_line(LOG_ERROR, "events.jsonl cannot be written, and ends here");
        (void)fclose(alerts->events);
        alerts->events = NULL;
    }
    json_decref(object);
}

static void hear(void *state, const struct alert_event *event, const struct alert_view *view)
{
    struct alert_sink *alerts = state;
    struct note note = {.source = NOTE_ALERT,
                        .at_ns = alerts->now_ns,
                        .end_ns = alerts->now_ns,
                        .ok = event->state == ALERT_RESOLVED};
    alert_event_text(note.text, sizeof note.text, event, view->rule, view->status->fired_ms);
    if (!note.ok)
        snprintf(note.cause, sizeof note.cause, "%.159s",
                 event->summary[0] != '\0' ? event->summary : view->rule->condition);
    log_line(LOG_WARNING, "alert %s%s%s", note.text, note.cause[0] != '\0' ? "; " : "", note.cause);
    write_event(alerts, event);
    timeline_note(alerts->timeline, &note);
    if (alerts->hear != NULL)
        alerts->hear(alerts->state, event);
}

static json_t *kpis_of(void *state, const struct run_result *result)
{
    const struct alert_sink *alerts = state;
    return alerts->judged ? kpi_account_of(&alerts->kpis, result) : NULL;
}

enum err_code alert_sink_open(struct alert_sink *alerts, const char *events_path,
                              const char *kpis_path, struct err *err)
{
    const char *path = events_path;
    enum err_code code =
        alerts_init(&alerts->alerts, &alerts->rules, alerts->for_scale, alerts->servers, err);
    if (code == OK)
        code = kpi_account_open(&alerts->kpis, &alerts->rules, kpis_path, err);
    alerts->alerts.hear = hear;
    alerts->alerts.state = alerts;
    if (alerts->rules.kpi_count > 0) {
        alerts->timeline->kpis_of = kpis_of;
        alerts->timeline->kpis_state = alerts;
    }
    if (code != OK || path == NULL)
        return code;
    code = output_place_claim(&alerts->place, path, path, err);
    if (code != OK)
        return code;
    alerts->events = fopen(path, "we");
    return alerts->events != NULL
               ? OK
               : err_set_errno(err, E_USAGE, errno, "%.200s cannot be written", path);
}

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    (void)err;
    ((struct alert_sink *)state)->label = session->label;
    return OK;
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct alert_sink *alerts = state;
    (void)err;
    alerts->run = run;
    alerts->judged = !run->prefill;
    kpi_account_run_begin(&alerts->kpis);
    if (alerts->first_wall_ns == 0)
        alerts->first_wall_ns = run->started_wall_ns;
    return OK;
}

/* The rest of an interval in which the load ends says nothing of a rate. */
static bool is_sample(const struct alert_sink *alerts, const struct interval_row *row)
{
    return alerts->judged && (row->header.flags & INTERVAL_WARMUP) == 0 &&
           (row->header.end_ns - row->header.start_ns) * 2 >= alerts->run->interval_ns;
}

static void judge_servers(struct alert_sink *alerts, const struct error_kinds *error_kinds,
                          const char *run)
{
    for (uint32_t i = 0; i < alerts->alerts.servers.count; i++) {
        const struct alert_server *server = &alerts->alerts.servers.items[i];
        struct watch_reading reading;
        struct metric_slice slice;
        if (server->row == NULL)
            continue;
        watch_reading_of_row(&reading, &slice, server->row, alerts->run, error_kinds,
                             alerts->first_wall_ns, server->samples);
        alerts_feed(&alerts->alerts, i, &reading, run);
    }
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct alert_sink *alerts = state;
    struct watch_reading reading;
    struct metric_slice slice;
    const char *run = alerts->label != NULL ? alerts->label : alerts->run->name;
    (void)err;
    if (!is_sample(alerts, row))
        return OK;
    watch_reading_of_row(&reading, &slice, row, alerts->run, error_kinds, alerts->first_wall_ns,
                         alerts->samples);
    alerts->now_ns = row->header.end_ns;
    kpi_account_add(&alerts->kpis, &reading);
    if (alerts->alerts.servers.count > 0)
        judge_servers(alerts, error_kinds, run);
    else
        alerts_feed(&alerts->alerts, 0, &reading, run);
    return OK;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct alert_sink *alerts = state;
    (void)err;
    if (alerts->judged)
        kpi_account_run_end(&alerts->kpis, result);
    return OK;
}

static enum err_code session_end(void *state, struct err *err)
{
    struct alert_sink *alerts = state;
    struct alert_view view;
    for (size_t i = 0; alerts_at(&alerts->alerts, i, &view); i++) {
        if (view.status->state != ALERT_FIRING)
            continue;
        log_line(LOG_WARNING, "alert %s (%s) is still firing%s%s at the end", view.rule->name,
                 alert_severity_name(view.rule->severity), view.server != NULL ? " on " : "",
                 view.server != NULL ? view.server : "");
        alerts->still_firing = true;
    }
    return kpi_account_end(&alerts->kpis, err);
}

struct sink alert_sink(struct alert_sink *alerts)
{
    return (struct sink){.name = "alerts",
                         .state = alerts,
                         .session_begin = session_begin,
                         .run_begin = run_begin,
                         .interval = interval,
                         .run_end = run_end,
                         .session_end = session_end};
}

void alert_sink_free(struct alert_sink *alerts)
{
    if (alerts->events != NULL)
        (void)fclose(alerts->events);
    output_place_release(alerts->place);
    kpi_account_free(&alerts->kpis);
    alerts_free(&alerts->alerts);
    alert_rules_free(&alerts->rules);
    alerts->events = NULL;
    alerts->place = NULL;
}
