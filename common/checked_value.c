#include "common/checked_value.h"

#include <string.h>

#include "common/rng.h"

#define BLOCK_BYTES 8u
#define STREAM_BODY 0x626f6479ull

uint64_t checked_value_key(uint64_t space_seed, uint64_t number)
{
    return rng_at(space_seed, number);
}

static uint32_t checksum(uint64_t key, uint32_t version, uint64_t size)
{
    return (uint32_t)(rng_at(rng_at(key, version), size) >> 32);
}

static void put_number(unsigned char out[4], uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (unsigned char)(number >> 8 * i);
}

static uint32_t get_number(const unsigned char bytes[4])
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static uint64_t body_seed(uint64_t key, uint32_t version)
{
    return rng_at(key ^ STREAM_BODY, version);
}

/* Block `index` of the body's stream, which has the same bytes on every machine. */
static void write_block(unsigned char out[BLOCK_BYTES], uint64_t seed, uint64_t index)
{
    const uint64_t random = rng_at(seed, index);
    for (unsigned i = 0; i < BLOCK_BYTES; i++)
        out[i] = (unsigned char)(random >> 8 * i);
}

/* Blocks count from the value's beginning: the header is the first, which the stream has not. */
static void write_body(char *out, size_t from, size_t count, uint64_t seed)
{
    unsigned char block[BLOCK_BYTES];
    while (count > 0) {
        const size_t skipped = from % BLOCK_BYTES;
        const size_t part = BLOCK_BYTES - skipped < count ? BLOCK_BYTES - skipped : count;
        write_block(block, seed, from / BLOCK_BYTES);
        memcpy(out, block + skipped, part);
        out += part;
        from += part;
        count -= part;
    }
}

void checked_value_write(char *out, size_t from, size_t count, uint64_t key, uint32_t version,
                         uint64_t size)
{
    if (from < CHECKED_VALUE_BYTES_MIN && count > 0) {
        unsigned char header[CHECKED_VALUE_BYTES_MIN];
        const size_t left = CHECKED_VALUE_BYTES_MIN - from, part = left < count ? left : count;
        put_number(header, version);
        put_number(header + 4, checksum(key, version, size));
        memcpy(out, header + from, part);
        out += part;
        from += part;
        count -= part;
    }
    if (count > 0)
        write_body(out, from, count, body_seed(key, version));
}

void checked_value_begin(struct checked_value *value, uint64_t key, uint64_t size)
{
    *value = (struct checked_value){.key = key, .size = size};
    if (size < CHECKED_VALUE_BYTES_MIN)
        value->fault = CHECKED_SHORT;
}

static void take_header(struct checked_value *value)
{
    value->version = get_number(value->header);
    if (get_number(value->header + 4) != checksum(value->key, value->version, value->size))
        value->fault = CHECKED_HEADER;
}

static void compare_body(struct checked_value *value, const char *bytes, size_t count)
{
    const uint64_t seed = body_seed(value->key, value->version);
    for (size_t done = 0; done < count;) {
        unsigned char block[BLOCK_BYTES];
        const size_t skipped = (value->at + done) % BLOCK_BYTES;
        const size_t left = count - done;
        const size_t part = BLOCK_BYTES - skipped < left ? BLOCK_BYTES - skipped : left;
        write_block(block, seed, (value->at + done) / BLOCK_BYTES);
        if (memcmp(block + skipped, bytes + done, part) != 0) {
            size_t i = 0;
            while (block[skipped + i] == (unsigned char)bytes[done + i])
                i++;
            value->fault = CHECKED_BODY;
            value->fault_at = value->at + done + i;
            value->expected = block[skipped + i];
            value->got = (unsigned char)bytes[done + i];
            return;
        }
        done += part;
    }
}

void checked_value_take(struct checked_value *value, const char *bytes, size_t count)
{
    if (value->fault == CHECKED_RIGHT && value->at < CHECKED_VALUE_BYTES_MIN && count > 0) {
        const size_t left = CHECKED_VALUE_BYTES_MIN - value->at, part = left < count ? left : count;
        memcpy(value->header + value->at, bytes, part);
        value->at += part;
        bytes += part;
        count -= part;
        if (value->at == CHECKED_VALUE_BYTES_MIN)
            take_header(value);
    }
    if (value->fault == CHECKED_RIGHT && count > 0)
        compare_body(value, bytes, count);
    value->at += count;
}
