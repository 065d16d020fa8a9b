#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/fit.h"
#include "tests/support/check/suite.h"
#include "worker/generate/key_draw.h"

#define KEYS 1000u
#define DRAWS 1000000u
#define ZIPF(exponent_) .kind = ORDER_ZIPF, .exponent = (exponent_)

static struct key_draw prepared(struct key_order_wish wish, uint64_t count, uint64_t seed)
{
    struct key_draw draw;
    struct err err = {0};
    ck_assert_msg(key_draw_prepare(&draw, &wish, count, seed, 7, &err) == OK, "%s", err.text);
    return draw;
}

static void count_draws(uint64_t cells[KEYS], const struct key_draw *draw)
{
    uint64_t most = 0;
    memset(cells, 0, KEYS * sizeof cells[0]);
    for (uint64_t index = 0; index < DRAWS; index++) {
        const uint64_t key = key_draw_at(draw, index);
        most = key > most ? key : most;
        cells[key % KEYS]++;
    }
    ck_assert_uint_lt(most, draw->count);
}

static void assert_fits(const uint64_t cells[KEYS], const double probabilities[KEYS], double what)
{
    const double chi_square = fit_chi_square(cells, probabilities, KEYS);
    const double distance = fit_distance(cells, probabilities, KEYS);
    ck_assert_msg(chi_square < FIT_CHI_SQUARE_MOST, "%g: chi-square %.2f", what, chi_square);
    ck_assert_msg(distance < FIT_DISTANCE_MOST, "%g: distance %.2f", what, distance);
}

/* ---- zipf */

static void zipf_probabilities(double probabilities[KEYS], double exponent)
{
    double sum = 0;
    for (unsigned i = KEYS; i-- > 0;)
        sum += pow(i + 1, -exponent);
    for (unsigned i = 0; i < KEYS; i++)
        probabilities[i] = pow(i + 1, -exponent) / sum;
}

TEST(zipf_is_exact)
{
    /* Breaks when hot keys are hotter or colder than their exponent says, at any rank. */
    static const double exponents[] = {0, 0.25, 0.5, 0.99, 1, 1.0000001, 1.2, 1.5, 2, 3, 5};
    static uint64_t cells[KEYS];
    double probabilities[KEYS];
    for (unsigned i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        const struct key_draw draw =
            prepared((struct key_order_wish){ZIPF(exponents[i])}, KEYS, 1 + i);
        count_draws(cells, &draw);
        zipf_probabilities(probabilities, exponents[i]);
        assert_fits(cells, probabilities, exponents[i]);
    }
}

TEST(zipf_of_few_keys)
{
    /* Breaks when the ends of a tiny range are missed: one, two and three keys. */
    for (uint64_t count = 1; count <= 3; count++) {
        const struct key_draw draw = prepared((struct key_order_wish){ZIPF(1)}, count, 3);
        uint64_t cells[3] = {0};
        double probabilities[3], sum = 0;
        for (uint64_t i = 0; i < count; i++)
            sum += 1.0 / (double)(i + 1);
        for (uint64_t i = 0; i < count; i++)
            probabilities[i] = 1.0 / (double)(i + 1) / sum;
        for (uint64_t index = 0; index < 100000; index++)
            cells[key_draw_at(&draw, index)]++;
        ck_assert_double_lt(fit_distance(cells, probabilities, count), FIT_DISTANCE_MOST);
    }
}

TEST(zipf_near_one_is_continuous)
{
    /* Breaks when digits are lost near an exponent of 1, where the usual formula divides by nearly 0. */
    const struct key_draw at_one =
        prepared((struct key_order_wish){ZIPF(1)}, KEY_DRAW_COUNT_MAX, 5);
    static const double offsets[] = {-1e-15, 1e-15, -1e-12, 1e-12};
    for (unsigned i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        const struct key_draw near =
            prepared((struct key_order_wish){ZIPF(1 + offsets[i])}, KEY_DRAW_COUNT_MAX, 5);
        for (uint64_t index = 0; index < 1000; index++) {
            const double one = (double)key_draw_at(&at_one, index);
            ck_assert_double_eq_tol((double)key_draw_at(&near, index), one, 1 + one * 1e-9);
        }
    }
}

