/* A server that freezes and is still frozen when the load ends: what is known of those who wait. */

#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

static struct trial trial;

static double number(const char *path)
{
    return run_json_number(trial.run, path);
}

LOOP_TEST(test_open_loop, 2)
{
    /* breaks: half of all users had waited more than a second when the load ended, and the report says
     * "at least 4 ms", or something else by the time that draining may take */
    static const char *const drains[] = {"0", "400ms"};
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "--qps", "1000",
                "--duration", "4", "--interval", "100ms", "--drain-timeout", drains[_i], NULL);
    trial_wait_calls("get", 300);
    test_server_pause(&world.server);
    trial_end(&trial, 1); /* nothing was answered any more */
    double ok = number("requests.ok"), due = number("requests.due");
    double all = due - number("requests.errors");
    ck_assert_double_eq(number("response_time_us.unanswered"), all - ok);
    ck_assert_double_lt(ok, due / 4); /* or the server was frozen too late for this test */
    /* One a millisecond: the wait by rank. Those that were answered late, if any, stand elsewhere. */
    ck_assert_double_eq_tol(number("response_time_us.at_least.p50"), (all / 2 - ok) * 1000, 50e3);
    ck_assert_double_eq_tol(number("response_time_us.at_least.p90"), (all * 0.9 - ok) * 1000, 50e3);
    ck_assert_double_eq_tol(number("response_time_us.at_least.max"), (all - ok) * 1000, 50e3);
    ck_assert_double_lt(number("response_time_us.mean"), number("response_time_us.at_least.mean"));
    ck_assert(json_is_null(json_object_get(json_object_get(trial.run, "response_time_us"), "p50")));
    trial_expect(&trial, PROGRAM_OUT, "\nMedian (p50): >= 1");
    trial_expect(&trial, PROGRAM_OUT,
                 " more had no reply or were never sent; the longest had waited ");
    trial_free(&trial);
}

TEST(test_closed_loop)
{
    /* breaks: every connection waits for most of the run, and the report knows of no long wait */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "--duration", "3",
                "--interval", "100ms", "--drain-timeout", "0", NULL);
    trial_wait_calls("get", 100);
    test_server_pause(&world.server);
    trial_end(&trial, 1); /* nothing was answered any more */
    ck_assert_double_eq(number("service_time_us.unanswered"), 4);
    ck_assert_double_ge(number("service_time_us.at_least.max"), 1e6);
    ck_assert_double_lt(number("service_time_us.max"), number("service_time_us.at_least.max"));
    trial_free(&trial);
}

TEST_SUITE_WITH(frozen_server, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = 120)
