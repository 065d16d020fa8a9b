/* Sizes of values by a distribution. Private to worker/; prepared once, drawn on the hot path. */
#ifndef WORKER_GENERATE_SIZE_DRAW_H
#define WORKER_GENERATE_SIZE_DRAW_H

#include <stdint.h>

#include "common/distribution.h"
#include "common/err.h"

/* A value; nothing in it is for others. */
struct size_draw {
    struct size_wish wish;
    double sigma; /* LOGNORMAL: of the logarithm                          */
    uint64_t reached_by[SIZE_WEIGHTS_MAX]; /* WEIGHTS: random numbers up to this take the pair    */
};

/* E_USAGE: a wish that is out of bounds (texts have been checked before: this is for wishes made by programs). */
MUST_USE enum err_code size_draw_prepare(struct size_draw *draw, const struct size_wish *wish,
                                         struct err *err);

/* The size, in bytes, that belongs to a random number; 1..size_draw_most. Hot path. */
uint64_t size_draw_at(const struct size_draw *draw, uint64_t random);

/* The largest size there can be. */
uint64_t size_draw_most(const struct size_draw *draw);

/* The expected size in bytes, with what is cut to the largest; LOGNORMAL and PARETO to within half a byte, which
 * is what rounding to whole bytes takes or adds. */
double size_draw_mean(const struct size_draw *draw);

#endif
