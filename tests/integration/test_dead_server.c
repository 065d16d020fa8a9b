/* Servers that are not there, go away, hang, refuse, or talk rubbish. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define LOAD "-p", world.server.port_text, "-t", "get", "-r", "100", "-c", "4", "--processes", "2"
#define FAKE_LOAD "-p", world.fake.port_text, "-t", "get", "-r", "100", "--processes", "1"
#define RULES(rules)                                                                               \
    &(struct fake_script)                                                                          \
    {                                                                                              \
        .rules = (rules), .rule_count = sizeof(rules) / sizeof *(rules)                            \
    }
#define QUICK "--connection-timeout", "300ms", "--wait-ready", "1s"

static struct trial trial;

static void interrupt_and_end(void)
{
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
}

/* A server that was there ---------------------------------------------------------------------- */

TEST(test_server_restarts)
{
    /* breaks: a server that comes back finds no load, or what was in flight is not in the books */
    trial_start_load(&trial, "--duration", "60", "--interval", "100ms");
    test_server_kill(&world.server);
    test_server_restart(&world.server);
    trial_wait_calls("get", 500);
    while (test_server_info(&world.server, "connected_clients") < 5) /* ours too */
        support_sleep_ms(5);
    interrupt_and_end();
    ck_assert_int_gt(trial_count(&trial, "errors_by_kind", "disconnect"), 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"),
                     trial_count(&trial, "errors_by_kind", "disconnect"));
    ck_assert_int_le(trial_count(&trial, "requests", "lost"), 4);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 4);
    ck_assert_int_eq(trial_count(&trial, "connections", "opened"), 4);
    ck_assert_str_eq(trial_verdict(&trial, "lost_workers"), "GREEN");
    trial_expect(&trial, PROGRAM_OUT, "connections lost: 4, reconnects: 4");
    trial_free(&trial);
}

TEST(test_server_restarts_exact)
{
    /* breaks: a run with -n sends more or fewer than n when connections break */
    trial_start_load(&trial, "-n", "400000", "-P", "16", "--interval", "100ms");
    test_server_pause(&world.server); /* with requests in flight on every connection */
    support_sleep_ms(20);
    test_server_kill(&world.server);
    test_server_restart(&world.server);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 400000);
    ck_assert_int_gt(trial_count(&trial, "requests", "lost"), 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"),
                     trial_count(&trial, "errors_by_kind", "disconnect"));
    trial_free(&trial);
}

TEST(test_server_gone)
{
    /* breaks: a run with -n waits for ever for a server that will not come back, or the limit that ends
     * the wait has another option's name */
    trial_start_load(&trial, "-n", "100m", "--wait-ready", "1s");
    test_server_kill(&world.server);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "reconnecting for 2.0 s at most (--connection-timeout)");
    trial_expect(&trial, PROGRAM_ERR, " could be opened again for 2.0 s (--connection-timeout); ");
    trial_expect_not(&trial, PROGRAM_ERR, "--wait-ready");
    trial_expect(&trial, PROGRAM_ERR, world.server.port_text);
    trial_expect(&trial, PROGRAM_OUT, "Final Results:");
    ck_assert_int_gt(trial_count(&trial, "requests", "ok"), 0);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 4);
    ck_assert_int_gt(trial_count(&trial, "connections", "failed"), 0);
    trial_free(&trial);
}

TEST(test_server_gone_with_duration)
{
    /* breaks: a run with a duration ends early, or hangs, when its server goes, or leaves figures that
     * may be used, or passes for one that went well where only the exit status is looked at */
    trial_start_load(&trial, "-q", "--duration", "2", "--interval", "100ms");
    test_server_kill(&world.server);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "nothing was answered any more from ");
    ck_assert_double_ge(json_real_value(json_object_get(trial.run, "seconds")), 2.0);
    ck_assert_str_eq(trial_verdict(&trial, "lost_or_timed_out"), "RED");
    ck_assert_str_eq(trial_verdict(&trial, "outage"), "RED");
    trial_free(&trial);
}

