#include <string.h>

#include "common/checked_value.h"
#include "common/rng.h"
#include "tests/support/check/suite.h"

#define VALUE_BYTES_MAX 300u

static char value[VALUE_BYTES_MAX + 1];

static struct checked_value check_in_pieces(const char *bytes, size_t count, uint64_t key,
                                            uint64_t random)
{
    struct checked_value checked;
    checked_value_begin(&checked, key, count);
    for (size_t at = 0; at < count;) {
        size_t part = 1 + rng_bounded(rng_at(random, at), 40);
        part = part < count - at ? part : count - at;
        checked_value_take(&checked, bytes + at, part);
        at += part;
    }
    return checked;
}

TEST(test_values_check_themselves)
{
    /* Breaks when a value is not what it was written as, whatever pieces it is written and read in. */
    for (uint64_t i = 0; i < 20000; i++) {
        const uint64_t key = checked_value_key(3, rng_at(1, i) % 1000);
        const uint32_t version = (uint32_t)rng_at(2, i);
        const size_t size = 8 + rng_at(4, i) % (VALUE_BYTES_MAX - 7);
        const size_t cut = rng_at(5, i) % (size + 1);
        value[size] = '#';
        checked_value_write(value + cut, cut, size - cut, key, version, size);
        checked_value_write(value, 0, cut, key, version, size);
        ck_assert_int_eq(value[size], '#');
        const struct checked_value checked = check_in_pieces(value, size, key, i);
        ck_assert_int_eq(checked.fault, CHECKED_RIGHT);
        ck_assert_uint_eq(checked.version, version);
        ck_assert_uint_eq(checked.at, size);
    }
}

TEST(test_any_change_is_found)
{
    /* Breaks when a byte is changed, the end is cut off, or the value is another key's, and it passes. */
    const uint64_t key = checked_value_key(3, 77);
    for (size_t size = 8; size <= VALUE_BYTES_MAX; size += 13) {
        checked_value_write(value, 0, size, key, 5, size);
        for (size_t at = 0; at < size; at++) {
            value[at] ^= 1 << at % 8;
            const struct checked_value checked = check_in_pieces(value, size, key, at);
            ck_assert_int_eq(checked.fault, at < 8 ? CHECKED_HEADER : CHECKED_BODY);
            ck_assert(at < 8 || checked.fault_at == at);
            ck_assert(at < 8 || checked.got == (unsigned char)value[at]);
            value[at] ^= 1 << at % 8;
            ck_assert(at < 8 || checked.expected == (unsigned char)value[at]);
        }
        for (size_t cut = 0; cut < size; cut++)
            ck_assert_int_eq(check_in_pieces(value, cut, key, cut).fault,
                             cut < 8 ? CHECKED_SHORT : CHECKED_HEADER);
        ck_assert_int_eq(check_in_pieces(value, size, checked_value_key(3, 78), 1).fault,
                         CHECKED_HEADER);
    }
}

TEST(test_bytes_of_a_value)
{
    /* Breaks when values that an earlier run wrote, whose versions a file has kept, are made otherwise now. */
    static const unsigned char expected[] = {7, 0, 0, 0};
    checked_value_write(value, 0, 24, checked_value_key(1, 2), 7, 24);
    ck_assert_mem_eq(value, expected, sizeof expected);
    ck_assert_uint_eq(checked_value_key(1, 2), rng_at(1, 2));
    ck_assert_int_eq(check_in_pieces(value, 24, checked_value_key(1, 2), 1).fault, CHECKED_RIGHT);
}

TEST_SUITE(checked_value)
