#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

TEST(one_number_is_the_response_time_of_an_open_loop)
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

TEST(any_failure)
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

static bool censored(const struct interval_row *row, enum interval_histogram_kind kind,
                     double percent)
{
    return figure_percentile(row, kind, percent).censored;
}

TEST(a_response_time_misses_all_that_was_due)
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

TEST(the_next_row_has_what_this_one_left)
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

/* Of a bucket's values the lowest is known to be exceeded. */
static void expect_at_least(const struct interval_row *row, enum interval_histogram_kind kind,
                            double percent, uint64_t expected_ns)
{
    struct figure_percentile figure = figure_percentile(row, kind, percent);
    ck_assert_msg(figure.censored, "p%g", percent);
    ck_assert_msg(figure.value_ns <= expected_ns &&
                      (expected_ns - figure.value_ns) * 1000 <= expected_ns,
                  "p%g is at least %llu, not %llu", percent, (unsigned long long)figure.value_ns,
                  (unsigned long long)expected_ns);
}

/* 260 of 1,000 are answered at once, then the server freezes, and the load ends 740 ms later: 50 have been
 * sent, the rest has not. */
static struct interval_row *frozen_row(void)
{
    struct interval_row *row = fixture_row(0);
    row->header.flags = INTERVAL_LAST | INTERVAL_OPEN_LOOP;
    fixture_answer_at(row, 100000, 1000, 260);
    fixture_send_at(row, 1000, 50);
    row->counters[COUNTER_DUE] = 1000;
    for (uint64_t ms = 1; ms <= 740; ms++)
        if (ms > 690)
            fixture_unanswered(row, COUNTER_LOST_DRAIN, 1000, ms * NS_PER_MS, 1);
        else
            histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_UNANSWERED], ms * NS_PER_MS, 1);
    row->header.backlog_after = 690;
    return row;
}

TEST(what_had_no_reply_had_waited)
{
    /* breaks if a percentile says less than is known: of those who got no reply, how long they had waited
     * when the load ended, which was some 240 ms for half of all */
    struct interval_row *row = frozen_row();
    ck_assert_uint_eq(figure_unanswered_count(row, HISTOGRAM_RESPONSE_OK), 740);
    ck_assert(!figure_percentile(row, HISTOGRAM_RESPONSE_OK, 26).censored);
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_RESPONSE_OK, 26).value_ns, 101000);
    expect_at_least(row, HISTOGRAM_RESPONSE_OK, 50, 240 * NS_PER_MS);
    expect_at_least(row, HISTOGRAM_RESPONSE_OK, 90, 640 * NS_PER_MS);
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_RESPONSE_OK, 100).value_ns,
                      740 * NS_PER_MS + 1000);
    /* of those that were sent most were answered */
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_SERVICE_OK, 80).value_ns, 100000);
    expect_at_least(row, HISTOGRAM_SERVICE_OK, 90, 709 * NS_PER_MS);
    struct figure_percentile mean = figure_mean(row, HISTOGRAM_RESPONSE_OK);
    ck_assert(mean.censored);
    ck_assert_uint_eq(mean.value_ns, (260 * 101000 + 740 * 741 / 2 * NS_PER_MS + 50 * 1000) / 1000);
    free(row);
}

TEST(a_percentile_is_a_share_of_all)
{
    /* breaks if those who got no reply are passed over where enough were answered: of 1,000 the 991st value
     * is the p99.1, whatever the 5 without one had waited, and so is the p99 not that of 995 */
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000, 990);
    fixture_answer(row, 5000, 5);
    row->counters[COUNTER_SENT] += 5;
    fixture_unanswered(row, COUNTER_LOST_DISCONNECT, 0, 10, 5);
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_SERVICE_OK, 99).value_ns, 1000);
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_SERVICE_OK, 99.1).value_ns, 5000);
    ck_assert(!figure_percentile(row, HISTOGRAM_SERVICE_OK, 99.5).censored);
    expect_at_least(row, HISTOGRAM_SERVICE_OK, 99.6, 5000);
    ck_assert_uint_eq(figure_percentile(row, HISTOGRAM_LOOP_LAG, 99).value_ns, 0);
    ck_assert(figure_percentile(row, HISTOGRAM_LOOP_LAG, 99).empty);
    free(row);
}

TEST(of_some_no_wait_is_known)
{
    /* breaks if what was lost with a worker, which nobody timed, is taken for as long as the rest */
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000, 50);
    row->counters[COUNTER_SENT] += 50;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 9000, 20);
    row->counters[COUNTER_LOST_WORKER] = 30;
    expect_at_least(row, HISTOGRAM_SERVICE_OK, 80,
                    1000); /* 30 of nothing, 50 answered, 20 of 9 us */
    expect_at_least(row, HISTOGRAM_SERVICE_OK, 81, 9000);
    interval_row_reset(row);
    row->counters[COUNTER_LOST_WORKER] = 30;
    struct figure_percentile figure = figure_percentile(row, HISTOGRAM_SERVICE_OK, 50);
    ck_assert(figure.censored && !figure.empty && figure.value_ns == 0);
    memset(row->counters, 0, sizeof row->counters);
    figure = figure_percentile(row, HISTOGRAM_SERVICE_OK, 50);
    ck_assert(figure.empty && !figure.censored && figure.value_ns == 0);
    ck_assert(figure_mean(row, HISTOGRAM_SERVICE_OK).empty);
    free(row);
}

TEST(a_rate_is_one_that_can_be)
{
    /* breaks if the seconds of a journal from somewhere else make a rate that no integer holds */
    ck_assert(figure_rate(UINT64_MAX, 5e-324) <= FIGURE_RATE_MAX);
    ck_assert(figure_rate(1, 1e-300) <= FIGURE_RATE_MAX);
    ck_assert_double_eq(figure_rate(1, 0), 0);
    ck_assert_double_eq(figure_rate(1000000000, 0.5), 2e9);
}

TEST(rates_read_well)
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

TEST_SUITE(figures)
