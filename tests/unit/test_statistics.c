#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/report/statistics.h"
#include "tests/support/check/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define POINTS 240u

/* Numbers around 0 with ties among them. */
static void draw(double values[POINTS], uint64_t seed)
{
    for (uint64_t i = 0; i < POINTS; i++)
        values[i] = floor(rng_unit(rng_at(seed, i)) * 100) / 4 - 12;
}

TEST(means_and_deviations_of_nist)
{
    /* Breaks when digits are lost where numbers lie far from 0: NIST's reference data sets NumAcc1 and NumAcc4, whose
     * certified deviations are 1 and 0.1. */
    static const double first[] = {10000001, 10000003, 10000002};
    ck_assert_double_eq(statistics_mean(first, 3), 10000002);
    ck_assert_double_eq_tol(statistics_deviation(first, 3), 1, 1e-12);
    double fourth[1001];
    for (int i = 0; i < 1001; i++)
        fourth[i] = i == 0 ? 10000000.2 : i % 2 == 1 ? 10000000.1 : 10000000.3;
    ck_assert_double_eq_tol(statistics_mean(fourth, 1001), 10000000.2, 1e-8);
    ck_assert_double_eq_tol(statistics_deviation(fourth, 1001), 0.1, 1e-8);
}

TEST(line_of_nist)
{
    /* Breaks when slope, intercept or R^2 are wrong: NIST's reference data set Norris and its certified values. */
    static const double y[] = {0.1,   338.8, 118.1, 888.0, 9.2,   228.1, 668.5, 998.5, 449.1,
                               778.9, 559.2, 0.3,   0.1,   778.1, 668.8, 339.3, 448.9, 10.8,
                               557.7, 228.3, 998.0, 888.8, 119.6, 0.3,   0.6,   557.6, 339.3,
                               888.0, 998.5, 778.9, 10.2,  117.6, 228.9, 668.4, 449.2, 0.2};
    static const double x[] = {0.2,   337.4, 118.2, 884.6, 10.1,  226.5, 666.3, 996.3, 448.6,
                               777.0, 558.2, 0.4,   0.6,   775.5, 666.9, 338.0, 447.5, 11.6,
                               556.0, 228.1, 995.8, 887.6, 120.2, 0.3,   0.3,   556.8, 339.1,
                               887.2, 999.0, 779.0, 11.1,  118.3, 229.2, 669.1, 448.9, 0.5};
    const struct statistics_line line = statistics_line(x, y, COUNT(x));
    ck_assert_uint_eq(line.count, 36);
    ck_assert_double_eq_tol(line.slope, 1.00211681802045, 1e-13);
    ck_assert_double_eq_tol(line.intercept, -0.262323073774029, 1e-11);
    ck_assert_double_eq_tol(line.r2, 0.999993745883712, 1e-13);
}

