#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/histogram.h"
#include "common/rng.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"

#define VALUES 20000u

/* Large, so static; Check forks for each test. */
static struct histogram whole, part, other;
static struct interval_histogram interval;
static uint64_t values[VALUES];

static int compare_values(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Values of a kind of distribution: spread over all magnitudes, narrow, few distinct, constant. */
static uint64_t draw(unsigned kind, uint64_t seed, uint64_t i)
{
    uint64_t random = rng_at(seed, i);
    switch (kind) {
    case 0:
        return rng_bounded(random, 1ull << rng_bounded(rng_at(seed + 1000, i), 42)) %
               (HISTOGRAM_HIGHEST_NS + 1);
    case 1:
        return 90000 + rng_bounded(random, 30000);
    case 2:
        return 1 + rng_bounded(random, 5);
    case 3:
        return 123456789;
    default:
        return rng_bounded(random, 100) == 0 ? 1000000000 + rng_bounded(random, 500000000) : 55000;
    }
}
#define DRAW_KINDS 5u

TEST(layout_is_hdr)
{
    /* Breaks when .hlog files put counts where other HDR tools look for other values. Written out
     * from HdrHistogram's description: sub-buckets of 2048, the upper half of each power of two. */
    ck_assert_uint_eq(HISTOGRAM_COUNTS, 33792);
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t value = i < 70000 ? i : draw(0, 11, i);
        unsigned bucket = 0;
        while ((value >> bucket) >= 2048)
            bucket++;
        uint64_t sub_bucket = value >> bucket;
        uint64_t index = bucket == 0 ? sub_bucket : (bucket + 1) * 1024 + (sub_bucket - 1024);
        ck_assert_uint_eq(histogram_index(value), index);
    }
    ck_assert_uint_eq(histogram_index(0), 0);
    ck_assert_uint_eq(histogram_index(2047), 2047);
    ck_assert_uint_eq(histogram_index(2049), 2048);
    ck_assert_uint_eq(histogram_index(HISTOGRAM_HIGHEST_NS), 33420);
}

TEST(buckets_tile_the_range)
{
    /* Breaks when a value falls between two buckets or into both. */
    uint64_t expected_lowest = 0;
    for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        uint64_t lowest = histogram_lowest_value(i);
        uint64_t highest = histogram_highest_value(i);
        ck_assert_uint_eq(lowest, expected_lowest);
        ck_assert_uint_ge(highest, lowest);
        ck_assert_uint_eq(histogram_index(lowest), i);
        ck_assert_uint_eq(histogram_index(highest), i);
        /* three digits: the bucket is never wider than a thousandth of what it holds */
        ck_assert_uint_le((highest - lowest) * 1000, lowest);
        expected_lowest = highest + 1;
    }
    ck_assert_uint_gt(expected_lowest, HISTOGRAM_HIGHEST_NS);
}

TEST(index_is_monotone)
{
    /* Breaks when a longer time is counted below a shorter one. */
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t a = draw(0, 21, i);
        uint64_t b = draw(0, 22, i);
        ck_assert(a <= b ? histogram_index(a) <= histogram_index(b)
                         : histogram_index(a) >= histogram_index(b));
    }
}

/* Per mille of an odd lot of quantiles; rank = ceil(permille * n / 1000) in whole numbers. */
static void assert_quantiles(const struct histogram *histogram, const uint64_t *sorted, size_t n)
{
    static const unsigned permilles[] = {0,   1,   10,  100, 250, 333, 500,
                                         750, 900, 950, 990, 995, 999, 1000};
    for (size_t i = 0; i < sizeof permilles / sizeof permilles[0]; i++) {
        size_t rank = (permilles[i] * n + 999) / 1000;
        uint64_t exact = sorted[rank == 0 ? 0 : rank - 1];
        uint64_t expected = histogram_highest_value(histogram_index(exact));
        if (expected > sorted[n - 1])
            expected = sorted[n - 1];
        uint64_t found = histogram_quantile(histogram, permilles[i] / 1000.0);
        ck_assert_msg(found == expected, "q %u of %zu: %" PRIu64 " expected %" PRIu64, permilles[i],
                      n, found, expected);
        ck_assert_uint_eq(found, histogram_quantile(histogram, permilles[i] / 10.0 / 100.0));
        ck_assert_uint_ge(found, exact);
        ck_assert_uint_le((found - exact) * 1000, exact);
    }
}

