/* --extended-metrics against real servers, and against some that do not answer. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define WAIT_MS 20000
#define SAMPLING                                                                                   \
    "-r", "100", "-c", "4", "--processes", "2", "--interval", "100ms", "--extended-metrics",       \
        "--monitoring-interval", "100ms"

static struct trial trial;
static struct test_server replica;
static char directory[160];

static void set_up(void)
{
    trial_set_up();
    memset(&replica, 0, sizeof replica);
    snprintf(directory, sizeof directory, "%.100s/out", world.tree.path);
}

static void tear_down(void)
{
    test_server_stop(&replica);
    trial_tear_down();
}

/* The values of a column of DIR/intervals.csv, from its second line on; returns how many. */
static size_t column(const char *name, double *values, size_t max)
{
    char *text = trial_read_file(directory, "intervals.csv");
    size_t wanted = 0, count = 0;
    const char *at = text;
    while (strncmp(at, name, strlen(name)) != 0 || strchr(",\n", at[strlen(name)]) == NULL) {
        at += strcspn(at, ",\n");
        ck_assert_msg(*at == ',', "no column %s", name);
        at++;
        wanted++;
    }
    for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *cell = line;
        for (size_t i = 0; i < wanted; i++)
            cell = strchr(cell, ',') + 1;
        ck_assert_uint_lt(count, max);
        values[count++] = strtod(cell, NULL);
    }
    free(text);
    return count;
}

static size_t count_of(const double *values, size_t count, double value)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += !(values[i] < value) && !(values[i] > value);
    return found;
}

#define ROWS_MAX 700
static double values[ROWS_MAX];

LOOP_TEST(test_keys_are_counted, 2)
{
    /* breaks: the samples are of another database, need no password, or are not in the CSV */
    static const char *const arguments[] = {"--unixsocketperm", "700", NULL};
    test_server_start(&world.server, &(struct test_server_options){.args = arguments,
                                                                   .password = "secret",
                                                                   .unix_socket = true});
    const char *where = _i == 0 ? "-p" : "-s";
    const char *which = _i == 0 ? world.server.port_text : world.server.socket_path;
    free(test_server_text(&world.server, "SET outside 1")); /* in database 0 */
    trial_start(&trial, where, which, "-a", "secret", "--dbnum", "3", SAMPLING, "-t", "set",
                "--duration", "2", "--out", directory, NULL);
    trial_end(&trial, 0);
    size_t rows = column("keyspace_count", values, ROWS_MAX);
    ck_assert_uint_ge(rows, 2);
    ck_assert_uint_ge(count_of(values, rows, 100), 1);
    ck_assert_double_eq_tol(values[rows - 1], 100, 0.1);
    trial_expect(&trial, PROGRAM_OUT, "\nKeyspace Monitoring:\n");
    trial_expect(&trial, PROGRAM_OUT, "Keys at the last sample: 100\n");
    trial_expect(&trial, PROGRAM_OUT, "Role: primary without replicas");
    trial_expect(&trial, PROGRAM_OUT, "Connections: 4\n50% <= ");
    trial_expect_not(&trial, PROGRAM_OUT, "without an answer");
    trial_expect_not(&trial, PROGRAM_ERR, "sampling");
    trial_free(&trial);
}

TEST(test_a_rebuilt_csv_is_the_same)
{
    /* breaks: `volley report` cannot rebuild the columns of a run whose files are lost */
    struct program program;
    char path[200];
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, SAMPLING, "-t", "set", "--qps", "500",
                "--duration", "1", "--out", directory, NULL);
    trial_end(&trial, 0);
    char *before = trial_read_file(directory, "intervals.csv");
    snprintf(path, sizeof path, "%s/intervals.csv", directory);
    ck_assert_int_eq(unlink(path), 0);
    program_run_volley(&program, "report", directory, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    char *after = trial_read_file(directory, "intervals.csv");
    ck_assert_str_eq(before, after);
    ck_assert_ptr_nonnull(strstr(program.out, "\nKeyspace Monitoring:\n"));
    size_t rows = column("target_rate", values, ROWS_MAX);
    ck_assert_uint_ge(count_of(values, rows, 500), 3);
    rows = column("connections", values, ROWS_MAX);
    ck_assert_uint_eq(count_of(values, rows, 4), rows);
    program_free(&program);
    free(before);
    free(after);
    trial_free(&trial);
}

TEST(test_fewer_keys_are_warned_of)
{
    /* breaks: an eviction during the run goes by unseen, or each sample warns */
    test_server_start(&world.server, NULL);
    test_server_integer(&world.server, "EVAL %s 0",
                        "for i = 1, 1000 do redis.call('set', 'x' .. i, 1) end return 1");
    trial_start(&trial, "-p", world.server.port_text, SAMPLING, "-t", "ping_mbulk", "--duration",
                "60", NULL);
    trial_wait_calls("dbsize", 2);
    free(test_server_text(&world.server, "FLUSHALL"));
    program_wait_text(&trial.program, PROGRAM_ERR, "the server's keys fell from 1000 to 0");
    test_server_integer(&world.server, "EVAL %s 0", "redis.call('set', 'y', 1) return 1");
    trial_wait_calls("dbsize", test_server_calls(&world.server, "dbsize") + 2);
    free(test_server_text(&world.server, "FLUSHALL"));
    trial_wait_calls("dbsize", test_server_calls(&world.server, "dbsize") + 2);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    trial_expect(&trial, PROGRAM_OUT, "Drops of 1% or more: 2\n");
    trial_expect_not(&trial, PROGRAM_ERR, "from 1 to 0");
    trial_free(&trial);
}

