/* Batches of a client that buffers, oldest first: how many requests of their pool's list each is. A queue of bounded length, whose
 * front takes back what a connection could not send. Pure; private to worker/. */
#ifndef WORKER_BATCHES_H
#define WORKER_BATCHES_H

#include <stdbool.h>
#include <stdint.h>

struct batches {
    uint32_t *each; /* a ring of mask + 1; BATCH_DIRECT beside the number */
    uint32_t mask, first, count;
    uint32_t hybrid_count; /* of these, those that take a place of the hybrid buffer */
};

/* It takes no place of the hybrid buffer: it only reads, or has been taken before. */
#define BATCH_DIRECT (1u << 31)

/* Room for so many at least. False: no memory. batches_destroy in any case. */
bool batches_create(struct batches *batches, uint64_t most);
void batches_destroy(struct batches *batches);
void batches_clear(struct batches *batches);
bool batches_are_full(const struct batches *batches);
void batches_push(struct batches *batches, uint32_t batch);
void batches_push_front(struct batches *batches, uint32_t batch);
/* Whether the oldest one, which there is, takes a place of the hybrid buffer. */
bool batches_first_is_hybrid(const struct batches *batches);
/* Of the oldest one, which there is, what there is room for, mostly all: how many requests. */
uint32_t batches_take(struct batches *batches, uint32_t room);

#endif
