#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/figures.h"
#include "tests/support/check/report_fixture.h"

Suite *test_figures_suite(void);

START_TEST(one_number_is_the_response_time_of_an_open_loop)
{
    /* breaks if a place with room for one latency shows what leaves the waiting out */
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, 1000, 500000, 10);
    ck_assert_uint_eq(figure_latency(row, true)->max_ns, 501000);
    ck_assert_uint_eq(figure_latency(row, false)->max_ns, 1000);
    ck_assert_int_eq(figure_latency_kind(true), HISTOGRAM_RESPONSE_OK);
    ck_assert_int_eq(figure_latency_kind(false), HISTOGRAM_SERVICE_OK);
    free(row);
}
END_TEST

START_TEST(any_failure)
{
    /* breaks if what a planned end cuts off counts as a failure, or one in the warm-up does not */
    struct interval_row *row = fixture_row(0);
    struct error_kinds kinds = {.count = 0};
    const struct run_result result = {.total = row, .error_kinds = &kinds};
    ck_assert(!figure_any_failure(&result));
    row->counters[COUNTER_LOST_DRAIN] = 5;
    ck_assert(!figure_any_failure(&result));
    row->counters[COUNTER_LOST_DISCONNECT] = 1;
    ck_assert(figure_any_failure(&result));
    row->counters[COUNTER_LOST_DISCONNECT] = 0;
    kinds.count = 1;
    ck_assert(figure_any_failure(&result));
    free(row);
}
END_TEST

static bool censored(const struct interval_row *row, enum interval_histogram_kind kind,
                     double percent)
{
    return figure_percentile(row, kind, percent).censored;
}

START_TEST(a_response_time_misses_all_that_was_due)
{
    /* breaks if requests that were never sent make the response time of the others look like all */
    struct interval_row *row = fixture_row(0);
    row->header.flags |= INTERVAL_LAST;
    fixture_answer_at(row, 1000, 2000, 900);
    row->counters[COUNTER_DUE] += 40;
    row->counters[COUNTER_SHED_LATE] = 30;
    row->counters[COUNTER_SHED_WORKER] = 10;
    ck_assert(!censored(row, HISTOGRAM_RESPONSE_OK, 95)); /* 40 of 940: 4.3 % */
    row->counters[COUNTER_DUE] += 20;
    row->header.backlog_after = 20;
    ck_assert(censored(row, HISTOGRAM_RESPONSE_OK, 95)); /* 60 of 960: 6.2 % */
    ck_assert(!censored(row, HISTOGRAM_RESPONSE_OK, 93));
    ck_assert(!censored(row, HISTOGRAM_SERVICE_OK, 99.9));
    ck_assert(!censored(row, HISTOGRAM_SLIP, 99.9));
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_RESPONSE_OK, 95).value_ns, 3000);

    fixture_send_at(row, 9000, 100); /* sent without a reply: lost, or in flight at the end */
    row->counters[COUNTER_TIMED_OUT] = 5;
    row->counters[COUNTER_LOST_DRAIN] = 15;
    row->header.in_flight_after = 80;
    ck_assert(censored(row, HISTOGRAM_RESPONSE_OK, 85)); /* 160 of 1,060: 15.1 % */
    ck_assert(!censored(row, HISTOGRAM_RESPONSE_OK, 84));
    ck_assert(censored(row, HISTOGRAM_SERVICE_OK, 91)); /* 100 of 1,000 */
    ck_assert(!censored(row, HISTOGRAM_SERVICE_OK, 90));
    ck_assert(!censored(row, HISTOGRAM_SLIP, 99.9)); /* it is known of all that were sent */
    free(row);
}
END_TEST

START_TEST(the_next_row_has_what_this_one_left)
{
    /* breaks if an interval calls its percentiles unknown because the run went on behind it */
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, 1000, 2000, 900);
    fixture_send_at(row, 2000, 100);
    row->counters[COUNTER_DUE] += 500;
    row->header.in_flight_after = 100;
    row->header.backlog_after = 500;
    ck_assert(!censored(row, HISTOGRAM_RESPONSE_OK, 99.9));
    ck_assert(!censored(row, HISTOGRAM_SERVICE_OK, 99.9));
    row->header.flags |= INTERVAL_LAST;
    ck_assert(censored(row, HISTOGRAM_RESPONSE_OK, 99));
    ck_assert(censored(row, HISTOGRAM_RESPONSE_OK, 61)); /* 600 of 1,500 */
    ck_assert(!censored(row, HISTOGRAM_RESPONSE_OK, 60));
    ck_assert(censored(row, HISTOGRAM_SERVICE_OK, 91));
    free(row);
}
END_TEST

START_TEST(a_lower_bound_is_the_longest_wait)
{
    /* breaks if ">=" stands before a time that somebody waited longer than */
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, 1000, 800, 97);
    fixture_answer_at(row, 1000, 987654321, 1);
    row->counters[COUNTER_SHED_LATE] = row->counters[COUNTER_DUE] = 50;
    struct figure_percentile figure = figure_percentile(row, HISTOGRAM_RESPONSE_OK, 90);
    ck_assert(figure.censored && figure.few_samples);
    ck_assert_uint_eq(figure.value_ns, 987655321);
    fixture_send_at(row, 2000000000, 1); /* and never answered */
    row->counters[COUNTER_TIMED_OUT] = 1;
    figure = figure_percentile(row, HISTOGRAM_RESPONSE_OK, 90);
    ck_assert_uint_eq(figure.value_ns, 2000000000);
    figure = figure_percentile(row, HISTOGRAM_RESPONSE_OK, 50);
    ck_assert(!figure.censored);
    ck_assert_uint_eq(figure.value_ns, 1800);
    interval_row_reset(row);
    figure = figure_percentile(row, HISTOGRAM_RESPONSE_OK, 50);
    ck_assert(figure.empty && !figure.censored && figure.value_ns == 0);
    free(row);
}
END_TEST

START_TEST(rates_read_well)
{
    /* breaks if a slow rate is rounded to nothing, or a fast one is hard to read */
    static const struct {
        double rate;
        const char *text;
    } expected[] = {{0, "0"},          {0.5, "0.5"},        {12.34, "12.34"},
                    {999.94, "999.9"}, {50000.4, "50,000"}, {1e8, "100,000,000"},
                    {1e300, "1e+300"}, {1000, "1,000"}};
    char text[32];
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_str_eq(figure_rate_text(text, sizeof text, expected[i].rate), expected[i].text);
}
END_TEST

Suite *test_figures_suite(void)
{
    Suite *suite = suite_create("figures");
    TCase *tcase = tcase_create("percentiles and rates");
    tcase_add_test(tcase, any_failure);
    tcase_add_test(tcase, one_number_is_the_response_time_of_an_open_loop);
    tcase_add_test(tcase, a_response_time_misses_all_that_was_due);
    tcase_add_test(tcase, the_next_row_has_what_this_one_left);
    tcase_add_test(tcase, a_lower_bound_is_the_longest_wait);
    tcase_add_test(tcase, rates_read_well);
    suite_add_tcase(suite, tcase);
    return suite;
}
