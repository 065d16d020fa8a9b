#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/fit.h"
#include "tests/support/check/suite.h"
#include "worker/generate/size_draw.h"

#define DRAWS 1000000u
#define CELLS 400u

static struct size_draw prepared(struct size_wish wish)
{
    struct size_draw draw;
    struct err err = {0};
    ck_assert_msg(size_draw_prepare(&draw, &wish, &err) == OK, "%s", err.text);
    return draw;
}

/* What was drawn: in equal cells up to most, and on average. */
struct sizes {
    uint64_t cells[CELLS], least, most, cell_bytes;
    double mean, deviation;
};

static struct sizes drawn(const struct size_draw *draw, uint64_t seed)
{
    const uint64_t bound = size_draw_most(draw);
    struct sizes sizes = {.least = UINT64_MAX, .cell_bytes = bound / CELLS + 1};
    double sum = 0, squares = 0;
    for (uint64_t index = 0; index < DRAWS; index++) {
        const uint64_t bytes = size_draw_at(draw, rng_at(seed, index));
        const uint64_t cell = bytes / sizes.cell_bytes;
        sizes.cells[cell < CELLS ? cell : 0]++;
        sizes.least = bytes < sizes.least ? bytes : sizes.least;
        sizes.most = bytes > sizes.most ? bytes : sizes.most;
        sum += (double)bytes;
        squares += (double)bytes * (double)bytes;
    }
    sizes.mean = sum / DRAWS;
    sizes.deviation = sqrt(fmax(squares / DRAWS - sizes.mean * sizes.mean, 0));
    ck_assert_uint_ge(sizes.least, 1);
    ck_assert_uint_le(sizes.most, bound);
    return sizes;
}

/* Four deviations of a mean, and what rounding to bytes may take. */
static void assert_mean(const struct size_draw *draw, const struct sizes *sizes, double rounding)
{
    const double expected = size_draw_mean(draw);
    ck_assert_double_eq_tol(sizes->mean, expected,
                            rounding + 1e-9 * expected + 4 * sizes->deviation / sqrt(DRAWS));
}

static void assert_fits(const struct sizes *sizes, const double probabilities[CELLS])
{
    ck_assert_double_lt(fit_chi_square(sizes->cells, probabilities, CELLS), FIT_CHI_SQUARE_MOST);
    ck_assert_double_lt(fit_distance(sizes->cells, probabilities, CELLS), FIT_DISTANCE_MOST);
}

TEST(fixed_and_range)
{
    /* Breaks when an end of a range is missed, or a size within it comes more often than others. */
    struct size_draw draw = prepared((struct size_wish){.kind = SIZE_FIXED, .least_bytes = 77});
    ck_assert_uint_eq(size_draw_at(&draw, 0), 77);
    ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), 77);
    ck_assert_uint_eq(size_draw_most(&draw), 77);
    ck_assert_double_eq(size_draw_mean(&draw), 77);

    draw = prepared(
        (struct size_wish){.kind = SIZE_RANGE, .least_bytes = 100, .most_bytes = CELLS - 1});
    ck_assert_uint_eq(size_draw_at(&draw, 0), 100);
    ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), CELLS - 1);
    const struct sizes sizes = drawn(&draw, 3);
    double probabilities[CELLS] = {0};
    for (unsigned cell = 100; cell < CELLS; cell++)
        probabilities[cell] = 1.0 / (CELLS - 100);
    assert_fits(&sizes, probabilities);
    assert_mean(&draw, &sizes, 0);

    draw = prepared((struct size_wish){
        .kind = SIZE_RANGE, .least_bytes = SIZE_BYTES_MAX, .most_bytes = SIZE_BYTES_MAX});
    ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), SIZE_BYTES_MAX);
}

TEST(weights)
{
    /* Breaks when a size does not get its part, one of weight 0 is ever drawn, or the last one is left out. */
    const struct size_draw draw = prepared((struct size_wish){
        .kind = SIZE_WEIGHTS,
        .weights = {{64, 80}, {300, 0}, {399, 0.5}, {10, 19.5}, {20, 0}},
        .weight_count = 5,
    });
    const struct sizes sizes = drawn(&draw, 4);
    const double probabilities[CELLS] = {[10] = 0.195, [64] = 0.8, [399] = 0.005};
    assert_fits(&sizes, probabilities);
    ck_assert_uint_eq(sizes.cells[20] + sizes.cells[300], 0);
    ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), 10);
    ck_assert_uint_eq(size_draw_at(&draw, 0), 64);
    ck_assert_uint_eq(size_draw_most(&draw), 399);
    assert_mean(&draw, &sizes, 0);
}

TEST(many_weights)
{
    /* Breaks when the 32nd pair is not drawn, or parts that no binary fraction is exact for leave a gap. */
    struct size_wish wish = {.kind = SIZE_WEIGHTS, .weight_count = SIZE_WEIGHTS_MAX};
    double probabilities[CELLS] = {0};
    for (unsigned i = 0; i < SIZE_WEIGHTS_MAX; i++) {
        wish.weights[i] = (struct size_weight){.bytes = i == 31 ? CELLS - 1 : i + 1, .weight = 0.1};
        probabilities[wish.weights[i].bytes] = 1.0 / SIZE_WEIGHTS_MAX;
    }
    const struct size_draw draw = prepared(wish);
    const struct sizes sizes = drawn(&draw, 5);
    assert_fits(&sizes, probabilities);
    ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), CELLS - 1);
}

/* The probability of a size below so many bytes, before it is cut. */
static double lognormal_below(double median, double sigma, double bytes)
{
    return bytes <= 0 ? 0 : erfc(-log(bytes / median) / sigma / M_SQRT2) / 2;
}

