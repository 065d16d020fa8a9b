#include "orchestrator/scenario/series.h"

#include <string.h>

static const struct {
    const char *alias;
    enum series_metric metric;
    double divisor;
} aliases[] = {
    {"rss_mb", SERIES_RSS, 1048576},
    {"allocated_mb", SERIES_ALLOCATED, 1048576},
    {"active_mb", SERIES_ACTIVE, 1048576},
    {"resident_mb", SERIES_RESIDENT, 1048576},
    {"fragmentation_ratio", SERIES_FRAGMENTATION, 1},
    {"memory_usage", SERIES_USED_MEMORY, 1048576},
};

const char *series_metric_name(enum series_metric metric)
{
#define NAME(id, name, source) [id] = (name),
    static const char *const names[] = {SERIES_METRIC_TABLE(NAME)};
#undef NAME
    return names[metric];
}

bool series_metric_find(enum series_metric *metric, double *divisor, const char *name)
{
    *divisor = 1;
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        if (strcmp(series_metric_name((enum series_metric)i), name) == 0) {
            *metric = (enum series_metric)i;
            return true;
        }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(aliases[i].alias, name) == 0) {
            *metric = aliases[i].metric;
            *divisor = aliases[i].divisor;
            return true;
        }
    return false;
}
