/* Outages of several nodes, together. */
#include <stdlib.h>

#include "orchestrator/report/outage.h"

struct span {
    uint64_t begin_ns, end_ns;
};

static int by_begin(const void *a, const void *b)
{
    const struct span *first = a, *second = b;
    return (first->begin_ns > second->begin_ns) - (first->begin_ns < second->begin_ns);
}

static size_t take(struct span *spans, const struct outage_list *list)
{
    for (uint32_t i = 0; spans != NULL && i < list->kept; i++)
        spans[i] = (struct span){list->items[i].begin_ns, list->items[i].end_ns};
    return list->kept;
}

/* spans NULL: counts. */
static size_t take_all(struct span *spans, const struct outages *outages)
{
    size_t count = take(spans, outages_of_all(outages));
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
        const struct outage_list *list = outages_of_node(outages, i);
        if (list != NULL)
            count += take(spans != NULL ? spans + count : NULL, list);
    }
    return count;
}

uint64_t outages_any_ns(const struct outages *outages)
{
    const size_t count = take_all(NULL, outages);
    struct span *spans = calloc(count + 1, sizeof *spans);
    uint64_t sum_ns = 0, end_ns = 0;
    if (spans == NULL)
        return outages_of_all(outages)->total_ns;
    (void)take_all(spans, outages);
    qsort(spans, count, sizeof *spans, by_begin);
    for (size_t i = 0; i < count; i++) {
        const uint64_t from_ns = spans[i].begin_ns > end_ns ? spans[i].begin_ns : end_ns;
        if (spans[i].end_ns <= from_ns)
            continue;
        sum_ns += spans[i].end_ns - from_ns;
        end_ns = spans[i].end_ns;
    }
    free(spans);
    return sum_ns;
}
