/* Baseline, degradation point and breaking point of made-up steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/schedule.h"
#include "orchestrator/capacity/sweep.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct sweep sweep;

static void begin(enum sweep_kind kind)
{
    memset(&sweep, 0, sizeof sweep);
    sweep.kind = kind;
}

static struct sweep_step *add(double rate, double p99_ms, double error_share)
{
    struct sweep_step *step = &sweep.steps[sweep.count++];
    *step = (struct sweep_step){.value = sweep.count,
                                .rate = rate,
                                .p99 = {.value_ns = (uint64_t)(p99_ms * (double)NS_PER_MS)},
                                .error_share = error_share};
    return step;
}

static void expect(uint32_t index, const char *notes)
{
    char text[256];
    ck_assert_str_eq(sweep_format_notes(text, sizeof text, &sweep.steps[index]), notes);
}

TEST(test_healthy)
{
    /* Breaks when a server that scales is said to degrade. */
    begin(SWEEP_CLIENTS);
    add(1000, 1, 0);
    add(2000, 1.5, 0.001);
    add(2201, 2, 0.01);
    sweep_judge(&sweep);
    expect(0, "baseline");
    expect(1, "");
    expect(2, "");
}

TEST(test_gain)
{
    /* Breaks when the first step with less than 10 % more throughput is not the degradation point, or
     * a later one is marked as well. */
    begin(SWEEP_CLIENTS);
    add(1000, 1, 0);
    add(2000, 1, 0);
    add(2190, 1, 0);
    add(2200, 1, 0);
    sweep_judge(&sweep);
    expect(1, "");
    expect(2, "degradation point (less than 10 % more throughput)");
    expect(3, "");
}

TEST(test_latency)
{
    /* Breaks when p99 is not compared with the first step's. */
    begin(SWEEP_PIPELINE);
    add(1000, 1, 0);
    add(2000, 1.9, 0);
    add(4000, 2.1, 0);
    add(8000, 9.9, 0);
    add(16000, 10.1, 0);
    sweep_judge(&sweep);
    expect(2, "degradation point (p99 above twice the baseline's)");
    expect(3, "");
    expect(4, "breaking point (p99 above 10 times the baseline's)");
}

TEST(test_errors)
{
    /* Breaks when errors above 1 % do not break, also in the first step, or a server breaks twice. */
    begin(SWEEP_CLIENTS);
    add(1000, 1, 0.02);
    add(2000, 1, 0.5);
    sweep_judge(&sweep);
    expect(0, "baseline, breaking point (errors above 1 %)");
    expect(1, "");
}

TEST(test_both)
{
    /* Breaks when one step cannot be both. */
    begin(SWEEP_CLIENTS);
    add(1000, 1, 0);
    add(500, 30, 0);
    sweep_judge(&sweep);
    expect(1,
           "degradation point (less than 10 % more throughput), breaking point (p99 above 10 times "
           "the baseline's)");
}

TEST(test_rates)
{
    /* Breaks when a rate is expected to gain on the one before, rather than to be answered. */
    begin(SWEEP_QPS);
    sweep.open_loop = true;
    add(1000, 1, 0)->target = 1000;
    add(1050, 1, 0)->target = 1050;
    add(1970, 1, 0)->target = 2000;
    sweep_judge(&sweep);
    expect(1, "");
    expect(2, "degradation point (less than 99 % of the rate answered)");
}

TEST(test_unknown_p99)
{
    /* Breaks when a p99 that cannot be known, because too many requests were not answered, passes for
     * a short one; or when a step without any answer does. */
    begin(SWEEP_CLIENTS);
    add(1000, 1, 0);
    add(2000, 1, 0)->p99.censored = true;
    sweep_judge(&sweep);
    expect(1,
           "degradation point (p99 above twice the baseline's), breaking point (p99 above 10 times "
           "the baseline's)");
    begin(SWEEP_CLIENTS);
    add(1000, 1, 0);
    add(0, 0, 0)->p99.empty = true;
    sweep_judge(&sweep);
    ck_assert_uint_eq(sweep.steps[1].notes, SWEEP_DEGRADATION | SWEEP_BREAKING);
    ck_assert_str_eq(sweep.steps[1].why_broken, "no request answered");
}

TEST(test_values)
{
    /* Breaks when a rate is printed in another unit than the list has. */
    char text[64];
    begin(SWEEP_QPS);
    struct sweep_step step = {.value = 2500 * SCHEDULE_MICRO + SCHEDULE_MICRO / 2};
    ck_assert_str_eq(sweep_format_value(text, sizeof text, &sweep, &step), "2,500.5");
    begin(SWEEP_CLIENTS);
    step.value = 1000;
    ck_assert_str_eq(sweep_format_value(text, sizeof text, &sweep, &step), "1,000");
}

/* What is written of the sweep; the caller frees. */
static char *written(void (*write)(struct output *, const struct sweep *))
{
    struct printed printed;
    printed_begin(&printed);
    write(&printed.out, &sweep);
    return printed_end(&printed);
}

