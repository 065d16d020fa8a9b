#include "worker/generate/size_draw.h"

#include <math.h>

#include "common/normal.h"
#include "common/rng.h"

#define Z_P99 2.3263478740408408 /* normal_quantile(0.99) */

static bool is_size(uint64_t bytes)
{
    return bytes >= 1 && bytes <= SIZE_BYTES_MAX;
}

static bool fits(const struct size_wish *wish)
{
    switch (wish->kind) {
    case SIZE_FIXED:
        return is_size(wish->least_bytes);
    case SIZE_RANGE:
        return is_size(wish->least_bytes) && is_size(wish->most_bytes) &&
               wish->least_bytes <= wish->most_bytes;
    case SIZE_LOGNORMAL:
        return is_size(wish->median_bytes) && wish->p99_bytes >= wish->median_bytes &&
               is_size(wish->most_bytes);
    case SIZE_PARETO:
        return is_size(wish->least_bytes) && is_size(wish->most_bytes) &&
               wish->least_bytes <= wish->most_bytes && wish->shape > 0 && isfinite(wish->shape);
    case SIZE_WEIGHTS:
        break;
    }
    double sum = 0;
    for (uint32_t i = 0; i < wish->weight_count && i < SIZE_WEIGHTS_MAX; i++) {
        if (!is_size(wish->weights[i].bytes) || !(wish->weights[i].weight >= 0))
            return false;
        sum += wish->weights[i].weight;
    }
    return wish->weight_count <= SIZE_WEIGHTS_MAX && sum > 0 && isfinite(sum);
}

static double weight_sum(const struct size_wish *wish)
{
    double sum = 0;
    for (uint32_t i = 0; i < wish->weight_count; i++)
        sum += wish->weights[i].weight;
    return sum;
}

/* Pairs of weight 0 go, so that the last one can take what rounding leaves. */
static void prepare_weights(struct size_draw *draw)
{
    struct size_wish *wish = &draw->wish;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < wish->weight_count; i++)
        if (wish->weights[i].weight > 0)
            wish->weights[kept++] = wish->weights[i];
    wish->weight_count = kept;
    const double sum = weight_sum(wish);
    double reached = 0;
    for (uint32_t i = 0; i < kept; i++) {
        reached += wish->weights[i].weight / sum;
        draw->reached_by[i] =
            i + 1 < kept && reached < 1 ? (uint64_t)(reached * 0x1p64) : UINT64_MAX;
    }
}

enum err_code size_draw_prepare(struct size_draw *draw, const struct size_wish *wish,
                                struct err *err)
{
    if (!fits(wish))
        return err_set(err, E_USAGE, "sizes of values are out of bounds: 1 byte to %llu MB",
                       SIZE_BYTES_MAX >> 20);
    *draw = (struct size_draw){.wish = *wish};
    if (wish->kind == SIZE_LOGNORMAL)
        draw->sigma = log((double)wish->p99_bytes / (double)wish->median_bytes) / Z_P99;
    if (wish->kind == SIZE_WEIGHTS)
        prepare_weights(draw);
    return OK;
}

static uint64_t within(double bytes, uint64_t least_bytes, uint64_t most_bytes)
{
    if (!(bytes > (double)least_bytes))
        return least_bytes;
    return bytes < (double)most_bytes ? (uint64_t)bytes : most_bytes;
}

static uint64_t weighted_bytes(const struct size_draw *draw, uint64_t random)
{
    uint32_t i = 0;
    while (random > draw->reached_by[i])
        i++;
    return draw->wish.weights[i].bytes;
}

uint64_t size_draw_at(const struct size_draw *draw, uint64_t random)
{
    const struct size_wish *wish = &draw->wish;
    switch (wish->kind) {
    case SIZE_FIXED:
        break;
    case SIZE_RANGE:
        return wish->least_bytes + rng_bounded(random, wish->most_bytes - wish->least_bytes + 1);
    case SIZE_WEIGHTS:
        return weighted_bytes(draw, random);
    case SIZE_LOGNORMAL:
        return within(0.5 + (double)wish->median_bytes *
                                exp(draw->sigma * normal_quantile(rng_unit(random))),
                      wish->least_bytes > 0 ? wish->least_bytes : 1, wish->most_bytes);
    case SIZE_PARETO:
        return within((double)wish->least_bytes * pow(rng_unit(random), -1 / wish->shape),
                      wish->least_bytes, wish->most_bytes);
    }
    return wish->least_bytes;
}

uint64_t size_draw_most(const struct size_draw *draw)
{
    const struct size_wish *wish = &draw->wish;
    if (wish->kind == SIZE_FIXED)
        return wish->least_bytes;
    if (wish->kind != SIZE_WEIGHTS)
        return wish->most_bytes;
    uint64_t most = 0;
    for (uint32_t i = 0; i < wish->weight_count; i++)
        most = wish->weights[i].bytes > most ? wish->weights[i].bytes : most;
    return most;
}

static double weights_mean(const struct size_wish *wish)
{
    double sum = 0;
    for (uint32_t i = 0; i < wish->weight_count; i++)
        sum += wish->weights[i].weight * (double)wish->weights[i].bytes;
    return sum / weight_sum(wish);
}

/* The smaller of a lognormal number and most_bytes: the part of the curve below, and the rest at most_bytes. */
static double lognormal_mean(const struct size_draw *draw)
{
    const double median = (double)draw->wish.median_bytes, most = (double)draw->wish.most_bytes;
    if (draw->sigma == 0)
        return fmin(median, most);
    const double cut = log(most / median) / draw->sigma;
    const double mean_below =
        median * exp(draw->sigma * draw->sigma / 2) * erfc((draw->sigma - cut) / M_SQRT2) / 2;
    return mean_below + most * erfc(cut / M_SQRT2) / 2;
}

/* The integral of the probability that a size is larger: 1 up to the least, (least / s)^shape from there on. Whole
 * bytes are half a byte less on average. */
static double pareto_mean(const struct size_wish *wish)
{
    const double least = (double)wish->least_bytes;
    const double ratio = log((double)wish->most_bytes / least), rest = 1 - wish->shape;
    return least * (1 + (rest == 0 ? ratio : expm1(rest * ratio) / rest));
}

double size_draw_mean(const struct size_draw *draw)
{
    switch (draw->wish.kind) {
    case SIZE_FIXED:
        break;
    case SIZE_RANGE:
        return ((double)draw->wish.least_bytes + (double)draw->wish.most_bytes) / 2;
    case SIZE_WEIGHTS:
        return weights_mean(&draw->wish);
    case SIZE_LOGNORMAL:
        return lognormal_mean(draw);
    case SIZE_PARETO:
        return pareto_mean(&draw->wish);
    }
    return (double)draw->wish.least_bytes;
}
