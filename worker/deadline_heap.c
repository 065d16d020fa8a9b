#include "worker/deadline_heap.h"

#include <assert.h>
#include <stdlib.h>

bool deadline_heap_create(struct deadline_heap *heap, uint32_t size)
{
    *heap = (struct deadline_heap){.size = size};
    heap->items = calloc((size_t)size + 1, sizeof heap->items[0]);
    heap->places = calloc((size_t)size + 1, sizeof heap->places[0]);
    return heap->items != NULL && heap->places != NULL;
}

void deadline_heap_destroy(struct deadline_heap *heap)
{
    free(heap->items);
    free(heap->places);
    *heap = (struct deadline_heap){.size = 0};
}

static void put(struct deadline_heap *heap, uint32_t place, struct deadline item)
{
    heap->items[place] = item;
    heap->places[item.owner] = place + 1;
}

/* Where an item belongs from an empty place upwards; what is behind it moves down. */
static void rise(struct deadline_heap *heap, uint32_t place, struct deadline item)
{
    while (place > 0 && heap->items[(place - 1) / 2].at_ns > item.at_ns) {
        put(heap, place, heap->items[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, item);
}

static void sink(struct deadline_heap *heap, uint32_t place, struct deadline item)
{
    for (uint32_t child; (child = 2 * place + 1) < heap->count; place = child) {
        if (child + 1 < heap->count && heap->items[child + 1].at_ns < heap->items[child].at_ns)
            child++;
        if (heap->items[child].at_ns >= item.at_ns)
            break;
        put(heap, place, heap->items[child]);
    }
    put(heap, place, item);
}

void deadline_heap_push(struct deadline_heap *heap, uint32_t owner, uint64_t at_ns)
{
    assert(owner < heap->size && heap->places[owner] == 0);
    rise(heap, heap->count++, (struct deadline){.at_ns = at_ns, .owner = owner});
}

bool deadline_heap_remove(struct deadline_heap *heap, uint32_t owner)
{
    if (owner >= heap->size || heap->places[owner] == 0)
        return false;
    const uint32_t place = heap->places[owner] - 1;
    const struct deadline last = heap->items[--heap->count];
    heap->places[owner] = 0;
    if (place == heap->count)
        return true;
    if (place > 0 && heap->items[(place - 1) / 2].at_ns > last.at_ns)
        rise(heap, place, last);
    else
        sink(heap, place, last);
    return true;
}
