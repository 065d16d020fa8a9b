#include "orchestrator/report/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t statistics_known(const double *values, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += !isnan(values[i]);
    return known;
}

double statistics_mean(const double *values, size_t count)
{
    const double known = (double)statistics_known(values, count);
    if (known == 0)
        return NAN;
    double sum = 0, rest = 0;
    for (size_t i = 0; i < count; i++)
        sum += isnan(values[i]) ? 0 : values[i];
    const double mean = sum / known;
    for (size_t i = 0; i < count; i++)
        rest += isnan(values[i]) ? 0 : values[i] - mean; /* what rounding has lost */
    return mean + rest / known;
}

double statistics_deviation(const double *values, size_t count)
{
    const size_t known = statistics_known(values, count);
    const double mean = statistics_mean(values, count);
    double squares = 0;
    if (known < 2)
        return NAN;
    for (size_t i = 0; i < count; i++) {
        const double distance = isnan(values[i]) ? 0 : values[i] - mean;
        squares += distance * distance;
    }
    return sqrt(squares / (double)(known - 1));
}

double statistics_min(const double *values, size_t count)
{
    double least = NAN;
    for (size_t i = 0; i < count; i++)
        least = fmin(least, values[i]); /* of a NAN and a number: the number */
    return least;
}

double statistics_max(const double *values, size_t count)
{
    double most = NAN;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, values[i]);
    return most;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t drop_unknown(double *values, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[known++] = values[i];
    return known;
}

size_t statistics_sort(double *values, size_t count)
{
    const size_t known = drop_unknown(values, count);
    if (known > 0)
        qsort(values, known, sizeof values[0], ascending);
    return known;
}

double statistics_quantile(const double *sorted, size_t count, double p)
{
    if (count == 0)
        return NAN;
    const double rank = (double)(count - 1) * p; /* from 0 on */
    const size_t below = (size_t)rank;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (rank - (double)below) * (sorted[below + 1] - sorted[below]);
}

double statistics_median(double *values, size_t count)
{
    const size_t known = statistics_sort(values, count);
    return statistics_quantile(values, known, 0.5);
}

double statistics_mad(double *values, size_t count, double *median)
{
    const size_t known = statistics_sort(values, count);
    const double middle = statistics_quantile(values, known, 0.5);
    for (size_t i = 0; i < known; i++)
        values[i] = fabs(values[i] - middle);
    if (median != NULL)
        *median = middle;
    return statistics_median(values, known);
}

struct statistics_line statistics_line(const double *x, const double *y, size_t count)
{
    struct statistics_line line = {.slope = NAN, .intercept = NAN, .r2 = NAN};
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        const double n = (double)++line.count;
        mean_x += (x[i] - mean_x) / n;
        mean_y += (y[i] - mean_y) / n;
    }
    for (size_t i = 0; i < count; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    if (line.count < 2 || xx <= 0)
        return line;
    line.slope = xy / xx;
    line.intercept = mean_y - line.slope * mean_x;
    if (yy > 0)
        line.r2 = fmin(xy / xx * (xy / yy), 1);
    return line;
}

/* Merges two sorted runs that lie side by side, [0, left) and [left, count), into room. Returns how many pairs stand the
 * wrong way round: the one on the left is larger. */
static double merge(double *room, const double *values, size_t left, size_t count)
{
    double inversions = 0;
    size_t i = 0, k = left;
    for (size_t out = 0; out < count; out++) {
        if (k >= count || (i < left && values[i] <= values[k])) {
            room[out] = values[i++];
            continue;
        }
        inversions += (double)(left - i);
        room[out] = values[k++];
    }
    return inversions;
}

static double sort_and_count_inversions(double *values, size_t count, double *room)
{
    double inversions = 0;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            const size_t both = count - at < 2 * width ? count - at : 2 * width;
            inversions += merge(room + at, values + at, both < width ? both : width, both);
        }
        memcpy(values, room, count * sizeof values[0]);
    }
    return inversions;
}

struct statistics_trend statistics_trend(double *values, size_t count, double *room)
{
    const size_t known = drop_unknown(values, count);
    const double n = (double)known;
    struct statistics_trend trend = {.count = known, .z = NAN, .p = NAN};
    if (known < 2)
        return trend;
    const double inversions = sort_and_count_inversions(values, known, room);
    double tied_pairs = 0, correction = 0;
    for (size_t i = 0, group; i < known; i += group) {
        for (group = 1; i + group < known && values[i + group] == values[i];)
            group++;
        const double t = (double)group;
        tied_pairs += t * (t - 1) / 2;
        correction += t * (t - 1) * (2 * t + 5);
    }
    trend.s = n * (n - 1) / 2 - tied_pairs - 2 * inversions;
    trend.variance = (n * (n - 1) * (2 * n + 5) - correction) / 18;
    const double step = trend.s > 0 ? 1 : trend.s < 0 ? -1 : 0;
    trend.z = trend.variance > 0 ? (trend.s - step) / sqrt(trend.variance) : 0;
    trend.p = erfc(fabs(trend.z) / M_SQRT2);
    return trend;
}
