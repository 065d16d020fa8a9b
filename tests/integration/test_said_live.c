/* What a user is told on stderr while the load is still on: a target that goes away and comes back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90

static struct program program;

#define start(...)                                                                                 \
    program_start_volley(&program, __VA_ARGS__, "-p", world.server.port_text, "-t", "get", "-r",   \
                         "100", "-c", "4", "--processes", "2", NULL)

static unsigned occurrences(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* The test's own time limit ends it. */
static void wait_occurrences(const char *part, unsigned count)
{
    for (unsigned seen = 0; seen < count; support_sleep_ms(5)) {
        char *err = program_output(&program, PROGRAM_ERR);
        seen = occurrences(err, part);
        free(err);
    }
}

/* Rows come once a second: the connections have to tell it. */
static const char *const modes[][8] = {
    {"bench", "--duration", "60", "--progress", "-q", NULL},
    {"bench", "--duration", "60", "-q", NULL},
    {"bench", "--duration", "60", "--csv", NULL},
    {"bench", "--duration", "60", "--json", "-", NULL},
    {"bench", "-n", "100m", "--wait-ready", "60s", NULL},
    {"bench", "--duration", "60", "--qps", "2000", "--csv-interval", "1s", NULL},
    {"bench", "--duration", "60", "--reconnect-every", "1", "-q", NULL},
    {"sweep", "--clients", "4,8", "--step-duration", "60", "--json", "-", NULL},
    {"find-max", "--slo", "errors<50%", "--window", "60s", NULL},
};

static void start_mode(const char *const *mode)
{
    const char *argv[32] = {program_volley()};
    size_t count = 1;
    for (; *mode != NULL; mode++)
        argv[count++] = *mode;
    const char *const target[] = {"-p",  world.server.port_text, "-t", "get", "-r",
                                  "100", "--processes",          "2"};
    for (size_t i = 0; i < sizeof target / sizeof target[0]; i++)
        argv[count++] = target[i];
    program_start(&program, &(struct program_options){.argv = argv});
}

LOOP_TEST(a_server_dies_and_comes_back, sizeof modes / sizeof modes[0])
{
    /* Breaks when a user learns that the server has died only from the report, or on the stream of the
     * results, or is not told that it is back. */
    const char *const *mode = modes[_i];
    test_server_start(&world.server, NULL);
    start_mode(mode);
    trial_wait_calls("get", 500);
    test_server_kill(&world.server);
    program_wait_text(&program, PROGRAM_ERR, " is gone: ");
    program_wait_text(&program, PROGRAM_ERR, ", connection refused; reconnecting");
    test_server_restart(&world.server);
    program_wait_text(&program, PROGRAM_ERR, " answers again after ");
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 130);
    ck_assert_uint_eq(occurrences(program.err, " is gone: "), 1);
    ck_assert_uint_eq(occurrences(program.err, " answers again "), 1);
    ck_assert_uint_eq(occurrences(program.out, " is gone: "), 0);
    char who[64];
    snprintf(who, sizeof who, ": 127.0.0.1:%s is gone: ", world.server.port_text);
    ck_assert_ptr_nonnull(strstr(program.err, who));
    program_free(&program);
}

TEST(how_many_and_how_long)
{
    /* Breaks when the line does not say how many connections were lost, or when nobody waits any more. */
    test_server_start(&world.server, NULL);
    start("bench", "-q", "--duration", "60");
    trial_wait_calls("get", 500);
    test_server_kill(&world.server);
    program_wait_text(
        &program, PROGRAM_ERR,
        " is gone: 4 connections lost, connection refused; reconnecting until the run "
        "ends at 60.0 s\n");
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_free(&program);
    test_server_restart(&world.server);
    start("bench", "-q", "-n", "100m", "--wait-ready", "2s");
    trial_wait_calls("get", 500);
    test_server_kill(&world.server);
    program_wait_text(&program, PROGRAM_ERR, "; reconnecting for 2.0 s at most (--wait-ready)\n");
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 5);
    program_free(&program);
}

