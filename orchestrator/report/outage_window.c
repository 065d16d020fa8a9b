#include "orchestrator/report/outage_sample.h"

#include <string.h>

_Static_assert(OUTAGE_SLOTS *OUTAGE_SLOT_NS == OUTAGE_BEFORE_NS,
               "the slots hold what comes before");

void outage_coarse(struct node_figures *figures, const struct histogram *histogram)
{
    memset(figures, 0, sizeof *figures);
    if (histogram->count == 0)
        return;
    for (uint32_t i = histogram->low_index; i <= histogram->high_index; i++)
        if (histogram->counts[i] > 0)
            figures->response.counts[coarse_index(histogram_highest_value(i))] +=
                histogram->counts[i];
    figures->counters[NODE_OK] = histogram->count;
    figures->response.sum_ns = histogram->sum_ns;
    figures->response.max_ns = histogram->max_ns;
}

static struct outage_response summarise(const struct node_figures *figures)
{
    return (struct outage_response){.count = figures->counters[NODE_OK],
                                    .p50_ns = coarse_quantile(&figures->response, 0.50),
                                    .p99_ns = coarse_quantile(&figures->response, 0.99),
                                    .max_ns = figures->response.max_ns};
}

void outage_windows_add(struct outage_windows *windows, const struct node_figures *figures,
                        uint64_t start_ns)
{
    uint64_t number = start_ns / OUTAGE_SLOT_NS + 1;
    uint32_t place = (uint32_t)(number % OUTAGE_SLOTS);
    /* Seconds without a reply leave the slots alone: the outage that begins may be a long one. */
    if (windows->slot_number[place] != number && figures->counters[NODE_OK] > 0) {
        memset(&windows->slots[place], 0, sizeof windows->slots[place]);
        windows->slot_number[place] = number;
    }
    if (figures->counters[NODE_OK] > 0)
        node_figures_add(&windows->slots[place], figures);
    if (windows->outage == NULL)
        return;
    uint64_t after_ns = windows->outage->end_ns + OUTAGE_DURING_NS;
    if (start_ns < after_ns)
        node_figures_add(&windows->during, figures);
    else if (start_ns < after_ns + OUTAGE_AFTER_NS)
        node_figures_add(&windows->after, figures);
    else
        outage_windows_close(windows);
}

void outage_windows_open(struct outage_windows *windows, struct outage *outage)
{
    uint64_t newest = outage != NULL ? outage->begin_ns / OUTAGE_SLOT_NS + 1 : 0;
    outage_windows_close(windows);
    memset(&windows->sum, 0, sizeof windows->sum);
    for (uint32_t i = 0; i < OUTAGE_SLOTS; i++)
        if (windows->slot_number[i] > 0 && windows->slot_number[i] + OUTAGE_SLOTS > newest)
            node_figures_add(&windows->sum, &windows->slots[i]);
    memset(windows->slot_number, 0, sizeof windows->slot_number);
    if (outage != NULL)
        outage->before = summarise(&windows->sum);
    windows->outage = outage;
}

void outage_windows_close(struct outage_windows *windows)
{
    if (windows->outage != NULL) {
        windows->outage->during = summarise(&windows->during);
        windows->outage->after = summarise(&windows->after);
    }
    windows->outage = NULL;
    memset(&windows->during, 0, sizeof windows->during);
    memset(&windows->after, 0, sizeof windows->after);
}
