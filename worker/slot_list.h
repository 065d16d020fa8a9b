/* Requests of a worker that have a ticket, and lists of those that no connection holds: they share their
 * memory, as much as waits, whatever number of lists there are. Its users know how many there can be. */
#ifndef WORKER_SLOT_LIST_H
#define WORKER_SLOT_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct request_slot {
    uint64_t ticket;
    union {
        uint64_t sent_ns;   /* clock reading just before the write that carried its first byte */
        uint64_t waited_ns; /* until then, open loop: for a connection that could take it      */
    };
    uint64_t intended_ns; /* clock reading of the schedule; open loop only               */
    uint32_t bytes;       /* of the request, where they differ                              */
    uint8_t class;
    uint8_t hops : 7;  /* how often a node has sent it elsewhere                           */
    uint8_t loads : 1; /* what goes ahead of it are scripts (request_class.load); with asking */
    bool again;        /* has been sent before: sent_ns is that of the first time          */
    bool asking;       /* goes out behind ASKING, or what else the generator puts ahead    */
};

struct slot_list {
    uint32_t head, tail, count; /* places in the store */
};
struct slot_store {
    struct waiting_slot {
        struct request_slot slot;
        uint32_t next;     /* 0: the last one                                                 */
        uint32_t retry_us; /* when it is to be retried: the clock's microseconds, cut to 32 bits */
    } * slots;
    uint32_t size, free, untouched; /* first free place, first that was never used */
};

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
