#include <stdlib.h>
#include <string.h>

#include "common/histogram_wire.h"
#include "common/rng.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"

static struct histogram whole, again;
static struct interval_histogram interval;
static unsigned char bytes[HISTOGRAM_WIRE_MAX_BYTES];
static unsigned char bytes_wide[HISTOGRAM_WIRE_MAX_BYTES];

static void fill(uint64_t seed, uint64_t count, unsigned magnitudes)
{
    interval_histogram_init(&interval);
    histogram_init(&whole);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = rng_at(seed, i) >> (63 - rng_bounded(rng_at(seed + 1, i), magnitudes));
        interval_histogram_record(&interval, value);
        histogram_record_n(&whole, value, 1);
    }
}

static enum err_code decode(struct histogram *into, size_t in_bytes, size_t *used)
{
    struct err err = {OK, ""};
    return histogram_decode_bytes(into, bytes, in_bytes, used, &err);
}

TEST(round_trip)
{
    /* Breaks when a value gets lost or moved between worker and orchestrator. */
    for (uint64_t round = 0; round < 60; round++) {
        fill(round, round * round, 1 + (unsigned)round % 45);
        size_t written = interval_histogram_encode(bytes, &interval);
        size_t used = 0;
        histogram_init(&again);
        ck_assert_int_eq(decode(&again, written, &used), OK);
        ck_assert_uint_eq(used, written);
        ck_assert_mem_eq(&again, &whole, sizeof whole);
        /* more bytes behind it are not its own */
        histogram_reset(&again);
        ck_assert_int_eq(decode(&again, written + 9, &used), OK);
        ck_assert_uint_eq(used, written);
    }
}

TEST(decode_adds)
{
    /* Breaks when the second worker's record replaces the first one's. */
    fill(5, 1000, 30);
    size_t used = 0;
    size_t written = histogram_encode(bytes, &whole);
    histogram_init(&again);
    ck_assert_int_eq(decode(&again, written, &used), OK);
    ck_assert_int_eq(decode(&again, written, &used), OK);
    histogram_add(&whole, &whole);
    ck_assert_mem_eq(&again, &whole, sizeof whole);
}

TEST(both_widths_give_the_same_bytes)
{
    /* Breaks when the journal of a run and the records it came from differ. */
    for (uint64_t round = 0; round < 40; round++) {
        fill(100 + round, round * 17, 1 + (unsigned)round);
        size_t written = interval_histogram_encode(bytes, &interval);
        ck_assert_uint_eq(histogram_encode(bytes_wide, &whole), written);
        ck_assert_mem_eq(bytes, bytes_wide, written);
    }
}

TEST(quiet_is_small)
{
    /* Breaks when a thousand idle workers fill the orchestrator's time with zeros. */
    fill(1, 0, 1);
    ck_assert_uint_eq(interval_histogram_encode(bytes, &interval), 2);
    for (uint64_t i = 0; i < 8; i++)
        interval_histogram_record(&interval, 100000 + rng_bounded(rng_at(9, i), 900000));
    ck_assert_uint_le(interval_histogram_encode(bytes, &interval), 48);
}

TEST(largest_fits)
{
    /* Breaks when a full histogram is written past the buffer that the header promises. */
    fill(1, 1, 1);
    interval.low_index = 0;
    interval.high_index = HISTOGRAM_COUNTS - 1;
    interval.count = interval.sum_ns = interval.min_ns = interval.max_ns = UINT64_MAX;
    interval.clamped_count = UINT64_MAX;
    whole.low_index = interval.low_index;
    whole.high_index = interval.high_index;
    whole.count = whole.sum_ns = whole.min_ns = whole.max_ns = whole.clamped_count = UINT64_MAX;
    for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        interval.counts[i] = UINT32_MAX;
        whole.counts[i] = UINT64_MAX >> 1;
    }
    size_t written = interval_histogram_encode(bytes, &interval);
    ck_assert_uint_le(written + 10, INTERVAL_HISTOGRAM_WIRE_MAX_BYTES);
    ck_assert_uint_gt(written, HISTOGRAM_COUNTS * 5);
    written = histogram_encode(bytes, &whole);
    ck_assert_uint_le(written + 10, HISTOGRAM_WIRE_MAX_BYTES);
    ck_assert_uint_gt(written, HISTOGRAM_COUNTS * 9);
    ck_assert_uint_le(histogram_payload_encode(bytes, &whole), HISTOGRAM_WIRE_MAX_BYTES);
}

TEST(truncation_is_an_error)
{
    /* Breaks when a journal cut by kill -9 yields numbers instead of an error. */
    for (uint64_t count = 0; count < 200; count = count * 3 + 1) {
        fill(200 + count, count, 40);
        size_t written = interval_histogram_encode(bytes, &interval);
        for (size_t cut = 0; cut < written; cut++) {
            size_t used = 0;
            struct err err = {OK, ""};
            /* a copy of exactly this length, so that AddressSanitizer sees a read beyond it */
            unsigned char *copy = malloc(cut + 1);
            memcpy(copy + 1, bytes, cut);
            histogram_init(&again);
            ck_assert_int_eq(histogram_decode_bytes(&again, copy + 1, cut, &used, &err), E_DATA);
            ck_assert_int_ne(err.text[0], '\0');
            free(copy);
        }
    }
}

