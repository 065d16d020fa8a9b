/* Vectors as pure functions of (seed, number), so that workers can send them and the orchestrator can work out which are
 * near to which without either keeping any: the same function in both. And what their keys are called.
 *
 * A vector is a point of a flat space of 12 dimensions laid into `dimensions` many, and some noise: as of embeddings, few
 * directions say most of it. Numbers from VECTOR_QUERY on are queries: of the same kind, and none of the set. Values are
 * 32-bit floats of the host, which is to have the lower byte first, as those of a server's blobs.
 *
 * A copy of level 1 to VECTOR_LEVELS_MAX is the same for all vectors of the level, and keeps how far they are from each
 * other: of VECTOR_MOVED it lies so far away that no original is as near as any copy; of VECTOR_MIRRORED its values are in
 * another order and some have the other sign, which keeps angles, too. */
#ifndef COMMON_VECTORS_H
#define COMMON_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define VECTOR_DIMENSIONS_LEAST 2u
#define VECTOR_DIMENSIONS_MOST 32768u
#define VECTOR_LEVELS_MAX 8u
#define VECTOR_QUERY (1ull << 40)

enum vector_copies { VECTOR_MIRRORED, VECTOR_MOVED };

struct
    vector_space; /* owns its tables and its scratch: one thread at a time, also of those that only write */

/* E_USAGE: dimensions that cannot be; E_SYSTEM: no memory. */
MUST_USE enum err_code vector_space_create(struct vector_space **space, uint64_t seed,
                                           uint32_t dimensions, enum vector_copies copies,
                                           struct err *err);
void vector_space_destroy(struct vector_space *space); /* NULL is fine */
uint32_t vector_dimensions(const struct vector_space *space);
/* The copy of this level of vector `number`; level 0: itself. Valid until the next call. Hot path. */
const float *vector_at(const struct vector_space *space, uint64_t number, uint32_t level);

/* The sum of products of two vectors: of 32-bit ones, added up in a few sums side by side. */
double vector_product(const float *a, const float *b, uint32_t count);

/* ---- keys ---- */

/* Behind the prefix of a run: "000000000012", and "expand_1_000000000012" of the copy of level 1. */
#define VECTOR_NAME_BYTES 21u
size_t vector_name_bytes(uint32_t level);
/* Returns its length; not terminated. */
size_t vector_name_write(char out[VECTOR_NAME_BYTES], uint64_t number, uint32_t level);
/* The reverse; false: it is none. */
bool vector_name_read(uint64_t *number, uint32_t *level, const char *name, size_t name_bytes);

/* Which keys of a live map (live_map.h) are which vectors: stretches of keys, in their order, the last one without end. */
#define VECTOR_STRETCHES_MAX 32u
struct vector_keys {
    struct vector_stretch {
        uint64_t first_key;
        uint32_t level; /* 0: the key is the number; else copies of 0, 1, 2 ... */
    } stretches[VECTOR_STRETCHES_MAX];
    uint32_t count; /* 0: all are originals */
};
/* From this key on. False: there are too many stretches. A stretch that has no key is replaced. */
bool vector_keys_add(struct vector_keys *keys, uint64_t first_key, uint32_t level);
/* The vector of a key. Hot path. */
uint64_t vector_of_key(const struct vector_keys *keys, uint64_t key, uint32_t *level);
/* The key of a vector; false: there is none. */
bool vector_key_of(const struct vector_keys *keys, uint64_t number, uint32_t level, uint64_t *key);

#endif
