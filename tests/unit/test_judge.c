#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/scenario/judge.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/scenario_fixture.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/terminal.h"

static struct check_outcome outcomes[SCENARIO_CHECKS_MAX];

static void judge(void)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(judge_checks(outcomes, &fixture_observation, &err), OK);
}

/* The outcome of one check alone. */
static struct check_outcome judged(const char *metric, const char *phase,
                                   enum check_aggregate aggregate, enum check_operator operator,
                                   double value)
{
    fixture_scenario.check_count = 0;
    (void)scenario_fixture_check(metric, phase, aggregate, operator, value);
    judge();
    return outcomes[0];
}

#define EXPECT(expected, outcome)                                                                  \
    do {                                                                                           \
        const struct check_outcome outcome_ = (outcome);                                           \
        ck_assert_msg(outcome_.result == (expected), "%s: %s", check_result_word(outcome_.result), \
                      outcome_.reason);                                                            \
    } while (0)

/* load, three turns of a loop (shrink, then a pause), shrinkage, idle; keys fall by 10 a sample, p99 rises by turn. */
static void play(void)
{
    (void)scenario_fixture_phase("load", PHASE_LOAD, 10);
    uint64_t at = 0;
    for (uint32_t turn = 1; turn <= 3; turn++) {
        char name[32];
        snprintf(name, sizeof name, "shrink_%u", turn);
        const uint32_t phase = scenario_fixture_phase(name, PHASE_DELETE, 10);
        fixture_scenario.phases[phase].loop_index = turn;
        snprintf(fixture_scenario.phases[phase].base, SCENARIO_NAME_BYTES, "shrink");
        struct phase_account *account = &fixture_accounts[phase];
        account->requests_ok = 100 * turn;
        account->requests_failed = 1;
        account->rate = 10 * turn;
        account->p99_ms = 1 + turn;
        for (uint64_t i = 0; i < 3; i++) {
            struct series_row *row = scenario_fixture_sample(at += FIXTURE_SECOND);
            row->values[SERIES_KEYS] = 1000 - (double)at / 1e8;
            row->values[SERIES_USED_MEMORY] = 50 * FIXTURE_MB;
            row->values[SERIES_FRAGMENTATION] = 4;
            row->values[SERIES_RSS] = turn * FIXTURE_MB;
        }
        (void)scenario_fixture_phase("pause", PHASE_IDLE, 10);
    }
    (void)scenario_fixture_phase("shrink_wrap", PHASE_DELETE, 10);
    scenario_fixture_sample(at + FIXTURE_SECOND)->values[SERIES_KEYS] = 5000;
}

TEST(every_aggregate)
{
    /* Breaks when an aggregate is taken for another, or of a loop only some turns are. */
    play();
    static const struct {
        enum check_aggregate aggregate;
        double value;
    } expected[] = {{AGGREGATE_FIRST, 990},      {AGGREGATE_LAST, 910},
                    {AGGREGATE_MEAN, 950},       {AGGREGATE_MIN, 910},
                    {AGGREGATE_MAX, 990},        {AGGREGATE_P95, 986},
                    {AGGREGATE_DELTA, -80},      {AGGREGATE_SLOPE, -600},
                    {AGGREGATE_STDEV, 27.38613}, {AGGREGATE_CV, 27.38613 / 950}};
    ck_assert_uint_eq(sizeof expected / sizeof expected[0], AGGREGATES);
    for (size_t i = 0; i < AGGREGATES; i++) {
        const struct check_outcome outcome =
            judged("keys", "shrink", expected[i].aggregate, CHECK_GE, -1e6);
        ck_assert_uint_eq(outcome.samples, 9);
        ck_assert_double_eq_tol(outcome.value, expected[i].value, 1e-4);
    }
    ck_assert_double_eq_tol(judged("keys", "shrink_2", AGGREGATE_MEAN, CHECK_GE, 0).value, 950,
                            1e-9);
    ck_assert_double_eq_tol(judged("keys", "all", AGGREGATE_MAX, CHECK_GE, 0).value, 5000, 1e-9);
    ck_assert_double_eq_tol(judged("keys", "", AGGREGATE_LAST, CHECK_GE, 0).value, 5000, 1e-9);
}

