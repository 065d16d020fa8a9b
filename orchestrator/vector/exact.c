#include "orchestrator/vector/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDING                                                                                   \
    1e-5 /* of a distance: servers and volley add 32-bit products in different orders */

struct exact {
    const struct vector_space *space;
    enum vector_metric metric;
    uint32_t k, query_count, levels, dimensions;
    float *queries;
    double *squares; /* of the lengths of queries */
    struct exact_neighbour *nearest;
    uint32_t *counts;
};

enum err_code exact_create(struct exact **out, const struct vector_space *space,
                           enum vector_metric metric, uint32_t k, uint32_t query_count,
                           uint32_t levels, struct err *err)
{
    struct exact *exact = calloc(1, sizeof *exact);
    const uint32_t dimensions = vector_dimensions(space);
    *out = exact;
    if (exact != NULL) {
        *exact = (struct exact){.space = space,
                                .metric = metric,
                                .k = k,
                                .query_count = query_count,
                                .levels = levels > 0 ? levels : 1,
                                .dimensions = dimensions};
        exact->queries = calloc((size_t)query_count * dimensions, sizeof(float));
        exact->squares = calloc(query_count, sizeof(double));
        exact->nearest = calloc((size_t)query_count * k, sizeof *exact->nearest);
        exact->counts = calloc(query_count, sizeof(uint32_t));
    }
    if (exact == NULL || exact->queries == NULL || exact->squares == NULL ||
        exact->nearest == NULL || exact->counts == NULL) {
        exact_destroy(exact);
        *out = NULL;
        return err_set(err, E_SYSTEM, "no memory for the neighbours of %u queries", query_count);
    }
    for (uint32_t i = 0; i < query_count; i++) {
        uint32_t level;
        const uint64_t query = exact_query(exact, i, &level);
        float *values = exact->queries + (size_t)i * dimensions;
        memcpy(values, vector_at(space, VECTOR_QUERY + query, level), dimensions * sizeof(float));
        exact->squares[i] = vector_product(values, values, dimensions);
    }
    return OK;
}

void exact_destroy(struct exact *exact)
{
    if (exact == NULL)
        return;
    free(exact->queries);
    free(exact->squares);
    free(exact->nearest);
    free(exact->counts);
    free(exact);
}

uint64_t exact_query(const struct exact *exact, uint32_t i, uint32_t *level)
{
    *level = i % exact->levels;
    return i / exact->levels;
}

static double distance(const struct exact *exact, uint32_t query, const float *vector,
                       double square)
{
    const double of_both = vector_product(exact->queries + (size_t)query * exact->dimensions,
                                          vector, exact->dimensions);
    switch (exact->metric) {
    case VECTOR_L2:
        return exact->squares[query] + square - 2 * of_both;
    case VECTOR_IP:
        return -of_both;
    case VECTOR_COSINE:
    case VECTOR_METRICS:
        break;
    }
    const double lengths = sqrt(exact->squares[query] * square);
    return lengths > 0 ? 1 - of_both / lengths : 1;
}

void exact_offer(struct exact *exact, uint64_t number, uint32_t level)
{
    const float *vector = vector_at(exact->space, number, level);
    const double square = vector_product(vector, vector, exact->dimensions);
    for (uint32_t query = 0; query < exact->query_count; query++) {
        struct exact_neighbour *nearest = exact->nearest + (size_t)query * exact->k;
        const double away = distance(exact, query, vector, square);
        uint32_t at = exact->counts[query];
        if (at == exact->k && away >= nearest[at - 1].distance)
            continue;
        at = at == exact->k ? at - 1 : exact->counts[query]++;
        for (; at > 0 && nearest[at - 1].distance > away; at--)
            nearest[at] = nearest[at - 1];
        nearest[at] = (struct exact_neighbour){.distance = away, .number = number, .level = level};
    }
}

const struct exact_neighbour *exact_neighbours(const struct exact *exact, uint32_t query,
                                               uint32_t *count)
{
    *count = exact->counts[query];
    return exact->nearest + (size_t)query * exact->k;
}

/* A server that says one name twice has found it once. */
static bool is_first(const struct vector_found *found, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (found[i].number == found[at].number && found[i].level == found[at].level)
            return false;
    return true;
}

double exact_recall(const struct exact *exact, uint32_t query, const struct vector_found *found,
                    uint32_t found_count)
{
    uint32_t count, hits = 0;
    const struct exact_neighbour *nearest = exact_neighbours(exact, query, &count);
    if (count == 0)
        return NAN;
    const double last = nearest[count - 1].distance;
    /* What a square loses is measured by what it was made of. */
    const double scale = exact->metric == VECTOR_COSINE ? 1 : exact->squares[query] + fabs(last);
    for (uint32_t i = 0; i < found_count && hits < count; i++) {
        const float *vector = vector_at(exact->space, found[i].number, found[i].level);
        const double away =
            distance(exact, query, vector, vector_product(vector, vector, exact->dimensions));
        hits += away <= last + ROUNDING * scale && is_first(found, i);
    }
    return (double)hits / (double)count;
}