TEST(quantiles_with_some_values_replaced)
{
    /* breaks if values that are taken out or put in are counted twice, or not where they belong */
    struct histogram all, without, with;
    histogram_init(&all);
    histogram_init(&without);
    histogram_init(&with);
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 0.5), 0);
    histogram_record_n(&all, 100, 50);
    histogram_record_n(&all, 200, 50);
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 0.5), 100);
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 1.0), 200);
    histogram_record_n(&without, 200, 40);
    histogram_record_n(&with, 10, 40); /* below all others */
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 0.4), 10);
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 0.41), 100);
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 0.9), 100);
    ck_assert_uint_eq(histogram_quantile_replaced(&all, &without, &with, 0.91), 200);
}

TEST(tallied_values_are_settled_by_their_buckets)
{
    /* breaks if what the hot path only tallies is lost, or counts twice when a record is kept for later */
    struct interval_histogram *tallied = malloc(sizeof *tallied);
    ck_assert_ptr_nonnull(tallied);
    interval_histogram_init(tallied);
    interval_histogram_settle(tallied);
    ck_assert_uint_eq(tallied->count, 0);
    interval_histogram_tally(tallied, 1000, 3);
    interval_histogram_settle(tallied);
    interval_histogram_tally(tallied, HISTOGRAM_HIGHEST_NS + 1, 1);
    interval_histogram_settle(tallied);
    interval_histogram_settle(tallied);
    ck_assert_uint_eq(tallied->count, 4);
    histogram_init(&whole);
    histogram_add_interval(&whole, tallied);
    ck_assert_uint_eq(histogram_quantile(&whole, 0.75), 1000);
    ck_assert_uint_ge(histogram_quantile(&whole, 1.0), HISTOGRAM_HIGHEST_NS);
    free(tallied);
}

TEST(quantiles_agree_with_sorted_values)
{
    /* Breaks when a reported percentile is not the one of the values that were measured. */
    static const size_t sizes[] = {1, 2, 3, 10, 99, 100, 101, 999, 1000, 1001, VALUES};
    for (unsigned kind = 0; kind < DRAW_KINDS; kind++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            histogram_init(&whole);
            uint64_t sum = 0;
            for (size_t i = 0; i < sizes[s]; i++) {
                values[i] = draw(kind, 31 + s, i);
                sum += values[i];
                histogram_record_n(&whole, values[i], 1);
            }
            qsort(values, sizes[s], sizeof values[0], compare_values);
            assert_quantiles(&whole, values, sizes[s]);
            ck_assert_uint_eq(whole.count, sizes[s]);
            ck_assert_uint_eq(whole.sum_ns, sum);
            ck_assert_uint_eq(whole.min_ns, values[0]);
            ck_assert_uint_eq(whole.max_ns, values[sizes[s] - 1]);
            ck_assert_uint_eq(whole.low_index, histogram_index(values[0]));
            ck_assert_uint_eq(whole.high_index, histogram_index(values[sizes[s] - 1]));
            ck_assert_double_eq_tol(histogram_mean(&whole), (double)sum / (double)sizes[s], 1e-3);
        }
    }
}

TEST(interval_and_wide_agree)
{
    /* Breaks when a worker's histogram and the orchestrator's tell different stories. */
    for (unsigned kind = 0; kind < DRAW_KINDS; kind++) {
        interval_histogram_init(&interval);
        histogram_init(&whole);
        histogram_init(&other);
        for (size_t i = 0; i < VALUES; i++) {
            uint64_t value = draw(kind, 51, i);
            if (i % 1000 == 0)
                value += HISTOGRAM_HIGHEST_NS + 1;
            interval_histogram_record(&interval, value);
            histogram_record_n(&whole, value, 1);
        }
        histogram_add_interval(&other, &interval);
        ck_assert_uint_eq(other.clamped_count, VALUES / 1000);
        ck_assert_mem_eq(&other, &whole, sizeof whole);
    }
}

