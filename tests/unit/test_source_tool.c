/* Runs of git and make: what is kept of their words, and that none goes on behind its end. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/server/source_tool.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

static struct source_tool tool;
static struct err err;
static int log_fd;

static void set_up(void)
{
    tool = (struct source_tool){.limit_ns = 30 * NS_PER_SECOND};
    err = (struct err){.code = OK};
    log_fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(log_fd, 0);
    tool.log_fd = log_fd;
}

static enum err_code run(const char *line)
{
    source_tool_add(&tool, "sh", "-c", line, NULL);
    return source_tool_run(&tool, &err);
}

static void expect_log(const char *text)
{
    size_t bytes = 0;
    char *log = support_read_file(log_fd, &bytes);
    ck_assert_str_eq(log, text);
    free(log);
}

TEST(lines)
{
    /* Breaks when a line is lost, one of another kind of end is taken with the next, or escape codes are kept. */
    ck_assert_int_eq(run("printf 'one\\ntwo\\rthree\\r\\n\\nfo\\033ur\\0!'; exit 3"), OK);
    ck_assert(!tool.succeeded);
    ck_assert_str_eq(tool.end, "ended with status 3");
    expect_log("one\ntwo\nthree\nfo ur?!\n");
    ck_assert_uint_eq(tool.line_count, 4);
    ck_assert_str_eq(source_tool_last_line(&tool, 0), "one");
    ck_assert_str_eq(source_tool_last_line(&tool, 3), "fo ur?!");
    ck_assert_ptr_null(source_tool_last_line(&tool, 4));
}

TEST(colours)
{
    /* Breaks when a log is full of the colours of a terminal, or a letter is lost with them. */
    ck_assert_int_eq(run("printf '\\033[34;1mCC\\033[0m a.c\\033[K\\033[2\\n'"), OK);
    expect_log("CC a.c [2\n");
}

TEST(the_last_lines_and_the_first_error)
{
    /* Breaks when the cause of a failure is lost among what came behind it. */
    char text[256];
    ck_assert_int_eq(run("seq 1000; echo 'x.c:3: error: no'; seq 12"), OK);
    ck_assert(tool.succeeded);
    ck_assert_str_eq(source_tool_last_line(&tool, 0), "3");
    ck_assert_str_eq(source_tool_last_line(&tool, 9), "12");
    ck_assert_ptr_null(source_tool_last_line(&tool, 10));
    ck_assert_str_eq(source_tool_complaint(&tool, text, sizeof text), "x.c:3: error: no ... 12");
}

TEST(nothing_said)
{
    /* Breaks when a program that fails without a word makes an error without an end. */
    char text[256];
    ck_assert_int_eq(run("exit 1"), OK);
    ck_assert_str_eq(source_tool_complaint(&tool, text, sizeof text), "it says nothing");
}

TEST(a_line_without_an_end)
{
    /* Breaks when output without line breaks fills memory, or is lost. */
    ck_assert_int_eq(run("head -c 100000 /dev/zero | tr '\\0' x"), OK);
    size_t bytes = 0;
    char *log = support_read_file(log_fd, &bytes);
    ck_assert_uint_eq(strspn(log, "x\n"), bytes);
    ck_assert_uint_eq(bytes, 100000 + tool.line_count);
    free(log);
}

TEST(secrets)
{
    /* Breaks when a password that a server repeats is kept. */
    tool.secrets[0] = "s3cret-word";
    ck_assert_int_eq(run("echo fatal: no s3cret-word here"), OK);
    expect_log("fatal: no *** here\n");
    ck_assert_str_eq(source_tool_last_line(&tool, 0), "fatal: no *** here");
    ck_assert_str_eq(tool.first_error, "fatal: no *** here");
}

TEST(surroundings)
{
    /* Breaks when a program waits for somebody's answer, or takes the repository around this one for its own. */
    const char *const environment[] = {"MINE=1", NULL};
    setenv("GIT_DIR", "/nowhere", 1);
    setenv("MAKEFLAGS", "-n", 1);
    tool.environment = environment;
    ck_assert_int_eq(run("echo $GIT_TERMINAL_PROMPT ${GIT_DIR-none} ${MAKEFLAGS-none} $MINE; cat"),
                     OK);
    expect_log("0 none none 1\n");
}

TEST(a_limit)
{
    /* Breaks when a build that hangs holds the suite for ever, or goes on for itself. */
    int pid = 0;
    tool.limit_ns = NS_PER_SECOND;
    ck_assert_int_eq(run("sh -c 'echo $$; sleep 1000'; true"), E_SYSTEM);
    ck_assert_ptr_nonnull(strstr(err.text, "sh has not ended within"));
    ck_assert_int_eq(sscanf(source_tool_last_line(&tool, 0), "%d", &pid), 1);
    ck_assert(support_process_gone(pid, 10000));
}

TEST(a_full_disk)
{
    /* Breaks when a log that cannot be written is taken for one that is. */
    close(log_fd);
    tool.log_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(run("echo one; sleep 1000"), E_SYSTEM);
    ck_assert_str_eq(err.text, "the log of sh cannot be written: No space left on device");
    close(tool.log_fd);
}

TEST(too_many_words)
{
    /* Breaks when words behind the end of the table are written. */
    for (unsigned i = 0; i < SOURCE_TOOL_WORDS_MAX; i++)
        source_tool_add(&tool, "sh", NULL);
    ck_assert_int_eq(run("true"), E_USAGE);
}

TEST(no_such_program)
{
    /* Breaks when nobody is told which package is missing. */
    source_tool_add(&tool, "volley-has-no-such-tool", NULL);
    ck_assert_int_eq(source_tool_run(&tool, &err), E_SYSTEM);
    ck_assert_ptr_nonnull(strstr(err.text, "install the package volley-has-no-such-tool"));
}

TEST_SUITE_WITH(source_tool, .set_up = set_up)