TEST(bit_flips_never_lie_about_the_count)
{
    /* Breaks when damaged bytes crash the orchestrator or leave a histogram that contradicts itself. */
    fill(300, 60, 36);
    size_t written = interval_histogram_encode(bytes, &interval);
    unsigned refused = 0;
    histogram_init(&again);
    for (size_t bit = 0; bit < written * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        size_t used = 0;
        histogram_reset(&again);
        if (decode(&again, written, &used) == OK) {
            uint64_t total = 0;
            for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++)
                total += again.counts[i];
            ck_assert_uint_eq(total, again.count);
            ck_assert_uint_le(used, written);
        } else {
            refused++;
        }
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_uint_gt(refused, written * 4);
    histogram_reset(&again);
    static const struct histogram nothing;
    ck_assert_mem_eq(again.counts, nothing.counts, sizeof nothing.counts);
}

/* count, sum, min, max, clamped, first bucket, payload. */
static size_t write_numbers(const uint64_t *numbers, size_t number_count,
                            const unsigned char *payload, size_t payload_bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < number_count; i++)
        at += varint_encode(bytes + at, numbers[i]);
    at += varint_encode(bytes + at, payload_bytes);
    memcpy(bytes + at, payload, payload_bytes);
    return at + payload_bytes;
}

TEST(contradictions_are_refused)
{
    /* Breaks when a record whose parts disagree becomes part of the totals. */
    static const struct {
        uint64_t numbers[6];
        unsigned char payload[24];
        size_t payload_bytes;
        enum err_code expected;
    } samples[] = {
        {{2, 30, 10, 20, 0, 10}, {2, 0x11, 2}, 3, OK},           /* 1, nine zeros, 1 */
        {{3, 30, 10, 20, 0, 10}, {2, 0x11, 2}, 3, E_DATA},       /* count too high   */
        {{1, 30, 10, 20, 0, 10}, {2, 0x11, 2}, 3, E_DATA},       /* count too low    */
        {{2, 30, 11, 20, 0, 10}, {2, 0x11, 2}, 3, E_DATA},       /* minimum elsewhere */
        {{2, 30, 10, 25, 0, 10}, {2, 0x11, 2}, 3, E_DATA},       /* maximum elsewhere */
        {{2, 30, 20, 10, 0, 10}, {2, 0x11, 2}, 3, E_DATA},       /* upside down      */
        {{2, 30, 10, 20, 3, 10}, {2, 0x11, 2}, 3, E_DATA},       /* clamped > count  */
        {{2, 30, 10, 20, 0, 33792}, {2, 0x11, 2}, 3, E_DATA},    /* no such bucket   */
        {{2, 30, 10, 20, 0, 33791}, {2, 2}, 2, E_DATA},          /* runs off the end */
        {{2, 30, 10, 20, 0, 10}, {2, 0x11, 2, 0x80}, 4, E_DATA}, /* half a number    */
        {{2, 30, 10, 20, 0, 10}, {2, 0xff, 0xff, 0xff, 0xff, 0x0f, 2}, 7, E_DATA},
        {{2, 30, 10, 20, 0, 10},
         {2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         10,
         E_DATA},
        /* 2^32 + 9 zeros: nine of them when cut to 32 bits */
        {{2, 30, 10, 20, 0, 10}, {2, 0x91, 0x80, 0x80, 0x80, 0x20, 2}, 7, E_DATA},
        /* zeros beyond the last bucket, and nothing behind them */
        {{1, 3600000000000, 3600000000000, 3600000000000, 0, 33420}, {2, 0xe7, 7}, 3, E_DATA},
        /* counts that add up to 2 only when their sum wraps around */
        {{2, 30, 10, 12, 0, 10},
         {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 8},
         19,
         E_DATA},
        /* upside down within one bucket */
        {{1, 2049, 2049, 2048, 0, 2048}, {2}, 1, E_DATA},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        size_t written =
            write_numbers(samples[i].numbers, 6, samples[i].payload, samples[i].payload_bytes);
        size_t used = 0;
        histogram_init(&again);
        ck_assert_msg(decode(&again, written, &used) == samples[i].expected, "sample %zu", i);
    }
    bytes[0] = 0; /* no values, yet a sum */
    bytes[1] = 5;
    size_t used = 0;
    ck_assert_int_eq(decode(&again, 2, &used), E_DATA);
}

TEST(overflow_is_refused)
{
    /* Breaks when a sum of hostile records wraps around to a small number. */
    static const unsigned char payload[] = {2};
    const uint64_t numbers[] = {1, UINT64_MAX, 10, 10, 0, 10};
    size_t written = write_numbers(numbers, 6, payload, sizeof payload);
    size_t used = 0;
    histogram_init(&again);
    ck_assert_int_eq(decode(&again, written, &used), OK);
    ck_assert_int_eq(decode(&again, written, &used), E_DATA);
    ck_assert_uint_eq(again.sum_ns, UINT64_MAX);
}

TEST(payload_bytes_are_hdr)
{
    /* Breaks when the payload in a .hlog is not HdrHistogram's V2 coding, worked out by hand. */
    histogram_init(&whole);
    ck_assert_uint_eq(histogram_payload_encode(bytes, &whole), 1);
    ck_assert_int_eq(bytes[0], 0);
    histogram_record_n(&whole, 3, 1);
    histogram_record_n(&whole, 5, 1);
    histogram_record_n(&whole, 106, 100);
    static const unsigned char expected[] = {
        5,            /* three zeros: -3 -> 5 */
        2,    0,   2, /* 1, a lone zero, 1    */
        0xc7, 0x1,    /* 100 zeros: -100 -> 199 */
        0xc8, 0x1,    /* 100 -> 200           */
    };
    ck_assert_uint_eq(histogram_payload_encode(bytes, &whole), sizeof expected);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
    /* nine bytes, the last one whole, where plain LEB128 would take ten */
    histogram_init(&whole);
    histogram_record_n(&whole, 0, INT64_MAX);
    static const unsigned char largest[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    ck_assert_uint_eq(histogram_payload_encode(bytes, &whole), sizeof largest);
    ck_assert_mem_eq(bytes, largest, sizeof largest);
    size_t used = 0;
    size_t written = histogram_encode(bytes, &whole);
    histogram_init(&again);
    ck_assert_int_eq(decode(&again, written, &used), OK);
    ck_assert_mem_eq(&again, &whole, sizeof whole);
}

TEST(payloads_come_back)
{
    /* Breaks when counts of a .hlog line are read into other buckets than they were written from, or are not added. */
    for (uint64_t round = 0; round < 40; round++) {
        struct err err = {OK, ""};
        fill(round, round * round, 1 + (unsigned)round % 41);
        const size_t written = histogram_payload_encode(bytes, &whole);
        histogram_init(&again);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(histogram_payload_decode_add(&again, bytes, written, &err), OK);
        ck_assert_uint_eq(again.count, 2 * whole.count);
        for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++)
            ck_assert_uint_eq(again.counts[i], 2 * whole.counts[i]);
        if (whole.count > 0)
            ck_assert_uint_eq(histogram_quantile(&again, 0.5), histogram_quantile(&whole, 0.5));
    }
}

TEST(payloads_that_are_damaged)
{
    /* Breaks when counts go beyond the last bucket, overflow, or are cut short, and are believed. */
    static const struct {
        size_t count;
        unsigned char bytes[20];
    } damaged[] = {
        {1, {0x80}},                                                 /* cut within a number */
        {4, {0xff, 0xff, 0xff, 0x7f}},                               /* too many zeros */
        {9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, /* INT64_MIN of them */
        {18,
         {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,   /* more than there */
          0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, /* can be, twice: fits */
    };
    for (size_t i = 0; i < 3; i++) {
        struct err err = {OK, ""};
        histogram_init(&again);
        ck_assert_int_eq(
            histogram_payload_decode_add(&again, damaged[i].bytes, damaged[i].count, &err), E_DATA);
    }
    struct err err = {OK, ""};
    histogram_init(&again);
    ck_assert_int_eq(histogram_payload_decode_add(&again, damaged[3].bytes, 18, &err), OK);
    ck_assert_int_eq(histogram_payload_decode_add(&again, damaged[3].bytes, 18, &err), E_DATA);
}

TEST(varints)
{
    /* Breaks when a large counter changes on its way, or a decoder reads beyond its input. */
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t value = i < 300 ? i : rng_at(400, i) >> (i & 63);
        if (i == 299)
            value = UINT64_MAX;
        unsigned char text[10];
        size_t written = varint_encode(text, value);
        uint64_t found = 0;
        ck_assert_uint_eq(varint_decode(&found, text, written), written);
        ck_assert_uint_eq(found, value);
        for (size_t cut = 0; cut < written; cut++)
            ck_assert_uint_eq(varint_decode(&found, text, cut), 0);
    }
    static const unsigned char too_long[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0x02, 0x00};
    static const unsigned char endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                            0x80, 0x80, 0x80, 0x80, 0x00};
    uint64_t found = 77;
    ck_assert_uint_eq(varint_decode(&found, too_long, sizeof too_long), 0);
    ck_assert_uint_eq(varint_decode(&found, endless, sizeof endless), 0);
    ck_assert_uint_eq(found, 77);
}

TEST_SUITE(histogram_wire)
