#include "orchestrator/commands/watching.h"

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/commands/watching_alerts.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/watch/alert_judges.h"
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
        .judges = alert_judges(&watching->alerts),
        .kind = "runs"};
    if (live_open(&watching->live, session->base, &setup, err) != OK)
        return err->code;
    timeline_add(&session->timeline, live_sink(watching->live));
    log_line(LOG_WARNING, "the live page is at %s", live_url(watching->live));
    return OK;
}

enum err_code watching_open(struct session *session, struct err *err)
{
    const struct watch_options *watch = &session->request->spec.watch;
    struct watching *watching = &session->watching;
    watching->wanted = watch->listen != NULL || watch->tui || watch->alerts_path != NULL ||
                       watch->kpis_path != NULL;
    watch_samples_init(&watching->samples);
    enum err_code code = watching_alerts_open(session, err);
    if (code == OK && watch->listen != NULL)
        code = open_live(session, err);
    if (code == OK)
        watching_alerts_add(session);
    return code;
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
    const enum err_code code = watching_alerts_end(session);
    if (watching->live != NULL) {
        watch_samples_stop(&watching->samples);
        live_linger(watching->live, session->request->spec.watch.listen_linger_ns,
                    &session->interrupts->count, session->interrupts->count);
    }
    return code;
}

void watching_free(struct session *session)
{
    live_close(session->watching.live);
    session->watching.live = NULL;
    watch_samples_stop(&session->watching.samples);
    alert_sink_free(&session->watching.alerts);
}
