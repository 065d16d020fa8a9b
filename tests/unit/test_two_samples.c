/* Student's t, and whether two samples differ. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/rng.h"
#include "orchestrator/report/statistics.h"
#include "orchestrator/report/student.h"
#include "orchestrator/report/two_samples.h"
#include "tests/support/check/suite.h"

#define SAMPLE(values_) ((struct sample){values_, sizeof(values_) / sizeof(values_)[0]})

TEST(points_of_published_tables)
{
    /* breaks when the points are not those of the tables: NIST/SEMATECH e-Handbook, 1.3.6.7.1 and 1.3.6.7.2 */
    static const struct {
        double freedom, probability, point;
    } points[] = {{1, 0.90, 3.078},   {2, 0.999, 22.327}, {2, 0.975, 4.303},  {3, 0.95, 2.353},
                  {5, 0.99, 3.365},   {9, 0.975, 2.262},  {10, 0.9, 1.372},   {18, 0.975, 2.101},
                  {30, 0.995, 2.750}, {60, 0.95, 1.671},  {100, 0.999, 3.174}};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        ck_assert_double_eq_tol(student_point(points[i].probability, points[i].freedom),
                                points[i].point, 0.0006);
    ck_assert_double_eq_tol(normal_point(0.975), 1.959963984540054, 1e-12);
    ck_assert_double_eq_tol(normal_point(0.01), -2.326347874040841, 1e-12);
    ck_assert_double_eq_tol(student_point(0.975, 1e12), 1.959963984540054, 1e-9);
    ck_assert_double_eq_tol(normal_below(-1.96), 0.024997895148220, 1e-12);
}

TEST(points_and_probabilities_agree)
{
    /* breaks when a point is not where its probability is, or the distribution is not symmetric; also with few degrees of
     * freedom, which are no whole number */
    for (uint64_t i = 0; i < 2000; i++) {
        const double freedom = 0.3 + 200 * pow(rng_unit(rng_at(1, i)), 3);
        const double probability = 0.0005 + 0.999 * rng_unit(rng_at(2, i));
        const double at = student_point(probability, freedom);
        ck_assert_msg(fabs(student_below(at, freedom) - probability) < 1e-9, "%g of %g: %g",
                      probability, freedom, at);
        ck_assert_double_eq_tol(student_below(-at, freedom), 1 - probability, 1e-9);
    }
    /* one degree is Cauchy's, two have a formula */
    ck_assert_double_eq_tol(student_below(2.5, 1), 0.5 + atan(2.5) / M_PI, 1e-12);
    ck_assert_double_eq_tol(student_below(1.5, 2), 0.5 + 1.5 / (2 * sqrt(2 + 1.5 * 1.5)), 1e-12);
    ck_assert(isinf(student_point(1, 5)) && isinf(student_point(0, 5)));
    ck_assert(isnan(student_point(0.5, 0)) && isnan(student_point(1.5, 3)) &&
              isnan(student_below(NAN, 3)));
    ck_assert_double_eq(student_below(INFINITY, 3), 1);
    ck_assert_double_eq(student_below(-INFINITY, 3), 0);
}

/* What is expected of them below is what SciPy 1.10 says: stats.ttest_ind(b, a, equal_var=False) and
 * stats.mannwhitneyu(b, a, method="asymptotic"). */
static const double a[] = {27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1,
                           21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4};
static const double b[] = {27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0,
                           24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.1};

TEST(means_of_unequal_variances)
{
    /* breaks when t, freedom or p are not Welch's */
    const struct welch welch = welch_test(SAMPLE(a), SAMPLE(b));
    ck_assert_double_eq_tol(welch.difference, 2.8133, 0.0001);
    ck_assert_double_eq_tol(welch.t, 2.83530888071154, 1e-10);
    ck_assert_double_eq_tol(welch.freedom, 27.880596075684473, 1e-9);
    ck_assert_double_eq_tol(welch.p, 0.008425436725602349, 1e-11);
    const double half = welch_half_width(&welch, 0.95);
    ck_assert_double_eq_tol(half, student_point(0.975, welch.freedom) * welch.error, 1e-12);
    ck_assert(half < welch.difference && welch_half_width(&welch, 0.999) > welch.difference);
}

