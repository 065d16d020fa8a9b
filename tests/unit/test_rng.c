#include <stdlib.h>

#include "common/rng.h"
#include "tests/support/check/suite.h"

#define DRAWS 200000u
#define CELLS 256u

/* Chi-square of 256 cells: 255 degrees of freedom, mean 255, deviation 22.6. Five deviations either
 * way; the seeds are fixed, so the outcome is too. */
static void assert_uniform(const uint32_t cells[CELLS], const char *what, uint64_t seed)
{
    double expected = (double)DRAWS / CELLS;
    double chi_square = 0;
    for (unsigned i = 0; i < CELLS; i++)
        chi_square += (cells[i] - expected) * (cells[i] - expected) / expected;
    ck_assert_msg(chi_square > 142 && chi_square < 368, "%s of seed %lu: chi-square %.1f", what,
                  (unsigned long)seed, chi_square);
}

TEST(known_numbers)
{
    /* Breaks when a new version sends other commands for the same --seed. */
    static const uint64_t expected[] = {6457827717110365317ull, 3203168211198807973ull,
                                        9817491932198370423ull, 4593380528125082431ull,
                                        16408922859458223821ull};
    for (uint64_t i = 0; i < 5; i++)
        ck_assert_uint_eq(rng_at(1234567, i), expected[i]);
    ck_assert_uint_eq(rng_at(0, 0), 0xe220a8397b1dcdafull);
}

TEST(uniform_bytes)
{
    /* Breaks when some keys are drawn more often than others: every byte of the number must be
     * uniform, for seeds that differ in one bit too. */
    static const uint64_t seeds[] = {0, 1, 2, 42, 0x8000000000000000ull, UINT64_MAX};
    for (unsigned s = 0; s < sizeof seeds / sizeof seeds[0]; s++) {
        uint32_t cells[8][CELLS] = {{0}};
        for (uint64_t i = 0; i < DRAWS; i++) {
            uint64_t number = rng_at(seeds[s], i);
            for (unsigned b = 0; b < 8; b++)
                cells[b][(number >> (8 * b)) & 0xff]++;
        }
        for (unsigned b = 0; b < 8; b++)
            assert_uniform(cells[b], "byte", seeds[s]);
    }
}

TEST(uniform_over_seeds)
{
    /* Breaks when streams of neighbouring seeds are alike: the first number of each is uniform. */
    uint32_t cells[CELLS] = {0};
    for (uint64_t seed = 0; seed < DRAWS; seed++)
        cells[rng_at(seed, 0) >> 56]++;
    assert_uniform(cells, "first number", 0);
}

TEST(uniform_pairs)
{
    /* Breaks when a number foretells the next: pairs of 4-bit digits fill their square evenly. */
    for (uint64_t seed = 7; seed < 10; seed++) {
        uint32_t cells[CELLS] = {0};
        for (uint64_t i = 0; i < DRAWS; i++)
            cells[(rng_at(seed, i) >> 60) << 4 | rng_at(seed, i + 1) >> 60]++;
        assert_uniform(cells, "pairs", seed);
    }
}

TEST(bounded_is_uniform_and_in_range)
{
    /* Breaks when a key lies outside its keyspace, or its ends are never used. */
    static const uint64_t bounds[] = {1, 2, 3, 10, 1000003, 1ull << 63, UINT64_MAX};
    for (unsigned b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        ck_assert_uint_eq(rng_bounded(0, bounds[b]), 0);
        ck_assert_uint_eq(rng_bounded(UINT64_MAX, bounds[b]), bounds[b] - 1);
        for (uint64_t i = 0; i < 1000; i++)
            ck_assert_uint_lt(rng_bounded(rng_at(5, i), bounds[b]), bounds[b]);
    }
    uint32_t cells[CELLS] = {0};
    for (uint64_t i = 0; i < DRAWS; i++)
        cells[rng_bounded(rng_at(6, i), 1000003) * CELLS / 1000003]++;
    assert_uniform(cells, "bounded", 6);
}

TEST(unit_keeps_off_both_ends)
{
    /* Breaks when a logarithm of such a number, or of what it leaves of 1, is infinite once in a long run. */
    ck_assert_double_gt(rng_unit(0), 0);
    ck_assert_double_lt(rng_unit(UINT64_MAX), 1);
    ck_assert_double_eq(rng_unit(1ull << 63), 0.5 + 0x1p-53);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

TEST(distinct)
{
    /* Breaks when a stream repeats itself, or two seeds share numbers: of 400,000 numbers of two
     * streams not one may come twice (by chance: 4 in a thousand million). */
    static uint64_t numbers[2 * DRAWS];
    for (uint64_t i = 0; i < DRAWS; i++) {
        numbers[2 * i] = rng_at(42, i);
        numbers[2 * i + 1] = rng_at(43, i);
    }
    qsort(numbers, 2 * DRAWS, sizeof numbers[0], compare_numbers);
    for (size_t i = 1; i < 2 * DRAWS; i++)
        ck_assert_uint_ne(numbers[i - 1], numbers[i]);
}

TEST_SUITE(rng)