TEST(quantiles_are_of_definition_seven)
{
    /* Breaks when another definition is taken: the values that R gives for quantile(). */
    double ten[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
    ck_assert_uint_eq(statistics_sort(ten, 10), 10);
    ck_assert_double_eq_tol(statistics_quantile(ten, 10, 0.95), 9.55, 1e-12);
    ck_assert_double_eq_tol(statistics_quantile(ten, 10, 0.25), 3.25, 1e-12);
    ck_assert_double_eq(statistics_quantile(ten, 10, 0), 1);
    ck_assert_double_eq(statistics_quantile(ten, 10, 1), 10);
    ck_assert_double_eq(statistics_quantile(ten, 1, 0.95), 1);
    double four[] = {4, 1, 3, 2};
    ck_assert_double_eq(statistics_median(four, 4), 2.5);
}

TEST(median_absolute_deviation)
{
    /* Breaks when the mean takes the median's place, or one number far out moves it. */
    double values[] = {9, 1, 2, 6, 1, 4, 2}, median;
    ck_assert_double_eq(statistics_mad(values, 7, &median), 1);
    ck_assert_double_eq(median, 2);
    double far_out[] = {1e9, 1, 2, 6, 1, 4, 2};
    ck_assert_double_eq(statistics_mad(far_out, 7, NULL), 1);
}

TEST(trend_by_hand)
{
    /* Breaks when S, its variance or p are not those of the books: var(S) of 4, 5 and 10 values is 26/3, 50/3 and 125;
     * and an example with ties, by hand: 1 2 2 3 rises in 5 of 6 pairs, var = (4*3*13 - 2*1*9) / 18. */
    double room[10];
    double four[] = {1, 2, 3, 4}, five[] = {5, 4, 3, 2, 1}, tied[] = {1, 2, 2, 3};
    double ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct statistics_trend trend = statistics_trend(four, 4, room);
    ck_assert_double_eq(trend.s, 6);
    ck_assert_double_eq_tol(trend.variance, 26.0 / 3, 1e-12);
    ck_assert_double_eq_tol(trend.z, 1.69841, 1e-5);
    ck_assert_double_eq_tol(trend.p, 0.08943, 1e-5);
    trend = statistics_trend(five, 5, room);
    ck_assert_double_eq(trend.s, -10);
    ck_assert_double_eq_tol(trend.variance, 50.0 / 3, 1e-12);
    ck_assert_double_eq_tol(trend.z, -2.204541, 1e-6);
    ck_assert_double_eq_tol(trend.p, 0.027486, 1e-6);
    trend = statistics_trend(ten, 10, room);
    ck_assert_double_eq(trend.s, 45);
    ck_assert_double_eq_tol(trend.variance, 125, 1e-12);
    trend = statistics_trend(tied, 4, room);
    ck_assert_double_eq(trend.s, 5);
    ck_assert_double_eq_tol(trend.variance, 138.0 / 18, 1e-12);
}

TEST(too_few_numbers_give_nothing)
{
    /* Breaks when what nobody knows is told as a number. */
    const double unknown[] = {NAN, NAN}, one[] = {NAN, 3}, same[] = {3, 3, 3}, x[] = {1, 2, 3};
    double work[3], room[3];
    ck_assert_double_nan(statistics_mean(unknown, 2));
    ck_assert_double_nan(statistics_min(unknown, 2));
    ck_assert_double_nan(statistics_max(NULL, 0));
    ck_assert_double_nan(statistics_deviation(one, 2));
    ck_assert_double_eq(statistics_mean(one, 2), 3);
    memcpy(work, unknown, sizeof unknown);
    ck_assert_double_nan(statistics_median(work, 2));
    ck_assert_double_nan(statistics_mad(work, 2, NULL));
    memcpy(work, one, sizeof one);
    ck_assert_double_nan(statistics_trend(work, 2, room).p);
    ck_assert_double_nan(statistics_line(one, x, 2).slope);
    ck_assert_double_nan(statistics_line(same, x, 3).slope);
    ck_assert_double_eq(statistics_line(x, same, 3).slope, 0);
    ck_assert_double_nan(statistics_line(x, same, 3).r2);
    memcpy(work, same, sizeof same);
    const struct statistics_trend trend = statistics_trend(work, 3, room);
    ck_assert_double_eq(trend.s, 0);
    ck_assert_double_eq(trend.p, 1);
}

LOOP_TEST(what_is_not_known_changes_nothing, 10)
{
    /* Breaks when a missing sample counts as a 0, or moves others in time. */
    double plain[POINTS], holes[2 * POINTS], x[POINTS], x_holes[2 * POINTS], room[2 * POINTS];
    size_t count = 0;
    draw(plain, (uint64_t)_i);
    for (uint32_t i = 0; i < POINTS; i++) {
        x[i] = i;
        if (rng_at(99, i) % 3 == 0) {
            x_holes[count] = i;
            holes[count++] = NAN;
        }
        x_holes[count] = i;
        holes[count++] = plain[i];
    }
    ck_assert_uint_eq(statistics_known(holes, count), POINTS);
    ck_assert_double_eq(statistics_mean(holes, count), statistics_mean(plain, POINTS));
    ck_assert_double_eq(statistics_deviation(holes, count), statistics_deviation(plain, POINTS));
    ck_assert_double_eq(statistics_line(x_holes, holes, count).slope,
                        statistics_line(x, plain, POINTS).slope);
    double copy[POINTS];
    memcpy(copy, plain, sizeof copy);
    const struct statistics_trend trend = statistics_trend(copy, POINTS, room);
    memcpy(x_holes, holes, count * sizeof holes[0]);
    ck_assert_double_eq(statistics_trend(x_holes, count, room).s, trend.s);
    ck_assert_double_eq(statistics_median(holes, count), statistics_median(plain, POINTS));
}

LOOP_TEST(counting_inversions_counts_all_pairs, 20)
{
    /* Breaks when sorting in place of comparing each pair with each loses one: of any number of values. */
    double values[POINTS], room[POINTS], s = 0;
    const size_t count = 1 + (size_t)(rng_at(7, (uint64_t)_i) % POINTS);
    draw(values, 1000 + (uint64_t)_i);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            s += (values[k] > values[i]) - (values[k] < values[i]);
    ck_assert_double_eq(statistics_trend(values, count, room).s, s);
}

LOOP_TEST(shifting_and_scaling, 20)
{
    /* Breaks when a statistic depends on where 0 lies or on the unit. */
    const double factor = 3.5, shift = 1234;
    double a[POINTS], b[POINTS], x[POINTS], room[POINTS];
    draw(a, 50 + (uint64_t)_i);
    for (uint32_t i = 0; i < POINTS; i++) {
        b[i] = a[i] * factor + shift;
        x[i] = i * 0.25;
    }
    ck_assert_double_eq_tol(statistics_mean(b, POINTS), statistics_mean(a, POINTS) * factor + shift,
                            1e-9);
    ck_assert_double_eq_tol(statistics_deviation(b, POINTS),
                            statistics_deviation(a, POINTS) * factor, 1e-9);
    const struct statistics_line line_a = statistics_line(x, a, POINTS);
    const struct statistics_line line_b = statistics_line(x, b, POINTS);
    ck_assert_double_eq_tol(line_b.slope, line_a.slope * factor, 1e-10);
    ck_assert_double_eq_tol(line_b.r2, line_a.r2, 1e-10);
    double sorted_a[POINTS], sorted_b[POINTS], median_a, median_b;
    memcpy(sorted_a, a, sizeof a);
    memcpy(sorted_b, b, sizeof b);
    ck_assert_double_eq_tol(statistics_mad(sorted_b, POINTS, &median_b),
                            statistics_mad(sorted_a, POINTS, &median_a) * factor, 1e-9);
    ck_assert_double_eq_tol(median_b, median_a * factor + shift, 1e-9);
    const struct statistics_trend trend_a = statistics_trend(a, POINTS, room);
    const struct statistics_trend trend_b = statistics_trend(b, POINTS, room);
    ck_assert_double_eq(trend_a.s, trend_b.s);
    ck_assert_double_eq(trend_a.variance, trend_b.variance);
    /* Both are sorted now, and quantiles lie within what there is and rise with p. */
    for (int percent = 0; percent < 100; percent++)
        ck_assert_double_le(statistics_quantile(a, POINTS, percent / 100.0),
                            statistics_quantile(a, POINTS, (percent + 1) / 100.0));
    ck_assert_double_eq(statistics_quantile(a, POINTS, 0), statistics_min(a, POINTS));
    ck_assert_double_eq(statistics_quantile(a, POINTS, 1), statistics_max(a, POINTS));
}

LOOP_TEST(turning_time_round_turns_the_trend, 10)
{
    /* Breaks when a fall is told as a rise. */
    double there[POINTS], back[POINTS], room[POINTS];
    draw(there, 80 + (uint64_t)_i);
    for (uint32_t i = 0; i < POINTS; i++)
        back[POINTS - 1 - i] = there[i];
    const struct statistics_trend forwards = statistics_trend(there, POINTS, room);
    const struct statistics_trend backwards = statistics_trend(back, POINTS, room);
    ck_assert_double_eq(forwards.s, -backwards.s);
    ck_assert_double_eq(forwards.p, backwards.p);
}

TEST(noise_has_a_trend_as_seldom_as_p_says)
{
    /* Breaks when p is not what it says it is: of 2,000 series without a trend about 5 % may have p < 0.05; and a
     * drift of the noise's own size is found in all. */
    int found = 0, found_drift = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        double values[30], room[30];
        for (uint64_t i = 0; i < 30; i++)
            values[i] = rng_unit(rng_at(5000 + seed, i));
        double drift[30];
        for (uint64_t i = 0; i < 30; i++)
            drift[i] = values[i] + 2 * (double)i / 29;
        found += statistics_trend(values, 30, room).p < 0.05;
        found_drift += statistics_trend(drift, 30, room).p < 0.05;
    }
    ck_assert_int_ge(found, 60);
    ck_assert_int_le(found, 145);
    ck_assert_int_eq(found_drift, 2000);
}

TEST_SUITE(statistics)