TEST(relative_to_another_phase)
{
    /* Breaks when a value is compared as it is, with the wrong phase, or with nothing. */
    play();
    struct scenario_check *check;
    fixture_scenario.check_count = 0;
    check = scenario_fixture_check("p99_ms", "shrink_3", AGGREGATE_LAST, CHECK_LE, 2);
    snprintf(check->relative_to, sizeof check->relative_to, "shrink_1");
    judge();
    ck_assert_double_eq_tol(outcomes[0].value, 2, 1e-9);
    EXPECT(CHECK_PASS, outcomes[0]);
    check->value = 1.9;
    judge();
    EXPECT(CHECK_FAIL, outcomes[0]);
    ck_assert_ptr_nonnull(strstr(outcomes[0].reason, "times that of shrink_1"));
    snprintf(check->relative_to, sizeof check->relative_to, "load");
    judge();
    EXPECT(CHECK_SKIP, outcomes[0]);
    ck_assert_ptr_nonnull(strstr(outcomes[0].reason, "load: no request was answered"));
}

TEST(every_operator)
{
    /* Breaks when a limit is taken for passed or kept at its very value, also where 0.1 is no binary number. */
    play();
    fixture_accounts[1].p99_ms = 0.1 + 0.2;
    static const struct {
        enum check_operator operator;
        enum check_result below, at, above;
    } expected[] = {{CHECK_LE, CHECK_FAIL, CHECK_PASS, CHECK_PASS},
                    {CHECK_LT, CHECK_FAIL, CHECK_FAIL, CHECK_PASS},
                    {CHECK_GE, CHECK_PASS, CHECK_PASS, CHECK_FAIL},
                    {CHECK_GT, CHECK_PASS, CHECK_FAIL, CHECK_FAIL},
                    {CHECK_EQ, CHECK_FAIL, CHECK_PASS, CHECK_FAIL},
                    {CHECK_NE, CHECK_PASS, CHECK_FAIL, CHECK_PASS}};
    for (size_t i = 0; i < CHECK_OPERATORS; i++) {
        const enum check_operator operator= expected[i].operator;
        EXPECT(expected[i].below, judged("p99_ms", "shrink_1", AGGREGATE_LAST, operator, 0.29));
        EXPECT(expected[i].at, judged("p99_ms", "shrink_1", AGGREGATE_LAST, operator, 0.3));
        EXPECT(expected[i].above, judged("p99_ms", "shrink_1", AGGREGATE_LAST, operator, 0.31));
    }
}

