#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/repeats.h"
#include "orchestrator/report/timeline.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

/* Half the width of 95 % for `count` numbers whose standard deviation is 1. */
static double half_width_of(uint32_t count)
{
    const struct repeat_figure figure = {.count = count, .squares = count - 1};
    return repeat_half_width(&figure);
}

TEST(test_published_points)
{
    /* Breaks when the interval is not Student's: points of the published table (NIST/SEMATECH e-Handbook,
     * 1.3.6.7.2, 0.975). */
    static const struct {
        uint32_t freedom;
        double point;
    } points[] = {{1, 12.706}, {2, 4.303},  {5, 2.571},  {9, 2.262},  {10, 2.228},
                  {12, 2.179}, {15, 2.131}, {20, 2.086}, {30, 2.042}, {100, 1.984}};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        const uint32_t count = points[i].freedom + 1;
        ck_assert_double_eq_tol(half_width_of(count) * sqrt(count), points[i].point, 0.0006);
    }
}

TEST(test_mean_and_deviation)
{
    /* Breaks when the running sums are not those of the numbers, also of large ones that differ little; or when one
     * number has an interval. */
    static const double numbers[] = {1e9 + 2, 1e9 + 4, 1e9 + 4, 1e9 + 4,
                                     1e9 + 5, 1e9 + 5, 1e9 + 7, 1e9 + 9};
    struct repeat_figure figure = {.count = 0};
    repeat_add(&figure, numbers[0]);
    ck_assert_double_lt(repeat_half_width(&figure), 0);
    ck_assert_double_lt(repeat_deviation(&figure), 0);
    for (size_t i = 1; i < 8; i++)
        repeat_add(&figure, numbers[i]);
    ck_assert_double_eq_tol(figure.mean, 1e9 + 5, 1e-6);
    ck_assert_double_eq_tol(repeat_deviation(&figure), sqrt(32.0 / 7), 1e-6);
}

static void add_run(struct repeats *repeats, const char *name, uint64_t repetition, bool prefill,
                    uint32_t answers)
{
    struct run_facts facts = {.repetition = repetition, .prefill = prefill};
    struct interval_row *total = fixture_row(0);
    if (answers > 0)
        fixture_answer_at(total, 1000000, 0, answers);
    struct run_result *result = calloc(1, sizeof *result);
    snprintf(facts.name, sizeof facts.name, "%s", name);
    result->facts = &facts;
    result->total = total;
    result->seconds = 1;
    repeats_add(repeats, result);
    free(result);
    free(total);
}

TEST(test_runs_of_a_session)
{
    /* Breaks when runs of two tests are mixed, a prefill or a single run counts, or a latency that a run does not
     * know counts as none. */
    static struct repeats repeats;
    add_run(&repeats, "SET", 0, false, 10);
    ck_assert_uint_eq(repeats.count, 0);
    add_run(&repeats, "SET", 1, true, 10);
    add_run(&repeats, "SET", 1, false, 100);
    add_run(&repeats, "GET", 1, false, 50);
    add_run(&repeats, "SET", 2, false, 300);
    add_run(&repeats, "SET", 3, false, 0);
    ck_assert_uint_eq(repeats.count, 2);
    ck_assert_str_eq(repeats.tests[0].name, "SET");
    ck_assert_uint_eq(repeats.tests[0].runs, 3);
    ck_assert_str_eq(repeat_figure_name(0), "rate");
    ck_assert_double_eq_tol(repeats.tests[0].figures[0].mean, 400.0 / 3, 1e-9);
    ck_assert_uint_eq(repeats.tests[0].figures[2].count, 2);
    ck_assert_double_eq_tol(repeats.tests[0].figures[2].mean, 1000, 1);
    ck_assert_double_eq_tol(repeats.tests[1].figures[0].mean, 50, 1e-9);
}

TEST_SUITE(repeats)
