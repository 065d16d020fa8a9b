#include "common/histogram.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static_assert(HISTOGRAM_COUNTS == 33792, "HdrHistogram's array length for 1 h and three digits");

static uint32_t bucket_of(uint32_t index)
{
    /* The first 2048 sub-buckets are one wide; every further 1024 are twice as wide as before. */
    return index < 2 * HISTOGRAM_SUB_BUCKET_HALF_COUNT
               ? 0
               : (index >> HISTOGRAM_SUB_BUCKET_HALF_BITS) - 1;
}

uint64_t histogram_lowest_value(uint32_t index)
{
    uint32_t bucket = bucket_of(index);
    uint64_t sub_bucket = index - (bucket << HISTOGRAM_SUB_BUCKET_HALF_BITS);
    return sub_bucket << bucket;
}

uint64_t histogram_highest_value(uint32_t index)
{
    return histogram_lowest_value(index) + (1ull << bucket_of(index)) - 1;
}

void interval_histogram_init(struct interval_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->min_ns = UINT64_MAX;
    histogram->low_index = HISTOGRAM_COUNTS;
}

void interval_histogram_reset(struct interval_histogram *histogram)
{
    if (histogram->low_index <= histogram->high_index)
        memset(histogram->counts + histogram->low_index, 0,
               (histogram->high_index - histogram->low_index + 1) * sizeof histogram->counts[0]);
    memset(histogram, 0, offsetof(struct interval_histogram, counts));
    histogram->min_ns = UINT64_MAX;
    histogram->low_index = HISTOGRAM_COUNTS;
}

void histogram_init_zeroed(struct histogram *histogram)
{
    histogram->min_ns = UINT64_MAX;
    histogram->low_index = HISTOGRAM_COUNTS;
}

void interval_histogram_settle(struct interval_histogram *histogram)
{
    if (histogram->low_index > histogram->high_index)
        return;
    histogram->min_ns = histogram_lowest_value(histogram->low_index);
    histogram->max_ns = histogram_highest_value(histogram->high_index);
    histogram->count = histogram->sum_ns = 0;
    for (uint32_t i = histogram->low_index; i <= histogram->high_index; i++) {
        histogram->count += histogram->counts[i];
        histogram->sum_ns += histogram->counts[i] * histogram_highest_value(i);
    }
}

void histogram_reset(struct histogram *histogram)
{
    if (histogram->low_index <= histogram->high_index)
        memset(histogram->counts + histogram->low_index, 0,
               (histogram->high_index - histogram->low_index + 1) * sizeof histogram->counts[0]);
    memset(histogram, 0, offsetof(struct histogram, counts));
    histogram_init_zeroed(histogram);
}

static void widen(struct histogram *into, uint64_t min_ns, uint64_t max_ns, uint32_t low_index,
                  uint32_t high_index)
{
    if (min_ns < into->min_ns)
        into->min_ns = min_ns;
    if (max_ns > into->max_ns)
        into->max_ns = max_ns;
    if (low_index < into->low_index)
        into->low_index = low_index;
    if (high_index > into->high_index)
        into->high_index = high_index;
}

