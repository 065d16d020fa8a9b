/* Why something failed: what the server said last is shown, also when it closes while volley writes, or
 * says it to no request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FAKE_LOAD "-p", world.fake.port_text, "-r", "100", "--processes", "1"

static struct trial trial;

static void serve(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = rule_count});
}

TEST(test_refused_while_it_is_written)
{
    /* Breaks when a request that the server refuses half way, and closes on, is "lost" without the
     * server's words: they stand in the socket that can no longer be written to. */
    static const char *const args[] = {"--proto-max-bulk-len", "1mb", NULL};
    test_server_start(&world.server, &(struct test_server_options){.args = args});
    trial_start(&trial, "-p", world.server.port_text, "-t", "set", "-d", "64mb", "-n", "4", "-c",
                "2", "-r", "10", NULL);
    trial_end(&trial, 1);
    ck_assert_int_eq(trial_count(&trial, "errors_by_kind", "ERR"), 4);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), 0);
    trial_expect(&trial, PROGRAM_OUT, "ERR: 4 (first: ERR Protocol error: invalid bulk length)");
    trial_expect(&trial, PROGRAM_ERR,
                 "no request succeeded; the server says: ERR Protocol error: invalid bulk length");
    trial_free(&trial);
}

LOOP_TEST(test_words_on_reconnecting, 5)
{
    /* Breaks when a server that no longer takes a connection is counted without what it says. */
    static const struct {
        const char *bytes, *said;
    } words[] = {
        {"-ERR max number of clients reached\r\n", "ERR max number of clients reached"},
        {"-DENIED running in protected mode\r\n", "DENIED running in protected mode"},
        {"-NOAUTH Authentication required.\r\n", "NOAUTH Authentication required.; the server asks "
                                                 "for a password"},
        {"-LOADING the dataset\r\n", "LOADING the dataset"},
        {"-ERR \x1b[31mred\r\n", "ERR ?[31mred"},
    };
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_CLOSE, .skip = 10, .times = 1},
        {.command = "PING", .action = FAKE_CLOSE, .bytes = words[_i].bytes, .skip = 2, .times = 2},
    };
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "get", "-c", "1", "-n", "50", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 49);
    ck_assert_int_eq(trial_count(&trial, "connections", "failed"), 2);
    trial_expect(&trial, PROGRAM_OUT, "the server said, outside of its replies: ");
    trial_expect(&trial, PROGRAM_OUT, words[_i].said);
    ck_assert_ptr_nonnull(json_object_get(trial.run, "error_texts"));
    trial_free(&trial);
}

TEST(test_words_behind_the_last_reply)
{
    /* Breaks when what a server says before it closes is taken for rubbish, though it is a sentence. */
    static const struct fake_rule rules[] = {{.command = "GET",
                                              .action = FAKE_CLOSE,
                                              .bytes = "$3\r\nabc\r\n-ERR going down\r\n",
                                              .skip = 10,
                                              .times = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "get", "-c", "1", "-n", "50", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 50);
    trial_expect(&trial, PROGRAM_OUT, "the server said, outside of its replies: ERR going down");
    trial_free(&trial);
}

TEST(test_moved_without_cluster)
{
    /* Breaks when nobody says that redirections mean a cluster. */
    static const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "-MOVED 12182 127.0.0.1:7002\r\n"}};
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "-t", "get", "-c", "1", "-n", "50", NULL);
    trial_end(&trial, 1);
    ck_assert_int_eq(trial_count(&trial, "errors_by_kind", "MOVED"), 50);
    trial_expect(&trial, PROGRAM_OUT, "the server is a node of a cluster");
    trial_expect(&trial, PROGRAM_OUT, "add --cluster");
    trial_expect(&trial, PROGRAM_ERR, "MOVED 12182");
    trial_free(&trial);
}

TEST(test_announced_name)
{
    /* Breaks when a name that does not resolve does not say who has named it. */
    static const struct fake_rule rules[] = {
        {.command = "CLUSTER",
         .action = FAKE_REPLY,
         .bytes = "$43\r\ncluster_state:ok\r\ncluster_current_epoch:1\r\n\r\n",
         .times = 1},
        {.command = "CLUSTER",
         .action = FAKE_REPLY,
         .bytes = "-ERR unknown subcommand\r\n",
         .times = 1},
        {.command = "CLUSTER",
         .action = FAKE_REPLY,
         .bytes = "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$15\r\nno-such.invalid\r\n:7000\r\n"},
    };
    serve(rules, COUNT(rules));
    trial_start(&trial, FAKE_LOAD, "--cluster", "-t", "get", "-c", "1", "-n", "50", NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "cannot resolve host 'no-such.invalid'");
    trial_expect(&trial, PROGRAM_ERR, "the cluster announces this name for its node on port 7000");
    trial_free(&trial);
}

TEST_SUITE_WITH(reasons, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
