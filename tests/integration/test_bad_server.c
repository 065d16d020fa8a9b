/* Servers that answer rubbish, half a reply or a reply without end, one run of volley for each kind of end; the
 * many that are possible are those of tests/unit/test_bad_replies.c. And what the orchestrator makes of
 * bad answers to its own questions. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define LOAD "-p", world.fake.port_text, "-t", "get", "-r", "100", "--processes", "1"
/* What makes a load open; the same number of arguments for both. */
#define RATE(open, rate) ((open) ? "--qps" : "--request-timeout"), ((open) ? (rate) : "5s")
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct trial trial;

static void serve(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = rule_count});
}

/* Every request is a success or lost to one of these, and each loss took its connection. */
static void assert_whole(long long sent)
{
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), sent);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok") +
                         trial_count(&trial, "requests", "lost") +
                         trial_count(&trial, "requests", "timed_out"),
                     sent);
    ck_assert_str_eq(trial_verdict(&trial, "lost_workers"), "GREEN");
    ck_assert_int_eq(trial_restarts(&trial), 0);
}

static const struct {
    struct fake_rule rule;
    const char *said; /* where two requests are lost, or time out */
} bad_replies[] = {
    {{.action = FAKE_REPLY, .bytes = "$3\r\nabcdef\r\n"}, "lost (protocol): 2"},
    {{.action = FAKE_REPLY, .bytes = "$100\r\nhalf a rep"}, "timed out: 2"},
    {{.action = FAKE_CLOSE, .bytes = "$100\r\nhalf a rep"}, "lost (disconnect): 2"},
    {{.action = FAKE_CLOSE}, "lost (disconnect): 2"},
    {{.action = FAKE_RESET}, "lost (disconnect): 2"},
};

LOOP_TEST(test_bad_reply, 2 * COUNT(bad_replies))
{
    /* Breaks when what is no reply ends the run, passes for one, or is not told with its cause; every second
     * test has a rate. */
    const bool open = _i % 2 != 0;
    struct fake_rule rule = bad_replies[_i / 2].rule;
    rule.command = "GET";
    rule.skip = 10;
    rule.times = 2;
    serve(&rule, 1);
    trial_start(&trial, LOAD, "-c", "2", "-n", "100", "--request-timeout", "500ms",
                open ? "--qps" : "--interval", open ? "5k" : "1s", NULL);
    trial_end(&trial, 0);
    assert_whole(100);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 98);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
    ck_assert_int_ge(trial_count(&trial, "connections", "opened"), 1);
    trial_expect(&trial, PROGRAM_OUT, bad_replies[_i / 2].said);
    trial_free(&trial);
}

LOOP_TEST(test_nothing_but_rubbish, 2)
{
    /* breaks: a server that never answers well makes volley crash, hang, or report a success */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "rubbish\r\n"}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "-n", "20", RATE(open, "1k"), NULL);
    trial_end(&trial, 1);
    assert_whole(20);
    ck_assert_int_eq(trial_count(&trial, "errors_by_kind", "protocol"), 20);
    trial_expect(&trial, PROGRAM_ERR, "no request succeeded");
    trial_free(&trial);
}

LOOP_TEST(test_endless, 2)
{
    /* Breaks when a value that never ends keeps the time-out, and the other connections, from their turn; the
     * second test has a rate. */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_ENDLESS_BULK, .skip = 20, .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "4", "-n", "300", "--request-timeout", "500ms",
                open ? "--qps" : "--interval", open ? "500" : "1s", NULL);
    trial_end(&trial, 0);
    assert_whole(300);
    /* 4 GiB and no end of line is rubbish, for a machine that reads them in time */
    ck_assert_int_eq(trial_count(&trial, "requests", "timed_out") +
                         trial_count(&trial, "errors_by_kind", "protocol"),
                     2);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 298);
    trial_free(&trial);
}

LOOP_TEST(test_signal_in_endless, 2)
{
    /* Breaks when Ctrl+C has no effect while values without end come in on all connections; the second test
     * has a rate. */
    const struct fake_rule rules[] = {{.command = "GET", .action = FAKE_ENDLESS_BULK, .skip = 20}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "--request-timeout", "60s", "--drain-timeout", "100ms",
                _i != 0 ? "--qps" : "--interval", _i != 0 ? "1k" : "1s", NULL);
    fake_server_wait(&world.fake.counters->commands, 20);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_le(trial_count(&trial, "requests", "lost"), 3);
    trial_free(&trial);
}

/* The first words ------------------------------------------------------------------------------ */