TEST(a_server_stands_still)
{
    /* Breaks when a server that keeps its connections and answers nothing is told of at the end only,
     * or more than once. */
    test_server_start(&world.server, NULL);
    start("bench", "-q", "--duration", "60", "--interval", "100ms", "--request-timeout", "60s");
    trial_wait_calls("get", 500);
    support_sleep_ms(300); /* rows from which the usual gap is known */
    test_server_pause(&world.server);
    program_wait_text(&program, PROGRAM_ERR, " has succeeded for 1.");
    support_sleep_ms(300);
    test_server_resume(&world.server);
    program_wait_text(&program, PROGRAM_ERR, " succeed again after 1.");
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_uint_eq(occurrences(program.err, " has succeeded for "), 1);
    ck_assert_uint_eq(occurrences(program.err, " succeed again "), 1);
    program_free(&program);
}

TEST(a_server_that_flaps)
{
    /* Breaks when a server that dies again and again floods the terminal. */
    test_server_start(&world.server, NULL);
    start("bench", "-q", "--duration", "60");
    trial_wait_calls("get", 500);
    for (unsigned i = 1; i <= 12; i++) {
        test_server_kill(&world.server);
        if (i <= 10)
            wait_occurrences(" is gone: ", i);
        else
            wait_occurrences("outages of the target are told no more", 1);
        if (i == 12)
            support_sleep_ms(300); /* nothing is to be said of it */
        test_server_restart(&world.server);
        trial_wait_calls("get", 10);
    }
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_uint_eq(occurrences(program.err, " is gone: "), 10);
    ck_assert_uint_eq(occurrences(program.err, " answers again "), 10);
    ck_assert_uint_eq(occurrences(program.err, "told no more"), 1);
    program_free(&program);
}

/* A server of volley's own, whose process id the log tells. */
static pid_t wait_managed(void)
{
    program_wait_text(&program, PROGRAM_ERR, "(pid ");
    char *err = program_output(&program, PROGRAM_ERR);
    const pid_t pid = (pid_t)strtol(strstr(err, "(pid ") + strlen("(pid "), NULL, 10);
    free(err);
    ck_assert_int_gt(pid, 1);
    program_wait_text(&program, PROGRAM_ERR, "] Progress: "); /* the load is on */
    return pid;
}

TEST(a_managed_server_dies)
{
    /* Breaks when volley's own server is killed, by the kernel when memory ran out perhaps, and all that
     * is said of it is that connections were lost. */
    program_start_volley(&program, "bench", "--managed", "-q", "--duration", "60", "--progress",
                         "--log-level", "info", NULL);
    kill(wait_managed(), SIGKILL);
    program_wait_text(&program, PROGRAM_ERR, " was killed by signal 9 (Killed)");
    program_wait_text(&program, PROGRAM_ERR, " is gone: ");
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_uint_eq(occurrences(program.err, " was killed by signal "), 1);
    program_free(&program);
    trial_nothing_left(5000);

    program_start_volley(&program, "bench", "--managed", "-q", "--duration", "60", "--progress",
                         "--log-level", "info", NULL);
    kill(wait_managed(), SIGTERM);
    program_wait_text(&program, PROGRAM_ERR, " ended with status 0; it said last: ");
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_free(&program);
}

TEST(chaos_is_no_surprise)
{
    /* Breaks when a server that volley kills itself, or stops at the end, is told of as if it had died,
     * or a node of a cluster that goes away has no name. */
    char path[256];
    temp_tree_write(&world.tree, "/kill.yaml", "- at 500ms: kill node 1\n", 0600);
    snprintf(path, sizeof path, "%s/kill.yaml", world.tree.path);
    program_start_volley(&program, "bench", "--managed", "cluster=3", "-t", "set", "-r", "1000",
                         "-q", "--duration", "60", "--chaos", path, NULL);
    program_wait_text(&program, PROGRAM_ERR, " is gone: ");
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_ptr_null(strstr(program.err, "was killed by"));
    ck_assert_ptr_null(strstr(program.err, "ended with"));
    ck_assert_uint_eq(occurrences(program.err, " is gone: "), 1);
    program_free(&program);
}

TEST_SUITE_WITH(said_live, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
