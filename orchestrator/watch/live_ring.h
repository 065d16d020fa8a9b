/* What was told lately, numbered from 0 on, for those who come back: bounded in number and in bytes, the oldest go first. Its
 * memory is taken at the beginning, so that a session of days has no more of it than one of a minute. One thread. */
#ifndef ORCHESTRATOR_WATCH_LIVE_RING_H
#define ORCHESTRATOR_WATCH_LIVE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define LIVE_RING_ENTRIES 4096u

struct live_ring {
    char *memory;
    size_t bytes_max, at;                /* the next text goes to memory[at], or to its beginning */
    uint32_t offsets[LIVE_RING_ENTRIES]; /* of the texts; UINT32_MAX: there is none */
    uint64_t first, next;                /* those that are there: first <= number < next */
};

/* bytes_max: of all texts, each with its end; below 4 GB. E_SYSTEM: no memory. live_ring_free in any case. */
MUST_USE enum err_code live_ring_init(struct live_ring *ring, size_t bytes_max, struct err *err);
/* A copy; NULL (no memory), or one longer than all of the ring: its number is skipped. */
void live_ring_add(struct live_ring *ring, const char *text);
/* NULL: it is not there any more, or not yet. Until the next live_ring_add. */
const char *live_ring_at(const struct live_ring *ring, uint64_t number);
void live_ring_free(struct live_ring *ring); /* safe on a zeroed struct */

#endif
