/* Limits from runs, and how they come into a file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/watch/calibration.h"
#include "tests/support/check/suite.h"

static struct alert_rules rules;
static char *edited;
static struct err err;

static void tear_down(void)
{
    free(edited);
    edited = NULL;
    alert_rules_free(&rules);
}

TEST(test_limits_are_two_and_three_sigma)
{
    /* Breaks when a limit lies on the side that is better, or sigma is that of a population. */
    struct calibration calibration = {.values = {8, 9, 10, 11, 12}, .count = 5};
    struct kpi kpi = {.higher_is_better = false};
    const double sigma = sqrt(2.5);
    calibration_settle(&calibration, &kpi);
    ck_assert_double_eq_tol(calibration.mean, 10, 1e-12);
    ck_assert_double_eq_tol(calibration.sigma, sigma, 1e-12);
    ck_assert_double_eq_tol(calibration.warning, 10 + 2 * sigma, 1e-12);
    ck_assert_double_eq_tol(calibration.critical, 10 + 3 * sigma, 1e-12);
    kpi.higher_is_better = true;
    calibration_settle(&calibration, &kpi);
    ck_assert_double_eq_tol(calibration.warning, 10 - 2 * sigma, 1e-12);
    ck_assert_double_eq_tol(calibration.critical, 10 - 3 * sigma, 1e-12);
    calibration.values[0] = 100;
    calibration_settle(&calibration, &kpi);
    ck_assert_double_eq(calibration.critical, 0); /* never below */
}

static const struct {
    double number;
    const char *text;
} numbers[] = {{0, "0"},
               {1.5, "1.5"},
               {1234567.8, "1234568"},
               {0.0666689, "0.0666689"},
               {100, "100"},
               {99.99999999, "100"},
               {3.0e-9, "3e-09"},
               {1e15, "1e+15"},
               {0.00012345678, "0.000123457"}};

LOOP_TEST(test_numbers_are_readable, sizeof numbers / sizeof numbers[0])
{
    /* Breaks when a limit is written with digits that mean nothing, or as people do not write numbers. */
    char text[40];
    ck_assert_str_eq(calibration_number(text, sizeof text, numbers[_i].number), numbers[_i].text);
}

static enum err_code edit(const char *text, double warning, double critical)
{
    err = (struct err){.code = OK};
    ck_assert_msg(kpi_file_read(&rules, &(struct file_source){"f", text, strlen(text)}, &err) == OK,
                  "%s", err.text);
    double warnings[4], criticals[4];
    for (size_t i = 0; i < 4; i++) {
        warnings[i] = warning + (double)i;
        criticals[i] = critical + (double)i;
    }
    return calibration_edit(&edited, "f", text, &rules, warnings, criticals, &err);
}

#define METRIC "metric: p95_latency_ms"
static const struct {
    const char *before, *after;
} good[] = {
    {"# a\nkpis:\n  a: # b\n    warning: TBD  # c\n    " METRIC "\n    critical: TBD\n# d\n",
     "# a\nkpis:\n  a: # b\n    warning: 2.5  # c\n    " METRIC "\n    critical: 30\n# d\n"},
    {"kpis:\n  a:\n    " METRIC "\n    critical: \"TBD\"\n    warning: 'tbd'\n",
     "kpis:\n  a:\n    " METRIC "\n    critical: 30\n    warning: 2.5\n"},
    {"kpis:\n  a: {" METRIC ", warning: TBD, critical: [TBD: later]}\n",
     "kpis:\n  a: {" METRIC ", warning: 2.5, critical: 30}\n"},
    {"kpis:\n  a:\n    " METRIC "\n    warning: null\n    critical: ~\n",
     "kpis:\n  a:\n    " METRIC "\n    warning: 2.5\n    critical: 30\n"},
    {"kpis:\n  a:\n    " METRIC "\n    warning:  # c\n    critical:\n",
     "kpis:\n  a:\n    " METRIC "\n    warning: 2.5  # c\n    critical: 30\n"},
    {"kpis:\r\n  a:\r\n    " METRIC "\r\n    warning: 1\r\n    critical: 99\r\n",
     "kpis:\r\n  a:\r\n    " METRIC "\r\n    warning: 2.5\r\n    critical: 30\r\n"},
    {"{\"kpis\": {\"a\": {\"metric\": \"p95_latency_ms\", \"warning\": \"TBD\", \"critical\": "
     "null}}}",
     "{\"kpis\": {\"a\": {\"metric\": \"p95_latency_ms\", \"warning\": 2.5, \"critical\": 30}}}"},
    {"kpis:\n  a: {summary: \"\xc3\xa4\xc3\xa4, so\", " METRIC ", warning: TBD, critical: 5}\n"
     "  b: {warning: TBD, critical: TBD, " METRIC "}\n",
     "kpis:\n  a: {summary: \"\xc3\xa4\xc3\xa4, so\", " METRIC ", warning: 2.5, critical: 30}\n"
     "  b: {warning: 3.5, critical: 31, " METRIC "}\n"},
};

LOOP_TEST(test_only_the_values_change, sizeof good / sizeof good[0])
{
    /* Breaks when a comment, the order or the layout of a person's file is lost. */
    ck_assert_msg(edit(good[_i].before, 2.5, 30) == OK, "%s", err.text);
    ck_assert_str_eq(edited, good[_i].after);
}

TEST(test_what_is_not_wanted_stays)
{
    /* Breaks when a number that somebody has set is replaced without being asked for. */
    ck_assert_int_eq(edit(good[0].before, NAN, 30), OK);
    ck_assert_ptr_nonnull(strstr(edited, "warning: TBD  # c"));
    ck_assert_ptr_nonnull(strstr(edited, "critical: 30"));
}

static const struct {
    const char *text, *says;
} bad[] = {
    {"kpis:\n  a: {" METRIC ", warning: TBD}\n", "f:2:6: a has no \"critical\" to be filled in"},
    {"kpis:\n  a:\n    " METRIC "\n    critical: 1\n    warning: {TBD: later}\n",
     "warning cannot be replaced where it stands"},
    {"kpis:\n  a:\n    " METRIC "\n    critical: 1\n    warning:\n      [TBD,\n       later]\n",
     "warning cannot be replaced where it stands"},
};

LOOP_TEST(test_what_cannot_be_replaced_is_refused, sizeof bad / sizeof bad[0])
{
    /* Breaks when a file is written that says something else than what was found out. */
    ck_assert_int_eq(edit(bad[_i].text, 2.5, 30), E_CONFIG);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s", err.text);
}

TEST_SUITE_WITH(calibration, .tear_down = tear_down)
