/* The normal distribution, backwards. Pure; callable from anywhere. */
#ifndef COMMON_NORMAL_H
#define COMMON_NORMAL_H

/* The z below which a standard normal number lies with this probability, 0 < probability < 1; relative error about
 * 1e-16. Method: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
 * Statistics 37 (1988), PPND16. */
double normal_quantile(double probability);

#endif