TEST(test_doubts)
{
    /* Breaks when a step is AMBER, and neither table nor CSV says by which check and value, or what to do
     * about it stands nowhere, or at every step. */
    begin(SWEEP_CLIENTS);
    sweep.planned = 2;
    add(1000, 1, 0);
    add(2000, 1, 0)->verdict =
        (struct verdict){.level = VERDICT_AMBER,
                         .checks = {{.name = "slip", .level = VERDICT_GREEN, .text = "p99 0.1 ms"},
                                    {.name = "few_samples",
                                     .level = VERDICT_AMBER,
                                     .text = "51 for p99",
                                     .limit = "10 / (1 - q) answers"},
                                    {.name = "outage",
                                     .level = VERDICT_AMBER,
                                     .text = "1, 3.113 s",
                                     .limit = "none",
                                     .advice = "look at Failures"}},
                         .check_count = 3};
    sweep.steps[0].verdict = sweep.steps[1].verdict;
    sweep.steps[0].verdict.checks[1].level = VERDICT_GREEN;
    sweep_judge(&sweep);
    char *text = written(sweep_write_text);
    EXPECT_IN(text, "  baseline; AMBER: outage\n");
    EXPECT_IN(text, "Verdict at clients 1: AMBER\n"
                    "  outage: 1, 3.113 s (GREEN: none)\n"
                    "      look at Failures\n"
                    "Verdict at clients 2: AMBER\n");
    EXPECT_IN(text, "  AMBER: few_samples, outage\n");
    EXPECT_IN(text, "Verdict at clients 2: AMBER\n"
                    "  few_samples: 51 for p99 (GREEN: 10 / (1 - q) answers)\n"
                    "  outage: 1, 3.113 s (GREEN: none)\n");
    EXPECT_IN(text, "\nBreaking point: none up to the last step\n");
    free(text);
    char *csv = written(sweep_write_csv);
    EXPECT_IN(csv, ",breaking_point,verdict,verdict_reasons\n");
    EXPECT_IN(csv, ",1,0,0,AMBER,\"outage 1, 3.113 s\"\n");
    EXPECT_IN(csv, ",0,0,0,AMBER,\"few_samples 51 for p99; outage 1, 3.113 s\"\n");
    free(csv);
}

TEST(test_width)
{
    /* Breaks when a terminal tears the rows of a table apart, or what is said of a step is torn or lost. */
    begin(SWEEP_CLIENTS);
    sweep.planned = 2;
    add(1234567, 0.987, 0)->server_mb = 12345.6;
    struct sweep_step *step = add(1234, 1234.567, 0.5);
    step->value = 1000000;
    step->client_cpu = 1.256;
    step->verdict = (struct verdict){.level = VERDICT_RED, .check_count = 2};
    snprintf(step->verdict.checks[0].name, sizeof step->verdict.checks[0].name, "errors");
    snprintf(step->verdict.checks[1].name, sizeof step->verdict.checks[1].name, "outage");
    step->verdict.checks[0].level = step->verdict.checks[1].level = VERDICT_RED;
    sweep_judge(&sweep);
    char *text = written(sweep_write_text);
    printed_expect_width(text, 80);
    EXPECT_IN(text,
              "    degradation point (less than 10 % more throughput), breaking point (errors\n"
              "    above 1 %); RED: errors, outage\n");
    free(text);
}

TEST(test_steps_that_were_not_run)
{
    /* Breaks when a sweep that was stopped says of steps that it did not run that nothing breaks there. */
    begin(SWEEP_CLIENTS);
    sweep.planned = 5;
    sweep.interrupted = true;
    add(1000, 1, 0);
    add(2000, 1, 0);
    sweep_judge(&sweep);
    char *text = written(sweep_write_text);
    EXPECT_IN(text,
              "\nDegradation point: none in the first 2 of 5 steps; the others were not run\n");
    EXPECT_IN(text, "\nBreaking point: none in the first 2 of 5 steps; the others were not run\n");
    free(text);
}

TEST(test_mishaps)
{
    /* Breaks when a step whose server went away is a degradation or breaking point, the baseline, or what the
     * next one is compared with; or nobody learns why the sweep ended. */
    begin(SWEEP_CLIENTS);
    sweep.planned = 5;
    snprintf(add(10, 900, 0.5)->mishap, MISHAP_TEXT_BYTES, "an outage");
    add(1000, 1, 0);
    snprintf(add(100, 30, 0.5)->mishap, MISHAP_TEXT_BYTES, "an outage");
    add(1200, 1, 0);
    snprintf(sweep.error, sizeof sweep.error, "cannot connect");
    sweep_judge(&sweep);
    expect(0, "not judged: an outage");
    expect(1, "baseline");
    expect(2, "not judged: an outage");
    expect(3, "");
    char *text = written(sweep_write_text);
    EXPECT_IN(text, "\nEnded by an error after 4 of 5 steps: cannot connect\n");
    EXPECT_IN(text, "\nDegradation point: none in the 2 of 5 steps that could be judged\n");
    EXPECT_IN(text, "\nBreaking point: none in the 2 of 5 steps that could be judged\n");
    free(text);
}

