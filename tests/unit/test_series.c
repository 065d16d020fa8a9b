#include <math.h>
#include <string.h>

#include "orchestrator/scenario/series.h"
#include "tests/support/check/suite.h"

TEST(each_metric_is_found_by_its_name)
{
    /* Breaks when a row of the table cannot be named in a check, or two rows have one name. */
    for (unsigned i = 0; i < SERIES_METRICS; i++) {
        enum series_metric metric = SERIES_METRICS;
        double divisor = 0;
        ck_assert(series_metric_find(&metric, &divisor, series_metric_name(i)));
        ck_assert_uint_eq(metric, i);
        ck_assert_double_eq(divisor, 1);
    }
    ck_assert_str_eq(series_metric_name(SERIES_RSS), "used_memory_rss");
    ck_assert_int_eq(series_metric_source(SERIES_RSS), SERIES_OF_SERVER);
    ck_assert_int_eq(series_metric_source(SERIES_P99), SERIES_OF_CLIENT);
}

TEST(aliases_have_their_unit)
{
    /* Breaks when rss_mb is taken for bytes, or an alias stands for another metric. */
    static const struct {
        const char *name;
        enum series_metric metric;
        double divisor;
    } expected[] = {
        {"rss_mb", SERIES_RSS, 1048576},
        {"allocated_mb", SERIES_ALLOCATED, 1048576},
        {"active_mb", SERIES_ACTIVE, 1048576},
        {"resident_mb", SERIES_RESIDENT, 1048576},
        {"memory_usage", SERIES_USED_MEMORY, 1048576},
        {"fragmentation_ratio", SERIES_FRAGMENTATION, 1},
    };
    const size_t count = sizeof expected / sizeof expected[0];
    for (size_t i = 0; i < count; i++) {
        enum series_metric metric;
        double divisor;
        ck_assert(series_metric_find(&metric, &divisor, expected[i].name));
        ck_assert_uint_eq(metric, expected[i].metric);
        ck_assert_double_eq(divisor, expected[i].divisor);
    }
    ck_assert_ptr_nonnull(series_alias_at(count - 1));
    ck_assert_ptr_null(series_alias_at(count));
}

TEST(other_names_are_unknown)
{
    /* Breaks when a check on a misspelt metric is taken. */
    enum series_metric metric;
    double divisor;
    static const char *const names[] = {"", "used_memor", "used_memory2", "USED_MEMORY", "rss"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert(!series_metric_find(&metric, &divisor, names[i]));
}

TEST(rows_stay_as_they_were_added)
{
    /* Breaks when growing loses a row, or what is freed cannot be used anew. */
    struct series series = {0};
    struct err err = {.code = OK};
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 1000; i++) {
            struct series_row row = {.at_ns = i, .phase = (uint32_t)i / 10};
            row.values[SERIES_MAX] = (double)i / 2;
            ck_assert_int_eq(series_add(&series, &row, &err), OK);
        }
        ck_assert_uint_eq(series.count, 1000);
        for (uint64_t i = 0; i < 1000; i++) {
            ck_assert_uint_eq(series.rows[i].at_ns, i);
            ck_assert_double_eq(series.rows[i].values[SERIES_MAX], (double)i / 2);
        }
        series_free(&series);
        ck_assert_ptr_null(series.rows);
    }
    series_free(&series);
}

TEST_SUITE(series)
