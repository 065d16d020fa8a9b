/* Key numbers by a distribution. Private to worker/; prepared once, drawn on the hot path.
 *
 * A number is a pure function of (wish, count, seed, index), as all of a ticket is: no state, constant memory
 * whatever the count, and the same for any number of workers. */
#ifndef WORKER_GENERATE_KEY_DRAW_H
#define WORKER_GENERATE_KEY_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/distribution.h"
#include "common/err.h"

#define KEY_DRAW_COUNT_MAX 1000000000000ull

/* A seeded permutation of 0..count-1: a Feistel network over pairs (high, low) with high < rows and
 * low < columns, where rows * columns is the next such product; what it takes beyond count goes through it
 * again. */
struct key_scatter {
    uint64_t count, rows, columns;
    uint64_t rows_inverse; /* 2^64 / rows, rounded up */
    uint64_t
        turns; /* rounds: few keys need more of them until where one goes says nothing of the next */
};

/* A value; nothing in it is for others. */
struct key_draw {
    struct key_order_wish wish;
    uint64_t count, seed;
    uint64_t ranges;    /* PARALLEL: at most count */
    uint64_t hot_count; /* HOTSET: at least 1      */
    struct key_scatter scatter;
    /* ZIPF, LATEST: of rejection-inversion; inverse: of the first, 0 of 0. */
    double one_minus_exponent, inverse, area_low, area_high, sure_below;
    bool near_one; /* the exponent: digits of 1 + x count */
    /* GAUSSIAN, EXPONENTIAL: what the range cuts off. */
    double low_probability, kept_probability;
};

/* count: 1..KEY_DRAW_COUNT_MAX. ranges: of ORDER_PARALLEL, at least 1; other kinds ignore it. E_USAGE: a wish or
 * count that is out of bounds (texts have been checked before: this is for wishes made by programs). */
MUST_USE enum err_code key_draw_prepare(struct key_draw *draw, const struct key_order_wish *wish,
                                        uint64_t count, uint64_t seed, uint32_t ranges,
                                        struct err *err);

/* Whether indices have to count on without gaps, because they say how far it is: of SEQUENTIAL, PARALLEL and WALK.
 * Others take any numbers that differ. */
bool key_order_counts(const struct key_order_wish *wish);

/* The key number, 0..count-1, of draw `index` of the stream. Of ORDER_LATEST the newest key is the last one.
 * Hot path. */
uint64_t key_draw_at(const struct key_draw *draw, uint64_t index);

/* ORDER_LATEST only, while keys are being added: `newest` is the largest key number that exists. The result is
 * newest - distance, where the distance has the zipf distribution over the newest `count` keys, or over all when
 * they are fewer. */
uint64_t key_draw_at_newest(const struct key_draw *draw, uint64_t index, uint64_t newest);

/* Place -> key number, both 0..count-1: the permutation that scatters ranks, and for each seed that ORDER_WALK
 * goes through. */
struct key_scatter key_scatter_over(uint64_t count);
uint64_t key_scatter_at(const struct key_scatter *scatter, uint64_t seed, uint64_t place);
/* The way back: key number -> place. */
uint64_t key_scatter_from(const struct key_scatter *scatter, uint64_t seed, uint64_t number);

/* The exact part, 0..1, of all draws that the `hottest` keys get which are drawn most; all of them get 1. The
 * "asked" beside a count of what was drawn: hottest 1 is the hottest key, count / 100 the hottest 1 %. */
double key_draw_share(const struct key_draw *draw, uint64_t hottest);

/* How many keys are to be hotter than this one, 0..count-1: those below h are the h hottest that key_draw_share is
 * about. Among keys that are equally hot the order is any. */
uint64_t key_draw_heat(const struct key_draw *draw, uint64_t number);

#endif
