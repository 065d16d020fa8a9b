#include "orchestrator/commands/scenario_buffers.h"

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/options/buffer_file.h"
#include "orchestrator/server/control.h"

/* The first phase with a buffer, or with a near cache; NULL: none has. */
static const struct phase *first_with(const struct scenario *scenario, bool cache)
{
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const struct buffer_options *buffer = &scenario->phases[i].buffer;
        if (buffer->wanted && (!cache || buffer->cache_replies > 0))
            return &scenario->phases[i];
    }
    return NULL;
}

static void tell_without_effect(const struct scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const struct phase *phase = &scenario->phases[i];
        const char *notice = buffer_file_notice(&phase->buffer);
        if (notice != NULL && phase->loop_index <= 1) /* turns of a loop have the same */
            log_line(LOG_WARNING, "phase %s: %s", PRINTABLE(phase->base), notice);
    }
}

enum err_code scenario_buffers_allowed(const struct bench_request *request,
                                       const struct scenario *scenario, struct err *err)
{
    const struct endpoint *endpoint = &request->spec.endpoint;
    const struct phase *buffered = first_with(scenario, false);
    if (buffered == NULL)
        return OK;
    tell_without_effect(scenario);
    if (endpoint->sentinels == NULL)
        return OK;
    return err_set(err, E_USAGE,
                   "--sentinel and the buffer of phase %.60s exclude each other: its flush workers "
                   "do not look for a new primary so far",
                   PRINTABLE(buffered->base));
}

enum err_code scenario_buffers_check(const struct session *session, const struct scenario *scenario,
                                     struct err *err)
{
    const struct phase *cached = first_with(scenario, true);
    struct control *control = NULL;
    bool known = true;
    if (cached == NULL)
        return OK;
    enum err_code code =
        control_connect_to(&control, &session->target, &session->request->spec.endpoint,
                           &session->interrupts->count, err);
    if (code == OK)
        code = control_knows_hello(control, &known, err);
    control_close(control);
    if (code == OK && !known)
        code = err_set(err, E_CONNECT,
                       "%s does not know HELLO, and so not RESP3, which the near cache of phase "
                       "%.60s needs",
                       session->target.text, PRINTABLE(cached->base));
    return code;
}

void scenario_buffers_set(struct spec *spec, const struct phase *phase)
{
    spec->buffer = phase->buffer;
    if (!phase->buffer.wanted || phase->buffer.cache_replies == 0)
        return;
    spec->endpoint.resp3 = spec->endpoint.tracking = true;
}
