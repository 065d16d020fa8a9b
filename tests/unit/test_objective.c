#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/objective_classes.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/objective.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static const struct {
    const char *text;
    struct objective objective;
} good[] = {
    {"p99<1ms",
     {.kind = OBJECTIVE_PERCENTILE, .percent = 99, .limit_ns = NS_PER_MS, .text = "p99<1ms"}},
    {"P99.9<=5ms",
     {.kind = OBJECTIVE_PERCENTILE,
      .or_equal = true,
      .percent = 99.9,
      .limit_ns = 5 * NS_PER_MS,
      .text = "P99.9<=5ms"}},
    {" p50 < 0.5 ms ",
     {.kind = OBJECTIVE_PERCENTILE,
      .percent = 50,
      .limit_ns = 500 * NS_PER_US,
      .text = "p50<0.5ms"}},
    {"p99.99<1h",
     {.kind = OBJECTIVE_PERCENTILE,
      .percent = 99.99,
      .limit_ns = 3600 * NS_PER_SECOND,
      .text = "p99.99<1h"}},
    {"mean<500us", {.kind = OBJECTIVE_MEAN, .limit_ns = 500 * NS_PER_US, .text = "mean<500us"}},
    {"avg<2s", {.kind = OBJECTIVE_MEAN, .limit_ns = 2 * NS_PER_SECOND, .text = "avg<2s"}},
    {"max<=20ms",
     {.kind = OBJECTIVE_LONGEST,
      .or_equal = true,
      .limit_ns = 20 * NS_PER_MS,
      .text = "max<=20ms"}},
    {"errors<0.1%", {.kind = OBJECTIVE_ERRORS, .limit_share = 0.001, .text = "errors<0.1%"}},
    {"errors<=0%", {.kind = OBJECTIVE_ERRORS, .or_equal = true, .text = "errors<=0%"}},
    {"errors < 5 %", {.kind = OBJECTIVE_ERRORS, .limit_share = 0.05, .text = "errors<5%"}},
    {" read : p99 < 1 ms",
     {.kind = OBJECTIVE_PERCENTILE,
      .percent = 99,
      .limit_ns = NS_PER_MS,
      .class = "read",
      .text = "read:p99<1ms"}},
    {"read:on miss:errors<5%",
     {.kind = OBJECTIVE_ERRORS,
      .limit_share = 0.05,
      .class = "read:on miss",
      .text = "read:on miss:errors<5%"}},
};

static const struct objective_grammar slo_grammar = {.option = "--slo"};

/* Of an open loop. */
static struct objective_reading read_row(const struct objective *objective,
                                         const struct interval_row *row)
{
    const struct metric_slice slice = metric_slice_of(row, true);
    return objective_read(objective, &slice);
}

LOOP_TEST(test_expressions, sizeof good / sizeof good[0])
{
    /* Breaks when an objective is read as another one. */
    struct objective_list list;
    struct err err = {.code = OK};
    const struct objective *wanted = &good[_i].objective;
    ck_assert_msg(objective_parse_list(&list, good[_i].text, &slo_grammar, &err) == OK, "%s",
                  err.text);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_int_eq(list.items[0].kind, wanted->kind);
    ck_assert_int_eq(list.items[0].or_equal, wanted->or_equal);
    ck_assert_double_eq(list.items[0].percent, wanted->percent);
    ck_assert_uint_eq(list.items[0].limit_ns, wanted->limit_ns);
    ck_assert_double_eq_tol(list.items[0].limit_share, wanted->limit_share, 1e-12);
    ck_assert_str_eq(list.items[0].text, wanted->text);
    ck_assert_str_eq(list.items[0].class, wanted->class);
}

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
    {":p99<1ms", {"column 1:", "expected a class"}},
    {"read:<1ms", {"column 6:", "expected p and"}},
    {"re\x01:p99<1ms", {"column 3:", "such a character"}},
    {"a_name_of_sixty_four_bytes_which_is_one_more_than_a_class_can_have:p99<1ms",
     {"column 1:", "shorter"}},
    {"read:p99<1ms,read:p99<=2ms", {"the same figure", ""}},
    {"p99<1ms,p99<=2ms", {"p99<1ms and p99<=2ms", "the same figure"}},
    {"mean<1ms,avg<2ms", {"the same figure", ""}},
    {"p1<1s,p2<1s,p3<1s,p4<1s,p5<1s,p6<1s,p7<1s,p8<1s,p9<1s", {"more than 8", ""}},
};

