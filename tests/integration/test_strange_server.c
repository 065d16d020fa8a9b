/* Servers that are not quite what they were: a proxy that closes on commands it does not know, a server
 * whose PING has another name. What the load itself does not need may be refused in any way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FAKE_LOAD "-p", world.fake.port_text, "-r", "100", "--processes", "1", "-c", "2", "-n", "60"

static struct trial trial;

static void serve(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = rule_count});
}

static void expect_ok(long long requests)
{
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), requests);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), requests);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 0);
}

/* A proxy -------------------------------------------------------------------------------------- */

static const struct fake_rule closing[] = {
    {.command = "GET", .action = FAKE_DEFAULT},
    {.command = "SET", .action = FAKE_DEFAULT},
    {.command = "PING", .action = FAKE_DEFAULT},
    {.action = FAKE_CLOSE},
};
/* The same without PING. */
static const struct fake_rule closing_on_ping[] = {
    {.command = "GET", .action = FAKE_DEFAULT},
    {.command = "SET", .action = FAKE_DEFAULT},
    {.action = FAKE_CLOSE},
};

static const char *const asked_beside[][2] = {
    {"--progress", "--progress"},
    {"-3", "--client-name=load"},
    {"--extended-metrics", "--duration=1"},
};

LOOP_TEST(test_closes_on_what_it_does_not_know, 2 * COUNT(asked_beside))
{
    /* Breaks when a question that the load does not need ends the run because it is answered by closing
     * the connection: INFO, HELLO, CONFIG, CLIENT SETNAME, DBSIZE, and PING. */
    bool with_ping = _i % 2 == 0;
    const char *const *beside = asked_beside[_i / 2];
    serve(with_ping ? closing : closing_on_ping,
          with_ping ? COUNT(closing) : COUNT(closing_on_ping));
    trial_start(&trial, FAKE_LOAD, "-t", "get,set", beside[0], beside[1], NULL);
    trial_end(&trial, 0);
    if (strcmp(beside[0], "--extended-metrics") != 0)
        expect_ok(60);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    ck_assert_int_eq(trial_count(&trial, "connections", "failed"), 0);
    trial_free(&trial);
}

TEST(test_closing_questions_are_asked_once)
{
    /* Breaks when a question that the server closes on is asked again and again. PING, and then INFO and
     * CONFIG, each take one connection with them; the load has two. */
    const uint64_t control_connections = 1 + 3;
    serve(closing_on_ping, COUNT(closing_on_ping));
    trial_start(&trial, FAKE_LOAD, "-t", "get", NULL);
    trial_end(&trial, 0);
    expect_ok(60);
    ck_assert_uint_eq(world.fake.counters->accepted, control_connections + 2);
    trial_free(&trial);
}

TEST(test_closes_on_everything)
{
    /* Breaks when a server that closes every connection passes for one that only closes on questions. */
    static const struct fake_rule rules[] = {{.action = FAKE_CLOSE}};
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "get", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "closed the connection without an answer");
    trial_free(&trial);
}

TEST(test_closes_on_what_the_load_needs)
{
    /* Breaks when a database or a password that a proxy cannot take is not named as what it closed on. */
    serve(closing, COUNT(closing));
    trial_start(&trial, FAKE_LOAD, "-t", "get", "--dbnum", "3", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "SELECT 3: ");
    trial_expect(&trial, PROGRAM_ERR, "closed the connection");
    trial_free(&trial);
}

TEST(test_samples_without_some_questions)
{
    /* Breaks when a server that closes on one question of the sampler gives no sample at all, or is asked it
     * for ever. */
    static const struct fake_rule rules[] = {{.command = "DBSIZE", .action = FAKE_CLOSE}};
    serve(rules, COUNT(rules));
    trial_start(&trial, "-p", world.fake.port_text, "-r", "100", "--processes", "1", "-c", "2",
                "--qps", "500", "--duration", "2", "-t", "get", "--extended-metrics",
                "--monitoring-interval", "100ms", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "it closes the connection on DBSIZE, and is not asked that");
    ck_assert_uint_le(world.fake.counters->accepted, 2 + 1 + 3);
    trial_free(&trial);
}

/* Words ---------------------------------------------------------------------------------------- */

TEST(test_refusals_in_any_words)
{
    /* Breaks when a question beside the load may be refused in the words of one server only. */
    static const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_DEFAULT},
        {.action = FAKE_REPLY, .bytes = "-no, not here\r\n"},
    };
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "get", "-3", "--client-name", "load", NULL);
    trial_end(&trial, 0);
    expect_ok(60);
    trial_expect(&trial, PROGRAM_ERR, "CLIENT SETNAME: no, not here");
    trial_free(&trial);
}

TEST(test_every_question_is_refused)
{
    /* Breaks when a server that knows none of the questions, but the command of the load, is not used. */
    static const struct fake_rule rules[] = {
        {.command = "INCR", .action = FAKE_DEFAULT},
        {.action = FAKE_REPLY, .bytes = "-ERR what?\r\n"},
    };
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "incr", NULL);
    trial_end(&trial, 0);
    expect_ok(60);
    trial_free(&trial);
}

LOOP_TEST(test_who_serves_nobody_is_seen, 3)
{
    /* Breaks when a server without PING that is full, loads its data or wants a password passes for one
     * that serves. */
    static const struct {
        const char *reply, *said;
    } bars[] = {
        {"-ERR max number of clients reached\r\n", "max number of clients reached"},
        {"-NOAUTH Authentication required.\r\n", "asks for a password"},
        {"-LOADING the dataset\r\n", "is still loading its data"},
    };
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = bars[_i].reply},
        {.action = FAKE_REPLY, .bytes = "-ERR unknown command 'PING'\r\n"},
    };
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "get", "--wait-ready", "0", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, bars[_i].said);
    trial_free(&trial);
}

TEST(test_renamed_commands)
{
    /* Breaks when a real server whose PING, INFO and CONFIG have other names cannot be used. */
    static const char *const args[] = {"--rename-command",
                                       "PING",
                                       "",
                                       "--rename-command",
                                       "INFO",
                                       "hidden-info",
                                       "--rename-command",
                                       "CONFIG",
                                       "",
                                       NULL};
    test_server_start(&world.server, &(struct test_server_options){.args = args});
    trial_start(&trial, "-p", world.server.port_text, "-r", "100", "-c", "3", "-n", "200", "-t",
                "set,get", NULL);
    trial_end(&trial, 0);
    expect_ok(200);
    trial_free(&trial);
}

TEST_SUITE_WITH(strange_server, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
