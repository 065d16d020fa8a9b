#include "common/ring.h"

#include <assert.h>
#include <string.h>

#define LENGTH_BYTES 4u /* the record's length, in front of its bytes */

static_assert(offsetof(struct ring, bytes) == 192, "shared layout: raise IPC_VERSION");
static_assert(sizeof(struct ring) == 192, "no padding behind the positions");

size_t ring_size_bytes(uint64_t capacity_bytes)
{
    return sizeof(struct ring) + (size_t)capacity_bytes;
}

void ring_init(struct ring *ring, uint64_t capacity_bytes)
{
    assert(capacity_bytes >= 64 && (capacity_bytes & (capacity_bytes - 1)) == 0);
    ring->capacity_bytes = capacity_bytes;
    /* Relaxed: fork, or the creation of the thread, comes after and publishes all of it. */
    atomic_store_explicit(&ring->head_bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->tail_bytes, 0, memory_order_relaxed);
}

/* Both copies split what crosses the end of the memory in two. */
static void copy_in(struct ring *ring, uint64_t position, const void *from, uint32_t byte_count)
{
    uint64_t offset = position & (ring->capacity_bytes - 1);
    uint64_t first = ring->capacity_bytes - offset;
    if (first > byte_count)
        first = byte_count;
    memcpy(ring->bytes + offset, from, (size_t)first);
    memcpy(ring->bytes, (const unsigned char *)from + first, (size_t)(byte_count - first));
}

static void copy_out(const struct ring *ring, uint64_t position, void *to, uint32_t byte_count)
{
    uint64_t offset = position & (ring->capacity_bytes - 1);
    uint64_t first = ring->capacity_bytes - offset;
    if (first > byte_count)
        first = byte_count;
    memcpy(to, ring->bytes + offset, (size_t)first);
    memcpy((unsigned char *)to + first, ring->bytes, (size_t)(byte_count - first));
}

bool ring_try_push(struct ring *ring, const void *record, uint32_t record_bytes)
{
    assert(record_bytes > 0); /* ring_peek_at says 0 for "empty" */
    uint64_t head = atomic_load_explicit(&ring->head_bytes, memory_order_relaxed); /* our own */
    /* Acquire; partner: the release in ring_pop. The consumer has copied what lay before tail, so
     * those bytes may be overwritten. */
    uint64_t tail = atomic_load_explicit(&ring->tail_bytes, memory_order_acquire);
    if ((uint64_t)record_bytes + LENGTH_BYTES > ring->capacity_bytes - (head - tail))
        return false;
    copy_in(ring, head, &record_bytes, LENGTH_BYTES);
    copy_in(ring, head + LENGTH_BYTES, record, record_bytes);
    /* Release; partner: the acquire in ring_peek_at. Whoever sees the new head sees the bytes. */
    atomic_store_explicit(&ring->head_bytes, head + LENGTH_BYTES + record_bytes,
                          memory_order_release);
    return true;
}

uint32_t ring_peek_at(const struct ring *ring, uint64_t *position_bytes, void *out,
                      uint32_t out_bytes)
{
    /* Acquire; partner: the release in ring_try_push. */
    uint64_t head = atomic_load_explicit(&ring->head_bytes, memory_order_acquire);
    if (head == *position_bytes)
        return 0;
    uint32_t record_bytes = 0;
    copy_out(ring, *position_bytes, &record_bytes, LENGTH_BYTES);
    assert((uint64_t)record_bytes + LENGTH_BYTES <= head - *position_bytes);
    if (record_bytes <= out_bytes)
        copy_out(ring, *position_bytes + LENGTH_BYTES, out, record_bytes);
    *position_bytes += LENGTH_BYTES + record_bytes;
    return record_bytes;
}

uint64_t ring_tail_bytes(const struct ring *ring)
{
    return atomic_load_explicit(&ring->tail_bytes, memory_order_relaxed); /* the consumer's own */
}

void ring_pop(struct ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail_bytes, memory_order_relaxed); /* our own */
    assert(tail != atomic_load_explicit(&ring->head_bytes, memory_order_acquire));
    uint32_t record_bytes = 0;
    copy_out(ring, tail, &record_bytes, LENGTH_BYTES);
    /* Release; partner: the acquire in ring_try_push. Our reads of the record come before it. */
    atomic_store_explicit(&ring->tail_bytes, tail + LENGTH_BYTES + record_bytes,
                          memory_order_release);
}

uint64_t ring_fill_bytes(const struct ring *ring)
{
    /* Tail first, with acquire (partner: the release in ring_pop): head is then at least what the
     * consumer saw when it moved tail, so the difference is never negative. */
    uint64_t tail = atomic_load_explicit(&ring->tail_bytes, memory_order_acquire);
    return atomic_load_explicit(&ring->head_bytes, memory_order_relaxed) - tail;
}
