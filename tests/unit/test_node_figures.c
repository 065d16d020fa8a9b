#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/histogram_wire.h"
#include "common/lane.h"
#include "common/rng.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"

#define SEEDS 40u

static struct node_figures node, again;
static unsigned char bytes[NODE_FIGURES_WIRE_MAX_BYTES];
static unsigned char bytes_again[NODE_FIGURES_WIRE_MAX_BYTES];
static uint64_t unknown;
static uint64_t values[3000];

/* Any magnitude, each as often: times are spread over powers of two. */
static uint64_t any_value(uint64_t seed, uint64_t i)
{
    return rng_at(seed, 2 * i) >> (22 + rng_at(seed, 2 * i + 1) % 42);
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Returns how many requests were counted; their times are in values, in order. */
static size_t fill(uint64_t seed)
{
    size_t count = rng_at(seed, 1) % (sizeof values / sizeof values[0]);
    memset(&node, 0, sizeof node);
    for (size_t i = 0; i < count; i++) {
        values[i] = any_value(seed, i + 10);
        node_figures_ok(&node, values[i], 1);
    }
    for (unsigned i = 0; i < NODE_COUNTERS; i++)
        if (i != NODE_OK)
            node.counters[i] = any_value(seed + 1, i);
    node.times = (struct outcome_times){any_value(seed, 5), any_value(seed, 6), any_value(seed, 7),
                                        any_value(seed, 8)};
    qsort(values, count, sizeof values[0], by_value);
    return count;
}

TEST(test_buckets_hold_what_they_say)
{
    /* Breaks when a time is counted in a bucket that ends below it or more than 3.2 % above it. */
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t value = i < 5000 ? i : any_value(7, i);
        uint32_t index = coarse_index(value);
        ck_assert_uint_lt(index, COARSE_COUNTS);
        ck_assert_uint_ge(coarse_highest(index), value);
        ck_assert_double_le((double)(coarse_highest(index) - value), 0.032 * (double)value);
        if (index > 0)
            ck_assert_uint_lt(coarse_highest(index - 1), value);
    }
    ck_assert_uint_eq(coarse_index(UINT64_MAX), COARSE_COUNTS - 1);
    for (uint32_t index = 1; index < COARSE_COUNTS; index++)
        ck_assert_uint_eq(coarse_index(coarse_highest(index)), index);
}

TEST(test_quantiles_against_sorted_values)
{
    /* Breaks when a percentile is below the true one, more than 3.2 % above it, or above the maximum. */
    static const double shares[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        size_t count = fill(seed);
        if (count == 0)
            continue;
        for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
            size_t rank = (size_t)ceil(shares[i] * (double)count);
            uint64_t truth = values[rank > 0 ? rank - 1 : 0];
            uint64_t found = coarse_quantile(&node.response, shares[i]);
            ck_assert_uint_ge(found, truth);
            ck_assert_double_le((double)(found - truth), 0.032 * (double)truth);
            ck_assert_uint_le(found, values[count - 1]);
        }
        ck_assert_uint_eq(node.response.max_ns, values[count - 1]);
    }
    memset(&node, 0, sizeof node);
    ck_assert_uint_eq(coarse_quantile(&node.response, 0.5), 0);
    ck_assert(node_figures_empty(&node));
    node.counters[NODE_CONNECT_FAILURES] = 1;
    ck_assert(!node_figures_empty(&node));
}

TEST(test_codec_round_trip)
{
    /* Breaks when a counter, an instant or a bucket does not arrive, or more bytes are needed than the
     * room that everybody keeps. */
    struct err err = {.code = OK};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        fill(seed);
        if (seed == 0)
            memset(&node, 0, sizeof node);
        size_t written = node_figures_encode(bytes, &node), used = 0;
        ck_assert_uint_le(written, sizeof bytes);
        bytes[written] = 0x55; /* what stands behind is not theirs */
        memset(&again, 0, sizeof again);
        ck_assert_int_eq(
            node_figures_decode_bytes(&again, &unknown, bytes, sizeof bytes, &used, &err), OK);
        ck_assert_uint_eq(used, written);
        ck_assert_mem_eq(&again, &node, sizeof node);
    }
    for (unsigned i = 0; i < COARSE_COUNTS; i++) /* nothing can be longer */
        node.response.counts[i] = UINT64_MAX / COARSE_COUNTS;
    memset(node.counters, 0xff, sizeof node.counters);
    memset(&node.times, 0xff, sizeof node.times);
    node.response.sum_ns = node.response.max_ns = UINT64_MAX;
    ck_assert_uint_le(node_figures_encode(bytes, &node), sizeof bytes);
}

