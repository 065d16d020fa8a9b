/* Plain exact neighbours: every vector of a set against some queries, one after the other, in the metric of the driver that
 * is measured. Recall is the part of them that a server finds. Pure, but for the vectors' scratch (vectors.h). */
#ifndef ORCHESTRATOR_VECTOR_EXACT_H
#define ORCHESTRATOR_VECTOR_EXACT_H

#include "orchestrator/vector/vector_driver.h"

struct exact; /* owns its queries and what is nearest to each */

struct exact_neighbour {
    double distance; /* of L2 its square, of COSINE 1 - cosine, of IP the negative product */
    uint64_t number;
    uint32_t level;
};

/* query_count queries, taking turns among the levels below `levels`; k up to VECTOR_K_MAX. The space outlives it. E_SYSTEM. */
MUST_USE enum err_code exact_create(struct exact **exact, const struct vector_space *space,
                                    enum vector_metric metric, uint32_t k, uint32_t query_count,
                                    uint32_t levels, struct err *err);
void exact_destroy(struct exact *exact); /* NULL is fine */

/* One vector of the set, each once. */
void exact_offer(struct exact *exact, uint64_t number, uint32_t level);
/* Which query of the space, and of which level, query i is: as vector_ask takes it. */
uint64_t exact_query(const struct exact *exact, uint32_t i, uint32_t *level);
/* The nearest that were offered, nearest first; *count: k, or as many as there are. */
const struct exact_neighbour *exact_neighbours(const struct exact *exact, uint32_t query,
                                               uint32_t *count);
/* The part of the nearest k that is among what was found, 0 to 1; NAN: nothing was offered. What is as near as the last of
 * them, but for how 32-bit floats are rounded, is one of them. What was found has to be of the set: the caller sees to it. */
double exact_recall(const struct exact *exact, uint32_t query, const struct vector_found *found,
                    uint32_t found_count);

#endif
