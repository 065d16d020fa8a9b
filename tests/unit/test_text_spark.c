#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/text.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct spark spark;

static void set_up(void)
{
    spark_begin(&spark);
}

/* Rows of a second with 1,000 answers of 1 ms; in the stalled one none, and the next is answered late. */
static void add_rows(uint32_t count, uint32_t stalled)
{
    struct interval_row *row = fixture_row(0);
    for (uint32_t i = 0; i < count; i++) {
        interval_row_reset(row);
        row->header.start_ns = i * NS_PER_SECOND;
        row->header.end_ns = (i + 1) * NS_PER_SECOND;
        if (i != stalled)
            fixture_answer(row, NS_PER_MS, 1000);
        if (i == stalled + 1)
            fixture_answer(row, 900 * NS_PER_MS, 50);
        spark_add(&spark, row, false);
    }
    free(row);
}

static char *print(unsigned width, bool ascii)
{
    struct printed printed;
    printed_begin(&printed);
    spark_print(&printed.out, &spark, width, ascii);
    return printed_end(&printed);
}

TEST(lines_of_a_short_run)
{
    /* breaks if a line's ends, its scale or its gap are not what the rows say */
    add_rows(6, 2);
    char *text = print(80, true);
    ck_assert_str_eq(text, "\nOver Time:\n=========\n"
                           "(a column is 1.00 s: its lowest rate, its highest latencies)\n"
                           "rate/s           0 |## ###| 1,050\n"
                           "p50 ms       1.000 |## ###| 1.000\n"
                           "p99 ms       1.000 |__ #__| 900.000\n"
                           "max ms       1.000 |__ #__| 900.000\n");
    free(text);
}

TEST(too_few_rows)
{
    /* breaks if a run of one or two intervals gets lines that say nothing */
    add_rows(2, 100);
    char *text = print(80, true);
    ck_assert_str_eq(text, "");
    free(text);
}

TEST(nothing_succeeded)
{
    /* breaks if a run without one success divides by nothing */
    for (uint32_t i = 0; i < 5; i++)
        add_rows(1, 0);
    char *text = print(80, true);
    ck_assert_ptr_nonnull(strstr(text, "rate/s           0 |     | 0\n"));
    ck_assert_ptr_null(strstr(text, "p50"));
    free(text);
}

TEST(a_stall_shows_at_any_width)
{
    /* breaks if the one second without an answer, of a day, drowns in its neighbours, at any width and in
     * either alphabet, or a line is wider than asked */
    for (uint32_t rows = 3; rows <= 86400; rows = rows * 3 + 1)
        for (unsigned width = 60; width <= 200; width += 35) {
            spark_begin(&spark);
            add_rows(rows, rows / 2);
            char *text = print(width, true), *rest = text, *line;
            while ((line = strsep(&rest, "\n")) != NULL) {
                ck_assert_uint_le(strlen(line), width);
                if (strncmp(line, "rate/s", 6) == 0) {
                    ck_assert_ptr_nonnull(strstr(line, "     0 |"));
                    ck_assert_ptr_nonnull(strchr(strchr(line, '|'), ' '));
                }
                if (strncmp(line, "max ms", 6) == 0)
                    ck_assert_ptr_nonnull(strchr(line, '#'));
            }
            free(text);
        }
    char *text = print(80, false);
    ck_assert_ptr_nonnull(strstr(text, "\u2588"));
    free(text);
}

TEST(a_line_from_nothing_up)
{
    /* breaks if a value of 0 among others of which the least is 0 is drawn by the logarithm of 0 */
    ck_assert_str_eq(spark_cell(0, 0, 10, false, true), "_");
    ck_assert_str_eq(spark_cell(10, 0, 10, false, true), "#");
    ck_assert_str_eq(spark_cell(0, 0, 0, false, true), "_");
    ck_assert_str_eq(spark_cell(1, 1, 100, false, true), "_");
    ck_assert_str_eq(spark_cell(100, 1, 100, false, true), "#");
    ck_assert_str_eq(spark_cell(500, 1, 100, false, true), "#"); /* above what it was said to be */
    ck_assert_str_eq(spark_cell(0.5, 1, 100, false, true), "_");
    ck_assert_str_eq(spark_cell(0, 0, 10, true, true), " ");
    ck_assert_str_eq(spark_cell(-1, 0, 10, false, true), " ");
}

TEST(locale_decides)
{
    /* breaks if a terminal that shows no UTF-8 gets blocks, or LANG wins over LC_ALL */
    setenv("LC_ALL", "C", 1);
    setenv("LANG", "de_DE.UTF-8", 1);
    ck_assert(spark_wants_ascii());
    setenv("LC_ALL", "en_US.utf8", 1);
    ck_assert(!spark_wants_ascii());
    setenv("LC_ALL", "", 1);
    unsetenv("LC_CTYPE");
    ck_assert(!spark_wants_ascii());
    unsetenv("LANG");
    ck_assert(spark_wants_ascii());
}

TEST_SUITE_WITH(text_spark, .set_up = set_up)
