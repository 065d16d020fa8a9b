#include "worker/generate/key_draw.h"

#include <math.h>

#include "common/normal.h"
#include "common/rng.h"

#define STREAM_SCATTER 0x73636174746572ull
#define STREAM_WALK 0x77616c6bull
#define SCATTER_FEW 65536u

/* ---- scattering
 *
 * Feistel network over Z_rows x Z_columns by addition, with cycle walking: Black and Rogaway, "Ciphers with arbitrary
 * finite domains", CT-RSA 2002. Their product is so near to count that about one place in sqrt(count) goes through
 * twice; a power of two would need up to four turns each. */

struct key_scatter key_scatter_over(uint64_t count)
{
    uint64_t rows = (uint64_t)sqrt((double)count);
    while (rows * rows < count)
        rows++;
    return (struct key_scatter){.count = count,
                                .rows = rows,
                                .columns = (count + rows - 1) / rows,
                                .rows_inverse = UINT64_MAX / rows + 1,
                                .turns = count < SCATTER_FEW ? 12 : 4};
}

/* As rng_at, with one round of mixing in place of two: only the upper bits are used. */
static uint64_t round_number(uint64_t seed, uint64_t index, uint64_t bound)
{
    const uint64_t spread = seed + (index + 1) * 0x9e3779b97f4a7c15ull;
    return rng_bounded((spread ^ (spread >> 32)) * 0xbf58476d1ce4e5b9ull, bound);
}

/* place / rows; dividing would take as long as half a round. Lemire, Kaser and Kurz, "Faster remainder by direct
 * computation", Software: Practice and Experience 49 (2019): exact as long as place * rows is below 2^64, and rows is the
 * square root of at most KEY_DRAW_COUNT_MAX. The inverse of 1 has no room and is 0, as the one place there is. */
static inline uint64_t row_of(const struct key_scatter *scatter, uint64_t place)
{
    return (uint64_t)((__extension__(unsigned __int128) place * scatter->rows_inverse) >> 64);
}

uint64_t key_scatter_at(const struct key_scatter *scatter, uint64_t seed, uint64_t place)
{
    const uint64_t rows = scatter->rows, columns = scatter->columns;
    do {
        uint64_t high = row_of(scatter, place), low = place - high * rows;
        for (uint64_t turn = 0; turn < scatter->turns; turn += 2) {
            low += round_number(seed, high * 16 + turn, rows);
            low -= low >= rows ? rows : 0;
            high += round_number(seed, low * 16 + turn + 1, columns);
            high -= high >= columns ? columns : 0;
        }
        place = high * rows + low;
    } while (place >= scatter->count);
    return place;
}

uint64_t key_scatter_from(const struct key_scatter *scatter, uint64_t seed, uint64_t number)
{
    do {
        uint64_t low = number % scatter->rows, high = number / scatter->rows;
        for (uint64_t turn = scatter->turns; turn > 0; turn -= 2) {
            high += scatter->columns - round_number(seed, low * 16 + turn - 1, scatter->columns);
            high -= high >= scatter->columns ? scatter->columns : 0;
            low += scatter->rows - round_number(seed, high * 16 + turn - 2, scatter->rows);
            low -= low >= scatter->rows ? scatter->rows : 0;
        }
        number = high * scatter->rows + low;
    } while (number >= scatter->count);
    return number;
}

/* ---- zipf
 *
 * Rejection-inversion: Hoermann and Derflinger, "Rejection-inversion to generate variates from monotone discrete
 * distributions", ACM TOMACS 6 (1996). A point under the curve x^-exponent is taken back to its x; the rank is the
 * nearest whole number. Most are accepted by `sure_below` without another look at the curve. The paper divides by
 * 1 - exponent; expm1 and log1p keep every digit of that near an exponent of 1. Further away log, which takes half as
 * long, loses too few to be seen: up to 2^-52 / NEAR_ONE of an x. */
#define NEAR_ONE 0.001

static double height(double exponent, double x)
{
    return exp(-exponent * log(x));
}

/* Under the curve from 1 to x. */
static double area_to(double one_minus_exponent, double x)
{
    return one_minus_exponent == 0 ? log(x)
                                   : expm1(one_minus_exponent * log(x)) / one_minus_exponent;
}

