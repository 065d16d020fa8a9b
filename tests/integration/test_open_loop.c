/* Load with a rate, together with everything else that happens to a run: counts, ends, deaths, a server
 * that is too slow, stalls or goes away. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90

static struct trial trial;

/* A real server, and a load on it with a rate. */
#define start_load(...)                                                                            \
    do {                                                                                           \
        test_server_start(&world.server, NULL);                                                    \
        trial_start(&trial, "-p", world.server.port_text, "-r", "100", "-c", "8", __VA_ARGS__,     \
                    NULL);                                                                         \
    } while (0)
#define TWO_WORKERS "-t", "get", "--processes", "2", "--interval", "100ms"

static long long requests(const char *key)
{
    return trial_count(&trial, "requests", key);
}

static void expect_due_accounted(void)
{
    ck_assert_int_eq(requests("due"), requests("sent") + requests("shed") + requests("backlog"));
}

/* Counts --------------------------------------------------------------------------------------- */

TEST(test_exact_count)
{
    /* breaks: -n with a rate sends more or fewer than asked, when workers do not divide it */
    start_load("-t", "get", "-n", "2003", "--qps", "5000", "--processes", "3");
    trial_end(&trial, 0);
    ck_assert_int_eq(requests("due"), 2003);
    ck_assert_int_eq(requests("sent"), 2003);
    ck_assert_int_eq(requests("ok"), 2003);
    trial_free(&trial);
}

TEST(test_fewer_requests_than_workers)
{
    /* breaks: a worker without a ticket of its own waits for ever */
    start_load(TWO_WORKERS, "-n", "1", "--qps", "1000");
    trial_end(&trial, 0);
    ck_assert_int_eq(requests("ok"), 1);
    trial_free(&trial);
}

TEST(test_due_is_the_schedule)
{
    /* breaks: what is due depends on what the server or volley did; half a second of 2,500/s is 1,250,
     * whether sent or not */
    start_load(TWO_WORKERS, "--duration", "500ms", "--qps", "2500");
    trial_end(&trial, 0);
    ck_assert_int_eq(requests("due"), 1250);
    expect_due_accounted();
    trial_free(&trial);
}

TEST(test_few_requests_keep_their_rate)
{
    /* Breaks when a short run is faster than its rate: five requests at 100/s are sent within four gaps,
     * but take five. */
    start_load("-n", "5", "--qps", "100");
    trial_end(&trial, 0);
    ck_assert_double_ge(run_json_number(trial.run, "seconds"), 0.05);
    ck_assert_double_eq_tol(trial_number(&trial, "rate", "target"), 100, 1e-6);
    ck_assert_double_le(trial_number(&trial, "rate", "achieved"), 100);
    trial_free(&trial);
}