/* Column of a CSV row, counted from 0. */
static double column(const char *row, int number)
{
    for (; number > 0; number--)
        row = strchr(row, ',') + 1;
    return strtod(row, NULL);
}

TEST(test_server_stalls)
{
    /* breaks: a stall shows as missing rows, or the latency of what waited is not measured */
    trial_start_load(&trial, "--duration", "60", "--csv-interval", "250ms", "--drain-timeout",
                     "60");
    test_server_pause(&world.server);
    support_sleep_ms(3000);
    test_server_resume(&world.server);
    trial_wait_flow("get");
    support_sleep_ms(300); /* the row that holds the end of the stall */
    interrupt_and_end();
    int zeros = 0, zeros_in_turn = 0;
    double longest_us = 0;
    for (const char *row = strchr(trial.program.out, '\n') + 1; *row != '\0';
         row = strchr(row, '\n') + 1) {
        const bool zero = !(column(row, 11) > 0);
        zeros_in_turn = zero ? zeros_in_turn + 1 : 0;
        if (zeros_in_turn > zeros)
            zeros = zeros_in_turn;
        if (column(row, 9) > longest_us)
            longest_us = column(row, 9);
    }
    ck_assert_msg(zeros >= 9, "%d rows of zeros\n%s", zeros, trial.program.out);
    ck_assert_msg(longest_us >= 2.5e6, "%f us at most\n%s", longest_us, trial.program.out);
    ck_assert_double_ge(trial_number(&trial, "response_time_us", "max"), 2.5e6);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "timed_out"), 0);
    trial_free(&trial);
}

TEST(test_request_timeout)
{
    /* breaks: a hung server stops volley for good, or late replies are taken for those of others */
    trial_start_load(&trial, "--duration", "60", "--request-timeout", "200ms", "-P", "4");
    test_server_pause(&world.server);
    support_sleep_ms(1000);
    test_server_resume(&world.server);
    trial_wait_flow("get");
    interrupt_and_end();
    ck_assert_int_gt(trial_count(&trial, "requests", "timed_out"), 0);
    ck_assert_int_ge(trial_count(&trial, "connections", "lost"), 1);
    ck_assert_int_ge(trial_count(&trial, "connections", "opened"), 1);
    trial_expect(&trial, PROGRAM_OUT, "timed out: ");
    trial_free(&trial);
}

TEST(test_timeout_of_the_last_is_time)
{
    /* breaks: the wait for a request that is never answered, at the end of a run with -n, is in no
     * rate, since nothing came after it */
    static const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_SILENT, .skip = 9, .times = 1}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, "-c", "1", "-n", "10", "--request-timeout", "300ms", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 9);
    ck_assert_int_eq(trial_count(&trial, "requests", "timed_out"), 1);
    const double seconds = json_number_value(json_object_get(trial.run, "seconds"));
    const double achieved =
        json_number_value(json_object_get(json_object_get(trial.run, "rate"), "achieved"));
    ck_assert_double_ge(seconds, 0.3);
    ck_assert_double_eq_tol(achieved * seconds, 9, 0.001);
    trial_free(&trial);
}

TEST(test_drain_timeout)
{
    /* breaks: the end of a run waits for a server that never answers, or hides what is missing */
    trial_start_load(&trial, "--duration", "60", "--drain-timeout", "200ms", "-P", "4");
    test_server_pause(&world.server);
    interrupt_and_end();
    ck_assert_int_gt(trial_count(&trial, "errors_by_kind", "drain"), 0);
    ck_assert_int_le(trial_count(&trial, "errors_by_kind", "drain"), 16);
    ck_assert_int_eq(trial_count(&trial, "requests", "in_flight"), 0);
    trial_expect(&trial, PROGRAM_OUT, "lost (drain): ");
    trial_free(&trial);
}

