/* `volley ctl` beside a listener that is no volley: whatever it answers is refused or printed, and neither
 * believed nor waited for. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct sockaddr_un address;
static int listener;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/ctl", tree.path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
}

static void tear_down(void)
{
    close(listener);
    temp_tree_remove(&tree);
}

/* Asks for the status, and is answered this. */
static void ask(const char *text, int exit_status)
{
    char command[256];
    program_start_volley(&program, "ctl", address.sun_path, "status", NULL);
    int fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(recv(fd, command, sizeof command, 0), 0);
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    close(fd);
    program_wait(&program);
    ck_assert_msg(program.exit_status == exit_status, "%s: %d: %s%s", text, program.exit_status,
                  program.out, program.err);
}

static const char *const numbers[] = {
    "1e300", "-1e300", "-1",    "100000001", "9223372036854775807",
    "\"x\"", "[1]",    "1e400", "NaN",       "99999999999999999999"};
#define NUMBERS (sizeof numbers / sizeof numbers[0])
static const char *const answers[] = {
    "{\"ok\": true, \"rate\": %s}\n",
    "{\"ok\": true, \"rate\": 1, \"paused\": true, \"resumes_at\": %s}\n",
    "{\"ok\": true, \"status\": {\"rate\": {\"target\": %s}}}\n",
};
#define ANSWERS (sizeof answers / sizeof answers[0])

LOOP_TEST(test_no_such_rate, NUMBERS *ANSWERS)
{
    /* Breaks when a number that no run can have is converted, which is undefined, and printed. */
    char text[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, answers[(size_t)_i % ANSWERS], numbers[(size_t)_i / ANSWERS]);
#pragma GCC diagnostic pop
    ask(text, 5);
    ck_assert_ptr_nonnull(strstr(program.err, "the answer is not of a volley"));
    ck_assert_str_eq(program.out, "");
    program_free(&program);
}

LOOP_TEST(test_no_such_count, 5)
{
    /* Breaks when a count or a time that no run can have is printed as if it were one. */
    static const char *const counts[] = {
        "{\"ok\": true, \"status\": {\"requests\": {\"ok\": -1}}}\n",
        "{\"ok\": true, \"status\": {\"connections\": {\"open\": 1e300}}}\n",
        "{\"ok\": true, \"status\": {\"elapsed_seconds\": 1e300}}\n",
        "{\"ok\": true, \"status\": {\"rate\": {\"achieved\": 1e300}}}\n",
        "{\"ok\": true, \"status\": {\"rate\": {\"achieved\": 1e14}}}\n",
    };
    ask(counts[_i], 5);
    ck_assert_ptr_nonnull(strstr(program.err, "the answer is not of a volley"));
    program_free(&program);
}

TEST(test_no_orders)
{
    /* Breaks when a terminal obeys what a listener calls its state or its test. */
    ask("{\"ok\": true, \"status\": {\"state\": \"\\u001b[2J\\nno\", \"test\": "
        "\"\\u009bm\\u007f\"}}\n",
        0);
    ck_assert_str_eq(program.out, " [2J no:   m \n");
    program_free(&program);
}

TEST(test_between_runs)
{
    /* Breaks when what is not told between two runs is printed as if it were 0. */
    ask("{\"ok\": true, \"status\": {\"state\": \"between runs\", \"test\": \"GET\", \"prefill\": "
        "true}}\n",
        0);
    ck_assert_str_eq(program.out, "between runs: GET (prefill)\n");
    program_free(&program);
}

TEST(test_what_a_run_says)
{
    /* Breaks when an answer that a run can give is refused. */
    ask("{\"ok\": true, \"status\": {\"state\": \"running\", \"test\": \"GET\", \"rate\": "
        "{\"target\": 100000000, \"achieved\": 0.25}, \"requests\": {\"due\": "
        "10000000000000000}}}\n",
        0);
    ck_assert_ptr_nonnull(strstr(program.out, "target 100,000,000/s, achieved 0.3/s"));
    program_free(&program);
}

TEST_SUITE_WITH(ctl_answers, .set_up = set_up, .tear_down = tear_down)
