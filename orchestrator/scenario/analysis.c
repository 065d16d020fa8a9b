#include "orchestrator/scenario/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/scenario/derived.h"

#define ANOMALY_MAD 3.0
#define ANOMALY_SHARE 0.01

/* Room for as many numbers as there are samples, three times. */
struct room {
    double *minutes, *values, *sorted;
};

/* Of values that are known, in the order of time. */
static struct metric_summary summarise(const double *values, size_t count, double *sorted)
{
    struct metric_summary summary = {.count = count, .first = NAN, .last = NAN};
    memcpy(sorted, values, count * sizeof values[0]);
    statistics_sort(sorted, count);
    summary.min = statistics_quantile(sorted, count, 0);
    summary.max = statistics_quantile(sorted, count, 1);
    summary.p95 = statistics_quantile(sorted, count, 0.95);
    summary.mean = statistics_mean(values, count);
    summary.stdev = statistics_deviation(values, count);
    if (count > 0) {
        summary.first = values[0];
        summary.last = values[count - 1];
    }
    return summary;
}

static void keep(struct analysis *analysis, struct anomaly anomaly)
{
    if (analysis->anomaly_count < ANALYSIS_ANOMALIES_MAX)
        analysis->anomalies[analysis->anomaly_count] = anomaly;
    analysis->anomaly_count++;
}

/* Works in `values`, which hold those of the phase. */
static void find_anomalies(struct analysis *analysis, const struct observation *observation,
                           uint32_t phase, enum series_metric metric, double *values, size_t count)
{
    double median;
    if (count < ANALYSIS_SAMPLES_LEAST)
        return;
    const double mad = statistics_mad(values, count, &median);
    const double limit =
        fmax(ANOMALY_MAD * STATISTICS_MAD_SIGMA * mad, ANOMALY_SHARE * fabs(median));
    for (size_t i = 0; i < observation->series->count; i++) {
        const struct series_row *row = &observation->series->rows[i];
        if (row->phase != phase)
            continue;
        const double value = observation_value(observation, row->values, metric);
        if (fabs(value - median) > limit)
            keep(analysis, (struct anomaly){metric, phase, row->at_ns, value, median});
    }
}

/* The samples from the first to the last one of a phase: to walk over all of them for each phase takes seconds. */
static struct series rows_of(const struct series *series, uint32_t phase)
{
    size_t first = 0, end = series->count;
    while (first < end && series->rows[first].phase != phase)
        first++;
    while (end > first && series->rows[end - 1].phase != phase)
        end--;
    return (struct series){.rows = end > first ? &series->rows[first] : NULL, .count = end - first};
}

static void analyse_phase(struct analysis *analysis, const struct observation *whole,
                          uint32_t phase, const struct room *room)
{
    struct phase_analysis *result = &analysis->phases[phase];
    const struct series rows = rows_of(whole->series, phase);
    struct observation narrowed = *whole;
    narrowed.series = &rows;
    const struct observation *observation = &narrowed;
    const struct phase_set set = phase_set_of(phase);
    for (unsigned metric = 0; metric < SERIES_METRICS; metric++) {
        const size_t count = observation_samples(observation, &set, metric, NULL, room->values);
        result->metrics[metric] = summarise(room->values, count, room->sorted);
        find_anomalies(analysis, observation, phase, metric, room->values, count);
    }
    result->cleanup_efficiency = derived_cleanup_efficiency(observation, &set);
    result->alloc_efficiency = derived_alloc_efficiency(observation, &set);
    result->stall_seconds = derived_stall_seconds(observation, &set);
}

static struct metric_trend trend_of(const struct observation *observation,
                                    enum series_metric metric, double unit, const struct room *room)
{
    struct phase_set all;
    memset(&all, 1, sizeof all);
    const size_t count =
        observation_samples(observation, &all, metric, room->minutes, room->values);
    for (size_t i = 0; i < count; i++)
        room->values[i] /= unit;
    struct metric_trend trend = {.line = statistics_line(room->minutes, room->values, count)};
    trend.p = statistics_trend(room->values, count, room->sorted).p;
    return trend;
}

enum err_code analysis_make(struct analysis *analysis, const struct observation *observation,
                            struct err *err)
{
    const size_t count = observation->series->count + 1; /* none is no failure */
    const uint32_t phases = observation->scenario->phase_count;
    *analysis = (struct analysis){.phases = calloc(phases + 1u, sizeof *analysis->phases)};
    double *numbers = calloc(3 * count, sizeof *numbers);
    if (analysis->phases == NULL || numbers == NULL) {
        free(numbers);
        return err_set(err, E_SYSTEM, "no memory to analyse %zu samples", count - 1);
    }
    const struct room room = {numbers, numbers + count, numbers + 2 * count};
    for (uint32_t i = 0; i < phases; i++)
        analyse_phase(analysis, observation, i, &room);
    struct phase_set all;
    memset(&all, 1, sizeof all);
    for (unsigned metric = 0; metric < SERIES_METRICS; metric++) {
        const size_t known = observation_samples(observation, &all, metric, NULL, room.values);
        analysis->whole[metric] = summarise(room.values, known, room.sorted);
    }
    analysis->growth = trend_of(observation, SERIES_USED_MEMORY, SERIES_MB, &room);
    analysis->fragmentation = trend_of(observation, SERIES_FRAGMENTATION, 1, &room);
    analysis->leak = leak_judge(observation);
    free(numbers);
    return OK;
}

void analysis_free(struct analysis *analysis)
{
    free(analysis->phases);
    analysis->phases = NULL;
}
