#include "orchestrator/capacity/mishap.h"

#include <stdio.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"

/* Error replies from the start, and a first reply that takes long, can be all that the load gets. */
static bool is_absence(const struct outage *outage)
{
    const struct outage_failures *failures = &outage->failures;
    return !outage->from_start || failures->lost + failures->timed_out +
                                          failures->connections_lost + failures->connect_failures >
                                      0;
}

static bool has_absence(const struct outage_list *list)
{
    for (uint32_t i = 0; list != NULL && i < list->kept; i++)
        if (is_absence(&list->items[i]))
            return true;
    return false;
}

static bool find_outage(char *text, size_t text_bytes, const struct run_result *result)
{
    char name[96];
    if (result->outages == NULL)
        return false;
    const struct outage_list *all = outages_of_all(result->outages);
    if (has_absence(all)) {
        snprintf(text, text_bytes, "an outage: nothing succeeded for %.3f s",
                 clock_seconds(all->total_ns));
        return true;
    }
    for (uint32_t i = 0; i < result->facts->node_count; i++) {
        const struct outage_list *list = outages_of_node(result->outages, i);
        if (!has_absence(list))
            continue;
        snprintf(text, text_bytes, "an outage: nothing succeeded at %s for %.3f s",
                 figure_node_name(name, sizeof name, result->facts, i),
                 clock_seconds(list->total_ns));
        return true;
    }
    return false;
}

/* Whether connections were lost, or could not be opened: in a run that nothing of was answered, perhaps not
 * even sent, that is why. */
static bool was_cut_off(const struct run_result *result)
{
    const uint64_t *counters = result->total->counters;
    return result->status == E_FAILED &&
           counters[COUNTER_CONNECTIONS_LOST] + counters[COUNTER_CONNECT_FAILURES] > 0;
}

bool mishap_find(char *text, size_t text_bytes, const struct run_result *result)
{
    text[0] = '\0';
    if (result->interrupted || result->status == E_INTERRUPTED)
        return false;
    bool away = find_outage(text, text_bytes, result) || was_cut_off(result);
    if (away && result->status == E_FAILED && text[0] == '\0')
        snprintf(text, text_bytes, "the target was away: %s", result->status_text);
    else if (result->status != OK && (away || result->status != E_FAILED))
        snprintf(text, text_bytes, "%s", result->status_text);
    return text[0] != '\0';
}