/* Of ranks that double from cell to cell. */
TEST(zipf_of_a_million_million)
{
    /* Breaks when numbers of a large range lose their last digits, or leave the range. */
    static const double exponents[] = {0, 0.5, 0.99, 1, 1.5, 5};
    for (unsigned i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        const struct key_draw draw =
            prepared((struct key_order_wish){ZIPF(exponents[i])}, KEY_DRAW_COUNT_MAX, 11 + i);
        uint64_t cells[41] = {0};
        double probabilities[41], before = 0;
        uint64_t most = 0;
        for (uint64_t index = 0; index < DRAWS; index++) {
            const uint64_t key = key_draw_at(&draw, index);
            most = key > most ? key : most;
            cells[63 - __builtin_clzll(key + 1)]++;
        }
        ck_assert_uint_lt(most, KEY_DRAW_COUNT_MAX);
        for (unsigned cell = 0; cell <= 40; cell++) {
            const double upto = key_draw_share(&draw, (2ull << cell) - 1);
            probabilities[cell] = upto - before;
            before = upto;
        }
        ck_assert_double_lt(fit_distance(cells, probabilities, 40), FIT_DISTANCE_MOST);
        ck_assert_double_lt(fit_chi_square(cells, probabilities, 40), FIT_CHI_SQUARE_MOST);
    }
}

/* ---- the other curves */

static double normal_below(double z)
{
    return erfc(-z / M_SQRT2) / 2;
}

TEST(gaussian_is_exact)
{
    /* Breaks when keys do not lie about the middle as a normal curve that the range cuts off. */
    static const double deviations[] = {0.02, KEY_DEVIATION_USUAL, 0.5, 3};
    static uint64_t cells[KEYS];
    double probabilities[KEYS];
    for (unsigned i = 0; i < sizeof deviations / sizeof deviations[0]; i++) {
        const double deviation = deviations[i];
        const struct key_draw draw = prepared(
            (struct key_order_wish){.kind = ORDER_GAUSSIAN, .deviation = deviation}, KEYS, i);
        const double kept = normal_below(0.5 / deviation) - normal_below(-0.5 / deviation);
        for (unsigned key = 0; key < KEYS; key++)
            probabilities[key] = (normal_below(((key + 1.0) / KEYS - 0.5) / deviation) -
                                  normal_below(((double)key / KEYS - 0.5) / deviation)) /
                                 kept;
        count_draws(cells, &draw);
        assert_fits(cells, probabilities, deviation);
    }
}

TEST(exponential_is_exact)
{
    /* Breaks when keys do not thin out from the first one at the scale that was asked for. */
    static const double scales[] = {0.01, KEY_SCALE_USUAL, 1, 100};
    static uint64_t cells[KEYS];
    double probabilities[KEYS];
    for (unsigned i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        const struct key_draw draw = prepared(
            (struct key_order_wish){.kind = ORDER_EXPONENTIAL, .scale = scales[i]}, KEYS, i);
        for (unsigned key = 0; key < KEYS; key++)
            probabilities[key] =
                (exp(-(double)key / KEYS / scales[i]) - exp(-(key + 1.0) / KEYS / scales[i])) /
                (1 - exp(-1 / scales[i]));
        count_draws(cells, &draw);
        assert_fits(cells, probabilities, scales[i]);
    }
}

