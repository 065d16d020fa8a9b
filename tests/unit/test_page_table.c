#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "orchestrator/page/page_table.h"
#include "tests/support/check/suite.h"

static struct page_table table;
static struct err err;

static void begin(uint32_t columns, size_t rows_max)
{
    err.code = OK;
    ck_assert_int_eq(page_table_init(&table, "load", "", columns, rows_max, &err), OK);
    for (uint32_t i = 0; i < columns; i++)
        ck_assert_uint_eq(page_table_column(&table, "figure", "us", NULL), i);
}

static void tear_down(void)
{
    page_table_free(&table);
}

static double lowest(uint32_t column)
{
    double value = INFINITY;
    for (size_t i = 0; i < table.rows; i++)
        value = fmin(value, table.low[i * table.columns_max + column]);
    return value;
}

static double highest(uint32_t column)
{
    double value = -INFINITY;
    for (size_t i = 0; i < table.rows; i++)
        value = fmax(value, table.high[i * table.columns_max + column]);
    return value;
}

TEST(keeps_all_that_fits)
{
    /* breaks when a table that is not full changes what it was given */
    begin(2, 8);
    for (int i = 0; i < 8; i++)
        page_table_add(&table, i, i + 1, (const double[]){i, 10.0 * i});
    ck_assert_uint_eq(table.rows, 8);
    ck_assert(!table.thinned);
    ck_assert_double_eq(table.low[2 * table.columns_max + 1], 20);
    ck_assert_double_eq(table.high[2 * table.columns_max + 1], 20);
}

LOOP_TEST(one_stall_in_any_length, 12)
{
    /* breaks when thinning hides one interval of a long run, loses time, or lets a table grow with the run */
    const uint64_t count = 50ull << _i;
    const uint64_t stalled = count / 3;
    begin(1, 64);
    for (uint64_t i = 0; i < count; i++)
        page_table_add(&table, (double)i, (double)i + 1,
                       (const double[]){i == stalled       ? 5e6
                                        : i == stalled + 7 ? 1
                                                           : 100});
    ck_assert_uint_le(table.rows, 64);
    ck_assert_double_eq(highest(0), 5e6);
    ck_assert_double_eq(lowest(0), 1);
    ck_assert_double_eq(table.start[0], 0);
    ck_assert_double_eq(table.end[table.rows - 1], (double)count);
    for (size_t i = 1; i < table.rows; i++)
        ck_assert_double_eq(table.start[i], table.end[i - 1]);
}

TEST(gaps_stay)
{
    /* breaks when time in which nothing was measured is drawn as if something was */
    begin(1, 32);
    for (int i = 0; i < 100; i++)
        page_table_add(&table, i, i + 1, (const double[]){1});
    for (int i = 0; i < 100; i++)
        page_table_add(&table, 500 + i, 501 + i, (const double[]){2});
    size_t gaps = 0;
    const double gap_seconds = page_table_gap_seconds(&table);
    for (size_t i = 0; i < table.rows; i++)
        if (page_table_gap_before(&table, i, gap_seconds)) {
            gaps++;
            ck_assert_double_eq(table.end[i - 1], 100);
            ck_assert_double_eq(table.start[i], 500);
            ck_assert_double_eq(table.high[i - 1], 1);
            ck_assert_double_eq(table.low[i], 2);
        }
    ck_assert_uint_eq(gaps, 1);
}

TEST(many_gaps_are_joined_at_last)
{
    /* breaks when a run of many short parts makes a table that can never be thinned write beyond its end */
    begin(1, 32);
    for (int i = 0; i < 10000; i++)
        page_table_add(&table, 2.0 * i, 2.0 * i + 1, (const double[]){i});
    ck_assert_uint_le(table.rows, 32);
    ck_assert_double_eq(highest(0), 9999);
    ck_assert_double_eq(lowest(0), 0);
}

TEST(what_is_not_known_stays_unknown)
{
    /* breaks when a value that is not known hides its neighbour, or becomes a number; or a bound is lost */
    begin(3, 2);
    page_table_add(&table, 0, 1, (const double[]){NAN, NAN, 7});
    page_table_add(&table, 1, 2, (const double[]){5, NAN, -9});
    page_table_add(&table, 2, 3, (const double[]){6, NAN, 8});
    ck_assert_double_eq(table.low[0], 5);
    ck_assert_double_eq(table.high[0], 5);
    ck_assert(isnan(table.low[1]) && isnan(table.high[1]));
    ck_assert_double_eq(table.low[2], 7);
    ck_assert_double_eq(table.high[2], -9);
    ck_assert(table.columns[0].seen);
    ck_assert(!table.columns[1].seen);
}

TEST(samples_have_no_length)
{
    /* breaks when points in time are taken for gaps, and never thinned */
    begin(1, 16);
    for (int i = 0; i < 1000; i++)
        page_table_add(&table, i, i, (const double[]){i});
    ck_assert_uint_le(table.rows, 16);
    ck_assert_double_eq(highest(0), 999);
    ck_assert_double_eq(table.end[table.rows - 1], 999);
}

TEST(gaps_of_samples_stay)
{
    /* breaks when samples that were joined are drawn as so many dots, or a line goes on where none was taken */
    size_t gaps = 0;
    begin(1, 32);
    for (int i = 0; i < 1000; i++)
        page_table_add(&table, i, i, (const double[]){1});
    for (int i = 0; i < 1000; i++)
        page_table_add(&table, 5000 + i, 5000 + i, (const double[]){2});
    const double gap_seconds = page_table_gap_seconds(&table);
    for (size_t i = 0; i < table.rows; i++) {
        if (!page_table_gap_before(&table, i, gap_seconds))
            continue;
        gaps++;
        ck_assert_double_eq(table.end[i - 1], 999);
        ck_assert_double_eq(table.start[i], 5000);
    }
    ck_assert_uint_eq(gaps, 1);
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

TEST(touched_memory_is_there_from_the_start)
{
    /* breaks when the memory of a monitor grows for days, until the table of its page is full */
    static double values[100];
    begin(100, 16384);
    const double before = resident_mb();
    page_table_touch(&table);
    const double from = resident_mb();
    ck_assert_double_gt(from - before, 20);
    for (int i = 0; i < 20000; i++)
        page_table_add(&table, i, i + 1, values);
    ck_assert_double_lt(resident_mb() - from, 2);
}

TEST_SUITE_WITH(page_table, .tear_down = tear_down)