TEST(derived_figures_of_several_phases)
{
    /* Breaks when errors of one turn hide behind the last, or a percentile is read from samples. */
    play();
    ck_assert_double_eq_tol(judged("error_rate", "all", AGGREGATE_LAST, CHECK_LE, 1).value,
                            3.0 / 603, 1e-12);
    ck_assert_double_eq_tol(judged("error_rate", "shrink", AGGREGATE_MAX, CHECK_LE, 1).value,
                            1.0 / 101, 1e-12);
    ck_assert_double_eq_tol(judged("throughput", "shrink", AGGREGATE_LAST, CHECK_LE, 1).value, 20,
                            1e-12);
    ck_assert_double_eq_tol(judged("throughput", "shrink_3", AGGREGATE_LAST, CHECK_LE, 1).value, 30,
                            1e-12);
    ck_assert_double_eq_tol(judged("throughput_drift", "shrink", AGGREGATE_LAST, CHECK_LE, 1).value,
                            2, 1e-12);
    ck_assert_double_eq_tol(judged("p99_drift", "shrink", AGGREGATE_LAST, CHECK_LE, 1).value, 1,
                            1e-12);
    ck_assert_double_eq(judged("p99_ms", "shrink", AGGREGATE_LAST, CHECK_LE, 1).value, 4);
    ck_assert_double_eq(judged("p99_ms", "shrink", AGGREGATE_MEAN, CHECK_LE, 1).value, 3);
    ck_assert_uint_eq(judged("p99_ms", "shrink", AGGREGATE_MEAN, CHECK_LE, 1).samples, 3);
    fixture_accounts[1].trouble = (struct phase_trouble){.moved = 3, .unavailable_seconds = 1.5};
    fixture_accounts[3].trouble = (struct phase_trouble){.moved = 4, .unavailable_seconds = 0.25};
    ck_assert_double_eq(judged("moved", "all", AGGREGATE_LAST, CHECK_LE, 1).value, 7);
    ck_assert_double_eq(judged("unavailable_seconds", "all", AGGREGATE_LAST, CHECK_LE, 1).value,
                        1.75);
    ck_assert_double_eq(judged("unavailable_seconds", "all", AGGREGATE_MAX, CHECK_LE, 1).value,
                        1.5);
    EXPECT(CHECK_SKIP, judged("lost_writes", "all", AGGREGATE_LAST, CHECK_EQ, 0));
    fixture_accounts[5].search = (struct phase_search){.complete = true, .missing = 2};
    ck_assert_double_eq(judged("lost_writes", "all", AGGREGATE_LAST, CHECK_EQ, 0).value, 2);
    fixture_accounts[0].target_missed = true;
    EXPECT(CHECK_FAIL, judged("target_missed", "all", AGGREGATE_LAST, CHECK_EQ, 0));
    EXPECT(CHECK_PASS, judged("target_missed", "shrink", AGGREGATE_LAST, CHECK_EQ, 0));
}

TEST(hits_and_what_loops_do_to_fragmentation)
{
    /* breaks when misses of one phase hide behind hits of another, or a ratio that grows from turn to turn is not seen */
    play();
    for (size_t i = 0; i < fixture_series.count; i++) {
        struct series_row *row = &fixture_series.rows[i];
        row->values[SERIES_USED_MEMORY] = 200 * FIXTURE_MB;
        row->values[SERIES_FRAGMENTATION] =
            1 + 0.125 * fixture_scenario.phases[row->phase].loop_index;
    }
    ck_assert_double_eq(
        judged("fragmentation_trend", "shrink", AGGREGATE_LAST, CHECK_LE, 0.2).value, 0.25);
    EXPECT(CHECK_FAIL, judged("fragmentation_trend", "shrink", AGGREGATE_LAST, CHECK_LE, 0.2));
    EXPECT(CHECK_SKIP, judged("hit_rate", "load", AGGREGATE_LAST, CHECK_GE, 0.8));
    for (uint32_t i = 1; i <= 3; i += 2) {
        fixture_accounts[i].before[SERIES_HITS] = fixture_accounts[i].before[SERIES_MISSES] = 10;
        fixture_accounts[i].after[SERIES_HITS] = 10 + 60 * (i == 1);
        fixture_accounts[i].after[SERIES_MISSES] = 10 + 20 * (i == 3);
    }
    ck_assert_double_eq(judged("hit_rate", "shrink_1", AGGREGATE_LAST, CHECK_GE, 0.8).value, 1);
    fixture_accounts[5].before[SERIES_HITS] = fixture_accounts[5].after[SERIES_HITS] = 0;
    fixture_accounts[5].before[SERIES_MISSES] = fixture_accounts[5].after[SERIES_MISSES] = 0;
    ck_assert_double_eq(judged("hit_rate", "shrink", AGGREGATE_LAST, CHECK_GE, 0.8).value, 0.75);
    EXPECT(CHECK_FAIL, judged("hit_rate", "shrink", AGGREGATE_LAST, CHECK_GE, 0.8));
}

