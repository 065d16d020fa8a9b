#include "common/slots.h"

#include <string.h>

/* The CRC of a byte is the exclusive or of those of its bits, so each table follows from eight of its
 * entries. advanced[n][byte]: the CRC of the byte and n zero bytes behind it; with four of them, four
 * bytes take one step. */
#define BIT(byte, bit, crc) (((byte) >> (bit)&1) != 0 ? (crc) : 0)
#define CRC(byte, a, b, c, d, e, f, g, h)                                                          \
    BIT(byte, 0, a)                                                                                \
    ^BIT(byte, 1, b) ^ BIT(byte, 2, c) ^ BIT(byte, 3, d) ^ BIT(byte, 4, e) ^ BIT(byte, 5, f) ^     \
        BIT(byte, 6, g) ^ BIT(byte, 7, h)
#define ROW4(byte, ...)                                                                            \
    CRC(byte, __VA_ARGS__), CRC((byte) + 1, __VA_ARGS__), CRC((byte) + 2, __VA_ARGS__),            \
        CRC((byte) + 3, __VA_ARGS__)
#define ROW16(byte, ...)                                                                           \
    ROW4(byte, __VA_ARGS__), ROW4((byte) + 4, __VA_ARGS__), ROW4((byte) + 8, __VA_ARGS__),         \
        ROW4((byte) + 12, __VA_ARGS__)
#define ROW64(byte, ...)                                                                           \
    ROW16(byte, __VA_ARGS__), ROW16((byte) + 16, __VA_ARGS__), ROW16((byte) + 32, __VA_ARGS__),    \
        ROW16((byte) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ROW64(0, __VA_ARGS__), ROW64(64, __VA_ARGS__), ROW64(128, __VA_ARGS__),                    \
            ROW64(192, __VA_ARGS__)                                                                \
    }

static const uint16_t advanced[4][256] = {
    TABLE(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48C4, 0x9188),
    TABLE(0x3331, 0x6662, 0xCCC4, 0x89A9, 0x0373, 0x06E6, 0x0DCC, 0x1B98),
    TABLE(0x3730, 0x6E60, 0xDCC0, 0xA9A1, 0x4363, 0x86C6, 0x1DAD, 0x3B5A),
    TABLE(0x76B4, 0xED68, 0xCAF1, 0x85C3, 0x1BA7, 0x374E, 0x6E9C, 0xDD38),
};

uint16_t slots_crc16(const char *bytes, size_t byte_count)
{
    const unsigned char *at = (const unsigned char *)bytes;
    uint16_t crc = 0;
    for (; byte_count >= 4; byte_count -= 4, at += 4)
        crc = advanced[3][crc >> 8 ^ at[0]] ^ advanced[2][(crc & 0xFF) ^ at[1]] ^
              advanced[1][at[2]] ^ advanced[0][at[3]];
    for (; byte_count > 0; byte_count--, at++)
        crc = (uint16_t)(crc << 8) ^ advanced[0][crc >> 8 ^ *at];
    return crc;
}

uint16_t slots_of_key(const char *key, size_t key_bytes)
{
    const char *open = key_bytes > 0 ? memchr(key, '{', key_bytes) : NULL;
    if (open != NULL) {
        const char *tag = open + 1;
        const char *close = memchr(tag, '}', key_bytes - (size_t)(tag - key));
        if (close != NULL && close > tag) {
            key = tag;
            key_bytes = (size_t)(close - tag);
        }
    }
    return slots_crc16(key, key_bytes) % SLOTS_COUNT;
}
