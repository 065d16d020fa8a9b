/* One round of causes that `make verdicts` plants, where nothing but the cause decides. A server that is dead
 * or slow stands in test_dead_server and test_open_loop. */
#include <signal.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

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

TEST(test_one_key)
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

TEST(test_few_samples)
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

TEST(test_client_too_slow)
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

TEST(test_other_load)
{
    /* Breaks when somebody else's load on the server is not noticed, or volley's own, with its warm-up and all that it
     * asks the server beside, counts as one; or when the server's own time is not that of the run. */
    struct program other;
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "set", "-r", "100", "-n", "5000",
                "--warmup", "1", "--extended-metrics", NULL);
    trial_end(&trial, 0);
    const json_t *server = json_object_get(trial.run, "server");
    ck_assert_str_eq(trial_verdict(&trial, "other_load"), "GREEN");
    ck_assert_int_eq(json_integer_value(json_object_get(server, "commands")),
                     json_integer_value(json_object_get(server, "own_commands")));
    const json_t *time = json_array_get(json_object_get(server, "times"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(time, "command")), "set");
    ck_assert_int_ge(json_integer_value(json_object_get(time, "calls")), 5000);
    ck_assert_double_gt(json_number_value(json_object_get(time, "mean_us")), 0);
    trial_expect(&trial, PROGRAM_OUT, "Server's Own Time");
    trial_free(&trial);
    program_start_volley(&other, "-p", world.server.port_text, "-t", "get", "-r", "100",
                         "--test-duration", "100", NULL);
    trial_wait_calls("get", 500);
    trial_start(&trial, "-p", world.server.port_text, "-t", "set", "-r", "100", "--qps", "200",
                "-n", "200", NULL);
    program_wait(&trial.program);
    program_signal(&other, SIGINT);
    program_wait(&other);
    program_free(&other);
    trial_end(&trial, 0);
    ck_assert_str_eq(trial_verdict(&trial, "other_load"), "RED");
    trial_free(&trial);
}

TEST_SUITE_WITH(verdict_causes, .set_up = trial_set_up, .tear_down = trial_tear_down)
