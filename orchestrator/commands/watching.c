#include "orchestrator/commands/watching.h"

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/watch/live.h"
#include "orchestrator/watch/scraper.h"
#include "orchestrator/watch/terminal.h"

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

static enum err_code open_notifier(struct session *session, struct err *err)
{
    const struct watch_options *watch = &session->request->spec.watch;
    const struct notifier_setup setup = {
        .path = watch->notify_path, .base = session->base, .dry_run = watch->notify_dry_run};
    return notifier_start(&session->watching.notifier, &setup, err);
}

/* Ahead of a page that lingers: who is told should know now. */
static void end_notifier(struct session *session)
{
    notifier_end(session->watching.notifier, NOTIFIER_END_NS);
    session->watching.notifier = NULL;
}

enum err_code watching_check(const struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    return spec->watch.tui && !spec->outputs.explain ? terminal_check(err) : OK;
}

static enum err_code open_terminal(struct session *session, struct err *err)
{
    struct watching *watching = &session->watching;
    const struct terminal_plan plan = {.base = session->base,
                                       .command = session->command,
                                       .timeline = &session->timeline,
                                       .samples = &watching->samples,
                                       .interrupts = session->interrupts};
    const enum err_code code = terminal_create(&watching->terminal, &plan, err);
    if (code == OK)
        timeline_add(&session->timeline, terminal_sink(watching->terminal));
    return code;
}


/* Once a second, and no more often than there are rows. */
static uint64_t sample_period_ns(const struct session *session)
{
    const uint64_t interval_ns = session->request->spec.load.interval_ns;
    return interval_ns > NS_PER_SECOND ? interval_ns : NS_PER_SECOND;
}

static enum err_code open_scraper(struct session *session, struct err *err)
{
    const char *scrapes = session->request->spec.watch.scrapes;
    struct watching *watching = &session->watching;
    if (scrapes == NULL)
        return OK;
    if (scraper_open(&watching->scraper, session->base, &session->timeline, scrapes,
                     sample_period_ns(session), &session->interrupts->count, err) != OK)
        return err->code;
    timeline_add(&session->timeline, scraper_sink(watching->scraper));
    return OK;
}

enum err_code watching_open(struct session *session, struct err *err)
{
    const struct watch_options *watch = &session->request->spec.watch;
    struct watching *watching = &session->watching;
    watching->wanted = watch->listen != NULL || watch->tui || watch->alerts_path != NULL ||
                       watch->kpis_path != NULL;
    watch_samples_init(&watching->samples);
    enum err_code code = watch->notify_path != NULL ? open_notifier(session, err) : OK;
    if (code == OK && watch->tui)
        code = open_terminal(session, err);
    if (code == OK)
        code = open_scraper(session, err);
    return code == OK && watch->listen != NULL ? open_live(session, err) : code;
}

enum err_code watching_begin(struct session *session, struct err *err)
{
    const struct spec *spec = &session->request->spec;
    if (!session->watching.wanted || session->watching.sampled || spec->load.null_transport)
        return OK;
    const struct server_sampler_setup setup = {.topology = session->topology,
                                               .target = &session->target,
                                               .tls = spec->endpoint.tls_client,
                                               .endpoint = &spec->endpoint,
                                               .period_ns = sample_period_ns(session)};
    watch_samples_stop(&session->watching.samples); /* servers were started anew */
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
    end_notifier(session);
    if (watching->live != NULL) {
        watch_samples_stop(&watching->samples);
        live_linger(watching->live, session->request->spec.watch.listen_linger_ns,
                    &session->interrupts->count, session->interrupts->count);
    }
    return OK;
}

void watching_free(struct session *session)
{
    end_notifier(session);
    scraper_close(session->watching.scraper);
    session->watching.scraper = NULL;
    live_close(session->watching.live);
    session->watching.live = NULL;
    terminal_free(session->watching.terminal);
    session->watching.terminal = NULL;
    watch_samples_stop(&session->watching.samples);
}
