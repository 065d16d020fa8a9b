#include "orchestrator/scenario/scenario_wishes.h"

#include "common/units.h"
#include "orchestrator/options/chaos_plan.h"

#define REFUSE(file, phase, ...) file_refuse(file, &(phase)->place, "actions", err, __VA_ARGS__)

static enum err_code check_one(const struct chaos_wish *wish, const struct file *file,
                               const struct phase *phase, struct err *err)
{
    const enum chaos_kind kind = (enum chaos_kind)wish->place.variant;
    char at[32], length[32];
    if (phase->duration_ns > 0 && wish->at_ns >= phase->duration_ns)
        return file_refuse(file, &wish->place, "at", err,
                           "at %s the phase is over: its duration is %s",
                           units_format_duration(at, sizeof at, wish->at_ns),
                           units_format_duration(length, sizeof length, phase->duration_ns));
    if (kind == CHAOS_ADD_NODE || kind == CHAOS_REMOVE_NODE)
        return REFUSE(file, phase,
                      "actions: a scenario has the servers that it began with: %s is not "
                      "carried out",
                      kind == CHAOS_ADD_NODE ? "add-node" : "remove-node");
    if (kind == CHAOS_CACHE_CLEAR && (!phase->buffer.wanted || phase->buffer.cache_replies == 0))
        return REFUSE(file, phase,
                      "actions: cache clear: the phase has no near cache: query.cache_size of a "
                      "buffer");
    if (kind == CHAOS_FLUSHALL && phase->type == PHASE_LOAD)
        return REFUSE(file, phase,
                      "actions: flushall beside a load: nobody could say which keys are there");
    return OK;
}

/* Which node there is, and what it can do. */
static enum err_code check_servers(const struct scenario_servers *servers, const struct file *file,
                                   const struct phase *phase, struct err *err)
{
    const struct spec spec = {
        .managed = {.wanted = true, .primaries = servers->primaries, .replicas = servers->replicas},
        .buffer = phase->buffer};
    struct chaos_plan plan;
    const enum err_code code = chaos_plan_make(&plan, phase->actions, file, &spec, err);
    chaos_plan_free(&plan);
    return code;
}

enum err_code scenario_wishes_check(const struct scenario *scenario, const struct file *file,
                                    const struct phase *phase, struct err *err)
{
    const struct scenario_servers *servers = &scenario->servers;
    enum err_code code = OK;
    if (phase->actions == NULL)
        return OK;
    for (size_t i = 0; i < phase->actions->count && code == OK; i++)
        code = check_one(&phase->actions->items[i], file, phase, err);
    if (code == OK && servers->primaries + servers->replicas > 0)
        code = check_servers(servers, file, phase, err);
    return code;
}
