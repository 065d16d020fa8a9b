/* What was told lately, numbered from 0 on, for those who come back: bounded in number and in bytes, the oldest go first. One
 * thread; texts are owned. */
#ifndef ORCHESTRATOR_WATCH_LIVE_RING_H
#define ORCHESTRATOR_WATCH_LIVE_RING_H

#include <stddef.h>
#include <stdint.h>

#define LIVE_RING_ENTRIES 4096u
#define LIVE_RING_MAX_BYTES (8u << 20)

struct live_ring {
    char *texts[LIVE_RING_ENTRIES];
    size_t bytes;
    uint64_t first, next; /* those that are there: first <= number < next */
};

/* text is the ring's from here on; NULL (no memory): its number is skipped. */
void live_ring_add(struct live_ring *ring, char *text);
/* NULL: it is not there any more, or not yet. */
const char *live_ring_at(const struct live_ring *ring, uint64_t number);
void live_ring_free(struct live_ring *ring); /* safe on a zeroed struct */

#endif