static const struct {
    struct fake_rule rule;
    const char *said;
} greetings[] = {
    {{.command = "PING", .action = FAKE_REPLY, .bytes = "SSH-2.0-OpenSSH\r\n", .skip = 1},
     "not RESP"},
    {{.command = "PING", .action = FAKE_REPLY, .bytes = "+PON", .skip = 1}, "no answer within"},
    {{.command = "PING", .action = FAKE_ENDLESS_BULK, .skip = 1}, "no answer within"},
    {{.command = "PING", .action = FAKE_CLOSE, .bytes = "+PO", .skip = 1}, "closed"},
    {{.command = "PING", .action = FAKE_RESET, .skip = 1}, "reset"},
    {{.command = FAKE_ON_CONNECT, .action = FAKE_REPLY, .bytes = "220 ESMTP\r\n", .skip = 1},
     "not RESP"},
};

LOOP_TEST(test_bad_greeting, COUNT(greetings))
{
    /* breaks: what the workers' connections hear first is not told, or waited for without limit */
    serve(&greetings[_i].rule, 1);
    trial_start(&trial, LOAD, "-c", "3", "--connection-timeout", "500ms", "--wait-ready", "1s",
                NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "0 of 3 connections");
    trial_expect(&trial, PROGRAM_ERR, greetings[_i].said);
    trial_free(&trial);
}

TEST(test_reset_while_greeting_again)
{
    /* Breaks when a connection that is opened anew and reset at once is never tried again, or carries
     * requests. */
    const struct fake_rule rules[] = {
        {.command = "PING", .action = FAKE_RESET, .bytes = "+P", .skip = 2, .times = 2},
        {.command = "GET", .action = FAKE_RESET, .skip = 10, .times = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-n", "50", NULL);
    trial_end(&trial, 0);
    assert_whole(50);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 49);
    ck_assert_int_eq(trial_count(&trial, "connections", "failed"), 2);
    ck_assert_int_eq(trial_count(&trial, "connections", "opened"), 1);
    trial_free(&trial);
}

/* What the orchestrator asks on the side ------------------------------------------------------- */

/* The first INFO asks whether it is a cluster, the later ones what to write into the report. */
static const struct {
    struct fake_rule rule;
    const char *said; /* NULL: the load runs all the same */
} aside[] = {
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "rubbish\r\n"}, "does not speak"},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$100\r\nhalf"}, NULL},
    {{.command = "INFO", .action = FAKE_CLOSE, .bytes = "$100\r\nhalf"}, NULL},
    {{.command = "INFO", .action = FAKE_ENDLESS_BULK}, "more than 16 MB"},
    {{.command = "INFO", .action = FAKE_ENDLESS, .bytes = "+", .more = "x"}, "more than 16 MB"},
    {{.command = "PING", .action = FAKE_REPLY, .bytes = "*2147483647\r\n"}, "more than 16 MB"},
    {{.command = "PING", .action = FAKE_ENDLESS, .bytes = "*4000000\r\n", .more = "*0\r\n"},
     "more than 1048576 elements"},
    {{.command = "INFO", .action = FAKE_ENDLESS, .bytes = "-", .more = "x", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "*2147483647\r\n", .skip = 1}, NULL},
    {{.command = "CONFIG", .action = FAKE_ENDLESS, .bytes = "*9999\r\n", .more = "*9999\r\n"},
     NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "rubbish\r\n", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$100\r\nhalf", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_CLOSE, .bytes = "$100\r\nhalf", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_ENDLESS_BULK, .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "*3\r\n+a\r\n+b\r\n+c\r\n"}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$-1\r\n"}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$20\r\nredis_version:\r\n:::\r\r\n"},
     NULL},
    {{.command = "CONFIG", .action = FAKE_REPLY, .bytes = "*2\r\n:1\r\n:2\r\n"}, NULL},
    {{.command = "CONFIG", .action = FAKE_REPLY, .bytes = "*1\r\n*0\r\n"}, NULL},
    {{.command = "CONFIG", .action = FAKE_RESET}, NULL},
    {{.command = "CONFIG", .action = FAKE_ENDLESS_BULK}, NULL},
};

LOOP_TEST(test_bad_answers_aside, COUNT(aside))
{
    /* breaks: a server that answers INFO or CONFIG badly crashes or hangs volley, fills the memory (1 GiB
     * is all there is), is not told why it is refused, or a mute one ends the run where time-outs are short */
    serve(&aside[_i].rule, 1);
    const bool sanitized = getenv("VOLLEY_SANITIZED") != NULL; /* needs terabytes of addresses */
    /* what is refused has to arrive whole, however busy the machine is */
    const char *limit = aside[_i].said != NULL ? "60s" : "1s";
    trial_start_shell(&trial, sanitized ? ":" : "ulimit -v 1048576", "", LOAD, "-c", "2", "-n",
                      "100", "--connection-timeout", limit, "--request-timeout", limit, NULL);
    trial_end(&trial, aside[_i].said != NULL ? 5 : 0);
    if (aside[_i].said != NULL)
        trial_expect(&trial, PROGRAM_ERR, aside[_i].said);
    else
        ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    trial_free(&trial);
}

TEST_SUITE_WITH(bad_server, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
