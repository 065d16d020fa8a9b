/* Owners and the time at which each has to be looked at, the earliest first: a binary heap that knows the place of each owner, so that one can
 * be taken out wherever it stands. Insertion and removal take the logarithm of how many there are; memory is allocated once. An
 * owner is a number below the size and stands in it once at most. Private to worker/. */
#ifndef WORKER_DEADLINE_HEAP_H
#define WORKER_DEADLINE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct deadline {
    uint64_t at_ns;
    uint32_t owner;
};

/* Zeroed: empty, without room. */
struct deadline_heap {
    struct deadline *items; /* item i is not behind items 2 i + 1 and 2 i + 2 */
    uint32_t *places;       /* of each owner, + 1; 0: it is not in it */
    uint32_t count, size;
};

/* False: no memory. deadline_heap_destroy in any case. */
MUST_USE bool deadline_heap_create(struct deadline_heap *heap, uint32_t size);
void deadline_heap_destroy(struct deadline_heap *heap);
void deadline_heap_push(struct deadline_heap *heap, uint32_t owner, uint64_t at_ns);
/* False: it was not in it. */
bool deadline_heap_remove(struct deadline_heap *heap, uint32_t owner);

/* NULL: there is none. Valid until the next change. */
static inline const struct deadline *deadline_heap_first(const struct deadline_heap *heap)
{
    return heap->count > 0 ? &heap->items[0] : NULL;
}

#endif