LOOP_TEST(test_mistakes, sizeof bad / sizeof bad[0])
{
    /* Breaks when rubbish is taken for an objective, or the message points somewhere else. */
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(objective_parse_list(&list, bad[_i].text, &slo_grammar, &err), E_USAGE);
    for (int i = 0; i < 2; i++)
        ck_assert_msg(strstr(err.text, bad[_i].words[i]) != NULL, "%s: \"%s\" is not in: %s",
                      bad[_i].text, bad[_i].words[i], err.text);
}

TEST(test_classes_are_of_their_own)
{
    /* Breaks when a class is taken for another one, or for all. */
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_msg(
        objective_parse_list(&list, "p99<1ms,read:p99<2ms,write:p99<3ms", &slo_grammar, &err) == OK,
        "%s", err.text);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.items[2].class, "write");
}

TEST(test_unknown_classes)
{
    /* Breaks when an objective about nothing is looked at once the load is over. */
    static const char *const classes[] = {"read", "write"};
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(objective_parse_list(&list, "p99<1ms,read:p99<2ms", &slo_grammar, &err), OK);
    ck_assert_int_eq(objective_classes_check(&list, "--slo", "shop", classes, 2, &err), OK);
    ck_assert_int_eq(objective_parse_list(&list, "read:p99<2ms,wriet:max<1s", &slo_grammar, &err),
                     OK);
    ck_assert_int_eq(objective_classes_check(&list, "--slo", "shop", classes, 2, &err), E_USAGE);
    ck_assert_str_eq(err.text, "--slo wriet:max<1s: shop has no class of requests \"wriet\"; it "
                               "has read, write; did you mean write?");
}

TEST(test_a_class_is_read)
{
    /* Breaks when an objective of a class looks at all requests, or at coarse figures. */
    struct objective_list list;
    struct err err = {.code = OK};
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_class_facts();
    struct metric_slice slice = metric_slice_of(row, false);
    char text[OBJECTIVE_READING_BYTES];
    fixture_class_ok(row, 0, NS_PER_MS, 900);
    fixture_class_ok(row, 1, 5 * NS_PER_MS, 99);
    fixture_class_failed(row, 1, CLASS_ERRORS, 1);
    ck_assert_int_eq(
        objective_parse_list(&list,
                             "read:max<=1ms,write:p50<5.003ms,write:errors<=1%,write:rate<=99,"
                             "p50<1.1ms,other:p99<1s",
                             &objective_of_check, &err),
        OK);
    slice.run = &facts;
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_msg(objective_read(&list.items[i], &slice).kept, "%s", list.items[i].text);
    struct objective_reading reading = objective_read(&list.items[5], &slice);
    ck_assert(!reading.known && !reading.kept);
    reading = objective_read(&list.items[1], &slice);
    ck_assert_str_eq(objective_format_reading(text, sizeof text, &list.items[1], &reading),
                     "write:p50 5.000 ms");
    facts.part_count = row->part_count = 3; /* of other names */
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_msg(objective_read(&list.items[i], &slice).kept, "%s", list.items[i].text);
    facts.part_count = row->part_count = 0;
    facts.class_count = 0; /* the run is the class */
    ck_assert(!objective_read(&list.items[0], &slice).kept);
    free(row);
}

TEST(test_a_part_is_read)
{
    /* Breaks when an objective of a command in a request looks at another one, or at the whole. */
    struct objective_list list;
    struct err err = {.code = OK};
    struct interval_row *row = fixture_row(0);
    struct run_facts facts = fixture_class_facts();
    struct metric_slice slice = metric_slice_of(row, false);
    facts.part_count = row->part_count = 2;
    facts.parts[0] = (struct run_part){.name = "read:1", .command = "GET"};
    facts.parts[1] = (struct run_part){.name = "read:2", .command = "TTL"};
    fixture_class_ok(row, 0, 9 * NS_PER_MS, 100);
    row->parts[1].counters[CLASS_OK] = 99;
    row->parts[1].counters[CLASS_ERRORS] = 1;
    coarse_record(&row->parts[1].times[CLASS_SERVICE], NS_PER_MS, 99);
    slice.run = &facts;
    ck_assert_int_eq(objective_parse_list(&list, "read:2:p99<1.1ms,read:2:errors<=1%,read:1:p50<1s",
                                          &objective_of_check, &err),
                     OK);
    for (uint32_t classes = 0; classes <= 2; classes += 2) {
        facts.class_count = classes;
        ck_assert(objective_read(&list.items[0], &slice).kept);
        ck_assert(objective_read(&list.items[1], &slice).kept);
        ck_assert(!objective_read(&list.items[2], &slice).known); /* nobody was answered */
    }
    facts.class_count = 2; /* fifty more had no answer to this part, and none to the whole */
    fixture_class_failed(row, 0, CLASS_TIMED_OUT, 50);
    ck_assert(!objective_read(&list.items[0], &slice).known);
    ck_assert(!objective_read(&list.items[1], &slice).kept);
    free(row);
}

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
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(objective_parse_list(&list, text, &slo_grammar, &err), OK);
    return read_row(&list.items[0], row).kept;
}