TEST(samples_without_a_spread)
{
    /* breaks when one run, or runs that are all alike, are said to differ or not by a division by zero */
    static const double one[] = {5}, same[] = {5, 5, 5}, more[] = {6, 6, 6};
    ck_assert(isnan(welch_test(SAMPLE(one), SAMPLE(same)).p));
    ck_assert_double_eq(welch_test(SAMPLE(one), SAMPLE(more)).difference, 1);
    ck_assert_double_eq(welch_test(SAMPLE(same), SAMPLE(same)).p, 1);
    ck_assert_double_eq(welch_test(SAMPLE(same), SAMPLE(more)).p, 0);
    ck_assert(isnan(welch_test((struct sample){NULL, 0}, SAMPLE(more)).difference));
    double room[8];
    ck_assert_double_eq(mann_whitney_test(SAMPLE(same), SAMPLE(same), room).p, 1);
    ck_assert(isnan(mann_whitney_test((struct sample){NULL, 0}, SAMPLE(more), room).p));
}

TEST(intervals_of_ratios)
{
    /* breaks when the interval of a ratio and Welch's p are not of one test: 1 is in it, and p is not below the level, or the
     * other way round; the ratio itself is outside; or its ends are not where Fieller's condition has them */
    uint32_t without = 0, endless = 0;
    for (uint64_t try = 0; try < 20000; try++) {
        static const double confidences[] = {0.8, 0.95, 0.99, 0.999};
        const double confidence = confidences[try % 4];
        const double spread = pow(10, -4 + 4 * rng_unit(rng_at(1, try)));
        const double shift = 1 + 4 * spread * (rng_unit(rng_at(2, try)) - 0.3);
        double base[8], other[8];
        const struct sample samples[2] = {{base, 2 + (uint32_t)(rng_at(3, try) % 7)},
                                          {other, 2 + (uint32_t)(rng_at(4, try) % 7)}};
        for (uint32_t i = 0; i < 8; i++) {
            base[i] = fabs(1 + spread * normal_point(rng_unit(rng_at(5 + i, try))));
            other[i] = fabs(shift + spread * rng_unit(rng_at(40, try)) *
                                        normal_point(rng_unit(rng_at(20 + i, try))));
        }
        struct sample_mean means[2];
        for (int side = 0; side < 2; side++)
            means[side] = (struct sample_mean){
                statistics_mean(samples[side].values, samples[side].count),
                statistics_deviation(samples[side].values, samples[side].count) /
                    sqrt(samples[side].count)};
        const struct welch welch = welch_test(samples[0], samples[1]);
        const struct ratio_interval interval =
            ratio_interval(means[0], means[1], welch.freedom, confidence);
        const bool excludes = interval.low > 1 || interval.high < 1;
        const double ratio = means[1].mean / means[0].mean;
        ck_assert_msg(excludes == (welch.p < 1 - confidence), "try %u: p %g, %g to %g",
                      (unsigned)try, welch.p, interval.low, interval.high);
        ck_assert(interval.low >= 0 && interval.low <= ratio && ratio <= interval.high);
        without += excludes;
        endless += isinf(interval.high) != 0;
        const double t = student_point((1 + confidence) / 2, welch.freedom);
        const double ends[] = {interval.low, interval.high};
        for (int end = 0; end < 2; end++)
            if (ends[end] > 0 && isfinite(ends[end]) && ends[end] < 1000)
                ck_assert_double_eq_tol(fabs(means[1].mean - ends[end] * means[0].mean) /
                                            hypot(means[1].error, ends[end] * means[0].error) / t,
                                        1, 1e-6);
    }
    ck_assert_msg(without > 2000 && without < 18000 && endless > 200, "%u, %u", without, endless);
}

TEST(ratios_without_a_spread)
{
    /* breaks when what does not vary has an interval, or one of 0 divides by it */
    const struct ratio_interval same = ratio_interval((struct sample_mean){2, 0},
                                                      (struct sample_mean){3, 0}, 4, 0.95),
                                none = ratio_interval((struct sample_mean){2, 0},
                                                      (struct sample_mean){0, 0}, 4, 0.95);
    ck_assert(same.low == 1.5 && same.high == 1.5);
    ck_assert(none.low == 0 && none.high == 0);
}