/* An outage of one second, of rows of which the first and the last answer. */
static void play_outage(struct outages *outages, bool first_answers, bool lost)
{
    outages_begin(outages, &(struct outage_setup){.node_count = 0});
    for (uint32_t i = 0; i < 4; i++) {
        struct interval_row *row = fixture_row(i);
        if ((i == 0 && first_answers) || i == 3)
            fixture_node_ok(row, 0, i * 1000 + 10, i * 1000 + 990, 1000, 100);
        else
            fixture_node_failed(row, 0, i * 1000 + 10, i * 1000 + 990,
                                lost ? NODE_LOST : NODE_ERRORS, 5);
        outages_add(outages, row);
        free(row);
    }
    outages_end(outages, 0);
}

TEST(test_what_is_a_mishap)
{
    /* Breaks when an outage in a run passes for what its load did; or error replies from the start, which can
     * be all that the load gets, pass for an outage. */
    static const struct {
        bool first_answers, lost, mishap;
    } cases[] = {
        {true, true, true}, {true, false, true}, {false, true, true}, {false, false, false}};
    struct run_facts facts = fixture_facts();
    struct run_result *result = fixture_result();
    struct outages *outages = outages_create();
    char text[MISHAP_TEXT_BYTES];
    ck_assert_ptr_nonnull(outages);
    struct interval_row *total = fixture_row(0);
    result->facts = &facts;
    result->total = total;
    ck_assert(!mishap_find(text, sizeof text, result));
    result->outages = outages;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        play_outage(outages, cases[i].first_answers, cases[i].lost);
        ck_assert_uint_ge(outages_of_all(outages)->count, 1);
        ck_assert_msg(mishap_find(text, sizeof text, result) == cases[i].mishap, "case %zu", i);
    }
    play_outage(outages, true, true);
    mishap_find(text, sizeof text, result);
    EXPECT_IN(text, "an outage: nothing succeeded for 2.02");
    result->status = E_FAILED;
    snprintf(result->status_text, sizeof result->status_text, "the load ended in an outage");
    ck_assert(mishap_find(text, sizeof text, result));
    ck_assert_str_eq(text, "the load ended in an outage");
    result->outages = NULL; /* away from the warm-up on: nothing was sent, and nothing could fail */
    ck_assert(!mishap_find(text, sizeof text, result));
    total->counters[COUNTER_CONNECT_FAILURES] = 1;
    ck_assert(mishap_find(text, sizeof text, result));
    EXPECT_IN(text, "the target was away: ");
    result->interrupted = true;
    ck_assert(!mishap_find(text, sizeof text, result));
    outages_destroy(outages);
    free(total);
    free(result);
}

TEST(test_the_first_step_that_breaks_an_objective)
{
    /* Breaks when an objective is judged by all requests where it is about a class, or marks a later step, or one that
     * is not judged. */
    struct objective_list objectives;
    struct err err = {.code = OK};
    struct run_facts facts = fixture_class_facts();
    struct run_result *result = fixture_result();
    char *text = NULL;
    size_t text_bytes = 0;
    const uint64_t read_ns[] = {NS_PER_MS, 9 * NS_PER_MS, 2 * NS_PER_MS, 3 * NS_PER_MS};
    ck_assert_int_eq(
        objective_parse_list(&objectives, "write:max<1s,read:p99<2ms", &objective_of_check, &err),
        OK);
    begin(SWEEP_CLIENTS);
    sweep.objectives = &objectives;
    sweep.planned = 4;
    for (uint32_t i = 0; i < 4; i++) {
        struct interval_row *row = fixture_row(0);
        fixture_class_ok(row, 0, read_ns[i], 1000 << i);
        fixture_class_ok(row, 1, 20 * NS_PER_MS, 1000 << i);
        *result = (struct run_result){.facts = &facts, .total = row, .seconds = 1};
        struct sweep_step *step = &sweep.steps[sweep.count++];
        sweep_read(step, &sweep, result);
        step->value = i + 1;
        snprintf(step->mishap, sizeof step->mishap, "%s", i == 1 ? "an outage" : "");
        free(row);
    }
    sweep_judge(&sweep);
    expect(0, "baseline");
    expect(2, "objective broken (read:p99<2ms: read:p99 2.000 ms)");
    expect(3, "");
    FILE *file = open_memstream(&text, &text_bytes);
    struct output out;
    output_borrow(&out, file);
    sweep_write_text(&out, &sweep);
    sweep_write_csv(&out, &sweep);
    fclose(file);
    EXPECT_IN(text, "Objective broken: clients 3: read:p99<2ms: read:p99 2.000 ms\n");
    EXPECT_IN(text, ",breaking_point,objectives_kept,verdict,");
    free(text);
    free(result);
}

TEST_SUITE(sweep)
