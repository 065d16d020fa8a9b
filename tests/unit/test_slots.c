#include <string.h>

#include "common/rng.h"
#include "common/slots.h"
#include "tests/support/check/suite.h"

TEST(check_value)
{
    /* Breaks when the polynomial, the start value or the order of bits is another one. */
    ck_assert_uint_eq(slots_crc16("123456789", 9), 0x31C3);
    ck_assert_uint_eq(slots_crc16("", 0), 0);
    ck_assert_uint_eq(slots_crc16("\0\0\0\0\0", 5), 0);
    ck_assert_uint_eq(slots_of_key("foo", 3), 12182); /* CLUSTER KEYSLOT foo */
}

/* Bit by bit, as the definition has it. */
static uint16_t slow_crc16(const unsigned char *bytes, size_t byte_count)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < byte_count; i++) {
        crc = (uint16_t)(crc ^ bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

TEST(same_as_the_definition)
{
    /* Breaks when four bytes at a time give another value than one bit at a time. */
    unsigned char bytes[40];
    for (uint64_t round = 0; round < 20000; round++) {
        size_t byte_count = rng_at(1, round) % (sizeof bytes + 1);
        for (size_t i = 0; i < byte_count; i++)
            bytes[i] = (unsigned char)rng_at(round, i);
        ck_assert_uint_eq(slots_crc16((const char *)bytes, byte_count),
                          slow_crc16(bytes, byte_count));
    }
}

static const struct {
    const char *key, *hashed;
} tags[] = {
    {"{user1000}.following", "user1000"},
    {"{user1000}.followers", "user1000"},
    {"foo{}{bar}", "foo{}{bar}"},
    {"foo{{bar}}zap", "{bar"},
    {"foo{bar}{zap}", "bar"},
    {"foo{bar", "foo{bar"},
    {"foo}bar{", "foo}bar{"},
    {"}{a}", "a"},
    {"{}", "{}"},
    {"{}{a}", "{}{a}"},
    {"{a}", "a"},
    {"", ""},
    {"{", "{"},
};

LOOP_TEST(hash_tags, sizeof tags / sizeof tags[0])
{
    /* Breaks when keys that belong together are sent to different nodes. */
    const char *key = tags[_i].key, *hashed = tags[_i].hashed;
    ck_assert_uint_eq(slots_of_key(key, strlen(key)),
                      slots_crc16(hashed, strlen(hashed)) % SLOTS_COUNT);
}

TEST(zero_bytes_count)
{
    /* Breaks when a key is taken for a C string. */
    ck_assert_uint_eq(slots_of_key("a\0{b}", 5), slots_of_key("b", 1));
    ck_assert_uint_ne(slots_of_key("a\0b", 3), slots_of_key("a", 1));
}

TEST_SUITE(slots)
