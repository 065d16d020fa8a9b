#include "orchestrator/commands/scenario_skew.h"

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

enum err_code scenario_skew_plan(struct live_plan *plan, struct scenario_run *run,
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
