#include "orchestrator/scenario/series.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define SERIES_ROW(id, name, source, unit) [id] = {name, unit, SERIES_OF_##source},
static const struct {
    const char *name, *unit;
    enum series_source source;
} metrics[SERIES_METRICS] = {SERIES_METRIC_TABLE(SERIES_ROW)};
#undef SERIES_ROW

static const struct {
    const char *name;
    enum series_metric metric;
    double divisor;
} aliases[] = {
    {"memory_usage", SERIES_USED_MEMORY, SERIES_MB},
    {"rss_mb", SERIES_RSS, SERIES_MB},
    {"allocated_mb", SERIES_ALLOCATED, SERIES_MB},
    {"active_mb", SERIES_ACTIVE, SERIES_MB},
    {"resident_mb", SERIES_RESIDENT, SERIES_MB},
    {"fragmentation_ratio", SERIES_FRAGMENTATION, 1},
};

const char *series_metric_name(enum series_metric metric)
{
    return metrics[metric].name;
}

enum series_source series_metric_source(enum series_metric metric)
{
    return metrics[metric].source;
}

const char *series_metric_unit(enum series_metric metric)
{
    return metrics[metric].unit;
}

bool series_metric_is_memory(enum series_metric metric)
{
    return metric <= SERIES_RESIDENT || metric == SERIES_PROCESS_RSS ||
           metric == SERIES_HOST_AVAILABLE;
}

bool series_ratio_is_of_process(enum series_metric metric, double used_bytes)
{
    return (metric == SERIES_FRAGMENTATION || metric == SERIES_ALLOCATOR_RSS ||
            metric == SERIES_RSS_OVERHEAD) &&
           !(used_bytes >= SERIES_RATIO_LEAST_BYTES);
}

const char *series_alias_at(size_t index)
{
    return index < COUNT(aliases) ? aliases[index].name : NULL;
}

bool series_metric_find(enum series_metric *metric, double *divisor, const char *name)
{
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (strcmp(aliases[i].name, name) == 0) {
            *metric = aliases[i].metric;
            *divisor = aliases[i].divisor;
            return true;
        }
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        if (strcmp(metrics[i].name, name) == 0) {
            *metric = i;
            *divisor = 1;
            return true;
        }
    return false;
}

enum err_code series_add(struct series *series, const struct series_row *row, struct err *err)
{
    if (series->count == series->room) {
        const size_t room = series->room > 0 ? 2 * series->room : 256;
        struct series_row *rows = realloc(series->rows, room * sizeof *rows);
        if (rows == NULL)
            return err_set(err, E_SYSTEM, "no memory for %zu samples of the server", room);
        series->rows = rows;
        series->room = room;
    }
    series->rows[series->count++] = *row;
    return OK;
}

void series_free(struct series *series)
{
    free(series->rows);
    *series = (struct series){0};
}