TEST(many_at_once_are_as_many_one_by_one)
{
    /* Breaks when what is recorded many times at once is counted otherwise than one by one. */
    static struct interval_histogram one_by_one;
    interval_histogram_init(&interval);
    interval_histogram_init(&one_by_one);
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t value = i % 50 == 0 ? HISTOGRAM_HIGHEST_NS + i : draw(0, 77, i);
        if (i % 7 > 0)
            interval_histogram_record_alike(&interval, value, i % 7);
        for (uint64_t k = 0; k < i % 7; k++)
            interval_histogram_record(&one_by_one, value);
    }
    ck_assert_mem_eq(&interval, &one_by_one, sizeof interval);
}

TEST(a_union_is_bounded_from_below)
{
    /* Breaks when a bound is above the value of its rank in both histograms together, or so far below
     * that it says little: 0.1 % is what a bucket holds. */
    for (unsigned kind = 0; kind < DRAW_KINDS; kind++) {
        static const size_t count = 3000;
        histogram_init(&part);
        histogram_init(&other);
        for (size_t i = 0; i < count; i++) {
            values[i] = draw(kind, 81, i);
            histogram_record_n(i % 3 == 0 ? &part : &other, values[i], 1);
        }
        qsort(values, count, sizeof values[0], compare_values);
        for (uint64_t rank = 1; rank <= count; rank += rank < 10 || rank > count - 10 ? 1 : 97) {
            uint64_t bound = histogram_union_at_least(&part, &other, rank);
            ck_assert_uint_le(bound, values[rank - 1]);
            ck_assert_uint_le((values[rank - 1] - bound) * 1000, values[rank - 1]);
        }
        ck_assert_uint_eq(histogram_union_at_least(&other, &part, count), values[count - 1]);
    }
}

TEST(merge_is_the_histogram_of_all)
{
    /* Breaks when totals over workers or intervals are not the totals of all values. */
    histogram_init(&whole);
    histogram_init(&other);
    for (unsigned n = 0; n < 40; n++) {
        histogram_init(&part);
        uint64_t size = rng_bounded(rng_at(60, n), 2000); /* some are empty or nearly so */
        if (n % 7 == 0)
            size = n / 7 % 2;
        for (uint64_t i = 0; i < size; i++) {
            uint64_t value = draw(n % DRAW_KINDS, 61 + n, i);
            uint64_t times = 1 + rng_bounded(rng_at(62 + n, i), 3);
            histogram_record_n(&part, value, times);
            histogram_record_n(&whole, value, times);
        }
        histogram_add(&other, &part);
    }
    ck_assert_uint_gt(whole.count, 10000);
    ck_assert_mem_eq(&other, &whole, sizeof whole);
}

TEST(reset_empties)
{
    /* Breaks when an interval carries counts over from the one before. */
    for (unsigned round = 0; round < 20; round++) {
        if (round == 0) {
            interval_histogram_init(&interval);
            histogram_init(&whole);
        } else {
            interval_histogram_reset(&interval);
            histogram_reset(&whole);
        }
        for (uint64_t i = 0; i < 100 * round; i++) {
            interval_histogram_record(&interval, draw(round % DRAW_KINDS, round, i) * 2);
            histogram_record_n(&whole, draw(round % DRAW_KINDS, round, i) * 2, 1);
        }
        histogram_init(&other);
        histogram_add_interval(&other, &interval);
        ck_assert_mem_eq(&other, &whole, sizeof whole);
    }
    static struct interval_histogram fresh;
    interval_histogram_init(&fresh);
    interval_histogram_reset(&interval);
    ck_assert_mem_eq(&interval, &fresh, sizeof fresh);
    histogram_init(&other);
    histogram_reset(&whole);
    ck_assert_mem_eq(&whole, &other, sizeof whole);
}

