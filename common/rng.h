/* Random numbers as pure functions: the number at place `index` of the stream `seed`, with no state
 * to share or to carry. That is what makes command, key and value of a ticket the same for any
 * number of workers. Method: the splitmix64 output function (Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014) applied to seed + index * golden ratio. */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <stdint.h>

static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* The number at place `index` of the stream `seed`. */
static inline uint64_t rng_at(uint64_t seed, uint64_t index)
{
    return rng_mix(seed + (index + 1) * 0x9e3779b97f4a7c15ull);
}

/* Maps a random number onto 0..bound-1 by multiply and shift; bound > 0. The bias is below
 * bound / 2^64. */
static inline uint64_t rng_bounded(uint64_t random, uint64_t bound)
{
    return (uint64_t)((__extension__(unsigned __int128) random * bound) >> 64);
}

/* 0 < u < 1, of the upper 52 bits; neither end, so that u and 1 - u have logarithms. */
static inline double rng_unit(uint64_t random)
{
    return ((double)(random >> 12) + 0.5) * 0x1p-52;
}

#endif