static double x_of_area(const struct key_draw *draw, double area)
{
    if (draw->one_minus_exponent == 0)
        return exp(area);
    /* Below -1 by rounding only, at the far end of a steep curve. */
    double power = area * draw->one_minus_exponent;
    power = power < -1 ? -1 : power;
    return exp((draw->near_one ? log1p(power) : log(1 + power)) * draw->inverse);
}

static void prepare_zipf(struct key_draw *draw)
{
    const double exponent = draw->wish.exponent, rest = 1 - exponent;
    draw->one_minus_exponent = rest;
    draw->inverse = rest == 0 ? 0 : 1 / rest;
    draw->near_one = fabs(rest) < NEAR_ONE;
    draw->area_low = area_to(rest, 1.5) - 1;
    draw->area_high = area_to(rest, (double)draw->count + 0.5);
    draw->sure_below = 2 - x_of_area(draw, area_to(rest, 2.5) - height(exponent, 2));
}

/* A rank, 0..rank_count-1, where area_high is the area up to rank_count + 0.5. */
static uint64_t zipf_rank(const struct key_draw *draw, uint64_t index, uint64_t rank_count,
                          double area_high)
{
    uint64_t random = rng_at(draw->seed, index);
    for (uint64_t attempt = 0;; random = rng_at(random, attempt++)) {
        const double area = area_high + rng_unit(random) * (draw->area_low - area_high);
        const double x = x_of_area(draw, area);
        uint64_t whole = x + 0.5 < (double)rank_count ? (uint64_t)(x + 0.5) : rank_count;
        whole += whole == 0; /* by rounding only, where the curve is flat */
        const double rank = (double)whole;
        if (rank - x <= draw->sure_below || area >= area_to(draw->one_minus_exponent, rank + 0.5) -
                                                        height(draw->wish.exponent, rank))
            return whole - 1;
    }
}

#define FIRST_RANKS 1000u

/* The sum of rank^-exponent over the first ranks: term by term, then by Euler and Maclaurin, whose rest is below
 * 1e-17 from 1,000 on. */
static double zipf_sum(double exponent, uint64_t rank_count)
{
    const double first = FIRST_RANKS, last = (double)rank_count, rest = 1 - exponent;
    double sum = 0;
    if (last > first)
        sum = area_to(rest, last) - area_to(rest, first) +
              (height(exponent, last) - height(exponent, first)) / 2 +
              exponent * (height(exponent + 1, first) - height(exponent + 1, last)) / 12;
    for (uint64_t rank = rank_count < FIRST_RANKS ? rank_count : FIRST_RANKS; rank >= 1; rank--)
        sum += height(exponent, (double)rank);
    return sum;
}

/* ---- the others */

static uint64_t place_of(double fraction, uint64_t count)
{
    const double place = fraction * (double)count;
    if (place < 1)
        return 0;
    return place < (double)count ? (uint64_t)place : count - 1;
}

/* The curve within the range alone, by inversion: exact without trying again. */
static uint64_t gaussian_place(const struct key_draw *draw, uint64_t random)
{
    const double below = draw->low_probability + rng_unit(random) * draw->kept_probability;
    return place_of(0.5 + normal_quantile(below) * draw->wish.deviation, draw->count);
}

static uint64_t exponential_place(const struct key_draw *draw, uint64_t random)
{
    return place_of(-log1p(-rng_unit(random) * draw->kept_probability) * draw->wish.scale,
                    draw->count);
}

static uint64_t hotset_place(const struct key_draw *draw, uint64_t random)
{
    const bool hot = draw->hot_count == draw->count || rng_unit(random) < draw->wish.hot_draws;
    const uint64_t within = rng_at(random, 0);
    return hot ? rng_bounded(within, draw->hot_count)
               : draw->hot_count + rng_bounded(within, draw->count - draw->hot_count);
}

static uint64_t range_begin(const struct key_draw *draw, uint64_t range)
{
    return (uint64_t)(__extension__(unsigned __int128) range * draw->count / draw->ranges);
}

static uint64_t parallel_place(const struct key_draw *draw, uint64_t index)
{
    const uint64_t range = index % draw->ranges, begin = range_begin(draw, range);
    return begin + index / draw->ranges % (range_begin(draw, range + 1) - begin);
}