TEST(aliases_are_in_megabytes)
{
    /* Breaks when a limit in megabytes is compared with bytes. */
    play();
    ck_assert_double_eq(judged("rss_mb", "shrink", AGGREGATE_MAX, CHECK_LE, 3).value, 3);
    ck_assert_double_eq(judged("rss_mb", "shrink", AGGREGATE_DELTA, CHECK_LE, 3).value, 2);
    ck_assert_double_eq(judged("used_memory_rss", "shrink", AGGREGATE_MAX, CHECK_LE, 3).value,
                        3 * FIXTURE_MB);
}

TEST(samples_at_the_edges_count)
{
    /* Breaks when what happened before the first sample of a phase is not in its delta, or a phase that was shorter than
     * the sampling interval cannot be judged. */
    const uint32_t phase = scenario_fixture_phase("flash", PHASE_DELETE, 1);
    fixture_accounts[phase].before[SERIES_EVICTED] = 2;
    fixture_accounts[phase].after[SERIES_EVICTED] = 7;
    ck_assert_double_eq(judged("evicted_keys", "flash", AGGREGATE_MAX, CHECK_EQ, 0).value, 7);
    scenario_fixture_sample(1)->values[SERIES_EVICTED] = 4;
    ck_assert_double_eq(judged("evicted_keys", "flash", AGGREGATE_MAX, CHECK_EQ, 0).value, 4);
    ck_assert_double_eq(judged("evicted_keys", "flash", AGGREGATE_DELTA, CHECK_EQ, 0).value, 5);
    ck_assert_double_eq(judged("evicted_keys", "all", AGGREGATE_DELTA, CHECK_EQ, 0).value, 5);
}

TEST(what_cannot_be_judged_is_skipped)
{
    /* Breaks when a check passes, or fails, on something that nobody can know. */
    play();
    struct check_outcome outcome =
        judged("mem_fragmentation_ratio", "shrink", AGGREGATE_MEAN, CHECK_LE, 1.5);
    EXPECT(CHECK_SKIP, outcome);
    ck_assert_ptr_nonnull(strstr(outcome.reason, "below 100 MB"));
    ck_assert_double_nan(outcome.value);
    scenario_fixture_jemalloc(false);
    outcome = judged("allocator_frag_ratio", "shrink", AGGREGATE_MEAN, CHECK_LE, 1.5);
    EXPECT(CHECK_SKIP, outcome);
    ck_assert_ptr_nonnull(strstr(outcome.reason, "jemalloc"));
    EXPECT(CHECK_SKIP, judged("cleanup_efficiency", "shrink", AGGREGATE_LAST, CHECK_GE, 0.5));
    EXPECT(CHECK_SKIP, judged("cleanup_efficiency", "shrink", AGGREGATE_MEAN, CHECK_GE, 0.5));
    EXPECT(CHECK_SKIP, judged("p99_ms", "load", AGGREGATE_LAST, CHECK_LE, 1));
    EXPECT(CHECK_SKIP, judged("leak_verdict", "all", AGGREGATE_LAST, CHECK_LT, 2));
    EXPECT(CHECK_SKIP, judged("keys", "nowhere", AGGREGATE_LAST, CHECK_LE, 1));
    EXPECT(CHECK_SKIP, judged("keys", "shrin", AGGREGATE_LAST, CHECK_LE, 1));
    fixture_accounts[1].ran = false;
    outcome = judged("keys", "shrink_1", AGGREGATE_LAST, CHECK_LE, 1);
    EXPECT(CHECK_SKIP, outcome);
    ck_assert_ptr_nonnull(strstr(outcome.reason, "not reached"));
}

TEST(what_was_never_sampled_has_not_passed)
{
    /* Breaks when a server that says nothing fulfils what is asked of it. */
    play();
    EXPECT(CHECK_FAIL, judged("evicted_keys", "all", AGGREGATE_DELTA, CHECK_EQ, 0));
    fixture_checks[0].severity = SEVERITY_WARN;
    judge();
    EXPECT(CHECK_WARN, outcomes[0]);
}

