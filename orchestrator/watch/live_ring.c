#include "orchestrator/watch/live_ring.h"

#include <stdlib.h>
#include <string.h>

static char **place(struct live_ring *ring, uint64_t number)
{
    return &ring->texts[number % LIVE_RING_ENTRIES];
}

static void drop_first(struct live_ring *ring)
{
    char **text = place(ring, ring->first++);
    ring->bytes -= *text != NULL ? strlen(*text) : 0;
    free(*text);
    *text = NULL;
}

void live_ring_add(struct live_ring *ring, char *text)
{
    const size_t bytes = text != NULL ? strlen(text) : 0;
    while (ring->first < ring->next && (ring->next - ring->first == LIVE_RING_ENTRIES ||
                                        ring->bytes + bytes > LIVE_RING_MAX_BYTES))
        drop_first(ring);
    *place(ring, ring->next++) = text;
    ring->bytes += bytes;
}

const char *live_ring_at(const struct live_ring *ring, uint64_t number)
{
    return number >= ring->first && number < ring->next ? ring->texts[number % LIVE_RING_ENTRIES]
                                                        : NULL;
}

void live_ring_free(struct live_ring *ring)
{
    while (ring->first < ring->next)
        drop_first(ring);
}
