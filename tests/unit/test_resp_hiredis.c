/* The scanner against hiredis's reader, RESP2. What hiredis takes and the scanner refuses, and the
 * other way round, is named in tests/support/check/resp_oracle.h. */
#include <string.h>

#include "tests/support/check/resp_oracle.h"
#include "tests/support/check/suite.h"

#define SAMPLE_COUNT 3000
#define DEPTH_MAX 7

/* The generator's text bounds and depth keep within hiredis's own. */
static void check_agreement(const struct resp_sample *sample, size_t in_bytes)
{
    struct resp_outcome ours, theirs;
    resp_outcome_first(&ours, sample->bytes, in_bytes);
    resp_outcome_hiredis(&theirs, sample->bytes, in_bytes);
    ck_assert_int_eq(ours.status, theirs.status);
    if (ours.status == RESP_REPLY) {
        ck_assert_int_eq(ours.last.type, theirs.last.type);
        ck_assert_int_eq(ours.last.integer, theirs.last.integer);
        ck_assert_uint_eq(ours.last.nulls, theirs.last.nulls);
        ck_assert_uint_eq(ours.last.errors, theirs.last.errors);
        ck_assert_mem_eq(ours.last_text, theirs.last_text, sizeof ours.last_text);
    }
    ck_assert(resp_outcome_same(&ours, &theirs));
}

TEST(test_same_replies)
{
    /* Breaks when a reply means something else to volley than to hiredis. */
    for (uint64_t seed = 0; seed < SAMPLE_COUNT; seed++) {
        struct resp_sample sample;
        resp_sample_make(&sample, seed, DEPTH_MAX, false);
        ck_assert_int_eq(resp_hiredis_compare(sample.bytes, sample.byte_count), RESP_SAME);
        check_agreement(&sample, sample.byte_count);
        resp_sample_free(&sample);
    }
}

TEST(test_same_prefixes)
{
    /* Breaks when the two do not agree at which byte a reply ends. */
    for (uint64_t seed = 0; seed < SAMPLE_COUNT / 10; seed++) {
        struct resp_sample sample;
        resp_sample_make(&sample, seed, DEPTH_MAX, false);
        const size_t step = sample.byte_count / 100 + 1;
        for (size_t in_bytes = 0; in_bytes < sample.byte_count; in_bytes += step)
            check_agreement(&sample, in_bytes);
        check_agreement(&sample, sample.byte_count - 1);
        resp_sample_free(&sample);
    }
}

/* Replaces, removes or doubles one byte. */
static void damage(struct resp_sample *sample)
{
    static const char awkward[] = "\r\n019-+*$: x";
    const size_t at = resp_sample_draw(sample, sample->byte_count);
    const size_t behind = sample->byte_count - at - 1;
    switch (resp_sample_draw(sample, 4)) {
    case 0:
        memmove(sample->bytes + at, sample->bytes + at + 1, behind);
        sample->byte_count--;
        break;
    case 1:
        memmove(sample->bytes + at, sample->bytes + at + 1, behind);
        sample->bytes[sample->byte_count - 1] = awkward[resp_sample_draw(sample, 12)];
        break;
    default:
        sample->bytes[at] = awkward[resp_sample_draw(sample, 12)];
        break;
    }
}

TEST(test_same_judgement_of_damage)
{
    /* Breaks when a damaged reply is accepted by one and refused by the other, outside the classes
     * in which hiredis is known to be laxer. */
    size_t seen[RESP_INCOMPARABLE + 1] = {0};
    size_t refused_by_both = 0;
    for (uint64_t seed = 0; seed < 20 * SAMPLE_COUNT; seed++) {
        struct resp_sample sample;
        resp_sample_make(&sample, seed, 2, false);
        damage(&sample);
        const enum resp_comparison comparison =
            resp_hiredis_compare(sample.bytes, sample.byte_count);
        seen[comparison]++;
        struct resp_outcome ours;
        resp_outcome_first(&ours, sample.bytes, sample.byte_count);
        if (comparison == RESP_SAME)
            check_agreement(&sample, sample.byte_count);
        if (comparison == RESP_SAME && ours.status == RESP_INVALID)
            refused_by_both++;
        if (comparison == RESP_REFUSED)
            ck_assert_int_eq(ours.status, RESP_INVALID);
        resp_sample_free(&sample);
    }
    /* All kinds must have come up, or this test has looked at nothing. */
    ck_assert_uint_gt(seen[RESP_SAME], 20 * SAMPLE_COUNT / 2);
    ck_assert_uint_gt(seen[RESP_REFUSED], SAMPLE_COUNT);
    ck_assert_uint_lt(seen[RESP_INCOMPARABLE], 20 * SAMPLE_COUNT / 20);
    ck_assert_uint_gt(refused_by_both, SAMPLE_COUNT);
}

TEST_SUITE(resp_hiredis)
