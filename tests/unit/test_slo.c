#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/capacity/slo.h"
#include "tests/support/check/report_fixture.h"

Suite *test_slo_suite(void);

static const struct {
    const char *text;
    struct slo slo;
} good[] = {
    {"p99<1ms", {SLO_PERCENTILE, false, 99, NS_PER_MS, 0, "p99<1ms"}},
    {"P99.9<=5ms", {SLO_PERCENTILE, true, 99.9, 5 * NS_PER_MS, 0, "P99.9<=5ms"}},
    {" p50 < 0.5 ms ", {SLO_PERCENTILE, false, 50, 500 * NS_PER_US, 0, "p50<0.5ms"}},
    {"p99.99<1h", {SLO_PERCENTILE, false, 99.99, 3600 * NS_PER_SECOND, 0, "p99.99<1h"}},
    {"mean<500us", {SLO_MEAN, false, 0, 500 * NS_PER_US, 0, "mean<500us"}},
    {"avg<2s", {SLO_MEAN, false, 0, 2 * NS_PER_SECOND, 0, "avg<2s"}},
    {"max<=20ms", {SLO_LONGEST, true, 0, 20 * NS_PER_MS, 0, "max<=20ms"}},
    {"errors<0.1%", {SLO_ERRORS, false, 0, 0, 0.001, "errors<0.1%"}},
    {"errors<=0%", {SLO_ERRORS, true, 0, 0, 0, "errors<=0%"}},
    {"errors < 5 %", {SLO_ERRORS, false, 0, 0, 0.05, "errors<5%"}},
};

START_TEST(test_expressions)
{
    /* Breaks when an objective is read as another one. */
    struct slo_list list;
    struct err err = {.code = OK};
    const struct slo *wanted = &good[_i].slo;
    ck_assert_msg(slo_parse_list(&list, good[_i].text, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_int_eq(list.items[0].kind, wanted->kind);
    ck_assert_int_eq(list.items[0].or_equal, wanted->or_equal);
    ck_assert_double_eq(list.items[0].percent, wanted->percent);
    ck_assert_uint_eq(list.items[0].limit_ns, wanted->limit_ns);
    ck_assert_double_eq_tol(list.items[0].limit_share, wanted->limit_share, 1e-12);
    ck_assert_str_eq(list.items[0].text, wanted->text);
}
END_TEST

static const struct {
    const char *text, *words[2];
} bad[] = {
    {"", {"--slo \"\": column 1", "as in p99<1ms"}},
    {"q99<1ms", {"column 1:", "mean, max or errors"}},
    {"p<1ms", {"column 2:", "percentile"}},
    {"p0<1ms", {"column 2:", "above 0"}},
    {"p100<1ms", {"column 2:", "below 100"}},
    {"p99.<1ms", {"column 4:", "expected < or <="}},
    {"p99>1ms", {"column 4:", "expected < or <="}},
    {"p99", {"column 4:", "expected < or <="}},
    {"p99=1ms", {"column 4:", "expected < or <="}},
    {"p99<", {"column 5:", "expected a time"}},
    {"p99<-1ms", {"column 5:", "expected a time"}},
    {"p99<1", {"column 6:", "unit"}},
    {"p99<1%", {"column 6:", "unit"}},
    {"p99<1parsec", {"column 6:", "unit"}},
    {"p99<1xs", {"column 5:", "expected a time in ns"}},
    {"p99<0ms", {"column 5:", "in no time"}},
    {"p99<0.1ns", {"column 5:", "expected a time"}},
    {"p99<2h", {"column 5:", "1h"}},
    {"p99<1ms p50<1ms", {"column 9:", "a comma"}},
    {"p99<1ms,", {"--slo \"\": column 1", ""}},
    {"p99<1ms,bogus", {"--slo \"bogus\": column 1", ""}},
    {"errors<0.1", {"column 11:", "expected %"}},
    {"errors<1ms", {"column 9:", "expected %"}},
    {"errors<x%", {"column 8:", "percent"}},
    {"errors<0%", {"column 8:", "errors<=0%"}},
    {"errors<101%", {"column 8:", "100%"}},
    {"errorsx<1%", {"column 1:", ""}},
    {"p99<1ms,p99<=2ms", {"p99<1ms and p99<=2ms", "the same figure"}},
    {"mean<1ms,avg<2ms", {"the same figure", ""}},
    {"p1<1s,p2<1s,p3<1s,p4<1s,p5<1s,p6<1s,p7<1s,p8<1s,p9<1s", {"more than 8", ""}},
};

START_TEST(test_mistakes)
{
    /* Breaks when rubbish is taken for an objective, or the message points somewhere else. */
    struct slo_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(slo_parse_list(&list, bad[_i].text, &err), E_USAGE);
    for (int i = 0; i < 2; i++)
        ck_assert_msg(strstr(err.text, bad[_i].words[i]) != NULL, "%s: \"%s\" is not in: %s",
                      bad[_i].text, bad[_i].words[i], err.text);
}
END_TEST

/* 990 requests of 1 ms and ten of 5 ms, in an open loop. */
static struct interval_row *usual_row(void)
{
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, NS_PER_MS, 0, 990);
    fixture_answer_at(row, 5 * NS_PER_MS, 0, 10);
    return row;
}

static bool kept(const char *text, const struct interval_row *row)
{
    struct slo_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(slo_parse_list(&list, text, &err), OK);
    return slo_read(&list.items[0], row).kept;
}

START_TEST(test_latencies)
{
    /* Breaks when an objective looks at another figure, or at the wrong side of its limit. */
    struct interval_row *row = usual_row();
    ck_assert(kept("p99<1.01ms", row));
    ck_assert(!kept("p99<0.99ms", row));
    ck_assert(!kept("p99.9<5ms", row));
    ck_assert(kept("p99.9<=5.01ms", row));
    ck_assert(kept("mean<1.041ms", row));
    ck_assert(!kept("mean<1.04ms", row));
    ck_assert(kept("mean<=1.04ms", row));
    ck_assert(!kept("max<5ms", row));
    ck_assert(kept("max<=5ms", row));
    free(row);
}
END_TEST

START_TEST(test_waiting_counts)
{
    /* Breaks when an objective is about service times: what waited for its turn has waited. */
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, NS_PER_MS, 9 * NS_PER_MS, 1000);
    ck_assert(!kept("p50<9.9ms", row));
    ck_assert(kept("p50<10.1ms", row));
    free(row);
}
END_TEST