void histogram_add(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    for (uint32_t i = from->low_index; i <= from->high_index; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    into->clamped_count += from->clamped_count;
    widen(into, from->min_ns, from->max_ns, from->low_index, from->high_index);
}

void histogram_record_n(struct histogram *histogram, uint64_t value_ns, uint64_t times)
{
    if (times == 0)
        return;
    bool clamped = value_ns > HISTOGRAM_HIGHEST_NS;
    uint32_t index = histogram_index(clamped ? HISTOGRAM_HIGHEST_NS : value_ns);
    histogram->counts[index] += times;
    histogram->count += times;
    histogram->sum_ns += value_ns * times;
    histogram->clamped_count += clamped ? times : 0;
    widen(histogram, value_ns, value_ns, index, index);
}

uint64_t histogram_rank(uint64_t count, double q)
{
    uint64_t rank = count;
    if (q < 1.0) {
        /* 0.99 * 100 must be rank 99 although the double nearest to 0.99 may be above it, and so
         * must 99.0 / 100: a few units in the last place are given back before rounding up. */
        double exact = q > 0.0 ? q * (double)count : 0.0;
        rank = (uint64_t)ceil(exact - exact * 4.0 * DBL_EPSILON);
    }
    if (rank < 1)
        rank = 1;
    return rank < count ? rank : count;
}

/* Counts that are added before one is looked at: most intervals have few values in many buckets. */
#define RANK_STRIDE 16u

static uint64_t sum_of_stride(const uint64_t *counts)
{
    uint64_t even = 0, odd = 0; /* two sums do not wait for one another */
    for (size_t i = 0; i < RANK_STRIDE; i += 2) {
        even += counts[i];
        odd += counts[i + 1];
    }
    return even + odd;
}

/* The first bucket at which so many values are reached, from the lower end ... */
static uint32_t index_from_below(const struct histogram *histogram, uint64_t rank)
{
    uint32_t index = histogram->low_index;
    uint64_t seen = 0;
    while (index + RANK_STRIDE <= histogram->high_index) {
        const uint64_t stretch = sum_of_stride(&histogram->counts[index]);
        if (seen + stretch >= rank)
            break;
        seen += stretch;
        index += RANK_STRIDE;
    }
    while (index < histogram->high_index && (seen += histogram->counts[index]) < rank)
        index++;
    return index;
}

/* ... and from the upper one, by how many values lie beyond it. */
static uint32_t index_from_above(const struct histogram *histogram, uint64_t beyond)
{
    uint32_t index = histogram->high_index;
    uint64_t seen = 0;
    while (index >= histogram->low_index + RANK_STRIDE) {
        const uint64_t stretch = sum_of_stride(&histogram->counts[index + 1 - RANK_STRIDE]);
        if (seen + stretch > beyond)
            break;
        seen += stretch;
        index -= RANK_STRIDE;
    }
    while (index > histogram->low_index && (seen += histogram->counts[index]) <= beyond)
        index--;
    return index;
}

uint64_t histogram_value_of_rank(const struct histogram *histogram, uint64_t rank)
{
    if (rank > histogram->count || histogram->count == 0)
        return histogram->max_ns;
    const uint64_t value = histogram_highest_value(
        rank <= histogram->count / 2 ? index_from_below(histogram, rank)
                                     : index_from_above(histogram, histogram->count - rank));
    return value < histogram->max_ns ? value : histogram->max_ns;
}

uint64_t histogram_quantile(const struct histogram *histogram, double q)
{
    return histogram->count == 0
               ? 0
               : histogram_value_of_rank(histogram, histogram_rank(histogram->count, q));
}

uint64_t histogram_union_at_least(const struct histogram *one, const struct histogram *other,
                                  uint64_t rank)
{
    uint64_t seen = 0;
    if (rank < one->count + other->count)
        for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++) {
            seen += one->counts[i] + other->counts[i];
            if (seen >= rank)
                return histogram_lowest_value(i);
        }
    return one->max_ns > other->max_ns ? one->max_ns : other->max_ns;
}

uint64_t histogram_quantile_replaced(const struct histogram *all, const struct histogram *without,
                                     const struct histogram *with, double q)
{
    if (all->count == 0)
        return 0;
    uint64_t rank = histogram_rank(all->count, q), seen = 0;
    uint32_t low = with->low_index < all->low_index ? with->low_index : all->low_index;
    for (uint32_t i = low; i <= all->high_index; i++) {
        seen += all->counts[i] + with->counts[i] - without->counts[i];
        if (seen >= rank) {
            uint64_t value = histogram_highest_value(i);
            return value < all->max_ns ? value : all->max_ns;
        }
    }
    return all->max_ns;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0.0 : (double)histogram->sum_ns / (double)histogram->count;
}

static double middle_of(uint32_t index)
{
    /* Half the width rounded down, as HdrHistogram takes it. */
    uint64_t half_width_ns = (1ull << bucket_of(index)) / 2;
    return (double)(histogram_lowest_value(index) + half_width_ns);
}

double histogram_stdev(const struct histogram *histogram)
{
    if (histogram->count == 0)
        return 0.0;
    /* Around the mean of the middles: around the exact mean, equal values would deviate. */
    double total = 0.0;
    for (uint32_t i = histogram->low_index; i <= histogram->high_index; i++)
        total += (double)histogram->counts[i] * middle_of(i);
    double mean = total / (double)histogram->count;
    double squares = 0.0;
    for (uint32_t i = histogram->low_index; i <= histogram->high_index; i++) {
        double away = middle_of(i) - mean;
        squares += (double)histogram->counts[i] * away * away;
    }
    return sqrt(squares / (double)histogram->count);
}

uint64_t histogram_count_at_or_below(const struct histogram *histogram, uint64_t value_ns)
{
    if (histogram->count == 0)
        return 0;
    uint32_t last =
        histogram_index(value_ns > HISTOGRAM_HIGHEST_NS ? HISTOGRAM_HIGHEST_NS : value_ns);
    if (last > histogram->high_index)
        last = histogram->high_index;
    uint64_t seen = 0;
    for (uint32_t i = histogram->low_index; i <= last; i++)
        seen += histogram->counts[i];
    return seen;
}