LOOP_TEST(test_replication, 2)
{
    /* breaks: the lag of a primary's replicas, or of a replica, is not what INFO says */
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    test_server_start(&world.server, &(struct test_server_options){.args = at_once});
    const char *arguments[] = {"--replicaof", "127.0.0.1", world.server.port_text, NULL};
    test_server_start(&replica, &(struct test_server_options){.args = arguments});
    uint64_t end_ms = support_now_ms() + WAIT_MS;
    for (bool online = false; !online;) {
        char *text = test_server_text(&world.server, "INFO replication");
        online = strstr(text, "state=online") != NULL;
        free(text);
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(20);
    }
    const struct test_server *asked = _i == 0 ? &world.server : &replica;
    struct program program;
    program_run_volley(&program, "-p", asked->port_text, SAMPLING, "-t", "get", "--qps", "500",
                       "--duration", "1", "--out", directory, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_ptr_nonnull(
        strstr(program.out, _i == 0 ? "Role: primary, 1 replica\n" : "Role: replica\n"));
    ck_assert_ptr_nonnull(strstr(program.out, "Lag at the last sample: "));
    size_t rows = column("replication_lag", values, ROWS_MAX);
    ck_assert_double_ge(values[rows - 1], 0);
    program_free(&program);
}

TEST(test_stopped_server)
{
    /* breaks: a server that hangs freezes the orchestrator, or the report misses its end */
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, SAMPLING, "-t", "get", "--qps", "500",
                "--request-timeout", "300ms", "--connection-timeout", "300ms", "--duration", "3",
                "--out", directory, NULL);
    trial_wait_calls("dbsize", 3);
    test_server_pause(&world.server);
    trial_end(&trial, 1); /* nothing was answered any more */
    trial_expect(&trial, PROGRAM_OUT, "Samples without an answer: ");
    size_t rows = column("keyspace_count", values, ROWS_MAX);
    ck_assert_uint_ge(count_of(values, rows, 0), 1);
    ck_assert_double_eq_tol(values[rows - 1], -1, 0.1);
    ck_assert_double_eq_tol(trial_number(&trial, "rate", "target"), 500, 1e-6);
    test_server_resume(&world.server);
    trial_free(&trial);
}

TEST(test_restarted_server)
{
    /* breaks: after a restart of the server nothing is sampled any more, or the run ends with it */
    char *text;
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, SAMPLING, "-t", "set", "--qps", "500",
                "--duration", "60", "--csv-interval", "100ms", "--out", directory, NULL);
    trial_wait_calls("dbsize", 3);
    test_server_kill(&world.server);
    uint64_t end_ms = support_now_ms() + WAIT_MS;
    for (bool seen = false; !seen; free(text)) { /* a row that knows of it */
        text = program_output(&trial.program, PROGRAM_OUT);
        seen = strstr(text, ",-1,-1,") != NULL;
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(20);
    }
    test_server_restart(&world.server);
    trial_wait_calls("dbsize", 3);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    size_t rows = column("keyspace_count", values, ROWS_MAX);
    ck_assert_uint_ge(count_of(values, rows, -1), 1);
    ck_assert_double_ge(values[rows - 1], 0);
    rows = column("connection_errors", values, ROWS_MAX);
    ck_assert_uint_lt(count_of(values, rows, 0), rows);
    trial_free(&trial);
}

/* INFO is asked before the run, too; where it makes no difference, DBSIZE stands for both. */
static const struct fake_rule odd_answers[] = {
    {.command = "DBSIZE", .action = FAKE_REPLY, .bytes = "-NOPERM not for you\r\n"},
    {.command = "DBSIZE", .action = FAKE_REPLY, .bytes = "what?\r\n"},
    {.command = "DBSIZE", .action = FAKE_ENDLESS_BULK},
    {.command = "DBSIZE", .action = FAKE_RESET},
    {.command = "DBSIZE", .action = FAKE_SILENT},
    {.command = "DBSIZE", .action = FAKE_ENDLESS, .bytes = ":", .more = "1"},
    {.command = "DBSIZE", .action = FAKE_ENDLESS, .bytes = "+", .more = "x"},
    {.command = "DBSIZE", .action = FAKE_REPLY, .bytes = "*2147483647\r\n"},
    {.command = "DBSIZE", .action = FAKE_ENDLESS, .bytes = ":1\r\n", .more = "+x\r\n"},
    {.command = "INFO", .action = FAKE_REPLY, .bytes = "*1\r\n*-1\r\n"},
};

LOOP_TEST(test_odd_answers, sizeof odd_answers / sizeof odd_answers[0])
{
    /* breaks: what a server says to the sampler can end a run, fill the memory, or hold it up */
    fake_server_start(&world.fake,
                      &(struct fake_script){.rules = &odd_answers[_i], .rule_count = 1});
    trial_start(&trial, "-p", world.fake.port_text, SAMPLING, "-t", "set", "--qps", "200",
                "--request-timeout", "300ms", "--duration", "1", "--out", directory, NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "errors"), 0);
    if (_i == 0)
        trial_expect(&trial, PROGRAM_ERR, "sampling the server: DBSIZE: NOPERM not for you");
    else if (_i < 8)
        trial_expect(&trial, PROGRAM_OUT, "Samples without an answer: ");
    trial_free(&trial);
}

TEST_SUITE_WITH(info_sampler, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