TEST(test_nothing_sent_after_stop)
{
    /* breaks: a connection whose socket was full goes on sending when the run is over */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "set", "-d", "1kb", "-P", "20000", "-c",
                "1", "--duration", "60", "--interval", "100ms", "--drain-timeout", "20",
                "--request-timeout", "60s", NULL);
    trial_wait_calls("set", 1000);
    test_server_pause(&world.server); /* the socket holds less than the pipeline's 20 MB */
    support_sleep_ms(400);
    program_signal(&trial.program, SIGINT);
    program_wait_text(&trial.program, PROGRAM_ERR, "once more to stop at once");
    support_sleep_ms(50); /* the stop is 3 ms ahead */
    test_server_resume(&world.server);
    trial_end(&trial, 130);
    const json_t *intervals = json_object_get(trial.run, "intervals");
    const json_t *last = json_array_get(intervals, json_array_size(intervals) - 1);
    const json_t *requests = json_object_get(last, "requests");
    ck_assert_int_gt(json_integer_value(json_object_get(requests, "ok")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(requests, "sent")), 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    trial_free(&trial);
}

/* A server that cannot be reached -------------------------------------------------------------- */

TEST(test_nothing_listens)
{
    /* breaks: the user waits, or is not told where volley looked */
    char port[8], place[32];
    snprintf(port, sizeof port, "%u", (unsigned)support_free_port());
    snprintf(place, sizeof place, "127.0.0.1:%s", port);
    trial_start(&trial, "-p", port, NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, place);
    trial_expect(&trial, PROGRAM_ERR, "Connection refused");
    ck_assert_uint_eq(trial.program.out_bytes, 0);
    trial_free(&trial);
}

TEST(test_no_socket_file)
{
    /* breaks: a wrong socket path is not named */
    char path[160];
    snprintf(path, sizeof path, "%s/no.sock", world.tree.path);
    trial_start(&trial, "-s", path, NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, path);
    trial_expect(&trial, PROGRAM_ERR, "No such file or directory");
    trial_free(&trial);
}

TEST(test_unknown_host)
{
    /* breaks: a host that does not resolve gives a riddle */
    trial_start(&trial, "-h", "no-such-host.invalid", "-p", "6379", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "cannot resolve host 'no-such-host.invalid'");
    trial_free(&trial);
}

static const struct fake_script mute_scripts[] = {
    {.never_accept = true},
    {.rules = &(const struct fake_rule){.action = FAKE_SILENT}, .rule_count = 1},
    /* the control connection is served, the workers' are not */
    {.rules = &(const struct fake_rule){.command = "PING", .action = FAKE_SILENT, .skip = 1},
     .rule_count = 1},
};

LOOP_TEST(test_mute_server, 3)
{
    /* breaks: a server that accepts and never answers (stopped, full) hangs volley */
    fake_server_start(&world.fake, &mute_scripts[_i]);
    trial_start(&trial, FAKE_LOAD, "-c", "4", "--connection-timeout", "300ms", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, world.fake.port_text);
    trial_expect(&trial, PROGRAM_ERR, "no answer ");
    trial_free(&trial);
}

TEST(test_maxclients)
{
    /* breaks: a load on fewer connections than asked for passes for the whole, or nothing says what
     * to do about it */
    test_server_start(&world.server, NULL);
    free(test_server_text(&world.server, "CONFIG SET maxclients 10"));
    trial_start(&trial, "-p", world.server.port_text, "-c", "20", "--processes", "2", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, " of 20 connections");
    trial_expect(&trial, PROGRAM_ERR, "max number of clients reached");
    trial_expect(&trial, PROGRAM_ERR, "raise maxclients");
    trial_free(&trial);
}

TEST(test_some_refused)
{
    /* breaks: k of n connections count as all, or as none */
    fake_server_start(&world.fake, &(struct fake_script){.accept_max = 4});
    trial_start(&trial, FAKE_LOAD, "-c", "20", "--connection-timeout", "1s", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "3 of 20 connections to 127.0.0.1:"); /* control: one */
    trial_free(&trial);
}