TEST(only_full_size_when_scaled)
{
    /* Breaks when a small run is failed for what only a large one has to fulfil. */
    play();
    EXPECT(CHECK_FAIL, judged("keys", "load", AGGREGATE_LAST, CHECK_LE, 1));
    fixture_checks[0].full_only = true;
    judge();
    EXPECT(CHECK_FAIL, outcomes[0]);
    fixture_scenario.scale = 0.01;
    judge();
    EXPECT(CHECK_SKIP, outcomes[0]);
    ck_assert_ptr_nonnull(strstr(outcomes[0].reason, "0.01"));
}

TEST(exit_status)
{
    /* Breaks when a failed check ends well, or a warning does when it must not. */
    static const enum check_result skips[] = {CHECK_SKIP, CHECK_SKIP};
    static const enum check_result good[] = {CHECK_SKIP, CHECK_PASS};
    static const enum check_result warned[] = {CHECK_WARN, CHECK_PASS};
    static const enum check_result failed[] = {CHECK_FAIL, CHECK_WARN};
    static const struct {
        const enum check_result *results;
        enum check_result overall;
        enum err_code status, strict;
    } expected[] = {{skips, CHECK_SKIP, OK, OK},
                    {good, CHECK_PASS, OK, OK},
                    {warned, CHECK_WARN, OK, E_FAILED},
                    {failed, CHECK_FAIL, E_FAILED, E_FAILED}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        outcomes[0].result = expected[i].results[0];
        outcomes[1].result = expected[i].results[1];
        ck_assert_int_eq(judge_overall(outcomes, 2), expected[i].overall);
        ck_assert_int_eq(judge_status(outcomes, 2, false), expected[i].status);
        ck_assert_int_eq(judge_status(outcomes, 2, true), expected[i].strict);
    }
    ck_assert_int_eq(judge_status(outcomes, 0, true), OK);
}

TEST(every_name_of_the_list_is_known)
{
    /* Breaks when a name is suggested that is then refused, or one is missing from the list. */
    size_t count = 0;
    bool seen_sample = false, seen_alias = false, seen_derived = false;
    for (const char *name; (name = judge_metric_at(count)) != NULL; count++) {
        ck_assert_msg(judge_metric_known(name), "%s", name);
        seen_sample |= strcmp(name, "used_memory") == 0;
        seen_alias |= strcmp(name, "fragmentation_ratio") == 0;
        seen_derived |= strcmp(name, "leak_verdict") == 0;
    }
    ck_assert_uint_ge(count, SERIES_METRICS + 6 + 13);
    ck_assert(seen_sample && seen_alias && seen_derived);
    ck_assert(!judge_metric_known("used_memori"));
}

