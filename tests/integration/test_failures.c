/* The failure timeline of a real server, against a probe of the test's own. */
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

Suite *test_failures_suite(void);

#define SECOND_S ((double)NS_PER_SECOND)
static struct trial trial;

/* One GET after another on one connection, on a clock that volley reads as well. */
static uint64_t probe_ok_ns(int fd)
{
    static const char get[] = "GET probe\r\n";
    char reply[5]; /* $-1 and the end of the line */
    ck_assert_int_eq(send(fd, get, sizeof get - 1, MSG_NOSIGNAL), (ssize_t)sizeof get - 1);
    ck_assert(support_read_exactly(fd, reply, sizeof reply));
    return clock_now_ns();
}

static json_t *only_outage(void)
{
    json_t *failures = json_object_get(trial.run, "failures");
    json_t *outages = json_object_get(failures, "outages");
    ck_assert_msg(json_array_size(outages) == 1, "%zu outages\n%s", json_array_size(outages),
                  trial.program.out);
    ck_assert_int_eq(json_integer_value(json_object_get(failures, "count")), 1);
    return json_array_get(outages, 0);
}

static double number_of(const json_t *outage, const char *key)
{
    const json_t *value = json_object_get(outage, key);
    ck_assert_msg(json_is_number(value), "%s", key);
    return json_number_value(value);
}

START_TEST(test_a_pause_is_as_long_as_a_probe_saw)
{
    /* breaks: a server that stood still is not in the report, or is so for another time than it was */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "--rps", "2000",
                "--duration", "60", "--interval", "100ms", NULL);
    trial_wait_calls("get", 1000);
    int fd = support_connect(world.server.port, 20000);
    ck_assert_int_ge(fd, 0);
    uint64_t before_ns = probe_ok_ns(fd);
    test_server_pause(&world.server);
    support_sleep_ms(1500);
    test_server_resume(&world.server);
    uint64_t after_ns = probe_ok_ns(fd);
    close(fd);
    trial_wait_flow("get");
    support_sleep_ms(300); /* the row that holds the first success */
    program_signal(&trial.program, 2);
    trial_end(&trial, 130);
    json_t *outage = only_outage();
    double seen = (double)(after_ns - before_ns) / SECOND_S;
    ck_assert_double_eq_tol(number_of(outage, "seconds"), seen, 0.1);
    ck_assert(json_is_true(json_object_get(outage, "pause")));
    ck_assert(json_is_true(json_object_get(outage, "recovered")));
    json_t *during = json_object_get(json_object_get(outage, "response_time_us"), "during");
    ck_assert_double_ge(number_of(during, "max"), 1.4e6);
    ck_assert_str_eq(trial_verdict(&trial, "outage"), "AMBER");
    trial_expect(&trial, PROGRAM_OUT, "\nFailures:\n");
    trial_expect(&trial, PROGRAM_OUT, "a pause: nothing failed");
    trial_free(&trial);
}
END_TEST

START_TEST(test_a_restart_is_an_outage)
{
    /* breaks: a server that died and came back is not in the report, or what was lost with it, or a
     * report that is rebuilt tells it otherwise */
    char out[300];
    test_server_start(&world.server, NULL);
    snprintf(out, sizeof out, "%s/run", world.tree.path);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "-c", "4", "-P", "8",
                "--duration", "60", "--interval", "100ms", "--out", out, NULL);
    trial_wait_calls("get", 1000);
    test_server_pause(&world.server); /* with requests in flight */
    support_sleep_ms(200);
    test_server_kill(&world.server);
    support_sleep_ms(300);
    test_server_restart(&world.server);
    trial_wait_calls("get", 1000);
    support_sleep_ms(300);
    program_signal(&trial.program, 2);
    trial_end(&trial, 130);
    json_t *outage = only_outage();
    ck_assert_double_ge(number_of(outage, "seconds"), 0.45);
    ck_assert_double_ge(number_of(outage, "first_failed_to_first_ok_seconds"), 0.29);
    ck_assert_double_le(number_of(outage, "first_failed_to_first_ok_seconds"),
                        number_of(outage, "seconds"));
    ck_assert_int_gt(json_integer_value(json_object_get(outage, "lost")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(outage, "outcome_unknown")),
                     trial_count(&trial, "requests", "lost"));
    ck_assert_int_eq(json_integer_value(json_object_get(outage, "connections_lost")), 4);

    struct program again;
    char path[400];
    snprintf(path, sizeof path, "%s/again.json", world.tree.path);
    program_run_volley(&again, "report", out, "--json", path, NULL);
    ck_assert_msg(again.exit_status == 0, "%d\n%s", again.exit_status, again.err);
    program_free(&again);
    json_t *rebuilt = json_load_file(path, 0, NULL);
    json_t *run = json_array_get(json_object_get(rebuilt, "runs"), 0);
    ck_assert(json_equal(json_object_get(run, "failures"), json_object_get(trial.run, "failures")));
    ck_assert(
        json_equal(json_object_get(run, "connections"), json_object_get(trial.run, "connections")));
    json_decref(rebuilt);
    trial_free(&trial);
}
END_TEST

Suite *test_failures_suite(void)
{
    Suite *suite = suite_create("failures");
    TCase *tcase = tcase_create("outages");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, trial_set_up, trial_tear_down);
    tcase_add_test(tcase, test_a_pause_is_as_long_as_a_probe_saw);
    tcase_add_test(tcase, test_a_restart_is_an_outage);
    suite_add_tcase(suite, tcase);
    return suite;
}
