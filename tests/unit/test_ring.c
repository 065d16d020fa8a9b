#include <stdlib.h>
#include <string.h>

#include "common/ring.h"
#include "common/rng.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"

#define GUARD_BYTES 64u

/* A ring with a guard behind it. */
static struct ring *ring_new(uint64_t capacity_bytes)
{
    size_t size_bytes = ring_size_bytes(capacity_bytes);
    struct ring *ring = aligned_alloc(64, size_bytes + GUARD_BYTES);
    ck_assert_ptr_nonnull(ring);
    memset(ring, 0, size_bytes);
    memset((unsigned char *)ring + size_bytes, 'g', GUARD_BYTES);
    ring_init(ring, capacity_bytes);
    return ring;
}

static void ring_delete(struct ring *ring)
{
    const unsigned char *guard =
        (const unsigned char *)ring + ring_size_bytes(ring->capacity_bytes);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        ck_assert_int_eq(guard[i], 'g');
    free(ring);
}

static void fill_record(unsigned char *record, uint32_t record_bytes, uint64_t number)
{
    for (uint32_t i = 0; i < record_bytes; i++)
        record[i] = (unsigned char)rng_at(number, i);
}

TEST(empty_at_first)
{
    /* Breaks when the collector reads a record that nobody wrote. */
    struct ring *ring = ring_new(64);
    unsigned char out[8] = "unmoved";
    ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 0);
    ck_assert_str_eq((const char *)out, "unmoved");
    ck_assert_uint_eq(ring_fill_bytes(ring), 0);
    ck_assert_uint_eq(ring_size_bytes(64), 192 + 64);
    ring_delete(ring);
}

TEST(peek_does_not_remove)
{
    /* Breaks when a record that the collector only looked at is gone. */
    struct ring *ring = ring_new(64);
    char out[16] = "";
    ck_assert(ring_try_push(ring, "first", 6));
    ck_assert(ring_try_push(ring, "next", 5));
    ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 6);
    ck_assert_str_eq(out, "first");
    ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 6);
    ck_assert_str_eq(out, "first");
    ring_pop(ring);
    ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 5);
    ck_assert_str_eq(out, "next");
    ring_pop(ring);
    ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 0);
    ring_delete(ring);
}

TEST(exact_fill)
{
    /* Breaks when the last byte of the ring is wasted or written twice. */
    struct ring *ring = ring_new(64);
    unsigned char record[64];
    unsigned char out[64];
    for (uint64_t round = 0; round < 200; round++) {
        fill_record(record, sizeof record, round);
        ck_assert(!ring_try_push(ring, record, 61)); /* 4 bytes of length: one too many */
        ck_assert_uint_eq(ring_fill_bytes(ring), 0);
        ck_assert(ring_try_push(ring, record, 60));
        ck_assert_uint_eq(ring_fill_bytes(ring), 64);
        ck_assert(!ring_try_push(ring, record, 1));
        ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 60);
        ck_assert_mem_eq(out, record, 60);
        ring_pop(ring);
        /* moves the next round's start by an odd step */
        ck_assert(ring_try_push(ring, record, 1 + (uint32_t)(round % 7)));
        ring_pop(ring);
    }
    ring_delete(ring);
}

TEST(full_changes_nothing)
{
    /* Breaks when a refused record damages those that are in the ring. */
    struct ring *ring = ring_new(128);
    unsigned char record[200];
    unsigned char out[200];
    for (uint32_t i = 0; i < 4; i++) {
        fill_record(record, 26, i);
        ck_assert(ring_try_push(ring, record, 26));
    }
    ck_assert_uint_eq(ring_fill_bytes(ring), 120);
    fill_record(record, sizeof record, 99);
    for (uint32_t size = 5; size < sizeof record; size++)
        ck_assert(!ring_try_push(ring, record, size));
    ck_assert(!ring_try_push(ring, record, UINT32_MAX));
    ck_assert_uint_eq(ring_fill_bytes(ring), 120);
    for (uint32_t i = 0; i < 4; i++) {
        fill_record(record, 26, i);
        ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 26);
        ck_assert_mem_eq(out, record, 26);
        ring_pop(ring);
    }
    ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 0);
    ring_delete(ring);
}

TEST(longer_than_out)
{
    /* Breaks when a large record is written past the reader's buffer, or blocks the ring. */
    struct ring *ring = ring_new(256);
    unsigned char record[100];
    unsigned char out[101];
    fill_record(record, sizeof record, 1);
    ck_assert(ring_try_push(ring, record, sizeof record));
    memset(out, 'g', sizeof out);
    ck_assert_uint_eq(ring_peek(ring, out, 99), 100);
    for (size_t i = 0; i < sizeof out; i++)
        ck_assert_int_eq(out[i], 'g');
    ck_assert_uint_eq(ring_peek(ring, NULL, 0), 100);
    ck_assert_uint_eq(ring_peek(ring, out, 100), 100);
    ck_assert_mem_eq(out, record, 100);
    ck_assert_int_eq(out[100], 'g');
    ring_pop(ring);
    ck_assert_uint_eq(ring_fill_bytes(ring), 0);
    ring_delete(ring);
}

TEST(wraps_anywhere)
{
    /* Breaks when a record, or its length, that crosses the end of the memory is put together wrong. */
    struct ring *ring = ring_new(256);
    unsigned char record[256];
    unsigned char out[256];
    uint64_t pushed = 0;
    uint64_t popped = 0;
    uint64_t refused = 0;
    uint64_t fill = 0;
    for (uint64_t step = 0; step < 200000; step++) {
        uint64_t random = rng_at(77, step);
        if (random % 2 == 0) {
            uint32_t size = 1 + (uint32_t)rng_bounded(rng_at(78, pushed), 120);
            fill_record(record, size, pushed);
            bool taken = ring_try_push(ring, record, size);
            ck_assert_int_eq(taken, fill + size + 4 <= 256);
            if (taken) {
                pushed++;
                fill += size + 4;
            } else {
                refused++;
            }
        } else if (popped < pushed) {
            uint32_t size = 1 + (uint32_t)rng_bounded(rng_at(78, popped), 120);
            fill_record(record, size, popped);
            ck_assert_uint_eq(ring_peek(ring, out, sizeof out), size);
            ck_assert_mem_eq(out, record, size);
            ring_pop(ring);
            popped++;
            fill -= size + 4;
        } else {
            ck_assert_uint_eq(ring_peek(ring, out, sizeof out), 0);
        }
        ck_assert_uint_eq(ring_fill_bytes(ring), fill);
    }
    ck_assert_uint_gt(refused, 1000);
    ck_assert_uint_gt(popped, 10000);
    ring_delete(ring);
}

TEST_SUITE(ring)
