#include "orchestrator/commands/watching.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/commands/watching_alerts.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/watch/alert_judges.h"
#include "orchestrator/watch/live.h"
#include "orchestrator/watch/scraper.h"
#include "orchestrator/watch/terminal.h"

/* Once a second, and no more often than there are rows. */
static uint64_t period_ns(uint64_t interval_ns)
{
    return interval_ns > NS_PER_SECOND ? interval_ns : NS_PER_SECOND;
}

static enum err_code open_notifier(struct watching *watching, const struct watching_place *place,
                                   struct err *err)
{
    const struct notifier_setup setup = {.path = place->options->notify_path,
                                         .base = place->base,
                                         .dry_run = place->options->notify_dry_run};
    return setup.path != NULL ? notifier_start(&watching->notifier, &setup, err) : OK;
}

/* Ahead of a page that lingers: who is told should know now. */
static void end_notifier(struct watching *watching)
{
    notifier_end(watching->notifier, NOTIFIER_END_NS);
    watching->notifier = NULL;
}

static enum err_code open_scraper(struct watching *watching, const struct watching_place *place,
                                  struct err *err)
{
    const char *scrapes = place->options->scrapes;
    if (scrapes == NULL)
        return OK;
    if (scraper_open(&watching->scraper, place->base, place->timeline, scrapes,
                     period_ns(place->interval_ns), &place->interrupts->count, err) != OK)
        return err->code;
    timeline_add(place->timeline, scraper_sink(watching->scraper));
    return OK;
}

static enum err_code open_terminal(struct watching *watching, const struct watching_place *place,
                                   struct err *err)
{
    const struct terminal_plan plan = {.base = place->base,
                                       .command = place->command,
                                       .timeline = place->timeline,
                                       .samples = &watching->samples,
                                       .interrupts = place->interrupts,
                                       .alerts = &watching->alerts.alerts,
                                       .take_note = place->take_note,
                                       .taker = place->hearer};
    if (!place->options->tui)
        return OK;
    const enum err_code code = terminal_create(&watching->terminal, &plan, err);
    if (code == OK)
        timeline_add(place->timeline, terminal_sink(watching->terminal));
    return code;
}

static enum err_code open_live(struct watching *watching, const struct watching_place *place,
                               struct err *err)
{
    const struct watch_options *watch = place->options;
    const struct live_setup setup = {.options = watch,
                                     .timeline = place->timeline,
                                     .samples = place->sampled ? &watching->samples : NULL,
                                     .control =
                                         watch->allow_control ? place->interrupts->control : NULL,
                                     .judges = alert_judges(&watching->alerts),
                                     .kind = "runs"};
    if (watch->listen == NULL)
        return OK;
    if (live_open(&watching->live, place->base, &setup, err) != OK)
        return err->code;
    timeline_add(place->timeline, live_sink(watching->live));
    log_line(LOG_WARNING, "the live page is at %s", live_url(watching->live));
    return OK;
}

enum err_code watching_open_at(struct watching *watching, const struct watching_place *place,
                               struct err *err)
{
    const struct watch_options *watch = place->options;
    watching->wanted = watch->listen != NULL || watch->tui || watch->alerts_path != NULL ||
                       watch->kpis_path != NULL;
    watch_samples_init(&watching->samples);
    enum err_code code = watching_alerts_open(watching, place, err);
    if (code == OK)
        code = open_notifier(watching, place, err);
    if (code == OK)
        code = open_terminal(watching, place, err);
    if (code == OK)
        code = open_scraper(watching, place, err);
    if (code == OK) {
        watching_alerts_add(watching, place); /* ahead of the page, which tells how they stand */
        code = open_live(watching, place, err);
    }
    return code;
}

enum err_code watching_end_at(struct watching *watching, const struct watching_place *place)
{
    const enum err_code code = watching_alerts_end(watching, place);
    end_notifier(watching);
    if (watching->live != NULL) {
        watch_samples_stop(&watching->samples);
        live_linger(watching->live, place->options->listen_linger_ns, &place->interrupts->count,
                    place->interrupts->count);
    }
    return code;
}

void watching_close(struct watching *watching)
{
    end_notifier(watching);
    scraper_close(watching->scraper);
    watching->scraper = NULL;
    live_close(watching->live);
    watching->live = NULL;
    terminal_free(watching->terminal);
    watching->terminal = NULL;
    watch_samples_stop(&watching->samples);
    alert_sink_free(&watching->alerts);
}

/* ---- of a session ---- */

/* The report of bench, which the table of KPIs stands behind. */
static bool prints_report(const struct session *session)
{
    const struct output_options *outputs = &session->request->spec.outputs;
    return strcmp(session->command, "bench") == 0 && session->request->dialect == NULL &&
           !outputs->quiet && !outputs->csv && outputs->csv_interval_ns == 0 &&
           !output_is_stdout(outputs->json_path);
}

static struct watching_place place_of(struct session *session)
{
    const struct spec *spec = &session->request->spec;
    return (struct watching_place){.options = &spec->watch,
                                   .command = session->command,
                                   .timeline = &session->timeline,
                                   .base = session->base,
                                   .interrupts = session->interrupts,
                                   .sampled = !spec->load.null_transport,
                                   .interval_ns = spec->load.interval_ns,
                                   .duration_ns =
                                       session->more_runs_ns == 0 ? spec->load.duration_ns : 0,
                                   .out_dir = spec->outputs.out_dir,
                                   .prints_kpis = prints_report(session)};
}

bool watching_steers(const struct session *session)
{
    const struct watch_options *watch = &session->request->spec.watch;
    return watch->allow_control || watch->tui;
}

enum err_code watching_check(const struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    return spec->watch.tui && !spec->outputs.explain ? terminal_check(session->command, err) : OK;
}

enum err_code watching_open(struct session *session, struct err *err)
{
    const struct watching_place place = place_of(session);
    return watching_open_at(&session->watching, &place, err);
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
                                               .period_ns = period_ns(spec->load.interval_ns)};
    return watch_samples_start(&session->watching.samples, session->base, &setup, err);
}

void watching_phase(struct session *session, const char *name, const char *type)
{
    if (session->watching.live != NULL)
        live_phase(session->watching.live, name, type);
}

enum err_code watching_end(struct session *session)
{
    const struct watching_place place = place_of(session);
    return watching_end_at(&session->watching, &place);
}

void watching_free(struct session *session)
{
    watching_close(&session->watching);
}
