/* Latency histograms in HdrHistogram's bucket layout (Gil Tene, hdrhistogram.org): values of 1 ns to
 * 1 h, three significant digits, so that .hlog files are exact and other HDR tools agree.
 *
 * Two types share the layout. An interval_histogram has 32-bit counts and one writer, the worker's
 * hot path; a histogram has 64-bit counts and is what rows, totals and quantiles are made of.
 * Neither allocates; both need their _init before the first use.
 *
 * min, max and sum are exact. A value above the range is counted in the bucket of one hour and
 * in clamped_count; max keeps its true value. */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_HIGHEST_NS 3600000000000ull /* one hour                                  */
#define HISTOGRAM_SUB_BUCKET_HALF_COUNT 1024u /* 2048 sub-buckets keep 3 digits            */
#define HISTOGRAM_SUB_BUCKET_HALF_BITS 10u
#define HISTOGRAM_BUCKET_COUNT 32u /* 2048 << 31 is the first power above 1 h   */
#define HISTOGRAM_COUNTS ((HISTOGRAM_BUCKET_COUNT + 1u) * HISTOGRAM_SUB_BUCKET_HALF_COUNT)

struct interval_histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t min_ns; /* UINT64_MAX while empty */
    uint64_t max_ns;
    uint64_t clamped_count;
    uint32_t low_index;  /* touched range, inclusive: only it is encoded and cleared;  */
    uint32_t high_index; /* low > high while empty                                     */
    uint32_t counts[HISTOGRAM_COUNTS];
};

struct histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t min_ns;
    uint64_t max_ns;
    uint64_t clamped_count;
    uint32_t low_index;
    uint32_t high_index;
    uint64_t counts[HISTOGRAM_COUNTS];
};

/* Index of the bucket that counts value_ns (at most HISTOGRAM_HIGHEST_NS). */
static inline uint32_t histogram_index(uint64_t value_ns)
{
    uint32_t bucket =
        63u - HISTOGRAM_SUB_BUCKET_HALF_BITS - (uint32_t)__builtin_clzll(value_ns | 2047u);
    return (bucket << HISTOGRAM_SUB_BUCKET_HALF_BITS) + (uint32_t)(value_ns >> bucket);
}

/* The lowest and the highest value that the bucket of this index counts. */
uint64_t histogram_lowest_value(uint32_t index);
uint64_t histogram_highest_value(uint32_t index);

/* Counts a value so many times, at least once: a bucket holds 32 bits. Called by the owning worker only. */
static inline void interval_histogram_record_alike(struct interval_histogram *histogram,
                                                   uint64_t value_ns, uint64_t times)
{
    histogram->count += times;
    histogram->sum_ns += value_ns * times;
    if (value_ns < histogram->min_ns)
        histogram->min_ns = value_ns;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
    if (__builtin_expect(value_ns > HISTOGRAM_HIGHEST_NS, 0)) {
        histogram->clamped_count += times;
        value_ns = HISTOGRAM_HIGHEST_NS;
    }
    uint32_t index = histogram_index(value_ns);
    if (index < histogram->low_index)
        histogram->low_index = index;
    if (index > histogram->high_index)
        histogram->high_index = index;
    histogram->counts[index] += (uint32_t)times;
}

static inline void interval_histogram_record(struct interval_histogram *histogram,
                                             uint64_t value_ns)
{
    interval_histogram_record_alike(histogram, value_ns, 1);
}

/* Counts one value of 0, for less. */
static inline void interval_histogram_record_zero(struct interval_histogram *histogram)
{
    histogram->count++;
    histogram->min_ns = 0;
    histogram->low_index = 0;
    histogram->counts[0]++;
}

/* Counts a value so many times, for half the instructions: min, max and sum are left for
 * interval_histogram_settle, which takes them from the buckets. */
static inline void interval_histogram_tally(struct interval_histogram *histogram, uint64_t value_ns,
                                            uint32_t times)
{
    uint32_t index =
        histogram_index(value_ns < HISTOGRAM_HIGHEST_NS ? value_ns : HISTOGRAM_HIGHEST_NS);
    if (index < histogram->low_index)
        histogram->low_index = index;
    if (index > histogram->high_index)
        histogram->high_index = index;
    histogram->counts[index] += times;
}
void interval_histogram_settle(struct interval_histogram *histogram);

/* Empties a histogram by clearing its touched range. The first one clears all of it. */
void interval_histogram_init(struct interval_histogram *histogram);
void interval_histogram_reset(struct interval_histogram *histogram);
void histogram_init_zeroed(struct histogram *histogram); /* its memory is zero already */
void histogram_reset(struct histogram *histogram);

/* Adds bucket by bucket. */
void histogram_add(struct histogram *into, const struct histogram *from);
/* Counts value_ns `times` times (for tests, tools and replay; not for a hot path). */
void histogram_record_n(struct histogram *histogram, uint64_t value_ns, uint64_t times);

/* The value that a share q (0..1, beyond: the nearer end) of all values does not exceed: the highest
 * value of the bucket in which the count reaches ceil(q * count), at least 1, capped by the exact
 * maximum. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double q);
/* The two steps of it: which of `count` values in rising order that is, 1..count (count > 0) ... */
uint64_t histogram_rank(uint64_t count, double q);
/* ... and its value, 1 <= rank <= histogram->count. */
uint64_t histogram_value_of_rank(const struct histogram *histogram, uint64_t rank);
/* No more than the value of this rank among those of both, 1 <= rank <= their counts together: the lowest
 * value of its bucket, and the exact maximum for the last one. */
uint64_t histogram_union_at_least(const struct histogram *one, const struct histogram *other,
                                  uint64_t rank);
/* The same of all values with those of `without`, which are among them, replaced by as many in `with`. */
uint64_t histogram_quantile_replaced(const struct histogram *all, const struct histogram *without,
                                     const struct histogram *with, double q);
double histogram_mean(const struct histogram *histogram);  /* exact: sum / count; 0 when empty  */
double histogram_stdev(const struct histogram *histogram); /* of bucket middles; 0 when empty */
/* How many values lie in buckets whose values are all <= value_ns; the bucket that straddles
 * value_ns counts as a whole when its lowest value is <= value_ns. */
uint64_t histogram_count_at_or_below(const struct histogram *histogram, uint64_t value_ns);

#endif