TEST(ranks)
{
    /* breaks when p is not that of the exact distribution: all orders of 3 and 4 values, by hand; published critical values
     * of U at 0.05 two-sided (Siegel, "Nonparametric Statistics", 1956, table K) */
    static const struct {
        uint32_t n, m;
        double critical; /* the largest U with p <= 0.05 */
    } table[] = {{5, 5, 2}, {8, 8, 13}, {10, 10, 23}, {10, 15, 39}, {20, 20, 127}, {4, 10, 5}};
    static const double low[] = {1, 2, 3}, high[] = {4, 5, 6, 7};
    double room[64];
    const struct mann_whitney apart = mann_whitney_test(SAMPLE(low), SAMPLE(high), room);
    ck_assert_double_eq(apart.u, 12);
    ck_assert_double_eq_tol(apart.p, 2.0 / 35, 1e-12);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (int over = 0; over <= 1; over++) {
            double base[20], other[20];
            /* base 1, 3, 5, ...; others below all of them but for so many pairs as U says */
            uint32_t left = (uint32_t)table[i].critical + (uint32_t)over;
            for (uint32_t k = 0; k < table[i].n; k++)
                base[k] = 100 + 2 * k;
            for (uint32_t k = 0; k < table[i].m; k++) {
                const uint32_t above = left < table[i].n ? left : table[i].n;
                other[k] = 99 + 2.0 * above + 0.001 * k;
                left -= above;
            }
            const struct mann_whitney test = mann_whitney_test(
                (struct sample){base, table[i].n}, (struct sample){other, table[i].m}, room);
            ck_assert_double_eq(test.u, table[i].critical + over);
            ck_assert_msg((test.p <= 0.05) == (over == 0), "%u and %u, U %g: p %g", table[i].n,
                          table[i].m, test.u, test.p);
        }
}

TEST(ranks_with_ties)
{
    /* breaks when ties are not taken by the normal distribution with its corrections */
    double room[30];
    const struct mann_whitney test = mann_whitney_test(SAMPLE(a), SAMPLE(b), room);
    ck_assert_double_eq(test.u, 179.5);
    ck_assert_double_eq_tol(test.p, 0.005788641486744119, 1e-11);
}

TEST(how_often_it_is_wrong)
{
    /* breaks when the same is called different more often than one says, or a difference that is as large as what can be
     * detected is missed more often than that: 4,000 tries, 5 % +- 4 sigma, 80 % +- 4 sigma */
    const uint32_t tries = 4000, runs = 10;
    uint32_t called = 0, found = 0;
    double detectable = 0;
    for (uint32_t try = 0; try < tries; try++) {
        double base[10], other[10], moved[10];
        for (uint32_t i = 0; i < runs; i++) {
            base[i] = 100 + normal_point(rng_unit(rng_at(try, i)));
            other[i] = 100 + 2 * normal_point(rng_unit(rng_at(try, 100 + i)));
        }
        const struct welch same = welch_test(SAMPLE(base), SAMPLE(other));
        called += same.p < 0.05;
        if (try == 0) {
            const struct welch known = {.error = sqrt(5.0 / 10), .freedom = 13.2};
            detectable = detectable_difference(&known, 0.95, 0.8);
        }
        for (uint32_t i = 0; i < runs; i++)
            moved[i] = other[i] + detectable;
        found += welch_test(SAMPLE(base), SAMPLE(moved)).p < 0.05;
    }
    ck_assert_msg(called > 145 && called < 255, "%u of %u", called, tries);
    ck_assert_msg(found > 3050 && found < 3350, "%u of %u", found, tries);
}

TEST(how_many_runs_would_tell)
{
    /* breaks when more runs are asked for than it takes, or fewer: for d = 1 and 0.8 at 0.05 tables have 17 a side (Cohen,
     * 1988, table 2.4.1) */
    ck_assert_uint_eq(runs_to_detect(1, 1, 1, 0.95, 0.8, 1000), 17);
    ck_assert_uint_eq(runs_to_detect(-1, 1, 1, 0.95, 0.8, 1000), 17);
    ck_assert_uint_eq(runs_to_detect(1, 1, 1, 0.95, 0.8, 16), 0);
    ck_assert_uint_eq(runs_to_detect(0, 1, 1, 0.95, 0.8, 1000), 0);
    ck_assert_uint_eq(runs_to_detect(1, NAN, 1, 0.95, 0.8, 1000), 0);
    ck_assert_uint_le(runs_to_detect(1, 0, 0, 0.95, 0.8, 1000), 3);
}

TEST(many_comparisons)
{
    /* breaks when a family of rows is called more often than one row: Holm's steps, by hand */
    double p[] = {0.01, NAN, 0.04, 0.03, 0.005, 0.9};
    struct holm_place room[6];
    holm_correct(p, 6, room);
    ck_assert_double_eq_tol(p[4], 0.025, 1e-12);
    ck_assert_double_eq_tol(p[0], 0.04, 1e-12);
    ck_assert_double_eq_tol(p[3], 0.09, 1e-12);
    ck_assert_double_eq_tol(p[2], 0.09, 1e-12); /* 0.08, but no less than the one before */
    ck_assert_double_eq_tol(p[5], 0.9, 1e-12);
    ck_assert(isnan(p[1]));
}

TEST_SUITE(two_samples)
