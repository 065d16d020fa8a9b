/* Phases whose load is that of a client that buffers: by a key of their own, or by what their workload says. */
#include <stddef.h>

#include "orchestrator/scenario/scenario_reading.h"

/* What a phase has that a buffer does not go with, as bench refuses it. */
static enum err_code check(const struct reading *reading, const struct phase *phase)
{
    static const struct {
        const char *key, *why;
    } excluded[] = {
        {"pipeline", "a batch is what is in flight on a connection"},
        {"reconnect_every", "flush workers keep their connections"},
    };
    const char *at = file_given(&phase->place, "buffer") ? "buffer" : "workload";
    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++)
        if (file_given(&phase->place, excluded[i].key))
            return REFUSE(reading, phase, excluded[i].key, "%s and a buffer exclude each other: %s",
                          excluded[i].key, excluded[i].why);
    if (phase->parallel_place > 0)
        return REFUSE(reading, phase, at,
                      "%s: a buffer is of one client: it is not sent side by side with others", at);
    if (phase->workload != NULL && phase->workload->consumer_count > 0)
        return REFUSE(reading, phase, at,
                      "%s: the workload has consumers, which a buffer does not go with", at);
    /* Where it is not said, keys are as those that were loaded. */
    const bool said = file_given(&phase->place, "datatype") || !reading->has_keys;
    if (phase->workload == NULL && (said ? phase->datatype : reading->datatype) == LIVE_VECTOR)
        return REFUSE(reading, phase, at, "%s: vectors are sent without a buffer", at);
    return OK;
}

enum err_code scenario_settle_buffer(struct reading *reading, struct phase *phase,
                                     const struct scenario_entry *entry)
{
    struct written_buffer written = entry->buffer;
    if (file_given(&phase->place, "buffer") &&
        buffer_within_make(&phase->buffer, &written, reading->file, entry->phase.name,
                           reading->err) != OK)
        return reading->err->code;
    return phase->buffer.wanted ? check(reading, phase) : OK;
}
