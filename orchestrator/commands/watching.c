#include "orchestrator/commands/watching.h"

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/session.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/watch/live.h"

static enum err_code open_live(struct watching *watching, const struct watching_place *place,
                               struct err *err)
{
    const struct watch_options *watch = place->options;
    const struct live_setup setup = {.options = watch,
                                     .timeline = place->timeline,
                                     .samples = place->sampled ? &watching->samples : NULL,
                                     .control =
                                         watch->allow_control ? place->interrupts->control : NULL,
                                     .kind = "runs"};
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
    return watch->listen != NULL ? open_live(watching, place, err) : OK;
}

enum err_code watching_end_at(struct watching *watching, const struct watching_place *place)
{
    if (watching->live != NULL) {
        watch_samples_stop(&watching->samples);
        live_linger(watching->live, place->options->listen_linger_ns, &place->interrupts->count,
                    place->interrupts->count);
    }
    return OK;
}

void watching_close(struct watching *watching)
{
    live_close(watching->live);
    watching->live = NULL;
    watch_samples_stop(&watching->samples);
}

/* ---- of a session ---- */

bool watching_steers(const struct session *session)
{
    const struct watch_options *watch = &session->request->spec.watch;
    return watch->allow_control || watch->tui;
}

static struct watching_place place_of(struct session *session)
{
    return (struct watching_place){.options = &session->request->spec.watch,
                                   .timeline = &session->timeline,
                                   .base = session->base,
                                   .interrupts = session->interrupts,
                                   .sampled = !session->request->spec.load.null_transport};
}

enum err_code watching_open(struct session *session, struct err *err)
{
    const struct watching_place place = place_of(session);
    return watching_open_at(&session->watching, &place, err);
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
    const struct watching_place place = place_of(session);
    return watching_end_at(&session->watching, &place);
}

void watching_free(struct session *session)
{
    watching_close(&session->watching);
}
