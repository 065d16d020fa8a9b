#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/watch/live_ring.h"
#include "tests/support/check/suite.h"

#define RING_BYTES 100000u

static struct live_ring ring;

static void begin(void)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(live_ring_init(&ring, RING_BYTES, &err), OK);
}

/* A text that begins with its number and says its own length. */
static void add(uint64_t number, size_t bytes)
{
    char *text = malloc(bytes + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', bytes);
    text[snprintf(text, bytes + 1, "%llu %zu ", (unsigned long long)number, bytes)] = 'x';
    text[bytes] = '\0';
    live_ring_add(&ring, text);
    free(text);
}

/* All that are there are whole, and within the memory of the ring. */
static void check_all(void)
{
    for (uint64_t i = ring.first; i < ring.next; i++) {
        const char *text = live_ring_at(&ring, i);
        char *end;
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_eq(strtoull(text, &end, 10), i);
        ck_assert_uint_eq(strlen(text), strtoull(end, NULL, 10));
        ck_assert(text >= ring.memory && text + strlen(text) < ring.memory + RING_BYTES);
    }
}

TEST(test_the_newest_stay)
{
    /* Breaks when somebody who comes back gets another event than the one he missed. */
    begin();
    for (uint64_t i = 0; i < 3 * LIVE_RING_ENTRIES + 7; i++)
        add(i, 16);
    ck_assert_uint_eq(ring.next, 3 * LIVE_RING_ENTRIES + 7);
    ck_assert_uint_eq(ring.next - ring.first, LIVE_RING_ENTRIES);
    ck_assert_ptr_null(live_ring_at(&ring, ring.first - 1));
    ck_assert_ptr_null(live_ring_at(&ring, ring.next));
    check_all();
    live_ring_free(&ring);
}

TEST(test_bytes_are_bounded)
{
    /* Breaks when long events take more memory than there was at the beginning, or one is written over another. */
    begin();
    for (uint64_t i = 0; i < 3000; i++) {
        add(i, 16 + i * 7919 % 9000);
        check_all();
        if (i > 100)
            ck_assert_uint_gt(ring.next - ring.first, RING_BYTES / 9016 - 2);
    }
    live_ring_add(&ring, NULL); /* no memory for it: a number without a text */
    ck_assert_ptr_null(live_ring_at(&ring, ring.next - 1));
    ck_assert_ptr_nonnull(live_ring_at(&ring, ring.next - 2));
    add(3001, RING_BYTES); /* one byte more than there is room for, with its end */
    ck_assert_ptr_null(live_ring_at(&ring, ring.next - 1));
    add(3002, RING_BYTES - 1);
    ck_assert_ptr_nonnull(live_ring_at(&ring, ring.next - 1));
    ck_assert_uint_eq(ring.first, ring.next - 1);
    live_ring_free(&ring);
}

TEST_SUITE(live_ring)
