/* Where what is kept of a request stands, from its ticket to its last reply: for generators whose requests are no function
 * of the ticket. Places are numbers from 0 on, for arrays of their own. Nothing allocates after kept_index_create.
 * Private to worker/generate. */
#ifndef WORKER_GENERATE_KEPT_INDEX_H
#define WORKER_GENERATE_KEPT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/slot_list.h"

#define KEPT_NONE UINT32_MAX

/* A follow-up has the ticket of what it follows, and another class. */
struct kept_index {
    struct kept_place {
        uint64_t ticket;
        uint32_t next; /* in its bucket, or of those that are free */
        uint8_t class;
    } * places;
    uint32_t *buckets;
    uint32_t bucket_count; /* a power of two */
    uint32_t place_count, first_free;
};

/* Places for so many requests at a time; kept_index_destroy in any case. False: no memory, or more than there can be. */
bool kept_index_create(struct kept_index *index, uint64_t requests);
void kept_index_destroy(struct kept_index *index);

/* A place for a request that has none. */
uint32_t kept_index_add(struct kept_index *index, uint64_t ticket, uint8_t class);
/* KEPT_NONE: it has none. */
uint32_t kept_index_find(const struct kept_index *index, uint64_t ticket, uint8_t class);
/* Gives back the place of a request that has one, and returns it. */
uint32_t kept_index_remove(struct kept_index *index, uint64_t ticket, uint8_t class);
/* One after the other of those that are taken, from KEPT_NONE on; KEPT_NONE: no more. Slow. */
uint32_t kept_index_next(const struct kept_index *index, uint32_t place);

#endif
