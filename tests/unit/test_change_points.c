/* Where series change level: steps that were planted, and series without one. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/change_points.h"
#include "tests/support/check/suite.h"

#define COMMITS 200

static uint64_t state = 1;

/* Uniform in (0, 1): xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016). */
static double draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return ((double)((state * 2685821657736338717ull) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(draw())) * cos(2 * acos(-1) * draw());
}

/* Normal, with one in a hundred far out. */
static double wild(void)
{
    const double value = normal();
    return draw() < 0.01 ? 20 * value : value;
}

static struct change_points find(const double *values, size_t count)
{
    struct change_points points;
    ck_assert(change_points_find(&points, values, count, CHANGE_POINT_ALPHA));
    return points;
}

TEST(noise_has_no_steps)
{
    /* Breaks when chance alone is marked more often than once in 1,000 commits, also where some figures are far out. */
    double values[1000];
    size_t marks = 0;
    for (int round = 0; round < 400; round++) {
        const size_t count = round % 2 == 0 ? 1000 : 20;
        for (size_t i = 0; i < count; i++)
            values[i] = 100 + (round % 4 < 2 ? normal() : wild());
        struct change_points points = find(values, count);
        marks += points.count;
        change_points_free(&points);
    }
    ck_assert_uint_le(marks, 400 * 510 / 1000);
}

/* Of 300 series, those whose step of 5 % is found within 3 commits. */
static size_t count_hits(double cv, double (*noise)(void))
{
    double values[COMMITS];
    size_t hits = 0;
    for (int round = 0; round < 300; round++) {
        const size_t step = 15 + (size_t)(draw() * (COMMITS - 30));
        for (size_t i = 0; i < COMMITS; i++)
            values[i] = (i < step ? 1000 : 950) * (1 + cv * noise());
        struct change_points points = find(values, COMMITS);
        bool hit = false;
        for (size_t i = 0; i < points.count; i++)
            hit = hit || labs((long)points.items[i].place - (long)step) <= 3;
        hits += hit;
        change_points_free(&points);
    }
    return hits;
}

TEST(a_step_is_found_where_it_is)
{
    /* Breaks when a step of 5 % in 200 commits is not found within 3 of them in 9 of 10 series. */
    ck_assert_uint_ge(count_hits(0.01, normal), 285);
    ck_assert_uint_ge(count_hits(0.03, normal), 270);
    ck_assert_uint_ge(count_hits(0.02, wild), 270);
}

TEST(several_steps_are_told_apart)
{
    /* Breaks when of three levels one is missed, or medians and places are those of others. */
    double values[90];
    for (size_t i = 0; i < 90; i++)
        values[i] = (i < 30 ? 100 : i < 60 ? 80 : 120) + (double)(i * 7 % 5) - 2;
    struct change_points points = find(values, 90);
    ck_assert_uint_eq(points.count, 2);
    ck_assert_uint_eq(points.items[0].place, 30);
    ck_assert_uint_eq(points.items[1].place, 60);
    ck_assert_double_eq_tol(points.items[0].before, 100, 0.5);
    ck_assert_double_eq_tol(points.items[0].after, 80, 0.5);
    ck_assert_double_eq_tol(points.items[1].before, 80, 0.5);
    ck_assert_double_eq_tol(points.items[1].after, 120, 0.5);
    ck_assert_double_lt(points.items[0].p, CHANGE_POINT_ALPHA);
    change_points_free(&points);
}

TEST(a_level_that_ends_again_is_found)
{
    /* Breaks when a drop of some weeks, which was mended, is never marked since the whole series looks alike before and behind any
     * place. */
    double values[COMMITS];
    size_t found = 0;
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < COMMITS; i++)
            values[i] = (i >= 90 && i < 110 ? 800 : 1000) * (1 + 0.01 * normal());
        struct change_points points = find(values, COMMITS);
        bool begin = false, end = false;
        for (size_t i = 0; i < points.count; i++) {
            begin = begin || labs((long)points.items[i].place - 90) <= 3;
            end = end || labs((long)points.items[i].place - 110) <= 3;
        }
        found += begin && end;
        change_points_free(&points);
    }
    ck_assert_uint_ge(found, 95);
}

TEST(outliers_and_little_are_no_steps)
{
    /* Breaks when one wild commit, figures that are all the same, or too few of them are marked. */
    double values[40] = {0};
    for (size_t count = 0; count <= 40; count++) {
        struct change_points points = find(values, count);
        ck_assert_uint_eq(points.count, 0);
        change_points_free(&points);
    }
    for (size_t i = 0; i < 40; i++)
        values[i] = 100 + (double)(i * 7 % 5);
    values[20] = 1e6;
    values[39] = 0;
    struct change_points points = find(values, 40);
    ck_assert_uint_eq(points.count, 0);
    change_points_free(&points);
    for (size_t i = 0; i < 9; i++)
        values[i] = i < 4 ? 1 : 1000;
    points = find(values, 9);
    ck_assert_uint_eq(points.count, 0);
    change_points_free(&points);
}

TEST(only_order_counts)
{
    /* Breaks when marks depend on the unit of the figures, or on how far a level is from another. */
    double values[60], others[60];
    for (size_t i = 0; i < 60; i++) {
        values[i] = (i < 25 ? 1 : 2) + 0.1 * normal();
        others[i] = exp(values[i]) * 1e9;
    }
    struct change_points one = find(values, 60), other = find(others, 60);
    ck_assert_uint_eq(one.count, 1);
    ck_assert_uint_eq(other.count, 1);
    ck_assert_uint_eq(one.items[0].place, other.items[0].place);
    ck_assert(one.items[0].p == other.items[0].p);
    change_points_free(&one);
    change_points_free(&other);
}

TEST(the_probability_is_none_too_small)
{
    /* Breaks when series of noise are cut more often than the formula says, so that alpha would promise too much; or when a
     * larger statistic is likelier. */
    double values[100], before = 1;
    size_t cut = 0;
    for (int round = 0; round < 2000; round++) {
        struct change_points points;
        for (size_t i = 0; i < 100; i++)
            values[i] = normal();
        ck_assert(change_points_find(&points, values, 100, 0.05));
        cut += points.count > 0;
        change_points_free(&points);
    }
    ck_assert_uint_le(cut, 2000 / 20 * 12 / 10);
    ck_assert_uint_ge(cut, 1); /* nor by far too large */
    for (int tenths = 15; tenths < 120; tenths++) {
        const double p = change_point_probability(tenths / 10.0, 200);
        ck_assert_double_le(p, before);
        ck_assert_double_ge(p, 0);
        before = p;
    }
    ck_assert_double_eq(change_point_probability(100, 2 * CHANGE_POINT_LEAST - 1), 1);
}

TEST_SUITE(change_points)