TEST(uniform_and_hotset_are_exact)
{
    /* Breaks when the hot keys do not get their part of the draws, evenly, or the cold ones theirs. */
    static const double parts[][2] = {{0.1, 0.9},  {0.5, 0.5}, {0.9, 0.1}, {0.001, 0.5},
                                      {0.0001, 1}, {0.2, 0},   {1, 0.3}};
    static uint64_t cells[KEYS];
    double probabilities[KEYS];
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const struct key_draw draw = prepared((struct key_order_wish){.kind = ORDER_HOTSET,
                                                                      .hot_keys = parts[i][0],
                                                                      .hot_draws = parts[i][1]},
                                              KEYS, i);
        const unsigned hot = parts[i][0] * KEYS < 1 ? 1 : (unsigned)lround(parts[i][0] * KEYS);
        const double hot_draws = hot == KEYS ? 1 : parts[i][1];
        for (unsigned key = 0; key < KEYS; key++)
            probabilities[key] = key < hot ? hot_draws / hot : (1 - hot_draws) / (KEYS - hot);
        count_draws(cells, &draw);
        assert_fits(cells, probabilities, parts[i][0]);
    }
    const struct key_draw draw = prepared((struct key_order_wish){.kind = ORDER_UNIFORM}, KEYS, 9);
    for (unsigned key = 0; key < KEYS; key++)
        probabilities[key] = 1.0 / KEYS;
    count_draws(cells, &draw);
    assert_fits(cells, probabilities, 0);
}

TEST(latest_follows_the_newest)
{
    /* Breaks when keys beyond the newest are asked for, or old ones more than new ones, while keys are added. */
    static const uint64_t newest[] = {0, 1, 9, KEYS - 2, KEYS - 1, KEYS, 5 * KEYS};
    static uint64_t cells[KEYS];
    double probabilities[KEYS];
    const struct key_draw draw = prepared(
        (struct key_order_wish){.kind = ORDER_LATEST, .exponent = KEY_EXPONENT_USUAL}, KEYS, 3);
    for (unsigned i = 0; i < sizeof newest / sizeof newest[0]; i++) {
        const uint64_t known = newest[i] + 1 < KEYS ? newest[i] + 1 : KEYS;
        double sum = 0;
        uint64_t farthest = 0;
        memset(cells, 0, sizeof cells);
        for (uint64_t rank = known; rank > 0; rank--)
            sum += pow((double)rank, -KEY_EXPONENT_USUAL);
        for (uint64_t rank = 1; rank <= known; rank++)
            probabilities[rank - 1] = pow((double)rank, -KEY_EXPONENT_USUAL) / sum;
        for (uint64_t index = 0; index < DRAWS; index++) {
            const uint64_t distance = newest[i] - key_draw_at_newest(&draw, index, newest[i]);
            farthest = distance > farthest ? distance : farthest;
            cells[distance % KEYS]++;
        }
        ck_assert_uint_lt(farthest, known);
        ck_assert_double_lt(fit_distance(cells, probabilities, known), FIT_DISTANCE_MOST);
        if (known > 1)
            ck_assert_double_lt(fit_chi_square(cells, probabilities, known), FIT_CHI_SQUARE_MOST);
    }
    for (uint64_t index = 0; index < 1000; index++)
        ck_assert_uint_eq(key_draw_at(&draw, index), key_draw_at_newest(&draw, index, KEYS - 1));
}

/* ---- permutations and sequences */

static void assert_permutation(const struct key_scatter *scatter, uint64_t seed)
{
    bool seen[KEYS] = {false};
    uint64_t different = 0;
    for (uint64_t place = 0; place < scatter->count; place++) {
        const uint64_t key = key_scatter_at(scatter, seed, place);
        different += key < scatter->count && !seen[key];
        ck_assert_uint_eq(key_scatter_from(scatter, seed, key), place);
        seen[key % KEYS] = true;
    }
    ck_assert_msg(different == scatter->count, "of %lu keys, seed %lu: only %lu",
                  (unsigned long)scatter->count, (unsigned long)seed, (unsigned long)different);
}

TEST(scatter_is_a_permutation)
{
    /* Breaks when two ranks share a key, and so a key is never asked for: each range up to 1,000. */
    for (uint64_t count = 1; count <= KEYS; count++) {
        const struct key_scatter scatter = key_scatter_over(count);
        for (uint64_t seed = 0; seed < 3; seed++)
            assert_permutation(&scatter, seed);
    }
}