static uint64_t walk_place(const struct key_draw *draw, uint64_t index)
{
    const uint64_t pass = index / draw->count;
    return key_scatter_at(&draw->scatter, rng_at(draw->seed ^ STREAM_WALK, pass),
                          index % draw->count);
}

static uint64_t scattered(const struct key_draw *draw, uint64_t place)
{
    if (!draw->wish.scattered)
        return place;
    return key_scatter_at(&draw->scatter, draw->seed ^ STREAM_SCATTER, place);
}

/* ---- all of them */

static enum err_code check(const struct key_order_wish *wish, uint64_t count, uint32_t ranges,
                           struct err *err)
{
    if (count < 1 || count > KEY_DRAW_COUNT_MAX)
        return err_set(err, E_USAGE, "keys cannot be drawn out of %llu: 1 to %llu",
                       (unsigned long long)count, KEY_DRAW_COUNT_MAX);
    const bool zipf = wish->kind == ORDER_ZIPF || wish->kind == ORDER_LATEST;
    if (zipf && !(wish->exponent >= 0 && wish->exponent <= KEY_EXPONENT_MAX))
        return err_set(err, E_USAGE, "the exponent %g of a zipf distribution is not 0 to %g",
                       wish->exponent, KEY_EXPONENT_MAX);
    const double width = wish->kind == ORDER_GAUSSIAN      ? wish->deviation
                         : wish->kind == ORDER_EXPONENTIAL ? wish->scale
                                                           : 1;
    if (!(width > 0 && width <= KEY_FRACTION_MAX))
        return err_set(err, E_USAGE, "the width %g of a distribution is not above 0, up to %g",
                       width, KEY_FRACTION_MAX);
    const bool hot_fits =
        wish->hot_keys > 0 && wish->hot_keys <= 1 && wish->hot_draws >= 0 && wish->hot_draws <= 1;
    if (wish->kind == ORDER_HOTSET && !hot_fits)
        return err_set(err, E_USAGE, "hot keys %g with %g of the draws: parts of 1 are needed",
                       wish->hot_keys, wish->hot_draws);
    if (wish->kind == ORDER_PARALLEL && ranges == 0)
        return err_set(err, E_USAGE, "keys cannot be cut into 0 ranges");
    return OK;
}

enum err_code key_draw_prepare(struct key_draw *draw, const struct key_order_wish *wish,
                               uint64_t count, uint64_t seed, uint32_t ranges, struct err *err)
{
    const enum err_code code = check(wish, count, ranges, err);
    if (code != OK)
        return code;
    *draw = (struct key_draw){.wish = *wish, .count = count, .seed = seed};
    draw->scatter = key_scatter_over(count);
    draw->ranges = ranges < count ? ranges : count;
    if (wish->kind == ORDER_ZIPF || wish->kind == ORDER_LATEST)
        prepare_zipf(draw);
    if (wish->kind == ORDER_GAUSSIAN) {
        draw->low_probability = erfc(0.5 / wish->deviation / M_SQRT2) / 2;
        draw->kept_probability = erf(0.5 / wish->deviation / M_SQRT2);
    }
    if (wish->kind == ORDER_EXPONENTIAL)
        draw->kept_probability = -expm1(-1 / wish->scale);
    if (wish->kind == ORDER_HOTSET)
        draw->hot_count = (uint64_t)fmax(round(wish->hot_keys * (double)count), 1);
    return OK;
}

bool key_order_counts(const struct key_order_wish *wish)
{
    return wish->kind == ORDER_SEQUENTIAL || wish->kind == ORDER_PARALLEL ||
           wish->kind == ORDER_WALK;
}

uint64_t key_draw_at(const struct key_draw *draw, uint64_t index)
{
    switch (draw->wish.kind) {
    case ORDER_ZIPF:
        return scattered(draw, zipf_rank(draw, index, draw->count, draw->area_high));
    case ORDER_UNIFORM:
        return rng_bounded(rng_at(draw->seed, index), draw->count);
    case ORDER_SEQUENTIAL:
        return index % draw->count;
    case ORDER_GAUSSIAN:
        return scattered(draw, gaussian_place(draw, rng_at(draw->seed, index)));
    case ORDER_EXPONENTIAL:
        return scattered(draw, exponential_place(draw, rng_at(draw->seed, index)));
    case ORDER_HOTSET:
        return scattered(draw, hotset_place(draw, rng_at(draw->seed, index)));
    case ORDER_LATEST:
        return key_draw_at_newest(draw, index, draw->count - 1);
    case ORDER_PARALLEL:
        return parallel_place(draw, index);
    case ORDER_WALK:
        return walk_place(draw, index);
    }
    return 0;
}