TEST(lognormal)
{
    /* Breaks when the median or the 99th percentile is not what was asked for, or the curve between another one. */
    static const uint64_t most[] = {CELLS * 10 - 1, CELLS * 100 - 1};
    for (unsigned i = 0; i < 2; i++) {
        const struct size_draw draw = prepared((struct size_wish){
            .kind = SIZE_LOGNORMAL, .median_bytes = 500, .p99_bytes = 4000, .most_bytes = most[i]});
        const struct sizes sizes = drawn(&draw, 6 + i);
        const double sigma = log(8) / 2.3263478740408408;
        double probabilities[CELLS], before = 0;
        for (unsigned cell = 0; cell < CELLS; cell++) {
            const double end = (double)((cell + 1) * sizes.cell_bytes) - 0.5;
            const double below = cell + 1 < CELLS ? lognormal_below(500, sigma, end) : 1;
            probabilities[cell] = below - before;
            before = below;
        }
        assert_fits(&sizes, probabilities);
        assert_mean(&draw, &sizes, 0.05);
        ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), most[i]);
        ck_assert_uint_ge(size_draw_at(&draw, 0), 1);
        ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX / 2), 500);
        ck_assert_uint_eq(size_draw_at(&draw, (uint64_t)(0.99 * 0x1p64)), i == 0 ? 3999 : 4000);
    }
}

TEST(lognormal_without_spread)
{
    /* Breaks when a median that is the 99th percentile divides by zero, or most below the median is not kept. */
    struct size_wish wish = {
        .kind = SIZE_LOGNORMAL, .median_bytes = 100, .p99_bytes = 100, .most_bytes = 1600};
    struct size_draw draw = prepared(wish);
    ck_assert_uint_eq(size_draw_at(&draw, 1), 100);
    ck_assert_uint_eq(size_draw_at(&draw, UINT64_MAX), 100);
    ck_assert_double_eq(size_draw_mean(&draw), 100);
    wish.most_bytes = 50;
    draw = prepared(wish);
    ck_assert_uint_eq(size_draw_at(&draw, 1), 50);
    ck_assert_double_eq(size_draw_mean(&draw), 50);
}

TEST(pareto)
{
    /* Breaks when large sizes are rarer or more frequent than the shape says, or lie beyond most. */
    static const double shapes[] = {0.5, 1, 1.16, 3};
    for (unsigned i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct size_draw draw = prepared((struct size_wish){.kind = SIZE_PARETO,
                                                                  .least_bytes = 1000,
                                                                  .shape = shapes[i],
                                                                  .most_bytes = CELLS * 100 - 1});
        const struct sizes sizes = drawn(&draw, 8 + i);
        double probabilities[CELLS], before = 0;
        for (unsigned cell = 0; cell < CELLS; cell++) {
            const double end = (double)((cell + 1) * sizes.cell_bytes);
            double below = end <= 1000 ? 0 : 1 - pow(1000 / end, shapes[i]);
            below = cell + 1 < CELLS ? below : 1;
            probabilities[cell] = below - before;
            before = below;
        }
        assert_fits(&sizes, probabilities);
        assert_mean(&draw, &sizes, 0.5);
        ck_assert_uint_eq(sizes.least, 1000);
        ck_assert_uint_eq(size_draw_at(&draw, 0), CELLS * 100 - 1);
    }
}

TEST(wishes_out_of_bounds)
{
    /* Breaks when a program's wish that no text could say asks for no bytes, or more than a server takes. */
    static const struct size_wish wrong[] = {
        {.kind = SIZE_FIXED, .least_bytes = 0},
        {.kind = SIZE_FIXED, .least_bytes = SIZE_BYTES_MAX + 1},
        {.kind = SIZE_RANGE, .least_bytes = 10, .most_bytes = 9},
        {.kind = SIZE_RANGE, .least_bytes = 0, .most_bytes = 9},
        {.kind = SIZE_RANGE, .least_bytes = 1, .most_bytes = SIZE_BYTES_MAX + 1},
        {.kind = SIZE_WEIGHTS},
        {.kind = SIZE_WEIGHTS, .weights = {{1, 0}}, .weight_count = 1},
        {.kind = SIZE_WEIGHTS, .weights = {{1, 2}, {1, -1}}, .weight_count = 2},
        {.kind = SIZE_WEIGHTS, .weights = {{1, NAN}}, .weight_count = 1},
        {.kind = SIZE_WEIGHTS, .weights = {{1, INFINITY}}, .weight_count = 1},
        {.kind = SIZE_WEIGHTS, .weights = {{0, 1}}, .weight_count = 1},
        {.kind = SIZE_WEIGHTS, .weights = {{1, 1}}, .weight_count = SIZE_WEIGHTS_MAX + 1},
        {.kind = SIZE_LOGNORMAL, .median_bytes = 10, .p99_bytes = 9, .most_bytes = 100},
        {.kind = SIZE_LOGNORMAL, .median_bytes = 10, .p99_bytes = 20},
        {.kind = SIZE_PARETO, .least_bytes = 10, .shape = 0, .most_bytes = 100},
        {.kind = SIZE_PARETO, .least_bytes = 10, .shape = NAN, .most_bytes = 100},
        {.kind = SIZE_PARETO, .least_bytes = 10, .shape = 1, .most_bytes = 9}};
    struct size_draw draw;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(size_draw_prepare(&draw, &wrong[i], NULL) == E_USAGE, "row %u", i);
}

TEST_SUITE(size_draw)
