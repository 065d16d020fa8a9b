/* Sets of vectors that benchmarks know by name: how many vectors they have and of how many dimensions. volley takes the
 * shape and makes the numbers itself. Constant. */
#ifndef ORCHESTRATOR_SCENARIO_VECTOR_SHAPE_H
#define ORCHESTRATOR_SCENARIO_VECTOR_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define VECTOR_DIMENSIONS_MAX 32768u

struct vector_shape {
    const char *name;
    uint64_t vectors;    /* that the set has; 0: without end */
    uint32_t dimensions; /* of 4 bytes each */
    const char *metric;  /* "cosine", "l2", "ip" */
};

/* NULL behind the last. */
const struct vector_shape *vector_shape_at(size_t index);
/* One of the table, or synthetic-DIMENSIONS. E_CONFIG, the reason alone: unknown, with the nearest name; or a path. */
MUST_USE enum err_code vector_shape_find(struct vector_shape *shape, const char *name,
                                         struct err *err);

#endif
