#include "orchestrator/commands/watching.h"

#include "common/clock.h"
#include "orchestrator/commands/session.h"

bool watching_steers(const struct session *session)
{
    const struct watch_options *watch = &session->request->spec.watch;
    return watch->allow_control || watch->tui;
}

enum err_code watching_open(struct session *session, struct err *err)
{
    const struct watch_options *watch = &session->request->spec.watch;
    struct watching *watching = &session->watching;
    (void)err;
    watching->wanted = watch->listen != NULL || watch->tui || watch->alerts_path != NULL ||
                       watch->kpis_path != NULL;
    watch_samples_init(&watching->samples);
    return OK;
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
    if (!session->watching.wanted || spec->load.null_transport)
        return OK;
    const struct server_sampler_setup setup = {.topology = session->topology,
                                               .target = &session->target,
                                               .tls = spec->endpoint.tls_client,
                                               .endpoint = &spec->endpoint,
                                               .period_ns = sample_period_ns(session)};
    return watch_samples_start(&session->watching.samples, session->base, &setup, err);
}

enum err_code watching_end(struct session *session)
{
    (void)session;
    return OK;
}

void watching_free(struct session *session)
{
    watch_samples_stop(&session->watching.samples);
}