uint64_t key_draw_at_newest(const struct key_draw *draw, uint64_t index, uint64_t newest)
{
    if (newest >= draw->count - 1)
        return newest - zipf_rank(draw, index, draw->count, draw->area_high);
    const double area_high = area_to(draw->one_minus_exponent, (double)newest + 1.5);
    return newest - zipf_rank(draw, index, newest + 1, area_high);
}

/* The middle keys are the hottest. */
static double gaussian_share(const struct key_draw *draw, uint64_t hottest)
{
    const double count = (double)draw->count;
    const uint64_t colder_below = (draw->count - hottest) / 2;
    const double begin = (double)colder_below / count;
    const double end = begin + (double)hottest / count;
    const double unit = draw->wish.deviation * M_SQRT2;
    return (erf((end - 0.5) / unit) - erf((begin - 0.5) / unit)) / 2 / draw->kept_probability;
}

/* The set that is called hot need not be: 90 % of the keys may have 10 % of the draws. */
static bool hotset_is_hot(const struct key_draw *draw)
{
    return draw->wish.hot_draws >= (double)draw->hot_count / (double)draw->count;
}

static double hotset_share(const struct key_draw *draw, uint64_t hottest)
{
    if (draw->hot_count == draw->count)
        return (double)hottest / (double)draw->count;
    const bool named_well = hotset_is_hot(draw);
    const uint64_t first = named_well ? draw->hot_count : draw->count - draw->hot_count;
    const double first_draws = named_well ? draw->wish.hot_draws : 1 - draw->wish.hot_draws;
    if (hottest <= first)
        return first_draws * (double)hottest / (double)first;
    return first_draws +
           (1 - first_draws) * (double)(hottest - first) / (double)(draw->count - first);
}

double key_draw_share(const struct key_draw *draw, uint64_t hottest)
{
    if (hottest >= draw->count)
        return 1;
    const double part = (double)hottest / (double)draw->count;
    switch (draw->wish.kind) {
    case ORDER_ZIPF:
    case ORDER_LATEST:
        return zipf_sum(draw->wish.exponent, hottest) / zipf_sum(draw->wish.exponent, draw->count);
    case ORDER_GAUSSIAN:
        return gaussian_share(draw, hottest);
    case ORDER_EXPONENTIAL:
        return -expm1(-part / draw->wish.scale) / draw->kept_probability;
    case ORDER_HOTSET:
        return hotset_share(draw, hottest);
    case ORDER_UNIFORM:
    case ORDER_SEQUENTIAL:
    case ORDER_PARALLEL:
    case ORDER_WALK:
        break;
    }
    return part;
}

/* From the middle to both sides in turn, so that the hottest are those of gaussian_share. */
static uint64_t gaussian_heat(uint64_t place, uint64_t count)
{
    const uint64_t middle = (count - 1) / 2;
    const bool above = place > middle, above_first = count % 2 == 0;
    const uint64_t distance = above ? place - middle : middle - place;
    return 2 * distance - (distance > 0 && above == above_first);
}

uint64_t key_draw_heat(const struct key_draw *draw, uint64_t number)
{
    const uint64_t count = draw->count, hot = draw->hot_count;
    const uint64_t place =
        draw->wish.scattered ? key_scatter_from(&draw->scatter, draw->seed ^ STREAM_SCATTER, number)
                             : number;
    switch (draw->wish.kind) {
    case ORDER_GAUSSIAN:
        return gaussian_heat(place, count);
    case ORDER_LATEST:
        return count - 1 - number;
    case ORDER_HOTSET:
        if (hotset_is_hot(draw))
            return place;
        return place < hot ? count - hot + place : place - hot;
    case ORDER_ZIPF:
    case ORDER_EXPONENTIAL:
        return place;
    case ORDER_UNIFORM:
    case ORDER_SEQUENTIAL:
    case ORDER_PARALLEL:
    case ORDER_WALK:
        break;
    }
    return number;
}
