/* --check and --abort-on: what a run has to keep, and what ends it. */
#include <stdio.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

static struct trial trial;

static void set_up(void)
{
    trial_set_up();
    test_server_start(&world.server, NULL);
}

/* The i-th of the last run's checks. */
static const json_t *check_at(size_t i)
{
    return json_array_get(json_object_get(trial.run, "checks"), i);
}

TEST(test_kept_and_not)
{
    /* Breaks when a check that fails leaves the exit status at 0, doubts the measurement, hides the others, or
     * is lost on the way through the journal. */
    char directory[256];
    struct program report;
    snprintf(directory, sizeof directory, "%.200s/run", world.tree.path);
    trial_start(&trial, "-p", world.server.port_text, "-n", "2000", "-r", "100", "--out", directory,
                "--check", "p50<1h,rate>0,errors<=0%", "--check", "max<1ns", NULL);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "SET: the check max<1ns failed: max ");
    trial_expect(&trial, PROGRAM_OUT, "kept     rate>0 ");
    trial_expect(&trial, PROGRAM_OUT, "NOT KEPT max<1ns ");
    trial_expect_not(&trial, PROGRAM_OUT, "RED failed");
    ck_assert_uint_eq(json_array_size(json_object_get(trial.run, "checks")), 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert(json_is_true(json_object_get(check_at(i), "kept")) == (i < 3));
    ck_assert_double_gt(json_number_value(json_object_get(check_at(0), "value_us")), 0);
    ck_assert_double_eq(json_number_value(json_object_get(check_at(1), "rate")),
                        trial_number(&trial, "rate", "achieved"));
    ck_assert_double_eq(json_number_value(json_object_get(check_at(2), "percent")), 0);
    program_run_volley(&report, "report", directory, "--json", "-", NULL);
    json_t *json = json_loads(report.out, 0, NULL);
    const json_t *run = json_array_get(json_object_get(json, "runs"), 0);
    ck_assert(json_equal(json_object_get(run, "checks"), json_object_get(trial.run, "checks")));
    json_decref(json);
    program_free(&report);
    trial_free(&trial);
}

TEST(test_all_kept)
{
    /* Breaks when a run that keeps all of them fails. */
    trial_start(&trial, "-p", world.server.port_text, "-n", "2000", "-r", "100", "--check",
                "p99.9<=1h", NULL);
    trial_end(&trial, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(trial.run, "checks")), 1);
    trial_free(&trial);
}

TEST(test_abort)
{
    /* Breaks when a condition ends the run before it has lasted, does not end it, or lets later tests begin. */
    trial_start(&trial, "-p", world.server.port_text, "-t", "get,set", "-r", "100", "--interval",
                "50ms", "--test-duration", "100", "--abort-on", "errors>1%,p50>1ns for 300ms",
                NULL);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "GET: ended by --abort-on p50>1ns for 300ms at ");
    ck_assert_str_eq(json_string_value(json_object_get(trial.run, "name")), "GET");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(trial.json, "not_run"), 0)),
                     "SET");
    /* The interval after the condition's time is the one under way. */
    ck_assert_uint_ge(json_array_size(json_object_get(trial.run, "intervals")), 6);
    trial_free(&trial);
}

TEST(test_condition_that_never_holds)
{
    /* Breaks when a condition ends a run in which it did not hold, or one of nothing but errors is not seen. */
    trial_start(&trial, "-p", world.server.port_text, "-n", "5000", "-r", "100", "--interval",
                "20ms", "--abort-on", "errors>1%,rate<1 for 1h", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 5000);
    trial_free(&trial);
    trial_start(&trial, "-p", world.server.port_text, "--test-duration", "100", "--interval",
                "20ms", "--abort-on", "errors>99%", "--", "lpush", "k", "v", ";", "incr", "k",
                NULL);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "ended by --abort-on errors>99% at ");
    trial_free(&trial);
}

TEST(test_server_gone)
{
    /* Breaks when a condition on errors does not end the run of a server that has gone away: nothing ends there any
     * more that could be an error. */
    trial_start(&trial, "-p", world.server.port_text, "-r", "100", "--interval", "50ms",
                "--test-duration", "100", "--abort-on", "errors>1% for 500ms", NULL);
    trial_wait_calls("set", 500);
    test_server_kill(&world.server);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "ended by --abort-on errors>1% for 500ms at ");
    trial_free(&trial);
}

TEST_SUITE_WITH(checks, .set_up = set_up, .tear_down = trial_tear_down)
