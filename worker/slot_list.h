/* Requests that wait for a node, in lists that share their memory: as many as wait, whatever number of
 * nodes they wait for. Private to the router; its users know how many there can be. */
#ifndef WORKER_SLOT_LIST_H
#define WORKER_SLOT_LIST_H

#include <assert.h>
#include <stdlib.h>

#include "worker/worker_state.h"

/* Tickets that wait for one node. At 10,000 requests a second to each of its nodes a worker fills it in
 * 1.6 s: beyond that tickets of a node that is gone are shed, and one that is slow stops the drawing.
 * More nodes than these share what these have: a worker's requests go to each of them less often. */
#define FRESH_SLOTS 16384u
#define FRESH_NODES 64u
#define FRESH_SLOTS_MIN 16u

/* Room for so many; slot_store_destroy. What has never been used is not touched. False: no memory. */
static inline bool slot_store_create(struct slot_store *store, uint64_t slots)
{
    *store = (struct slot_store){.size = (uint32_t)slots + 1};
    if (slots < UINT32_MAX)
        store->slots = calloc(store->size, sizeof store->slots[0]);
    store->untouched = 1; /* 0 ends a list */
    return store->slots != NULL;
}

static inline uint32_t slot_store_take(struct slot_store *store, const struct request_slot *slot)
{
    uint32_t at = store->free;
    if (at != 0)
        store->free = store->slots[at].next;
    else
        at = store->untouched++;
    assert(at < store->size);
    store->slots[at].slot = *slot;
    store->slots[at].next = 0;
    return at;
}

static inline void slots_push(struct slot_store *store, struct slot_list *list,
                              const struct request_slot *slot)
{
    uint32_t at = slot_store_take(store, slot);
    if (list->count++ == 0)
        list->head = at;
    else
        store->slots[list->tail].next = at;
    list->tail = at;
}

static inline void slots_push_front(struct slot_store *store, struct slot_list *list,
                                    const struct request_slot *slot)
{
    uint32_t at = slot_store_take(store, slot);
    store->slots[at].next = list->count > 0 ? list->head : 0;
    if (list->count++ == 0)
        list->tail = at;
    list->head = at;
}

static inline struct request_slot slots_pop(struct slot_store *store, struct slot_list *list)
{
    uint32_t at = list->head;
    struct request_slot slot = store->slots[at].slot;
    assert(list->count > 0);
    list->head = store->slots[at].next;
    list->count--;
    store->slots[at].next = store->free;
    store->free = at;
    return slot;
}

#endif