START_TEST(test_unanswered_requests)
{
    /* Breaks when requests without a reply help to keep an objective. */
    struct interval_row *row = usual_row();
    row->counters[COUNTER_SENT] += 50;
    row->counters[COUNTER_DUE] += 50;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, NS_PER_MS, 25);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 700 * NS_PER_MS, 25);
    struct slo_list list;
    struct err err = {.code = OK};
    char text[64];
    ck_assert_int_eq(slo_parse_list(&list, "p99<1h", &err), OK);
    struct slo_reading reading = slo_read(&list.items[0], row);
    ck_assert(!reading.known && !reading.kept);
    ck_assert_str_eq(slo_format_reading(text, sizeof text, &list.items[0], &reading),
                     "p99 at least 699.924 ms");
    ck_assert_int_eq(slo_parse_list(&list, "p99.99999<1h", &err), OK); /* not p100 */
    reading = slo_read(&list.items[0], row);
    ck_assert_ptr_nonnull(
        strstr(slo_format_reading(text, sizeof text, &list.items[0], &reading), "p99.99999 "));
    ck_assert(!kept("mean<1h", row));
    ck_assert(!kept("max<1h", row));
    ck_assert(kept("p90<1.01ms", row)); /* 5 % without a reply leave room for the median to p95 */
    ck_assert(kept("errors<5%", row));
    ck_assert(!kept("errors<4.7%", row));
    free(row);
}
END_TEST

START_TEST(test_nothing_answered)
{
    /* Breaks when a window in which nothing came back keeps anything. */
    struct interval_row *row = fixture_row(0);
    ck_assert(!kept("p99<1h", row));
    ck_assert(!kept("mean<1h", row));
    ck_assert(!kept("errors<100%", row));
    free(row);
}
END_TEST

START_TEST(test_error_share)
{
    /* Breaks when error replies are not counted, or their limit is off. */
    struct interval_row *row = usual_row();
    fixture_refuse(row, 0, NS_PER_MS, 10);
    ck_assert(kept("errors<1%", row));
    ck_assert(!kept("errors<0.9%", row));
    ck_assert(!kept("errors<=0%", row));
    free(row);
    row = usual_row();
    ck_assert(kept("errors<=0%", row));
    free(row);
}
END_TEST

Suite *test_slo_suite(void)
{
    Suite *suite = suite_create("slo");
    TCase *text = tcase_create("text");
    tcase_add_loop_test(text, test_expressions, 0, sizeof good / sizeof good[0]);
    tcase_add_loop_test(text, test_mistakes, 0, sizeof bad / sizeof bad[0]);
    suite_add_tcase(suite, text);
    TCase *figures = tcase_create("figures");
    tcase_add_test(figures, test_latencies);
    tcase_add_test(figures, test_waiting_counts);
    tcase_add_test(figures, test_unanswered_requests);
    tcase_add_test(figures, test_nothing_answered);
    tcase_add_test(figures, test_error_share);
    suite_add_tcase(suite, figures);
    return suite;
}
