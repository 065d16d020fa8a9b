#include "orchestrator/watch/live_ring.h"

#include <stdlib.h>
#include <string.h>

#define NO_TEXT UINT32_MAX

enum err_code live_ring_init(struct live_ring *ring, size_t bytes_max, struct err *err)
{
    *ring = (struct live_ring){.memory = malloc(bytes_max), .bytes_max = bytes_max};
    if (ring->memory == NULL)
        return err_set(err, E_SYSTEM, "no memory for what a live page tells");
    memset(ring->memory, 'x', bytes_max); /* has the system give it now */
    return OK;
}

static uint32_t *place(struct live_ring *ring, uint64_t number)
{
    return &ring->offsets[number % LIVE_RING_ENTRIES];
}

/* Lets go of the oldest while they stand in [from, to). Those behind `at` are of the lap before, and older than the others. */
static void drop_within(struct live_ring *ring, size_t from, size_t to)
{
    while (ring->first < ring->next) {
        const uint32_t offset = *place(ring, ring->first);
        if (offset != NO_TEXT && (offset < from || offset >= to))
            return;
        ring->first++;
    }
}

static uint32_t room_for(struct live_ring *ring, size_t bytes)
{
    if (ring->at + bytes > ring->bytes_max) {
        drop_within(ring, ring->at, ring->bytes_max);
        ring->at = 0;
    }
    drop_within(ring, ring->at, ring->at + bytes);
    ring->at += bytes;
    return (uint32_t)(ring->at - bytes);
}

void live_ring_add(struct live_ring *ring, const char *text)
{
    const size_t bytes = text != NULL ? strlen(text) + 1 : 0;
    uint32_t offset = NO_TEXT;
    if (text != NULL && bytes <= ring->bytes_max) {
        offset = room_for(ring, bytes);
        memcpy(&ring->memory[offset], text, bytes);
    }
    if (ring->next - ring->first == LIVE_RING_ENTRIES)
        ring->first++;
    *place(ring, ring->next++) = offset;
}

const char *live_ring_at(const struct live_ring *ring, uint64_t number)
{
    if (number < ring->first || number >= ring->next)
        return NULL;
    const uint32_t offset = ring->offsets[number % LIVE_RING_ENTRIES];
    return offset != NO_TEXT ? &ring->memory[offset] : NULL;
}

void live_ring_free(struct live_ring *ring)
{
    free(ring->memory);
    *ring = (struct live_ring){.memory = NULL};
}
