/* Values that say whose they are: for --verify. A value is a pure function of (key, version, size), and can be
 * checked without knowing what was written:
 *
 *   bytes 0..3   the version, lowest byte first
 *   bytes 4..7   a checksum over key, version and size, lowest byte first
 *   the rest     a random stream of (key, version), so that a shorter value is the beginning of a longer one
 *
 * Pure functions; called by workers (hot path) and by `volley verify`. */
#ifndef COMMON_CHECKED_VALUE_H
#define COMMON_CHECKED_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKED_VALUE_BYTES_MIN 8u

/* key: a number that stands for the key, checked_value_key; another one for each key of a run. */
uint64_t checked_value_key(uint64_t space_seed, uint64_t number);

/* Bytes [from, from + count) of the value of `size` bytes; size at least CHECKED_VALUE_BYTES_MIN. */
void checked_value_write(char *out, size_t from, size_t count, uint64_t key, uint32_t version,
                         uint64_t size);

/* What is wrong with a value, the first thing. */
enum checked_fault {
    CHECKED_RIGHT,
    CHECKED_SHORT,  /* it has no room for a header                            */
    CHECKED_HEADER, /* the checksum is not that of this key, version and size */
    CHECKED_BODY    /* one byte of the rest differs                           */
};

/* A value that comes in pieces. A value; zeroed by checked_value_begin. */
struct checked_value {
    uint64_t key, size;
    uint64_t at; /* bytes that have come */
    unsigned char header[CHECKED_VALUE_BYTES_MIN];
    uint32_t version; /* once the header has come; of one that is wrong: what it says */
    enum checked_fault fault;
    uint64_t fault_at; /* CHECKED_BODY: which byte, and ... */
    unsigned char expected, got;
};

void checked_value_begin(struct checked_value *value, uint64_t key, uint64_t size);
void checked_value_take(struct checked_value *value, const char *bytes, size_t count);

#endif
