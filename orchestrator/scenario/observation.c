#include "orchestrator/scenario/observation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/scenario/scenario_file.h"

#define NS_PER_MINUTE 60e9

struct phase_set phase_set_of(uint32_t index)
{
    struct phase_set set = {.has = {false}};
    set.has[index] = true;
    return set;
}

/* What is sent side by side is in the figures of its parent. */
static bool is_named(const struct phase *phase, const char *name)
{
    if (name[0] == '\0' || strcmp(name, "all") == 0)
        return phase->parallel_place == 0;
    return scenario_phase_is(phase, name);
}

uint32_t phase_set_named(struct phase_set *set, const struct observation *observation,
                         const char *name, uint32_t *named)
{
    uint32_t ran = 0;
    *set = (struct phase_set){.has = {false}};
    *named = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        if (!is_named(&observation->scenario->phases[i], name))
            continue;
        ++*named;
        set->has[i] = observation->accounts[i].ran;
        ran += set->has[i];
    }
    return ran;
}

const char *observation_doubt(const struct observation *observation,
                              const double values[SERIES_METRICS], enum series_metric metric)
{
    const bool of_allocator =
        metric == SERIES_ALLOCATED || metric == SERIES_ACTIVE || metric == SERIES_RESIDENT ||
        metric == SERIES_ALLOCATOR_FRAGMENTATION || metric == SERIES_ALLOCATOR_RSS;
    if (of_allocator && !observation->jemalloc)
        return "the server's allocator is not jemalloc, so that it cannot know";
    if (series_ratio_is_of_process(metric, values[SERIES_USED_MEMORY]))
        return "used_memory is below 100 MB, where the ratio measures the process, not the data";
    return NULL;
}

double observation_value(const struct observation *observation, const double values[SERIES_METRICS],
                         enum series_metric metric)
{
    return observation_doubt(observation, values, metric) == NULL ? values[metric] : NAN;
}

/* Samples are taken of a parallel phase as a whole: they are its children's, too. */
static bool covers(const struct observation *observation, const struct phase_set *set,
                   uint32_t index)
{
    const struct phase *phase = &observation->scenario->phases[index];
    bool has = set->has[index];
    for (uint32_t i = 1; i <= phase->child_count && !has; i++)
        has = set->has[index + i];
    return has;
}

size_t observation_samples(const struct observation *observation, const struct phase_set *set,
                           enum series_metric metric, double *minutes, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < observation->series->count; i++) {
        const struct series_row *row = &observation->series->rows[i];
        if (row->phase >= observation->scenario->phase_count ||
            !covers(observation, set, row->phase))
            continue;
        const double value = observation_value(observation, row->values, metric);
        if (isnan(value))
            continue;
        if (minutes != NULL)
            minutes[count] = (double)row->at_ns / NS_PER_MINUTE;
        values[count++] = value;
    }
    return count;
}
