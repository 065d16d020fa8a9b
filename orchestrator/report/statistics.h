/* Statistics of arrays of numbers, by published methods. A NAN is a number that is not known, and is left out; what
 * cannot be computed is NAN. Pure; callable from anywhere in the orchestrator.
 *
 * Functions that take `double *values` use the array as room to work in: its numbers stand in another order
 * afterwards, or are others. Where `sorted` is asked for, statistics_sort has made it. */
#ifndef ORCHESTRATOR_REPORT_STATISTICS_H
#define ORCHESTRATOR_REPORT_STATISTICS_H

#include <stddef.h>

size_t statistics_known(const double *values, size_t count); /* how many are no NAN */
double statistics_mean(const double *values, size_t count);
/* Of a sample: sqrt(sum((x - mean)^2) / (n - 1)), the mean being corrected in a second pass, so that digits are not lost
 * far from 0 (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", The American Statistician 37,
 * 1983). NAN for fewer than two. */
double statistics_deviation(const double *values, size_t count);
double statistics_min(const double *values, size_t count);
double statistics_max(const double *values, size_t count);

/* Ascending, what is not known dropped. Returns how many are left, at the front. */
size_t statistics_sort(double *values, size_t count);
/* Interpolated between the two values around rank 1 + (n - 1) p: definition 7 of Hyndman and Fan, "Sample quantiles in
 * statistical packages", The American Statistician 50 (1996); that of R, NumPy and spreadsheets. 0 <= p <= 1. */
double statistics_quantile(const double *sorted, size_t count, double p);
double statistics_median(double *values, size_t count);

/* The median absolute deviation from the median, and the median (may be NULL). Not scaled: of normal numbers it is
 * sigma / STATISTICS_MAD_SIGMA (Leys et al., "Detecting outliers", J. Exp. Social Psychology 49, 2013). */
#define STATISTICS_MAD_SIGMA 1.4826
double statistics_mad(double *values, size_t count, double *median);

/* The line through points by ordinary least squares, sums taken around the means. Points of which one number is not
 * known are left out. R^2 is the squared correlation: NAN when all y are the same. All NAN when fewer than two x
 * differ. */
struct statistics_line {
    size_t count; /* of points */
    double slope, intercept, r2;
};
struct statistics_line statistics_line(const double *x, const double *y, size_t count);

/* Mann and Kendall's test for a trend of values in the order of time: S is how many pairs rise less how many fall; its
 * variance is corrected for ties; Z has the continuity correction; p is two-sided, by the normal distribution
 * (Mann, Econometrica 13, 1945; Kendall, "Rank Correlation Methods", 1975; Gilbert, "Statistical Methods for
 * Environmental Pollution Monitoring", 1987, 16.4). With fewer than five values no p is below 0.05. It assumes values
 * that do not depend on their neighbours: of samples close together p is too small. In n log n, by counting
 * inversions (Knight, J. American Statistical Association 61, 1966). `room` holds `count` numbers. */
struct statistics_trend {
    size_t count;
    double s, variance, z, p; /* z and p: NAN for fewer than two; p is 1 when all are the same */
};
struct statistics_trend statistics_trend(double *values, size_t count, double *room);

#endif
