/* One round of causes that `make verdicts` plants, where nothing but the cause decides. A server that is dead
 * or slow stands in test_dead_server and test_open_loop. */
#include <check.h>
#include <string.h>

#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 60

Suite *test_verdict_causes_suite(void);

static struct trial trial;

/* A member of one check. */
static const json_t *of_check(const char *name, const char *key)
{
    size_t index;
    const json_t *check;
    json_array_foreach(json_object_get(json_object_get(trial.run, "verdict"), "checks"), index,
                       check)
    {
        if (strcmp(json_string_value(json_object_get(check, "name")), name) == 0)
            return json_object_get(check, key);
    }
    ck_abort_msg("the verdict has no check %s", name);
}

START_TEST(test_one_key)
{
    /* Breaks when a load on one single key passes for a real one. */
    trial_start(&trial, "--null", "-t", "get", "-n", "20000", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "one_key"), "AMBER");
    trial_free(&trial);
    trial_start(&trial, "--null", "-t", "get", "-r", "1000", "-n", "20000", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "one_key"), "GREEN");
    trial_free(&trial);
}
END_TEST

START_TEST(test_few_samples)
{
    /* Breaks when a p99 of five requests is shown as if it were one, or when volley doubts a run for the
     * p99.99 that nobody has asked it for. */
    trial_start(&trial, "--null", "-t", "get", "-r", "1000", "-n", "500", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "few_samples"), "AMBER");
    ck_assert_double_eq(json_number_value(of_check("few_samples", "value")), 500);
    ck_assert_double_eq_tol(json_number_value(of_check("few_samples", "threshold")), 1000, 1e-6);
    trial_free(&trial);
    trial_start(&trial, "--null", "-t", "get", "-r", "1000", "-n", "20000", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "few_samples"), "GREEN");
    ck_assert(json_is_true(of_check("few_samples", "note")));
    trial_expect(&trial, PROGRAM_OUT, "note  few_samples   20,000 for p99.99");
    trial_free(&trial);
    trial_start(&trial, "--null", "-t", "get", "-r", "1000", "-n", "20000", "--percentiles",
                "50,99.99", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "few_samples"), "AMBER");
    trial_free(&trial);
}
END_TEST

START_TEST(test_client_too_slow)
{
    /* Breaks when a worker that has no time left is not named as the limit. */
    trial_start(&trial, "--null", "-t", "get", "-r", "1000", "--processes", "1", "--qps", "100m",
                "--duration", "1", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "worker_cpu"), "AMBER");
    ck_assert_str_eq(trial_verdict(&trial, "target"), "RED");
    /* Where others use its CPU, too, that is why it has none left. */
    const char *advice = json_string_value(of_check("target", "advice"));
    ck_assert(strstr(advice, "volley was at its limit") != NULL ||
              strstr(advice, "volley was kept from its CPU") != NULL);
    trial_free(&trial);
}
END_TEST

Suite *test_verdict_causes_suite(void)
{
    Suite *suite = suite_create("verdict causes");
    TCase *tcase = tcase_create("causes");
    tcase_set_timeout(tcase, TCASE_TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, trial_set_up, trial_tear_down);
    tcase_add_test(tcase, test_one_key);
    tcase_add_test(tcase, test_few_samples);
    tcase_add_test(tcase, test_client_too_slow);
    suite_add_tcase(suite, tcase);
    return suite;
}
