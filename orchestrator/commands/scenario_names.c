#include "orchestrator/commands/scenario_names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 0xfffffu /* five digits: they fit into LIVE_TAG_BYTES */

/* The first primary that serves slots. */
static uint16_t first_primary(const struct topology *topology)
{
    uint16_t first = TOPOLOGY_NOBODY;
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        if (topology->owner[slot] < first)
            first = topology->owner[slot];
    return first;
}

/* Tags in slots of one node, each in another. */
static bool choose_tags(struct live_skew *skew, const struct topology *topology, uint16_t node)
{
    uint16_t slots[LIVE_TAGS_MAX];
    uint32_t found = 0;
    for (unsigned i = 0; i <= TRIES_MAX && found < skew->tag_count; i++) {
        char *tag = skew->tags[found];
        snprintf(tag, LIVE_TAG_BYTES, "{%x}", i);
        slots[found] = slots_of_key(tag, strlen(tag));
        bool fits = topology->owner[slots[found]] == node;
        for (uint32_t k = 0; k < found; k++)
            fits &= slots[k] != slots[found];
        found += fits;
    }
    return found == skew->tag_count;
}

static enum err_code plan_tags(struct live_plan *plan, struct scenario_run *run,
                               const struct phase *phase, struct err *err)
{
    const struct topology *topology = run->session->topology;
    struct live_skew *last = run->skew_count > 0 ? &run->skews[run->skew_count - 1] : NULL;
    if (last != NULL && last->end == UINT64_MAX && run->skew_phase != run->phase)
        last->end = plan->first_new;
    plan->skews = run->skews;
    plan->skew_count = run->skew_count;
    if (!(phase->skew_share > 0) || (last != NULL && run->skew_phase == run->phase))
        return OK; /* none, or a further part of the phase */
    struct live_skew *skew = &run->skews[run->skew_count];
    *skew = (struct live_skew){.first = plan->first_new,
                               .end = UINT64_MAX,
                               .thousandths = (uint32_t)llround(phase->skew_share * 1000),
                               .tag_count = (uint32_t)phase->skew_tags};
    if (!choose_tags(skew, topology, first_primary(topology)))
        return err_set(err, E_FAILED, "%s: the first primary has not %u slots that could be filled",
                       phase->name, skew->tag_count);
    run->skew_phase = run->phase;
    plan->skew_count = ++run->skew_count;
    return OK;
}

/* Phases that go on where the last one with the same prefix ended have one range with it. */
static void plan_prefix(struct live_plan *plan, struct scenario_run *run, const struct phase *phase)
{
    struct live_name *last = run->name_count > 0 ? &run->names[run->name_count - 1] : NULL;
    const bool same = last != NULL && strcmp(last->text, phase->key_prefix) == 0;
    if (last != NULL && last->end == UINT64_MAX && run->name_phase != run->phase)
        last->end = plan->first_new;
    plan->names = run->names;
    if (phase->key_prefix[0] != '\0' && same && last->end == plan->first_new)
        last->end = UINT64_MAX;
    else if (phase->key_prefix[0] != '\0' && !(same && last->end == UINT64_MAX)) {
        struct live_name *name = &run->names[run->name_count++];
        *name = (struct live_name){.first = plan->first_new, .end = UINT64_MAX};
        memcpy(name->text, phase->key_prefix, sizeof name->text);
    }
    if (phase->key_prefix[0] != '\0')
        run->name_phase = run->phase;
    plan->name_count = run->name_count;
}

enum err_code scenario_names_plan(struct live_plan *plan, struct scenario_run *run,
                                  const struct phase *phase, struct err *err)
{
    plan_prefix(plan, run, phase);
    return plan_tags(plan, run, phase, err);
}

uint32_t scenario_names_ranges(struct live_range ranges[SCENARIO_PREFIXES_MAX],
                               const struct scenario_run *run, const char *prefix)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->name_count; i++)
        if (strcmp(run->names[i].text, prefix) == 0)
            ranges[count++] = (struct live_range){run->names[i].first, run->names[i].end};
    return count;
}
