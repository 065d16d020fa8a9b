#include "tests/support/check/fit.h"

#include <math.h>

static double sum_of(const uint64_t *cells, size_t cell_count)
{
    double sum = 0;
    for (size_t i = 0; i < cell_count; i++)
        sum += (double)cells[i];
    return sum;
}

double fit_chi_square(const uint64_t *cells, const double *probabilities, size_t cell_count)
{
    const double draws = sum_of(cells, cell_count);
    double statistic = 0, found = 0, expected = 0, left = draws, freedom = -1;
    for (size_t i = 0; i < cell_count; i++) {
        found += (double)cells[i];
        expected += probabilities[i] * draws;
        left -= probabilities[i] * draws;
        /* What is left may be too little for a cell of its own, and joins this one then. */
        if (expected < 5 || (left < 5 && i + 1 < cell_count))
            continue;
        statistic += (found - expected) * (found - expected) / expected;
        freedom++;
        found = expected = 0;
    }
    if (freedom < 1)
        return 0;
    const double spread = 2 / (9 * freedom);
    return (cbrt(statistic / freedom) - (1 - spread)) / sqrt(spread);
}

double fit_distance(const uint64_t *cells, const double *probabilities, size_t cell_count)
{
    const double draws = sum_of(cells, cell_count);
    double found = 0, expected = 0, most = 0;
    for (size_t i = 0; i < cell_count; i++) {
        found += (double)cells[i] / draws;
        expected += probabilities[i];
        most = fmax(most, fabs(found - expected));
    }
    return most * sqrt(draws);
}