TEST(test_adding_is_like_counting_together)
{
    /* Breaks when figures of two workers do not become those of both. */
    struct err err = {.code = OK};
    static struct node_figures sum, decoded;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        size_t used = 0;
        memset(&sum, 0, sizeof sum);
        memset(&decoded, 0, sizeof decoded);
        for (uint64_t part = 0; part < 3; part++) {
            fill(100 * seed + part);
            node_figures_add(&sum, &node);
            size_t written = node_figures_encode(bytes, &node);
            ck_assert_int_eq(
                node_figures_decode_bytes(&decoded, &unknown, bytes, written, &used, &err), OK);
        }
        ck_assert_mem_eq(&decoded, &sum, sizeof sum);
        fill(100 * seed); /* the other way round */
        again = node;
        fill(100 * seed + 2);
        node_figures_add(&node, &again);
        fill(100 * seed + 1);
        again = node;
        fill(100 * seed);
        node_figures_add(&again, &node);
        fill(100 * seed + 2);
        node_figures_add(&again, &node);
        ck_assert_mem_eq(&again, &sum, sizeof sum);
    }
}

TEST(test_instants_keep_the_outermost)
{
    /* Breaks when "never" passes for the beginning, or a later first replaces an earlier one. */
    struct outcome_times times = {0}, never = {0};
    outcome_times_add(&times, &never);
    ck_assert_mem_eq(&times, &never, sizeof never);
    outcome_ok(&times, 500);
    outcome_ok(&times, 900);
    outcome_failed(&times, 700);
    ck_assert_uint_eq(times.first_ok_ns, 500);
    ck_assert_uint_eq(times.last_ok_ns, 900);
    ck_assert_uint_eq(times.first_failed_ns, 700);
    ck_assert_uint_eq(times.last_failed_ns, 700);
    outcome_times_add(&times, &(struct outcome_times){.first_ok_ns = 600, .last_ok_ns = 1000});
    outcome_times_add(&times, &(struct outcome_times){.first_failed_ns = 3, .last_failed_ns = 4});
    ck_assert_uint_eq(times.first_ok_ns, 500);
    ck_assert_uint_eq(times.last_ok_ns, 1000);
    ck_assert_uint_eq(times.first_failed_ns, 3);
    ck_assert_uint_eq(times.last_failed_ns, 700);
    outcome_times_add(&never, &times);
    ck_assert_mem_eq(&times, &never, sizeof never);
}

TEST(test_damaged_bytes_are_refused)
{
    /* Breaks when half a record, a bucket out of range or a wrong sum passes, or reads past the end. */
    fill(3);
    size_t written = node_figures_encode(bytes, &node), used = 0;
    for (size_t cut = 0; cut < written; cut++) {
        struct err err = {.code = OK};
        unsigned char *copy = malloc(cut + 1); /* exact, for AddressSanitizer */
        memcpy(copy + 1, bytes, cut);
        memset(&again, 0, sizeof again);
        ck_assert_int_eq(node_figures_decode_bytes(&again, &unknown, copy + 1, cut, &used, &err),
                         E_DATA);
        ck_assert_str_ne(err.text, "");
        free(copy);
    }
    for (size_t bit = 0; bit < written * 8; bit++) {
        struct err err = {.code = OK};
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        memset(&again, 0, sizeof again);
        enum err_code code =
            node_figures_decode_bytes(&again, &unknown, bytes, written, &used, &err);
        ck_assert(code == E_DATA || (code == OK && used <= written));
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    static const uint64_t out_of_range[][3] = {/* buckets, skipped, count; one answer was counted */
                                               {1, COARSE_COUNTS, 1},
                                               {1, UINT64_MAX, 1},
                                               {1, 0, 2},
                                               {0, 0, 0},
                                               {UINT64_MAX, 0, 1}};
    for (size_t i = 0; i < sizeof out_of_range / sizeof out_of_range[0]; i++) {
        struct err err = {.code = OK};
        size_t at = 0;
        static const uint64_t one_ok[NODE_COUNTERS] = {[NODE_OK] = 1};
        at += wire_pairs_encode(bytes_again + at, one_ok, NODE_COUNTERS);
        for (unsigned j = 0; j < 6; j++)
            bytes_again[at++] = 0;
        for (unsigned j = 0; j < 3; j++)
            at += varint_encode(bytes_again + at, out_of_range[i][j]);
        memset(&again, 0, sizeof again);
        ck_assert_int_eq(node_figures_decode_bytes(&again, &unknown, bytes_again, at, &used, &err),
                         E_DATA);
    }
}

TEST(test_every_counter_has_a_name)
{
    /* Breaks when the JSON of a node gets two keys alike or none. */
    for (unsigned i = 0; i < NODE_COUNTERS; i++) {
        ck_assert_ptr_nonnull(node_counter_names[i]);
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(node_counter_names[i], node_counter_names[j]);
    }
}

TEST_SUITE(node_figures)