TEST(scatter_takes_each_rank_anywhere)
{
    /* Breaks when some rank prefers some keys: where ranks go, over many seeds, is uniform, and where two
     * neighbours go has nothing to do with each other. */
    static const uint64_t counts[] = {7, 100, KEYS};
    static uint64_t cells[KEYS];
    double probabilities[KEYS];
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const struct key_scatter scatter = key_scatter_over(counts[i]);
        uint64_t apart[KEYS] = {0};
        memset(cells, 0, sizeof cells);
        for (uint64_t seed = 0; seed < 100000; seed++) {
            const uint64_t key = key_scatter_at(&scatter, rng_mix(seed), 0);
            const uint64_t next = key_scatter_at(&scatter, rng_mix(seed), 1);
            cells[key]++;
            apart[(next + counts[i] - key) % counts[i]]++;
        }
        for (uint64_t key = 0; key < counts[i]; key++)
            probabilities[key] = 1.0 / (double)counts[i];
        ck_assert_double_lt(fit_chi_square(cells, probabilities, counts[i]), FIT_CHI_SQUARE_MOST);
        ck_assert_uint_eq(apart[0], 0);
        for (uint64_t key = 0; key + 1 < counts[i]; key++)
            probabilities[key] = 1.0 / (double)(counts[i] - 1);
        ck_assert_double_lt(fit_chi_square(apart + 1, probabilities, counts[i] - 1),
                            FIT_CHI_SQUARE_MOST);
    }
}

TEST(scatter_of_large_ranges)
{
    /* Breaks when a large range overflows: places near both ends stay within it and apart, and are found again. */
    static const uint64_t counts[] = {1ull << 32, 999999999989ull, KEY_DRAW_COUNT_MAX};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const struct key_scatter scatter = key_scatter_over(counts[i]);
        uint64_t low = 0;
        for (uint64_t place = 0; place < 10000; place++) {
            const uint64_t first = key_scatter_at(&scatter, 4, place);
            const uint64_t last = key_scatter_at(&scatter, 4, counts[i] - 1 - place);
            ck_assert_uint_lt(first, counts[i]);
            ck_assert_uint_lt(last, counts[i]);
            ck_assert_uint_ne(first, last);
            ck_assert_uint_eq(key_scatter_from(&scatter, 4, first), place);
            ck_assert_uint_eq(key_scatter_from(&scatter, 4, last), counts[i] - 1 - place);
            low += first < counts[i] / 2;
        }
        ck_assert_uint_gt(low, 4700); /* 5,000 and six deviations */
        ck_assert_uint_lt(low, 5300);
    }
}

TEST(scattered_ranks_keep_their_shares)
{
    /* Breaks when scattering changes how often the keys are asked for instead of which they are. */
    const struct key_draw plain = prepared((struct key_order_wish){ZIPF(0.99)}, KEYS, 8);
    const struct key_draw draw =
        prepared((struct key_order_wish){ZIPF(0.99), .scattered = true}, KEYS, 8);
    uint64_t key_of[KEYS] = {0}, moved = 0, torn = 0;
    for (uint64_t index = 0; index < DRAWS; index++) {
        const uint64_t rank = key_draw_at(&plain, index), key = key_draw_at(&draw, index);
        torn += key_of[rank] != 0 && key_of[rank] != key + 1;
        moved += key_of[rank] == 0 && key != rank;
        key_of[rank] = key + 1;
    }
    ck_assert_uint_eq(torn, 0);
    ck_assert_uint_gt(moved, KEYS * 9 / 10);
}

TEST(walk_touches_all)
{
    /* Breaks when N draws leave one of N keys out, in the first pass or in a later one, or passes are alike. */
    static const uint64_t counts[] = {1, 2, 3, 10, 100, KEYS};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const struct key_draw draw =
            prepared((struct key_order_wish){.kind = ORDER_WALK}, counts[i], 2);
        uint64_t seen[KEYS] = {0}, same = 0;
        for (uint64_t index = 0; index < 5 * counts[i]; index++) {
            const uint64_t key = key_draw_at(&draw, index);
            ck_assert_uint_eq(seen[key]++, index / counts[i]);
            same += key == key_draw_at(&draw, index + counts[i]);
        }
        ck_assert(counts[i] < 100 || same < 30); /* five are expected */
    }
}