TEST(test_latencies)
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

TEST(test_waiting_counts)
{
    /* Breaks when an objective is about service times: what waited for its turn has waited. */
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, NS_PER_MS, 9 * NS_PER_MS, 1000);
    ck_assert(!kept("p50<9.9ms", row));
    ck_assert(kept("p50<10.1ms", row));
    free(row);
}

TEST(test_unanswered_requests)
{
    /* Breaks when requests without a reply help to keep an objective. */
    struct interval_row *row = usual_row();
    row->counters[COUNTER_SENT] += 50;
    row->counters[COUNTER_DUE] += 50;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, NS_PER_MS, 25);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 700 * NS_PER_MS, 25);
    struct objective_list list;
    struct err err = {.code = OK};
    char text[64];
    ck_assert_int_eq(objective_parse_list(&list, "p99<1h", &slo_grammar, &err), OK);
    struct objective_reading reading = read_row(&list.items[0], row);
    ck_assert(!reading.known && !reading.kept);
    ck_assert_str_eq(objective_format_reading(text, sizeof text, &list.items[0], &reading),
                     "p99 at least 699.924 ms");
    ck_assert_int_eq(objective_parse_list(&list, "p99.99999<1h", &slo_grammar, &err),
                     OK); /* not p100 */
    reading = read_row(&list.items[0], row);
    ck_assert_ptr_nonnull(strstr(
        objective_format_reading(text, sizeof text, &list.items[0], &reading), "p99.99999 "));
    ck_assert(!kept("mean<1h", row));
    ck_assert(!kept("max<1h", row));
    ck_assert(kept("p90<1.01ms", row)); /* 5 % without a reply leave room for the median to p95 */
    ck_assert(kept("errors<5%", row));
    ck_assert(!kept("errors<4.7%", row));
    free(row);
}

TEST(test_nothing_answered)
{
    /* Breaks when a window in which nothing came back keeps anything. */
    struct interval_row *row = fixture_row(0);
    ck_assert(!kept("p99<1h", row));
    ck_assert(!kept("mean<1h", row));
    ck_assert(!kept("errors<100%", row));
    free(row);
}

TEST(test_error_share)
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

TEST(test_both_directions)
{
    /* Breaks when a check on the rate, or a condition that has to last, is read as another one. */
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_msg(objective_parse_list(&list,
                                       "rate >= 50k,errors>1% for 10 s,p99>5ms for 2s, p99<1s",
                                       &objective_of_abort, &err) == OK,
                  "%s", err.text);
    ck_assert_uint_eq(list.count, 4);
    ck_assert_str_eq(list.items[0].text, "rate>=50k");
    ck_assert_uint_eq(list.items[0].limit_rate, 50000);
    ck_assert(list.items[0].above && list.items[0].or_equal && list.items[0].for_ns == 0);
    ck_assert_str_eq(list.items[1].text, "errors>1% for 10s");
    ck_assert_uint_eq(list.items[1].for_ns, 10 * NS_PER_SECOND);
    ck_assert_str_eq(list.items[2].text, "p99>5ms for 2s");
    ck_assert(!list.items[3].above);
}

static const struct {
    const char *text, *word;
    const struct objective_grammar *grammar;
} refused[] = {
    {"rate<1k", "as in p99<1ms", &slo_grammar},
    {"errors>1%", "< or <=", &slo_grammar},
    {"p99>5ms for 2s", "expected the end", &objective_of_check},
    {"rate>x", "rate>=50k", &objective_of_check},
    {"rate>-1", "rate>=50k", &objective_of_check},
    {"p99=1ms", "<, <=, > or >=", &objective_of_check},
    {"p99>5ms for", "a time", &objective_of_abort},
    {"p99>5ms for 0s", "above 0", &objective_of_abort},
    {"p99>5ms for 3", "a unit of time", &objective_of_abort},
};

