/* Requests about vectors, made of templates: commands as words, in which a worker knows no more than where a key, a vector
 * or a number of the key stands. What they mean to a server is the orchestrator's (orchestrator/vector/).
 *
 * A word that is ";" begins another command of the same request. In words:
 *     {vector}   its values, 4 bytes each; a word of its own
 *     {key}      the prefix of keys, and the vector's name (common/vectors.h)
 *     {element}  its name alone
 *     {number}   its number, 12 digits      {tag}   two digits, by its number
 *
 * live_vectors is filled by the orchestrator and lives as long as the workloads that are made with it. Compiled by
 * live_vector_create for live.c; private to worker/ but for what live_plan.h shows of it. */
#ifndef WORKER_GENERATE_LIVE_VECTOR_H
#define WORKER_GENERATE_LIVE_VECTOR_H

#include "common/err.h"
#include "worker/generate/live_plan.h"

/* Holes of a template, whose places are the same in all requests of it but that names of copies are longer. */
struct live_hole {
    size_t at; /* of the bytes; what it says replaces as many */
    enum live_hole_kind { HOLE_VECTOR, HOLE_NAME, HOLE_NUMBER, HOLE_TAG } kind;
};
#define LIVE_HOLES_MAX 16u
struct live_shape {
    char *bytes; /* of a request, with zeros in the holes; owned */
    size_t byte_count;
    struct live_hole holes[LIVE_HOLES_MAX];
    uint32_t hole_count;
};
struct live_vector {
    const struct live_vectors *vectors;
    /* Of originals, and of copies. */
    struct live_shape shapes[LIVE_VECTOR_REQUESTS][2];
    uint32_t replies[LIVE_VECTOR_REQUESTS];
};

/* E_USAGE: a template cannot be, with its words; E_SYSTEM. live_vector_destroy in any case. */
MUST_USE enum err_code live_vector_create(struct live_vector **vector,
                                          const struct live_vectors *vectors, const char *prefix,
                                          struct err *err);
void live_vector_destroy(struct live_vector *vector); /* NULL is fine */

size_t live_vector_most(const struct live_vector *vector); /* bytes of the longest request */

/* Hot path. Of a vector of a key, or of QUERY the query of this number: so many queries of each level, one level behind
 * the other. */
size_t live_vector_bytes(const struct live_vector *vector, enum live_vector_request request,
                         uint64_t key);
void live_vector_write(char *out, size_t from_byte, size_t byte_count,
                       const struct live_vector *vector, enum live_vector_request request,
                       uint64_t key);

#endif