TEST(tables_for_people)
{
    /* Breaks when a figure stands in another column, a reason is kept back, a line is too wide for a terminal, or rates over
     * other seconds than stand beside them are not marked, or all are. */
    play();
    fixture_accounts[0].target_missed = true;
    fixture_accounts[2].ran = false;
    fixture_accounts[4].failed = true;
    snprintf(fixture_accounts[4].end, sizeof fixture_accounts[4].end, "failed: no server");
    snprintf(fixture_accounts[0].end, sizeof fixture_accounts[0].end, "duration");
    fixture_accounts[0].after[SERIES_USED_MEMORY] = 800.25 * FIXTURE_MB;
    fixture_accounts[0].after[SERIES_FRAGMENTATION] = 1.234;
    fixture_accounts[0].keys_after = 1234567;
    fixture_accounts[1].after[SERIES_USED_MEMORY] = 99 * FIXTURE_MB;
    fixture_accounts[1].after[SERIES_FRAGMENTATION] = 4;
    fixture_accounts[3].load_seconds = 9.4;
    fixture_accounts[5].load_seconds = 9.6;
    (void)scenario_fixture_check("p99_ms", "shrink", AGGREGATE_LAST, CHECK_LE, 5);
    (void)scenario_fixture_check("keys", "shrink", AGGREGATE_MEAN, CHECK_LE, 900);
    (void)scenario_fixture_check("instantaneous_ops_per_sec",
                                 "a_phase_with_a_name_that_is_as_long_as_names_may_be_at_all_____",
                                 AGGREGATE_STDEV, CHECK_LE, 12345678);
    (void)scenario_fixture_check("used_memory", "shrink", AGGREGATE_MAX, CHECK_LE,
                                 2.56 * FIXTURE_MB);
    judge();
    struct printed printed;
    printed_begin(&printed);
    judge_print_checks(&printed.out, &fixture_scenario, outcomes);
    judge_print_phases(&printed.out, &fixture_observation);
    char *text = printed_end(&printed);
    EXPECT_IN(text, "Result");
    EXPECT_IN(text, "<= 5");
    EXPECT_IN(text, "PASS");
    EXPECT_IN(text, "it is 950 and should be <= 900");
    EXPECT_IN(text, "there is no such phase");
    EXPECT_IN(text, "it is 50 MB and should be <= 2.56 MB");
    EXPECT_IN(text, " 50 MB ");
    EXPECT_IN(text, "800.2");
    EXPECT_IN(text, "1.23");
    EXPECT_IN(text, "1,234,567");
    EXPECT_IN(text, "target not reached: duration");
    EXPECT_IN(text, "not reached\n");
    EXPECT_IN(text, "failed: no server");
    ck_assert_msg(strncmp(text, "   ", 3) == 0 && strchr(text, '\n') > strstr(text, "Result"), "%s",
                  text); /* no blank line above */
    ck_assert_ptr_null(strstr(text, "failed: failed"));
    EXPECT_IN(text, " 20*");
    EXPECT_IN(text, "\nfrag. ratio -: used_memory is below 100 MB, where");
    EXPECT_IN(text, " 30 ");
    EXPECT_IN(text, "\n* over the seconds in which requests were sent: shrink_2 9.400 s\n");
    free(text);
}

TEST(a_narrow_terminal)
{
    /* Breaks when a name makes a table wider than the terminal, or a number is cut for that. */
    static const char name[] = "instantaneous_ops_per_sec_of_a_phase";
    char screen[2048] = "";
    struct output out;
    int master;
    play();
    snprintf(fixture_scenario.phases[0].name, sizeof fixture_scenario.phases[0].name, "%s", name);
    fixture_accounts[0].keys_after = 123456789;
    FILE *terminal = test_terminal_open(&master, 72);
    output_borrow(&out, terminal);
    judge_print_phases(&out, &fixture_observation);
    fclose(terminal);
    size_t used = 0;
    for (ssize_t got; (got = read(master, screen + used, sizeof screen - 1 - used)) > 0;)
        used += (size_t)got;
    close(master);
    printed_expect_width(screen, 73); /* with the \r of the terminal */
    EXPECT_IN(screen, "instantaneou.. ");
    EXPECT_IN(screen, "123,456,789");
    ck_assert_ptr_null(strstr(screen, name));
}

TEST(verdicts_of_phases)
{
    /* Breaks when figures that must not be used stand in the report of a scenario without a word. */
    play();
    struct phase_verdict *amber = &fixture_accounts[1].verdict, *red = &fixture_accounts[3].verdict;
    amber->known = red->known = fixture_accounts[5].verdict.known = true;
    amber->level = VERDICT_AMBER;
    amber->checks[VERDICT_AMBER] = 3;
    red->level = VERDICT_RED;
    red->checks[VERDICT_AMBER] = 1;
    red->checks[VERDICT_RED] = 4;
    struct printed printed;
    printed_begin(&printed);
    judge_print_verdicts(&printed.out, &fixture_observation, "results/x");
    char *text = printed_end(&printed);
    ck_assert_str_eq(text, "\nVerdicts: 1 GREEN, 1 AMBER (worker_cpu, run_delay), 1 RED (shrink_2: "
                           "loop_lag); volley report results/x says more\n");
    free(text);
}

TEST_SUITE_WITH(judge, .set_up = scenario_fixture_set_up, .tear_down = scenario_fixture_tear_down)