TEST(test_tests_in_a_row)
{
    /* breaks: the second test goes on with the first one's schedule */
    start_load("-t", "set,get", "--duration", "300ms", "--start-qps", "1000", "--end-qps", "3000",
               "--qps-change", "1000", "--qps-change-interval", "0.1");
    trial_end(&trial, 0);
    json_t *runs = json_object_get(trial.json, "runs");
    ck_assert_uint_eq(json_array_size(runs), 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq((int)run_json_number(json_array_get(runs, i), "requests.due"), 600);
    trial_free(&trial);
}

TEST(test_warmup_is_apart)
{
    /* breaks: the ramp begins with the warm-up, or the warm-up's requests count as due */
    start_load(TWO_WORKERS, "--duration", "400ms", "--warmup", "300ms", "--start-qps", "1000",
               "--end-qps", "2000", "--qps-change", "1000", "--qps-change-interval", "0.2");
    trial_end(&trial, 0);
    ck_assert_int_eq(requests("due"), 600);
    trial_free(&trial);
}

static const char *const arrivals[] = {"even", "poisson"};

LOOP_TEST(test_too_slow_a_server, 2)
{
    /* breaks: a load above capacity hides what was never sent, or nobody is told that the server was in the
     * way: one connection, answers that take 2 ms each, 5,000/s asked for */
    static const struct fake_rule slow = {.command = "GET", .delay_ms = 2};
    fake_server_start(&world.fake, &(struct fake_script){.rules = &slow, .rule_count = 1});
    trial_start(&trial, "-p", world.fake.port_text, "-t", "get", "-c", "1", "--duration", "500ms",
                "--qps", "5000", "--interval", "100ms", "--arrival", arrivals[_i], NULL);
    trial_end(&trial, 0);
    ck_assert_int_gt(requests("backlog"), 1000);
    ck_assert_int_lt(requests("sent"), 300);
    expect_due_accounted();
    trial_expect(&trial, PROGRAM_OUT, "because the server answered too slowly");
    ck_assert_str_eq(trial_verdict(&trial, "target"), "RED");
    /* what waited did so for the server */
    ck_assert_double_gt(trial_number(&trial, "wait_us", "mean"),
                        10 * trial_number(&trial, "slip_us", "mean"));
    /* more than half of all users never had an answer: no percentile is known */
    json_t *p50 = json_object_get(json_object_get(trial.run, "response_time_us"), "p50");
    ck_assert(json_is_null(p50));
    trial_free(&trial);
}

TEST(test_shedding)
{
    /* breaks: --shed-after lets the load pile up, or drops without counting */
    static const struct fake_rule slow = {.command = "GET", .delay_ms = 2};
    fake_server_start(&world.fake, &(struct fake_script){.rules = &slow, .rule_count = 1});
    trial_start(&trial, "-p", world.fake.port_text, "-t", "get", "-c", "1", "--duration", "500ms",
                "--qps", "5000", "--interval", "100ms", "--shed-after", "10ms", NULL);
    trial_end(&trial, 0);
    ck_assert_int_gt(requests("shed"), 1000);
    /* what is not older than 10 ms: 50 at this rate, and what fell due since the last draw */
    ck_assert_int_le(requests("backlog"), 51);
    expect_due_accounted();
    trial_free(&trial);
}

/* Ends and deaths ------------------------------------------------------------------------------ */

#define RAMP                                                                                       \
    "--duration", "60", "--start-qps", "500", "--end-qps", "50000", "--qps-change", "500",         \
        "--qps-change-interval", "0.1"

TEST(test_interrupt_in_a_ramp)
{
    /* breaks: Ctrl+C in the middle of a ramp loses the report or leaves due undefined */
    start_load(TWO_WORKERS, RAMP);
    trial_wait_calls("get", 500);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert(trial_interrupted(&trial));
    ck_assert_int_gt(requests("sent"), 0);
    expect_due_accounted();
    trial_free(&trial);
}

TEST(test_second_interrupt)
{
    /* breaks: workers killed at once leave more sent than due */
    start_load(TWO_WORKERS, RAMP, "--drain-timeout", "600", "--request-timeout", "600s");
    trial_wait_calls("get", 500);
    test_server_pause(&world.server);
    program_signal(&trial.program, SIGINT);
    program_wait_text(&trial.program, PROGRAM_ERR, "once more to stop at once");
    do
        program_signal(&trial.program, SIGINT);
    while (!program_wait_at_most(&trial.program, 200));
    trial_end(&trial, 130);
    trial_free(&trial);
}

LOOP_TEST(test_worker_killed_in_a_ramp, 2)
{
    /* breaks: the death of a worker is billed to the server as backlog, or its share is not sent any
     * more */
    pid_t workers[2];
    start_load(TWO_WORKERS, "--duration", "1500ms", "--start-qps", "2000", "--end-qps", "4000",
               "--qps-change", "100", "--qps-change-interval", "0.1", "--arrival", arrivals[_i]);
    trial_wait_calls("get", 500);
    program_wait_children(&trial.program, workers, 2);
    kill(workers[0], SIGKILL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_restarts(&trial), 1);
    ck_assert_uint_ge(trial_degraded(&trial), 1);
    expect_due_accounted();
    trial_free(&trial);
}

TEST(test_server_gone_and_back)
{
    /* breaks: an outage is not in the response times, or requests that fell due in it are lost */
    start_load(TWO_WORKERS, "--duration", "2500ms", "--qps", "2000", "--pacing", "sleep");
    trial_wait_calls("get", 500);
    test_server_kill(&world.server);
    test_server_restart(&world.server);
    trial_wait_flow("get");
    trial_end(&trial, 0);
    expect_due_accounted();
    ck_assert_int_gt(trial_count(&trial, "connections", "lost"), 0);
    trial_free(&trial);
}

TEST(test_server_stays_away)
{
    /* breaks: a run with a duration waits for a dead server beyond its end; the tickets of the outage
     * must be backlog */
    start_load(TWO_WORKERS, "--duration", "1500ms", "--qps", "1000");
    trial_wait_calls("get", 200);
    test_server_kill(&world.server);
    trial_end(&trial, 1);
    ck_assert_int_gt(requests("backlog"), 0);
    expect_due_accounted();
    trial_free(&trial);
}

/* Connections and warm-up ---------------------------------------------------------------------- */

LOOP_TEST(test_client_ramp, 2)
{
    /* breaks: a client ramp opens connections per process, or does not count them; with and without a
     * rate */
    static const char *const rates[] = {"0", "3000"};
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-r", "100", "--processes", "2",
                "--duration", "3", "--interval", "100ms", "--qps", rates[_i],
                "--clients-ramp-start", "2", "--clients-ramp-end", "11", "--clients-per-ramp", "3",
                "--client-ramp-interval", "0.2", NULL);
    trial_end(&trial, 0);
    json_t *intervals = json_object_get(trial.run, "intervals");
    size_t count = json_array_size(intervals);
    ck_assert_int_eq((int)run_json_number(json_array_get(intervals, 0), "connections.open"), 2);
    ck_assert_int_eq((int)run_json_number(json_array_get(intervals, count - 1), "connections.open"),
                     11);
    ck_assert_int_eq(trial_count(&trial, "connections", "opened"), 9);
    trial_free(&trial);
}

/* The second cannot become steady: ten intervals take longer than its limit. */
static const struct {
    const char *limit;
    bool never;
} steadies[] = {{"30s", false}, {"100ms", true}};

LOOP_TEST(test_steady, 2)
{
    /* breaks: --steady auto never ends the warm-up, or measures for another time than asked */
    start_load("-t", "get", "--duration", "500ms", "--qps", "2000", "--interval", "50ms",
               "--steady", "auto", "--steady-limit", steadies[_i].limit);
    trial_end(&trial, 0);
    ck_assert_int_eq(requests("due"), 1000);
    if (steadies[_i].never)
        ck_assert_str_eq(trial_verdict(&trial, "steady"), "AMBER");
    trial_free(&trial);
}

TEST(test_require_green)
{
    /* breaks: --require-green lets a result pass that the verdict doubts (one key here), changes the
     * status of the run in JSON, or does not name the check that it fails for */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-n", "100", "--qps", "1000",
                "--require-green", NULL);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "--require-green");
    trial_expect(&trial, PROGRAM_ERR, "AMBER one_key: ");
    trial_free(&trial);
}

TEST_SUITE_WITH(open_loop, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
