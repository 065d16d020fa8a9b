/* Numbers as text, and how long they are. Private to worker/generate. */
#ifndef WORKER_GENERATE_MIX_NUMBER_H
#define WORKER_GENERATE_MIX_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "worker/generate/mix_program.h"

#define MIX_FLOAT_PARTS 1000000 /* of 1: six digits behind the point */
#define MIX_NOW_DIGITS 13u      /* milliseconds since 1970, until 2286 */
#define MIX_RUN_DIGITS 16u      /* microseconds, likewise */
#define MIX_UUID_BYTES 36u
#define MIX_NUMBER_MOST_BYTES 32u
/* Between the draws of two classes; any odd number far from small multiples of the others will do. */
#define MIX_KEY_STRIDE 0x2545f4914f6cdd1dull

/* What a value is made of, in one number: its size, and where in the pool it begins. */
#define MIX_VALUE_SIZE_BITS 40u
#define MIX_VALUE_SIZE(number) ((number) & ((1ull << MIX_VALUE_SIZE_BITS) - 1))
#define MIX_VALUE_SHIFT(number) ((number) >> MIX_VALUE_SIZE_BITS)

/* Of a number in decimal. */
static inline size_t mix_digits(uint64_t number)
{
    static const uint64_t powers[] = {0,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000,
                                      10000000000000000000ull};
    /* 1233 / 4096 is a little more than the logarithm of 2. */
    const unsigned guess = (unsigned)(64 - __builtin_clzll(number | 1)) * 1233u >> 12;
    return guess + (number >= powers[guess]);
}

size_t mix_key_fixed_bytes(const struct mix_keys *keys, bool added); /* 0: keys differ in length */
size_t mix_key_most_bytes(const struct mix_keys *keys);
/* The key with this number, at most so long; returns its length. */
size_t mix_key_text(char *out, const struct mix_keys *keys, uint64_t number);
/* Of a space in ORDER_LATEST, counted from its first key: the newest one that requests of this ticket may ask for. */
uint64_t mix_newest_key(const struct mix_keys *keys, uint64_t ticket);

#endif
