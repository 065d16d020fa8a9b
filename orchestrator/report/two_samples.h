/* Whether two samples of repeated runs differ, and by how much: by published methods, on the numbers themselves. Pure;
 * callable from anywhere in the orchestrator. Runs are taken to be independent; restarts of the server between them, and
 * runs of both sides by turns, make that likelier. */
#ifndef ORCHESTRATOR_REPORT_TWO_SAMPLES_H
#define ORCHESTRATOR_REPORT_TWO_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* None of them NAN. */
struct sample {
    const double *values;
    uint32_t count;
};

/* Welch's t for means of unequal variances ("The generalization of 'Student's' problem", Biometrika 34, 1947), with
 * Satterthwaite's degrees of freedom. NAN where a sample has fewer than two values; where neither varies, t is 0 or infinite
 * and freedom that of equal variances. */
struct welch {
    double difference;    /* of the means, other - base */
    double error;         /* its standard error */
    double freedom, t, p; /* p: two-sided */
};
struct welch welch_test(struct sample base, struct sample other);
/* Half the width of the interval around the difference that holds the true one with this confidence (0.95). */
double welch_half_width(const struct welch *welch, double confidence);

/* The interval of a ratio of means, other / base, neither of which is below 0: all ratios r >= 0 for which other - r base is not
 * told from 0 (Fieller, "Some problems in interval estimation", Journal of the Royal Statistical Society B 16, 1954). Whether 1
 * is one of them is Welch's test itself, so that with its freedom the interval holds 1 just where p is not below 1 - confidence.
 * Elsewhere it takes that freedom, too, which changes with r but little. `high` is INFINITY where the base is not told from 0. */
struct sample_mean {
    double mean, error; /* of the mean: the deviation by the root of the count */
};
struct ratio_interval {
    double low, high;
};
struct ratio_interval ratio_interval(struct sample_mean base, struct sample_mean other,
                                     double freedom, double confidence);

/* Mann and Whitney's test ("On a test of whether one of two random variables is stochastically larger than the other",
 * Annals of Mathematical Statistics 18, 1947): two-sided p, exact up to MANN_WHITNEY_EXACT values a side without ties (in one thread), else
 * by the normal distribution with corrections for ties and continuity. NAN where a side is empty. `room` holds both counts. */
#define MANN_WHITNEY_EXACT 20u
struct mann_whitney {
    double u; /* pairs in which other is larger, ties by half */
    double p;
};
struct mann_whitney mann_whitney_test(struct sample base, struct sample other, double *room);

/* The smallest true difference that so many runs a side would show with probability `power` (0.8), given the deviations that
 * were seen: (t(1 - alpha/2) + t(power)) times the standard error (Cohen, "Statistical Power Analysis", 1988, 2.4). */
double detectable_difference(const struct welch *welch, double confidence, double power);
/* How many runs a side would show a difference of `wanted`, likewise; 0: more than `most`, or not known. */
uint32_t runs_to_detect(double wanted, double base_deviation, double other_deviation,
                        double confidence, double power, uint32_t most);

/* Holm's correction for many comparisons ("A simple sequentially rejective multiple test procedure", Scandinavian Journal of
 * Statistics 6, 1979): each p becomes the least level of the whole family at which it would be called. NAN stays, and does not
 * count. `room` holds `count` of them. */
struct holm_place {
    double p;
    size_t place;
};
void holm_correct(double *p, size_t count, struct holm_place *room);

#endif
