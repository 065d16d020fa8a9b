/* How well draws fit a distribution. Seeds of tests are fixed, so an outcome is, too: the limits are such that a
 * sound generator fails for one seed in some thousand, and no one has to choose seeds. */
#ifndef TESTS_SUPPORT_FIT_H
#define TESTS_SUPPORT_FIT_H

#include <stddef.h>
#include <stdint.h>

/* Pearson's chi-square of cells against their probabilities, which sum to 1. Cells are put together, from the first
 * on, until each expects 5 draws at least (Cochran). In standard deviations by Wilson and Hilferty's cube root
 * ("The distribution of chi-square", PNAS 17, 1931): 3.72 is exceeded by one sound sample in 10,000. 0 when fewer than two are left. */
double fit_chi_square(const uint64_t *cells, const double *probabilities, size_t cell_count);

/* The largest distance of two cumulated distributions over the same cells, times the square root of the draws: 2.23 is
 * exceeded by fewer than one sound sample in 10,000 (Kolmogorov 1933; cells make it fewer still). */
double fit_distance(const uint64_t *cells, const double *probabilities, size_t cell_count);

#define FIT_CHI_SQUARE_MOST 3.72
#define FIT_DISTANCE_MOST 2.23

#endif
