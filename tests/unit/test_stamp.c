/* Stamps of messages, and the order that is read from them. */
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/stamp.h"
#include "tests/support/check/suite.h"
#include "worker/consume_watch.h"

static uint64_t seed;

static uint64_t next(uint64_t bits)
{
    return rng_at(42, seed++) >> (64 - bits);
}

TEST(what_is_written_is_read)
{
    /* breaks when a field of a stamp loses a digit, or reads another one's */
    for (int i = 0; i < 2000; i++) {
        const struct stamp stamp = {
            .run = (uint32_t)next(32),
            .worker = (uint32_t)next(12),
            .connection = (uint32_t)next(20),
            .place = (uint32_t)next(32),
            .ticket = next(48),
            .sent_ns = next(60),
            .late_ns = next(36),
        };
        struct stamp read = {0};
        char text[STAMP_BYTES];
        stamp_write(text, &stamp);
        if (!stamp_read(&read, text) || memcmp(&read, &stamp, sizeof read) != 0)
            ck_abort_msg("stamp %d is not read as it was written", i);
    }
}

TEST(how_it_stands_in_a_message)
{
    /* breaks when another program that measures with stamps finds the time elsewhere */
    const struct stamp stamp = {.run = 0xabc,
                                .worker = 1,
                                .connection = 2,
                                .place = 3,
                                .ticket = STAMP_WARMUP | 4,
                                .sent_ns = 0x123456789,
                                .late_ns = 7};
    char text[STAMP_BYTES + 1] = "";
    stamp_write(text, &stamp);
    ck_assert_str_eq(text, "vly:00000abc001000020000000380000000000400000012345678900000000"
                           "7");
    ck_assert_uint_eq(strtoull(text + 55, NULL, 16), 7);
    text[55] = '\0';
    ck_assert_uint_eq(strtoull(text + 40, NULL, 16), 0x123456789);
}

TEST(a_time_beyond_its_digits_is_the_longest)
{
    /* breaks when a message that waited for minutes looks as if it had been on time */
    struct stamp stamp = {.late_ns = STAMP_LATE_MAX_NS + 1}, read;
    char text[STAMP_BYTES];
    stamp_write(text, &stamp);
    ck_assert(stamp_read(&read, text));
    ck_assert_uint_eq(read.late_ns, STAMP_LATE_MAX_NS);
}

TEST(what_is_no_stamp)
{
    /* breaks when other people's messages are taken for volley's */
    struct stamp stamp = {.run = 1}, read;
    char text[STAMP_BYTES];
    for (size_t i = 0; i < STAMP_BYTES; i++) {
        stamp_write(text, &stamp);
        text[i] = i % 2 == 0 ? 'G' : (char)0xff;
        ck_assert_msg(!stamp_read(&read, text), "byte %zu may be anything", i);
    }
}

#define SENDERS 40u
#define PLACES 3000u

/* What a watch should say, with all that came in memory. */
struct model {
    bool came[SENDERS][PLACES];
    int newest[SENDERS];
};

TEST(order_and_doubles_against_a_model)
{
    /* breaks when a message that came twice or late is not seen as such, or another one is */
    static struct model model;
    static struct consume_seen seen[128];
    struct consume_watch watch = {.seen = seen, .mask = 127};
    unsigned counts[3] = {0};
    for (uint32_t i = 0; i < SENDERS; i++)
        model.newest[i] = -1;
    for (int i = 0; i < 60000; i++) {
        const uint32_t sender = (uint32_t)next(32) % SENDERS;
        int place = model.newest[sender] + 1 + (int)(next(3) % 3);
        if (next(4) == 0 && model.newest[sender] >= 0)
            place = model.newest[sender] - (int)next(5); /* at most 31 behind */
        if (place < 0 || place >= (int)PLACES)
            continue;
        const enum consume_order expected = model.came[sender][place]      ? CONSUME_AGAIN
                                            : place < model.newest[sender] ? CONSUME_LATE
                                                                           : CONSUME_NEW;
        const enum consume_order said = consume_watch_take(&watch, sender + 1, (uint32_t)place);
        if (said != expected)
            ck_abort_msg("place %d of sender %u, newest %d: %d in place of %d", place, sender,
                         model.newest[sender], said, expected);
        counts[said]++;
        model.came[sender][place] = true;
        if (place > model.newest[sender])
            model.newest[sender] = place;
    }
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(counts[i], 100);
}

TEST(places_go_round)
{
    /* breaks when a connection that has sent 2^32 requests seems to be out of order from then on */
    struct consume_seen seen[16] = {{0}};
    struct consume_watch watch = {.seen = seen, .mask = 15};
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_int_eq(consume_watch_take(&watch, 1, UINT32_MAX - 50 + i), CONSUME_NEW);
    ck_assert_int_eq(consume_watch_take(&watch, 1, 20), CONSUME_AGAIN);
}

TEST(more_senders_than_there_is_room_for)
{
    /* breaks when a watch that is too small calls messages doubles that came once */
    struct consume_seen seen[16] = {{0}};
    struct consume_watch watch = {.seen = seen, .mask = 15};
    for (uint32_t place = 0; place < 50; place++)
        for (uint32_t sender = 1; sender <= 200; sender++)
            if (consume_watch_take(&watch, sender, place) != CONSUME_NEW)
                ck_abort_msg("sender %u, place %u", sender, place);
}

TEST_SUITE(stamp)
