#include "orchestrator/report/student.h"

#include <math.h>
#include <stdbool.h>

#define FRACTION_TERMS 500
#define FRACTION_EXACT 1e-15
#define NEARLY_NORMAL 1e8 /* degrees of freedom: no digit of 10 differs from there on */
#define STEPS 200
#define POINT_EXACT 1e-13

double normal_below(double z)
{
    return erfc(-z / M_SQRT2) / 2;
}

/* ---- the incomplete beta function ---- */

static double away_from_zero(double value)
{
    static const double tiny = 1e-300;
    return fabs(value) < tiny ? tiny : value;
}

/* The continued fraction of I_x(a, b); converges quickly for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    double above = 1, below = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = below;
    for (int m = 1; m <= FRACTION_TERMS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        below = 1 / away_from_zero(1 + even * below);
        above = away_from_zero(1 + even / above);
        value *= above * below;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        below = 1 / away_from_zero(1 + odd * below);
        above = away_from_zero(1 + odd / above);
        value *= above * below;
        if (fabs(above * below - 1) < FRACTION_EXACT)
            break;
    }
    return value;
}

/* I_x(a, b), also given 1 - x, which is more exact where x is near 1. */
static double beta_part(double x, double rest, double a, double b)
{
    if (!(x > 0))
        return 0;
    if (!(rest > 0))
        return 1;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a
                                     : 1 - front * beta_fraction(rest, b, a) / b;
}

double student_below(double t, double freedom)
{
    if (!(freedom > 0) || isnan(t))
        return NAN;
    if (freedom > NEARLY_NORMAL)
        return normal_below(t);
    const double square = t * t, all = freedom + square;
    const double tail = isinf(t) ? 0 : beta_part(freedom / all, square / all, freedom / 2, 0.5) / 2;
    return t > 0 ? 1 - tail : tail;
}

/* ---- points ---- */

/* Of a distribution that is symmetric around 0; freedom 0: normal. */
static double density(double x, double freedom)
{
    if (!(freedom > 0) || freedom > NEARLY_NORMAL)
        return exp(-x * x / 2) / sqrt(2 * M_PI);
    return exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2) -
               (freedom + 1) / 2 * log1p(x * x / freedom)) /
           sqrt(freedom * M_PI);
}

/* Newton's steps on the logarithm, which tails are nearly straight in; halves where one would leave what is known to hold it. */
static double find_point(double probability, double freedom)
{
    const bool upper = probability > 0.5;
    const double tail = upper ? 1 - probability : probability;
    double low = -1, high = 0;
    while ((freedom > 0 ? student_below(low, freedom) : normal_below(low)) > tail && !isinf(low))
        low *= 2;
    double at = low + (high - low) / 2;
    for (int i = 0; i < STEPS && low < high; i++) {
        const double below = freedom > 0 ? student_below(at, freedom) : normal_below(at);
        const double step = (log(below) - log(tail)) * below / density(at, freedom);
        if (below < tail)
            low = at;
        else
            high = at;
        double next = at - step;
        if (!(next > low && next < high))
            next = low + (high - low) / 2;
        if (fabs(next - at) <= fabs(at) * POINT_EXACT)
            break;
        at = next;
    }
    return upper ? -at : at;
}

static double point(double probability, double freedom)
{
    if (!(probability >= 0 && probability <= 1))
        return NAN;
    if (probability == 0 || probability == 1)
        return probability > 0 ? INFINITY : -INFINITY;
    return probability == 0.5 ? 0 : find_point(probability, freedom);
}

double normal_point(double probability)
{
    return point(probability, 0);
}

double student_point(double probability, double freedom)
{
    return freedom > 0 ? point(probability, freedom) : NAN;
}