TEST(empty_is_all_zero)
{
    /* Breaks when a stalled interval prints a minimum of 18446744073709551615 or NaN. */
    histogram_init(&whole);
    ck_assert_uint_eq(histogram_quantile(&whole, 0.99), 0);
    ck_assert_uint_eq(histogram_quantile(&whole, 1.0), 0);
    ck_assert_double_eq(histogram_mean(&whole), 0.0);
    ck_assert_double_eq(histogram_stdev(&whole), 0.0);
    ck_assert_uint_eq(histogram_count_at_or_below(&whole, UINT64_MAX), 0);
    histogram_record_n(&whole, 5, 0);
    ck_assert_uint_eq(whole.count, 0);
    ck_assert_uint_gt(whole.low_index, whole.high_index);
}

TEST(values_above_an_hour)
{
    /* Breaks when a stall of hours is lost or reads outside the array. */
    interval_histogram_init(&interval);
    interval_histogram_record(&interval, 1000);
    interval_histogram_record(&interval, HISTOGRAM_HIGHEST_NS);
    ck_assert_uint_eq(interval.clamped_count, 0);
    interval_histogram_record(&interval, HISTOGRAM_HIGHEST_NS + 1);
    interval_histogram_record(&interval, UINT64_MAX / 4);
    ck_assert_uint_eq(interval.clamped_count, 2);
    ck_assert_uint_eq(interval.count, 4);
    ck_assert_uint_eq(interval.max_ns, UINT64_MAX / 4);
    ck_assert_uint_eq(interval.counts[histogram_index(HISTOGRAM_HIGHEST_NS)], 3);
    histogram_init(&whole);
    histogram_add_interval(&whole, &interval);
    ck_assert_uint_ge(histogram_quantile(&whole, 1.0), HISTOGRAM_HIGHEST_NS);
    ck_assert_uint_eq(histogram_count_at_or_below(&whole, UINT64_MAX), 4);
}

TEST(odd_quantiles)
{
    /* Breaks when a percentile outside 0..1 reads outside the counts. */
    histogram_init(&whole);
    histogram_record_n(&whole, 10, 1);
    histogram_record_n(&whole, 20, 1);
    ck_assert_uint_eq(histogram_quantile(&whole, -1.0), 10);
    ck_assert_uint_eq(histogram_quantile(&whole, 0.5), 10);
    ck_assert_uint_eq(histogram_quantile(&whole, 0.51), 20);
    ck_assert_uint_eq(histogram_quantile(&whole, 7.0), 20);
    ck_assert_uint_ne(histogram_quantile(&whole, (double)NAN), 0);
}

TEST(deviation)
{
    /* Breaks when the spread in the report is not that of the values. */
    histogram_init(&whole);
    histogram_record_n(&whole, 1000000007, 5);
    ck_assert_double_eq_tol(histogram_stdev(&whole), 0.0, 1e-6);
    histogram_init(&whole);
    double sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = draw(1, 71, i);
        sum += (double)values[i];
        histogram_record_n(&whole, values[i], 1);
    }
    double squares = 0;
    for (size_t i = 0; i < VALUES; i++)
        squares += pow((double)values[i] - sum / VALUES, 2);
    double exact = sqrt(squares / VALUES);
    ck_assert_double_eq_tol(histogram_stdev(&whole), exact, exact / 100);
}

TEST(counts_at_or_below)
{
    /* Breaks when the share of requests under a limit is wrong. */
    histogram_init(&whole);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = draw(0, 81, i);
        histogram_record_n(&whole, values[i], 1);
    }
    qsort(values, VALUES, sizeof values[0], compare_values);
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t limit = histogram_highest_value(histogram_index(draw(0, 82, i)));
        size_t expected = 0;
        while (expected < VALUES && values[expected] <= limit)
            expected++;
        ck_assert_uint_eq(histogram_count_at_or_below(&whole, limit), expected);
        /* the bucket that straddles a limit counts as a whole */
        ck_assert_uint_eq(
            histogram_count_at_or_below(&whole, histogram_lowest_value(histogram_index(limit))),
            expected);
    }
    ck_assert_uint_eq(histogram_count_at_or_below(&whole, UINT64_MAX), VALUES);
}

TEST_SUITE(histogram)
