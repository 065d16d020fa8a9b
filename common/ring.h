/* Byte ring for one producer and one consumer, on memory it is given: shared between processes, or
 * between threads in tests (ThreadSanitizer is blind across fork).
 *
 * The worker pushes, the orchestrator reads and pops, nobody else calls. Positions count bytes since
 * the start and never wrap to 0 (they are masked on use), so head - tail is the fill. The caller
 * owns the memory: zeroed, initialised before fork, mapped until both sides are gone. A record is
 * visible whole or not at all; a producer that dies in the middle of a push leaves no trace. */
#ifndef COMMON_RING_H
#define COMMON_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct ring {
    alignas(64) _Atomic uint64_t head_bytes; /* stored by the producer only                 */
    alignas(64) _Atomic uint64_t tail_bytes; /* stored by the consumer only                 */
    alignas(64) uint64_t capacity_bytes;     /* power of two, fixed by ring_init            */
    alignas(64) unsigned char bytes[];
};

/* Memory needed for a capacity (a power of two, at least 64). */
size_t ring_size_bytes(uint64_t capacity_bytes);

/* Before the producer and the consumer start. */
void ring_init(struct ring *ring, uint64_t capacity_bytes);

/* Producer: copies one record in, whole or not at all. False = full now: the caller keeps what it
 * has and merges it into the next record. A record needs its length plus 4 bytes. */
MUST_USE bool ring_try_push(struct ring *ring, const void *record, uint32_t record_bytes);

/* Consumer: copies the record at *position_bytes (ring_tail_bytes is the oldest) out without removing it,
 * and moves the position behind it. Returns its length, 0 behind the newest. A record longer than out_bytes is
 * not copied but its length is returned. */
MUST_USE uint32_t ring_peek_at(const struct ring *ring, uint64_t *position_bytes, void *out,
                               uint32_t out_bytes);
uint64_t ring_tail_bytes(const struct ring *ring);

/* Consumer: removes the oldest record; the ring must not be empty. */
void ring_pop(struct ring *ring);

/* Either side: bytes in use, a snapshot. */
uint64_t ring_fill_bytes(const struct ring *ring);

#endif
