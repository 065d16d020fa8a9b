/* Servers that take their time over what they are asked before a run, for ever if they are let: volley goes by
 * its own deadlines, and by Ctrl+C. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LOAD "-p", world.fake.port_text, "-t", "get", "-r", "100", "--processes", "1", "-c", "2"
/* Longer than any test may take: what ends before has not ended by them. */
#define PATIENT "--connection-timeout", "300s", "--request-timeout", "300s"

static struct trial trial;

static void serve(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = rule_count});
}

static const struct fake_rule slow[][2] = {
    /* each answer is quick enough, all of them are not */
    {{.command = "INFO", .action = FAKE_DEFAULT, .delay_ms = 1900},
     {.command = "CONFIG", .action = FAKE_DEFAULT, .delay_ms = 1900}},
    /* so late that it is over, and then there is no connection */
    {{.command = "CLIENT", .action = FAKE_CLOSE, .delay_ms = 100},
     {.command = "INFO", .action = FAKE_CLOSE, .skip = 1, .delay_ms = 5500}},
};

LOOP_TEST(test_slow_answers_beside_the_load, COUNT(slow))
{
    /* Breaks when what the load does not need is waited for one question after the other, each with a limit of
     * its own. */
    serve(slow[_i], 2);
    trial_start(&trial, LOAD, PATIENT, "-n", "100", "--client-name", "load", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "takes more than 5s over what is asked beside the load");
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    trial_free(&trial);
}

/* Questions whose answer the load could do without, and never comes. */
static const struct {
    struct fake_rule rule;
    const char *words[5];
} unneeded[] = {
    /* whether it is in a cluster; what the load needs behind that is answered all the same */
    {{.command = "INFO", .action = FAKE_SILENT}, {"-t", "get", "-r", "100", "-3"}},
    /* whether a command has a key */
    {{.command = "COMMAND", .action = FAKE_SILENT}, {"--", "get", "key"}},
};

LOOP_TEST(test_no_answers_beside_the_load, COUNT(unneeded))
{
    /* Breaks when the time-outs that a user gives the load hold for what it does not need. */
    const char *const *words = unneeded[_i].words;
    serve(&unneeded[_i].rule, 1);
    trial_start(&trial, "-p", world.fake.port_text, "--processes", "1", "-c", "2", PATIENT, "-n",
                "100", words[0], words[1], words[2], words[3], words[4], NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "takes more than 5s over what is asked beside the load");
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    trial_free(&trial);
}

/* Each goes on for longer than a test may take. */
static const struct {
    struct fake_rule rule;
    uint64_t commands; /* the one that is answered so is among the first ones */
} endless[] = {
    {{.command = "PING", .action = FAKE_SILENT}, 1},
    {{.command = "PING",
      .action = FAKE_REPLY_BYTEWISE,
      .bytes = "+++++++++++++",
      .delay_ms = 20000},
     1},
    {{.command = "PING",
      .action = FAKE_REPLY_BYTEWISE,
      .bytes = "*9999\r\n*9999\r\n*9999\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n",
      .delay_ms = 1},
     1},
    {{.command = "INFO", .action = FAKE_SILENT}, 2},
    {{.command = "INFO", .action = FAKE_SILENT, .skip = 1}, 3},
    {{.command = "HELLO", .action = FAKE_SILENT}, 4},
};

LOOP_TEST(test_interrupted, 2 * (int)COUNT(endless))
{
    /* Breaks when volley waits for an answer and does not hear Ctrl+C. */
    serve(&endless[_i / 2].rule, 1);
    trial_start(&trial, LOAD, PATIENT, _i % 2 == 0 ? "-3" : "--seed=1", "--duration", "300", NULL);
    fake_server_wait(&world.fake.counters->commands, endless[_i / 2].commands);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    trial_expect_not(&trial, PROGRAM_ERR, "takes more than");
    trial_free(&trial);
}

TEST(test_drop_by_drop)
{
    /* Breaks when each byte that comes is given the whole time-out again, or nobody says what was asked. */
    static const struct fake_rule rules[] = {
        {.command = "INFO",
         .action = FAKE_REPLY_BYTEWISE,
         .bytes = "*9999\r\n*9999\r\n*9999\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n",
         .delay_ms = 20}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "--connection-timeout", "300ms", "--request-timeout", "300ms",
                "--duration", "1", NULL);
    trial_end(&trial, 0); /* the load does not need the answer */
    trial_expect(&trial, PROGRAM_ERR, "no answer to INFO within 300ms");
    trial_free(&trial);
}

TEST_SUITE_WITH(hostile_server, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