TEST(test_password)
{
    /* breaks: a wrong or missing password, user or database is not told in the server's words */
    const struct test_server_options options = {.password = "right"};
    test_server_start(&world.server, &options);
    const struct {
        const char *option, *value, *option2, *value2, *words;
    } cases[] = {
        {"-a", "wrong", "-q", NULL, "WRONGPASS invalid username-password pair"},
        {"-q", NULL, NULL, NULL, "NOAUTH Authentication required"},
        {"-a", "right", "--user", "nobody", "WRONGPASS invalid username-password pair"},
        {"-a", "right", "--dbnum", "99", "ERR DB index is out of range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *args[4] = {NULL};
        size_t count = 0;
        const char *const given[] = {cases[i].option, cases[i].value, cases[i].option2,
                                     cases[i].value2};
        for (size_t k = 0; k < 4; k++)
            if (given[k] != NULL)
                args[count++] = given[k];
        trial_start(&trial, "-p", world.server.port_text, args[0], args[1], args[2], args[3], NULL);
        trial_end(&trial, 5);
        trial_expect(&trial, PROGRAM_ERR, cases[i].words);
        trial_expect_not(&trial, PROGRAM_ERR, "right");
        trial_free(&trial);
    }
    trial_start(&trial, "-p", world.server.port_text, "-a", "right", "--dbnum", "3", "-n", "100",
                NULL);
    trial_end(&trial, 0);
    trial_free(&trial);
}

static const char loading[] = "-LOADING Valkey is loading the dataset in memory\r\n";

TEST(test_loading_ends)
{
    /* breaks: a server that is loading its data is taken for a dead one */
    const struct fake_rule rules[] = {
        {.command = "PING", .action = FAKE_REPLY, .bytes = loading, .times = 3}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, "-c", "2", "-n", "100", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "is loading its data; waiting up to 1m");
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    trial_free(&trial);
}

TEST(test_loading_while_workers_connect)
{
    /* breaks: a server that loads again while workers connect (a failover) fails the run */
    const struct fake_rule rules[] = {
        {.command = "PING", .action = FAKE_REPLY, .bytes = loading, .skip = 1, .times = 3}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, "-c", "2", "-n", "100", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    trial_free(&trial);
}

TEST(test_loading_for_ever)
{
    /* breaks: --wait-ready has no effect */
    const struct fake_rule rules[] = {{.action = FAKE_REPLY, .bytes = loading}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, "--wait-ready", "300ms", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "LOADING Valkey is loading the dataset in memory");
    trial_expect(&trial, PROGRAM_ERR, "--wait-ready");
    trial_free(&trial);
}

/* A server that answers badly ------------------------------------------------------------------ */

TEST(test_only_errors)
{
    /* breaks: a run in which nothing succeeds passes for a good one */
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "-OOM command not allowed\r\n"}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, "-c", "2", "-n", "100", NULL);
    trial_end(&trial, 1);
    trial_expect(&trial, PROGRAM_ERR, "no request succeeded");
    trial_expect(&trial, PROGRAM_OUT, "OOM: 100 (first: OOM command not allowed)");
    ck_assert_int_eq(trial_count(&trial, "requests", "errors"), 100);
    ck_assert_int_eq(trial_count(&trial, "errors_by_kind", "OOM"), 100);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 0);
    trial_free(&trial);
}

TEST(test_greeting_is_rubbish)
{
    /* breaks: something that is no Valkey server gives a riddle, or a hang */
    const struct fake_rule rules[] = {
        {.action = FAKE_REPLY, .bytes = "HTTP/1.1 400 Bad Request\r\n\r\n"}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, QUICK, NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "does not speak the Valkey/Redis protocol");
    trial_free(&trial);
}

TEST(test_refuses_after_start)
{
    /* breaks: connections that break while nobody listens any more end volley, or spin it */
    static const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_CLOSE_LISTENER, .skip = 10, .times = 1},
        {.command = "GET", .action = FAKE_RESET, .skip = 20, .times = 1}};
    fake_server_start(&world.fake, RULES(rules));
    trial_start(&trial, FAKE_LOAD, "-c", "2", "-n", "1000", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 999);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 1);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 1);
    ck_assert_int_eq(trial_count(&trial, "connections", "open"), 1);
    trial_free(&trial);
}

TEST_SUITE_WITH(dead_server, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
