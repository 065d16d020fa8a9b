#include "orchestrator/report/two_samples.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "orchestrator/report/statistics.h"
#include "orchestrator/report/student.h"

/* ---- Welch ---- */

struct welch welch_test(struct sample base, struct sample other)
{
    struct welch welch = {.difference = NAN, .error = NAN, .freedom = NAN, .t = NAN, .p = NAN};
    if (base.count == 0 || other.count == 0)
        return welch;
    welch.difference =
        statistics_mean(other.values, other.count) - statistics_mean(base.values, base.count);
    if (base.count < 2 || other.count < 2)
        return welch;
    const double n = base.count, m = other.count;
    const double of_base = pow(statistics_deviation(base.values, base.count), 2) / n;
    const double of_other = pow(statistics_deviation(other.values, other.count), 2) / m;
    const double sum = of_base + of_other;
    welch.error = sqrt(sum);
    welch.freedom = sum > 0
                        ? sum * sum / (of_base * of_base / (n - 1) + of_other * of_other / (m - 1))
                        : n + m - 2;
    welch.t = welch.difference == 0 ? 0 : welch.difference / welch.error;
    welch.p = fmin(1, 2 * student_below(-fabs(welch.t), welch.freedom));
    return welch;
}

double welch_half_width(const struct welch *welch, double confidence)
{
    return student_point((1 + confidence) / 2, welch->freedom) * welch->error;
}

/* The roots of (R - r)^2 = t^2 (b^2 r^2 + o^2), R the ratio of the means, b and o their errors as parts of the base's mean. The
 * lower one is written so that it stays what it is where b t comes to 1 and the upper one leaves for infinity: behind that, the
 * ratios that are left are those from the lower one on, or all of them. */
struct ratio_interval ratio_interval(struct sample_mean base, struct sample_mean other,
                                     double freedom, double confidence)
{
    const double t = student_point((1 + confidence) / 2, freedom), ratio = other.mean / base.mean;
    const double of_base = t * base.error / base.mean, of_other = t * other.error / base.mean;
    const double open = 1 - of_base * of_base;
    const double root = sqrt(fmax(0, ratio * ratio * of_base * of_base + of_other * of_other -
                                         pow(of_base * of_other, 2)));
    const double sum = ratio + root;
    return (struct ratio_interval){
        .low = sum > 0 ? fmax(0, (ratio - of_other) * (ratio + of_other) / sum) : 0,
        .high = open > 0 ? sum / open : (double)INFINITY};
}

/* ---- Mann and Whitney ---- */

static int by_value(const void *left, const void *right)
{
    const double one = *(const double *)left, two = *(const double *)right;
    return (one > two) - (one < two);
}

/* Which part of all orders of n and m values has u or less: by the recursion of Mann and Whitney. */
static double exact_below(uint32_t n, uint32_t m, double u)
{
    static double orders[MANN_WHITNEY_EXACT + 1][MANN_WHITNEY_EXACT * MANN_WHITNEY_EXACT + 1];
    double all = 0, below = 0;
    for (uint32_t i = 0; i <= m; i++)
        for (uint32_t k = 0; k <= n * m; k++)
            orders[i][k] = k == 0;
    for (uint32_t count = 1; count <= n; count++)
        for (uint32_t i = 1; i <= m; i++) /* in place: orders[i] still is that of count - 1 */
            for (uint32_t k = n * m + 1; k-- > 0;)
                orders[i][k] = (k >= i ? orders[i][k - i] : 0) + orders[i - 1][k];
    for (uint32_t k = 0; k <= n * m; k++) {
        all += orders[m][k];
        below += k <= u ? orders[m][k] : 0;
    }
    return below / all;
}

/* Where a value, or the first one above it (behind: beyond it), stands among sorted ones. */
static uint32_t place_of(double value, const double *sorted, uint32_t count, bool behind)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (sorted[middle] < value || (behind && sorted[middle] == value))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of a sample among all values; those that are alike have the mean of their ranks. */
static double rank_sum(struct sample sample, const double *sorted, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < sample.count; i++)
        sum += ((double)place_of(sample.values[i], sorted, count, false) + 1 +
                (double)place_of(sample.values[i], sorted, count, true)) /
               2;
    return sum;
}

struct mann_whitney mann_whitney_test(struct sample base, struct sample other, double *room)
{
    const double n = base.count, m = other.count, all = n + m;
    struct mann_whitney test = {.u = 0, .p = NAN};
    if (base.count == 0 || other.count == 0)
        return (struct mann_whitney){.u = NAN, .p = NAN};
    for (uint32_t i = 0; i < base.count + other.count; i++)
        room[i] = i < base.count ? base.values[i] : other.values[i - base.count];
    qsort(room, base.count + other.count, sizeof room[0], by_value);
    test.u = rank_sum(other, room, base.count + other.count) - m * (m + 1) / 2;
    double ties = 0;
    for (uint32_t i = 0, group; i < base.count + other.count; i += group) {
        for (group = 1; i + group < base.count + other.count && room[i + group] == room[i];)
            group++;
        ties += (double)group * group * group - group;
    }
    const double smaller = fmin(test.u, n * m - test.u);
    if (ties == 0 && base.count <= MANN_WHITNEY_EXACT && other.count <= MANN_WHITNEY_EXACT) {
        test.p = fmin(1, 2 * exact_below(base.count, other.count, smaller));
        return test;
    }
    const double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
    const double distance = fmax(0, n * m / 2 - smaller - 0.5);
    test.p = variance > 0 ? fmin(1, 2 * normal_below(-distance / sqrt(variance))) : 1;
    return test;
}

/* ---- how small a difference shows ---- */

double detectable_difference(const struct welch *welch, double confidence, double power)
{
    return (student_point((1 + confidence) / 2, welch->freedom) +
            student_point(power, welch->freedom)) *
           welch->error;
}

uint32_t runs_to_detect(double wanted, double base_deviation, double other_deviation,
                        double confidence, double power, uint32_t most)
{
    const double a = base_deviation * base_deviation, b = other_deviation * other_deviation;
    wanted = fabs(wanted);
    if (!(wanted > 0) || !isfinite(a + b))
        return 0;
    uint32_t low = 1, high = most + 1; /* too few, enough */
    while (high - low > 1) {
        const uint32_t runs = low + (high - low) / 2;
        const double n = runs;
        const struct welch of_so_many = {
            .error = sqrt((a + b) / n),
            .freedom = a + b > 0 ? (n - 1) * (a + b) * (a + b) / (a * a + b * b) : 2 * n - 2};
        if (detectable_difference(&of_so_many, confidence, power) <= wanted)
            high = runs;
        else
            low = runs;
    }
    return high <= most ? high : 0;
}

/* ---- many comparisons ---- */

static int by_p(const void *left, const void *right)
{
    return by_value(&((const struct holm_place *)left)->p, &((const struct holm_place *)right)->p);
}

void holm_correct(double *p, size_t count, struct holm_place *room)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(p[i]))
            room[known++] = (struct holm_place){.p = p[i], .place = i};
    qsort(room, known, sizeof room[0], by_p);
    double least = 0;
    for (size_t i = 0; i < known; i++) {
        least = fmax(least, fmin(1, room[i].p * (double)(known - i)));
        p[room[i].place] = least;
    }
}