TEST(parallel_ranges)
{
    /* Breaks when a connection's range overlaps another's, or is not gone through in sequence. */
    struct key_draw draw = prepared((struct key_order_wish){.kind = ORDER_PARALLEL}, KEYS, 1);
    static const uint64_t begins[] = {0, 142, 285, 428, 571, 714, 857};
    for (uint64_t range = 0; range < 7; range++)
        for (uint64_t turn = 0; turn < 142; turn++)
            ck_assert_uint_eq(key_draw_at(&draw, turn * 7 + range), begins[range] + turn);
    ck_assert_uint_eq(key_draw_at(&draw, 142 * 7), 0);
    ck_assert_uint_eq(key_draw_at(&draw, 142 * 7 + 1), 142 + 142);
    ck_assert_uint_eq(key_draw_at(&draw, 143 * 7 + 1), 142);

    /* More ranges than keys: one key each. */
    draw = prepared((struct key_order_wish){.kind = ORDER_PARALLEL}, 3, 1);
    for (uint64_t index = 0; index < 9; index++)
        ck_assert_uint_eq(key_draw_at(&draw, index), index % 3);
}

/* ---- all of them */

static const struct key_order_wish each_kind[] = {
    {.kind = ORDER_UNIFORM},
    {.kind = ORDER_SEQUENTIAL},
    {ZIPF(0.99), .scattered = true},
    {.kind = ORDER_GAUSSIAN, .deviation = KEY_DEVIATION_USUAL},
    {.kind = ORDER_EXPONENTIAL, .scale = KEY_SCALE_USUAL},
    {.kind = ORDER_HOTSET, .hot_keys = 0.1, .hot_draws = 0.9, .scattered = true},
    {.kind = ORDER_LATEST, .exponent = 0.99},
    {.kind = ORDER_PARALLEL},
    {.kind = ORDER_WALK}};

LOOP_TEST(numbers_depend_on_the_index_alone, sizeof each_kind / sizeof each_kind[0])
{
    /* Breaks when a draw depends on those before it, so that workers would ask for other keys than one alone. */
    static const uint64_t counts[] = {1, 2, 1000, KEY_DRAW_COUNT_MAX};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const struct key_draw draw = prepared(each_kind[_i], counts[i], 77);
        const struct key_draw again = prepared(each_kind[_i], counts[i], 77);
        uint64_t keys[500];
        for (uint64_t index = 0; index < 500; index++) {
            keys[index] = key_draw_at(&draw, index);
            ck_assert_uint_lt(keys[index], counts[i]);
            ck_assert_uint_lt(key_draw_at(&draw, UINT64_MAX - index), counts[i]);
        }
        for (uint64_t index = 500; index-- > 0;)
            ck_assert_uint_eq(key_draw_at(&again, index), keys[index]);
    }
}

LOOP_TEST(shares_are_what_is_drawn, sizeof each_kind / sizeof each_kind[0])
{
    /* Breaks when what a report says was asked for is not what this module draws: the hottest keys, counted. */
    static const uint64_t hottest[] = {1, 10, 100, 500, KEYS};
    static uint64_t cells[KEYS];
    const struct key_draw draw = prepared(each_kind[_i], KEYS, 5);
    count_draws(cells, &draw);
    for (unsigned i = 1; i < KEYS; i++) /* the most first */
        for (unsigned k = i; k > 0 && cells[k] > cells[k - 1]; k--) {
            const uint64_t other = cells[k];
            cells[k] = cells[k - 1];
            cells[k - 1] = other;
        }
    for (unsigned i = 0; i < sizeof hottest / sizeof hottest[0]; i++) {
        double found = 0;
        for (uint64_t k = 0; k < hottest[i]; k++)
            found += (double)cells[k] / DRAWS;
        const double share = key_draw_share(&draw, hottest[i]);
        /* Of equal keys the luckiest count here, each with four deviations at most. */
        ck_assert_double_ge(found, share - 0.002);
        ck_assert_double_le(found, share + 4 * sqrt((double)hottest[i] * share / DRAWS));
    }
}

