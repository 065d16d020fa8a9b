#include "orchestrator/server/memory_growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/statistics.h"

#define GROWTH_SHARE 0.01 /* of maxmemory, or of what is used, per hour */
#define GROWTH_P 0.05
#define GROWTH_R2 0.6
#define GROWTH_LEAST_BYTES 65536.0
#define GROWTH_LEAST_SHARE 0.001
#define KEYS_APART 2.0
#define SECONDS_PER_HOUR 3600.0

enum column { COLUMN_SECONDS, COLUMN_USED, COLUMN_KEYS, COLUMN_MAX, COLUMN_SERIES };
#define COLUMNS (COLUMN_SERIES + GROWTH_SERIES)

const char *memory_growth_name(unsigned series)
{
    return series < MEMORY_PARTS            ? memory_part_name((enum memory_part)series)
           : series == GROWTH_FRAGMENTATION ? memory_gap_name(GAP_FRAGMENTATION)
                                            : "left_over";
}

const char *memory_growth_words(unsigned series)
{
    return series == MEMORY_DATASET         ? "data of the usual number of keys"
           : series < MEMORY_PARTS          ? memory_part_words((enum memory_part)series)
           : series == GROWTH_FRAGMENTATION ? memory_gap_words(GAP_FRAGMENTATION)
                                            : "what no part names";
}

enum err_code memory_samples_make(struct memory_samples *samples, size_t room, struct err *err)
{
    samples->seconds = calloc(room * COLUMNS + 1, sizeof samples->seconds[0]);
    samples->room = room;
    samples->count = 0;
    return samples->seconds != NULL ? OK : err_set(err, E_SYSTEM, "no memory for samples");
}

void memory_samples_free(struct memory_samples *samples)
{
    free(samples->seconds);
    *samples = (struct memory_samples){.count = 0};
}

static double *column(const struct memory_samples *samples, unsigned index)
{
    return samples->seconds + index * samples->room;
}

void memory_samples_add(struct memory_samples *samples, double seconds,
                        const struct memory_account *account)
{
    if (samples->count == samples->room)
        return;
    const size_t at = samples->count++;
    column(samples, COLUMN_SECONDS)[at] = seconds;
    column(samples, COLUMN_USED)[at] = account->used;
    column(samples, COLUMN_KEYS)[at] = account->keys;
    column(samples, COLUMN_MAX)[at] = account->max;
    for (unsigned part = 0; part < MEMORY_PARTS; part++)
        column(samples, COLUMN_SERIES + part)[at] = account->parts[part];
    column(samples, COLUMN_SERIES + GROWTH_FRAGMENTATION)[at] =
        memory_account_gap(account, GAP_FRAGMENTATION);
    /* of INFO alone the tables of keys are in there */
    column(samples, COLUMN_SERIES + GROWTH_REST)[at] = account->from_stats ? account->rest : NAN;
}

/* Data for each key, times the usual keys, into `values`. False: keys come and go, or nobody knows them. */
static bool normalise(double *values, double *room, const struct memory_samples *samples)
{
    const double *keys = column(samples, COLUMN_KEYS);
    memcpy(room, keys, samples->count * sizeof room[0]);
    const double usual = statistics_median(room, samples->count);
    if (isnan(usual))
        return false;
    for (size_t i = 0; i < samples->count; i++) {
        if (isnan(keys[i]) || keys[i] * KEYS_APART < usual || keys[i] > usual * KEYS_APART)
            return false;
        if (usual > 0)
            values[i] *= usual / keys[i];
    }
    return true;
}

/* Values in the order of time; room as large. False: one of them is not known. */
static bool measure(struct memory_growth *growth, const struct memory_samples *samples,
                    double *values, double *room)
{
    const size_t count = samples->count;
    if (statistics_known(values, count) < count)
        return false;
    const struct statistics_line line =
        statistics_line(column(samples, COLUMN_SECONDS), values, count);
    growth->judged = true;
    growth->slope_per_hour = line.slope * SECONDS_PER_HOUR;
    growth->first = values[0];
    growth->last = values[count - 1];
    growth->r2 = line.r2;
    growth->p = statistics_trend(values, count, room).p;
    return true;
}

static void judge(struct memory_growths *growths, double used)
{
    const double least = fmax(GROWTH_LEAST_BYTES, GROWTH_LEAST_SHARE * used);
    growths->p_limit = growths->judged > 0 ? GROWTH_P / growths->judged : (double)NAN;
    for (unsigned series = 0; series < GROWTH_SERIES; series++) {
        struct memory_growth *growth = &growths->series[series];
        growth->grows = growth->judged && growth->slope_per_hour > growths->limit &&
                        growth->p < growths->p_limit && growth->r2 >= GROWTH_R2 &&
                        growth->slope_per_hour * growths->seconds / SECONDS_PER_HOUR >= least;
    }
}

static bool follows_keys(unsigned series)
{
    return series == MEMORY_STARTUP || series == MEMORY_KEY_TABLES ||
           series == MEMORY_EXPIRY_TABLES;
}

enum err_code memory_growths_judge(struct memory_growths *growths,
                                   const struct memory_samples *samples, struct err *err)
{
    const size_t count = samples->count;
    *growths = (struct memory_growths){.samples = count, .keys = {NAN, NAN}, .p_limit = NAN};
    if (count == 0)
        return OK;
    growths->keys[0] = column(samples, COLUMN_KEYS)[0];
    growths->keys[1] = column(samples, COLUMN_KEYS)[count - 1];
    growths->seconds = column(samples, COLUMN_SECONDS)[count - 1];
    const double used = statistics_mean(column(samples, COLUMN_USED), count);
    const double max = column(samples, COLUMN_MAX)[count - 1];
    growths->limit = GROWTH_SHARE * (max > 0 ? max : used);
    if (count < MEMORY_SAMPLES_LEAST)
        return OK;
    double *values = calloc(2 * count, sizeof values[0]);
    if (values == NULL)
        return err_set(err, E_SYSTEM, "no memory for samples");
    for (unsigned series = 0; series < GROWTH_SERIES; series++) {
        if (follows_keys(series))
            continue;
        memcpy(values, column(samples, COLUMN_SERIES + series), count * sizeof values[0]);
        if (series == MEMORY_DATASET && !normalise(values, values + count, samples))
            growths->keys_vary = true;
        else if (measure(&growths->series[series], samples, values, values + count))
            growths->judged++;
    }
    free(values);
    judge(growths, used);
    return OK;
}
