#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/watch/live_ring.h"
#include "tests/support/check/suite.h"

static struct live_ring ring;

static void add(uint64_t number, size_t bytes)
{
    char *text = malloc(bytes + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', bytes);
    text[bytes] = '\0';
    snprintf(text, bytes + 1, "%llu", (unsigned long long)number);
    live_ring_add(&ring, text);
}

TEST(test_the_newest_stay)
{
    /* Breaks when somebody who comes back gets another event than the one he missed. */
    for (uint64_t i = 0; i < 3 * LIVE_RING_ENTRIES + 7; i++)
        add(i, 24);
    ck_assert_uint_eq(ring.next, 3 * LIVE_RING_ENTRIES + 7);
    ck_assert_uint_eq(ring.next - ring.first, LIVE_RING_ENTRIES);
    ck_assert_ptr_null(live_ring_at(&ring, ring.first - 1));
    ck_assert_ptr_null(live_ring_at(&ring, ring.next));
    for (uint64_t i = ring.first; i < ring.next; i++)
        ck_assert_uint_eq(strtoull(live_ring_at(&ring, i), NULL, 10), i);
    live_ring_free(&ring);
}

TEST(test_bytes_are_bounded)
{
    /* Breaks when long events fill the memory of a run of days. */
    for (uint64_t i = 0; i < 64; i++) {
        char *text = malloc(1u << 20);
        ck_assert_ptr_nonnull(text);
        memset(text, 'x', (1u << 20) - 1);
        text[(1u << 20) - 1] = '\0';
        live_ring_add(&ring, text);
        ck_assert_uint_le(ring.bytes, LIVE_RING_MAX_BYTES);
    }
    ck_assert_uint_gt(ring.next, ring.first);
    live_ring_add(&ring, NULL); /* no memory for it: a number without a text */
    ck_assert_ptr_null(live_ring_at(&ring, ring.next - 1));
    live_ring_free(&ring);
    ck_assert_uint_eq(ring.bytes, 0);
}

TEST_SUITE(live_ring)