LOOP_TEST(the_hottest_are_those_that_are_drawn_most, sizeof each_kind / sizeof each_kind[0])
{
    /* Breaks when a report looks at other keys than those that are to be hot: draws by heat, against the shares. */
    static const uint64_t counts[] = {KEYS - 1, KEYS};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        static uint64_t cells[KEYS];
        double probabilities[KEYS] = {0}, before = 0;
        bool seen[KEYS] = {false};
        const struct key_draw draw = prepared(each_kind[_i], counts[i], 15);
        memset(cells, 0, sizeof cells);
        for (uint64_t key = 0; key < counts[i]; key++) {
            const uint64_t heat = key_draw_heat(&draw, key);
            ck_assert(heat < counts[i] && !seen[heat]);
            seen[heat] = true;
            const double upto = key_draw_share(&draw, key + 1);
            probabilities[key] = upto - before;
            before = upto;
        }
        for (uint64_t index = 0; index < DRAWS; index++)
            cells[key_draw_heat(&draw, key_draw_at(&draw, index))]++;
        assert_fits(cells, probabilities, _i);
    }
}

TEST(a_set_that_is_called_hot_and_is_not)
{
    /* Breaks when the colder nine tenths of the keys are looked at as the hottest. */
    const struct key_draw draw = prepared(
        (struct key_order_wish){.kind = ORDER_HOTSET, .hot_keys = 0.9, .hot_draws = 0.1}, 10, 1);
    ck_assert_uint_eq(key_draw_heat(&draw, 9), 0);
    ck_assert_uint_eq(key_draw_heat(&draw, 0), 1);
    ck_assert_uint_eq(key_draw_heat(&draw, 8), 9);
}

TEST(share_of_a_million_keys)
{
    /* Breaks when the sum of a large zipf loses terms: 1 % of a million keys, and sums term by term. */
    static const double exponents[] = {0, 0.5, 0.99, 1, 1.5, 5};
    for (unsigned i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        const struct key_draw draw =
            prepared((struct key_order_wish){ZIPF(exponents[i])}, 1000000, 1);
        double hot = 0, all = 0;
        for (unsigned rank = 1000000; rank > 0; rank--) {
            all += pow(rank, -exponents[i]);
            hot += rank <= 10000 ? pow(rank, -exponents[i]) : 0;
        }
        ck_assert_double_eq_tol(key_draw_share(&draw, 10000), hot / all, 1e-12);
        ck_assert_double_eq_tol(key_draw_share(&draw, 1), 1 / all, 1e-12);
        ck_assert_double_eq(key_draw_share(&draw, 1000000), 1);
    }
}

TEST(wishes_out_of_bounds)
{
    /* Breaks when a program's wish that no text could say makes draws run for ever or out of the range. */
    static const struct key_order_wish wrong[] = {
        {ZIPF(-0.1)},
        {ZIPF(5.1)},
        {ZIPF(NAN)},
        {.kind = ORDER_LATEST, .exponent = INFINITY},
        {.kind = ORDER_GAUSSIAN, .deviation = 0},
        {.kind = ORDER_GAUSSIAN, .deviation = NAN},
        {.kind = ORDER_EXPONENTIAL, .scale = -1},
        {.kind = ORDER_EXPONENTIAL, .scale = 1001},
        {.kind = ORDER_HOTSET, .hot_keys = 0, .hot_draws = 0.9},
        {.kind = ORDER_HOTSET, .hot_keys = 1.1, .hot_draws = 0.9},
        {.kind = ORDER_HOTSET, .hot_keys = 0.1, .hot_draws = 1.1},
        {.kind = ORDER_HOTSET, .hot_keys = 0.1, .hot_draws = NAN}};
    struct key_draw draw;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(key_draw_prepare(&draw, &wrong[i], KEYS, 1, 1, NULL), E_USAGE);
    const struct key_order_wish right = {.kind = ORDER_UNIFORM},
                                parallel = {.kind = ORDER_PARALLEL};
    ck_assert_int_eq(key_draw_prepare(&draw, &right, 0, 1, 1, NULL), E_USAGE);
    ck_assert_int_eq(key_draw_prepare(&draw, &right, KEY_DRAW_COUNT_MAX + 1, 1, 1, NULL), E_USAGE);
    ck_assert_int_eq(key_draw_prepare(&draw, &parallel, KEYS, 1, 0, NULL), E_USAGE);
}

TEST_SUITE(key_draw)
