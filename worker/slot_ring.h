/* Rings of requests that wait for a node. Private to the router; a ring never grows, its users know how
 * many there can be. */
#ifndef WORKER_SLOT_RING_H
#define WORKER_SLOT_RING_H

#include <assert.h>
#include <stdlib.h>

#include "worker/worker_state.h"

/* Tickets that wait for one node. At 10,000 requests a second to each of its nodes a worker fills it in
 * 1.6 s: beyond that tickets of a node that is gone are shed, and one that is slow stops the drawing. */
#define FRESH_SLOTS 16384u

/* Room for at least so many; free(ring->slots). False: no memory. */
static inline bool slots_create(struct slot_ring *ring, uint64_t slots)
{
    uint32_t size = 16;
    while (size < slots)
        size *= 2;
    *ring = (struct slot_ring){.slots = calloc(size, sizeof ring->slots[0]), .mask = size - 1};
    return ring->slots != NULL;
}

static inline struct request_slot *slots_at(const struct slot_ring *ring, uint32_t place)
{
    return &ring->slots[(ring->head + place) & ring->mask];
}

static inline void slots_push(struct slot_ring *ring, const struct request_slot *slot)
{
    assert(ring->count <= ring->mask);
    *slots_at(ring, ring->count++) = *slot;
}

static inline void slots_push_front(struct slot_ring *ring, const struct request_slot *slot)
{
    assert(ring->count <= ring->mask);
    ring->head--;
    ring->count++;
    *slots_at(ring, 0) = *slot;
}

static inline struct request_slot slots_pop(struct slot_ring *ring)
{
    struct request_slot slot = *slots_at(ring, 0);
    ring->head++;
    ring->count--;
    return slot;
}

#endif