LOOP_TEST(test_grammars, sizeof refused / sizeof refused[0])
{
    /* Breaks when an option takes what it cannot act on. */
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(objective_parse_list(&list, refused[_i].text, refused[_i].grammar, &err),
                     E_USAGE);
    ck_assert_msg(strstr(err.text, refused[_i].word) != NULL, "%s", err.text);
}

TEST(test_above)
{
    /* Breaks when a figure that has to be above its limit counts as kept below it; or when one that is not known
     * does although its lower bound is not above. */
    struct interval_row *row = usual_row();
    struct objective_list list;
    struct err err = {.code = OK};
    char text[64];
    ck_assert_int_eq(objective_parse_list(&list, "p99>0.9ms,max>5.1ms,errors>0%,rate>500,rate<500",
                                          &objective_of_check, &err),
                     OK);
    static const bool wanted[] = {true, false, false, true, false};
    for (uint32_t i = 0; i < list.count; i++)
        ck_assert_msg(read_row(&list.items[i], row).kept == wanted[i], "%s", list.items[i].text);
    struct objective_reading reading = read_row(&list.items[3], row);
    ck_assert_str_eq(objective_format_reading(text, sizeof text, &list.items[3], &reading),
                     "rate 1,000/s");
    row->counters[COUNTER_SENT] += 1000;
    row->counters[COUNTER_DUE] += 1000;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 20 * NS_PER_MS, 1000);
    ck_assert_int_eq(objective_parse_list(&list, "p99>10ms", &objective_of_check, &err), OK);
    ck_assert(read_row(&list.items[0], row).kept);
    ck_assert_int_eq(objective_parse_list(&list, "p99>30ms", &objective_of_check, &err), OK);
    ck_assert(!read_row(&list.items[0], row).kept);
    free(row);
}

static const struct {
    const char *text;
    struct objective_reading reading;
    const char *says;
} close_calls[] = {
    {"rate>=7777", {.known = true, .rate = 7776.6}, "rate 7,776.6/s"},
    {"rate>=7777", {.known = true, .rate = 7776.96}, "rate 7,776.96/s"},
    {"rate>=7777", {.known = true, .rate = 7777.2}, "rate 7,777/s"},
    {"rate>=7777", {.known = true, .rate = 7000.6}, "rate 7,001/s"},
    {"rate>7777", {.known = true, .rate = 7777.4}, "rate 7,777.4/s"},
    {"rate>=100", {.known = true, .rate = 99.997}, "rate 99.997/s"},
    {"rate>=100", {.known = true, .rate = 99.91}, "rate 99.91/s"},
    {"p99<1ms", {.known = true, .value_ns = 999999}, "p99 0.999999 ms"},
    {"p99<1ms", {.known = true, .value_ns = 1000000}, "p99 1.000 ms"},
    {"p99<=1ms", {.known = true, .value_ns = 1000001}, "p99 1.000001 ms"},
    {"p99<=1ms", {.known = true, .value_ns = 1234567}, "p99 1.235 ms"},
    {"p99.9<1ms",
     {.known = true, .value_ns = 500, .few_samples = true},
     "p99.9 0.001 ms (few samples)"},
    {"errors<=0.1%", {.known = true, .share = 0.0010004}, "errors 0.10004 %"},
    {"errors<=0%", {.known = true, .share = 1e-7}, "errors 0.00001 %"},
    {"errors<=0.1%", {.known = true, .share = 0.001}, "errors 0.100 %"},
};

LOOP_TEST(test_digits_tell_the_side, sizeof close_calls / sizeof close_calls[0])
{
    /* Breaks when what is printed of a figure says the opposite of the judgement beside it, or that it rests on a
     * few samples is not said. */
    struct objective_list list;
    struct err err = {.code = OK};
    char text[OBJECTIVE_READING_BYTES];
    ck_assert_int_eq(objective_parse_list(&list, close_calls[_i].text, &objective_of_check, &err),
                     OK);
    ck_assert_str_eq(
        objective_format_reading(text, sizeof text, &list.items[0], &close_calls[_i].reading),
        close_calls[_i].says);
}

TEST(test_few_samples_are_told)
{
    /* Breaks when a percentile of a handful of requests is judged as one of many. */
    struct interval_row *row = usual_row();
    struct objective_list list;
    struct err err = {.code = OK};
    ck_assert_int_eq(
        objective_parse_list(&list, "p99.9<1s,p99<1s,mean<1s", &objective_of_check, &err), OK);
    static const bool few[] = {true, false, false}; /* of 1,000 */
    ck_assert_uint_eq(list.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert(read_row(&list.items[i], row).few_samples == few[i]);
    free(row);
}

TEST_SUITE(objective)
