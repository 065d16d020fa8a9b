/* What the user asked for: which keys are asked for how often, and how large values are. Values, without
 * pointers and without anything computed. Text becomes one in orchestrator/options/distribution, which has
 * checked it; numbers are drawn by worker/generate/key_draw and size_draw. */
#ifndef COMMON_DISTRIBUTION_H
#define COMMON_DISTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>

enum key_order_kind {
    ORDER_UNIFORM,
    ORDER_SEQUENTIAL,  /* one key after the other, again and again                          */
    ORDER_ZIPF,        /* the key of rank k is asked for in proportion to k^-exponent       */
    ORDER_GAUSSIAN,    /* about the middle of the range                                     */
    ORDER_EXPONENTIAL, /* the first key most, and less from key to key                      */
    ORDER_HOTSET,      /* a part of the keys gets a part of the draws; uniform in each      */
    ORDER_LATEST,      /* zipf, from the newest key down                                    */
    ORDER_PARALLEL,    /* ranges side by side, each in sequence                             */
    ORDER_WALK         /* in random order, none twice before each came once                 */
};

#define KEY_EXPONENT_USUAL 0.99
#define KEY_EXPONENT_MAX 5.0
#define KEY_DEVIATION_USUAL (1.0 / 6)
#define KEY_SCALE_USUAL 0.1
#define KEY_FRACTION_MAX 1000.0 /* of deviation and scale: as good as uniform */

struct key_order_wish {
    enum key_order_kind kind;
    double exponent;  /* ZIPF, LATEST: 0..KEY_EXPONENT_MAX                                      */
    bool scattered;   /* ZIPF, HOTSET, GAUSSIAN, EXPONENTIAL: hot keys lie all over the range   */
    double deviation; /* GAUSSIAN: standard deviation as a fraction of the range, above 0       */
    double scale;     /* EXPONENTIAL: mean distance as a fraction of the range, above 0         */
    double hot_keys;  /* HOTSET: so large a part of the keys, above 0, at most 1 ...            */
    double hot_draws; /* ... gets so large a part of the draws, 0..1                            */
};

enum size_kind {
    SIZE_FIXED,
    SIZE_RANGE, /* each size equally often */
    SIZE_WEIGHTS,
    SIZE_LOGNORMAL,
    SIZE_PARETO
};

#define SIZE_BYTES_MAX (512ull << 20) /* of a value, in the server */
#define SIZE_WEIGHTS_MAX 32u

struct size_weight {
    uint64_t bytes;
    double weight; /* 0 or above; any scale, but not all of them 0 */
};

/* Sizes are 1..SIZE_BYTES_MAX. */
struct size_wish {
    enum size_kind kind;
    uint64_t
        least_bytes; /* FIXED: the size; RANGE; PARETO; LOGNORMAL: what is smaller is this; 0: 1 */
    uint64_t most_bytes; /* RANGE; LOGNORMAL, PARETO: what is larger is cut to this              */
    uint64_t
        median_bytes;   /* LOGNORMAL                                                            */
    uint64_t p99_bytes; /* LOGNORMAL: one in a hundred is larger; at least the median           */
    double shape;       /* PARETO: a size s or larger has probability (least / s)^shape; above 0 */
    struct size_weight weights[SIZE_WEIGHTS_MAX];
    uint32_t weight_count;
};

#endif
