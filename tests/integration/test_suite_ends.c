/* How `volley suite` ends: by a signal that nobody can catch, by a second Ctrl+C, and what is left then. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/suite_tree.h"

static struct suite_tree suite;

static void set_up(void)
{
    suite_tree_make(&suite);
}

static void tear_down(void)
{
    suite_tree_remove(&suite);
}

/* Until the test's own time is up. */
static void wait_no_servers(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    while (suite_tree_servers(&suite) > 0)
        (void)nanosleep(&pause, NULL);
}

TEST(the_end_is_told)
{
    /* breaks when nobody is told how a suite ended, or of a list of what it would measure; or a file that is not right is found out
     * after hours */
    char path[300];
    snprintf(path, sizeof path, "%s/channels.yaml", suite.tree.path);
    temp_tree_write(&suite.tree, "/channels.yaml",
                    "notification_channels:\n- {name: ops, type: webhook, url: \"http://h\"}\n",
                    0644);
    suite_tree_configure(&suite,
                         "[{\"requests\": 500, \"commands\": [\"SET\"], " SUITE_TREE_NEEDED "}]");
    suite_tree_run(&suite, "--notify", path, "--notify-dry-run", NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.err, "\"alert\":\"SuiteFailed\",\"state\":\"resolved\"");
    program_expect_text(suite.program.err, "\"summary\":\"1 run measured, 0 failed\"");
    program_free(&suite.program);
    suite_tree_run(&suite, "--notify", path, "--notify-dry-run", "--list-plan", NULL);
    program_expect_status(&suite.program, 0);
    ck_assert_ptr_null(strstr(suite.program.err, "SuiteFailed"));
    program_free(&suite.program);
    temp_tree_write(&suite.tree, "/channels.yaml", "notification_channels: 7\n", 0644);
    suite_tree_run(&suite, "--notify", path, NULL);
    program_expect_status(&suite.program, 3);
    program_expect_text(suite.program.err, "channels.yaml:1:24: notification_channels: a list is");
}

TEST(nothing_outlives_a_killed_suite)
{
    /* breaks when the server that a script has started, or a load, goes on after volley was killed, or the next suite leaves
     * what was half written, or does not run */
    char directory[600], path[700];
    program_run_shell(&suite.program, suite.sources,
                      "mv src/valkey-server src/valkey-server-real; printf "
                      "'#!/bin/bash\\n\"$0-real\" \"$@\" &\\nwait\\n' > src/valkey-server; "
                      "chmod +x src/valkey-server",
                      0);
    suite_tree_configure(&suite,
                         "[{\"duration\": 600, \"commands\": [\"SET\"], " SUITE_TREE_NEEDED "}]");
    suite_tree_start(&suite, "--log-level", "debug", NULL);
    program_wait_text(&suite.program, PROGRAM_ERR, "measure: volley bench");
    ck_assert_int_ge(suite_tree_servers(&suite), 2); /* the script and its server */
    program_signal(&suite.program, SIGKILL);
    program_wait(&suite.program);
    wait_no_servers();
    suite_tree_directory(&suite, directory);
    snprintf(path, sizeof path, "%s/.run.json.a1b2c3.tmp", directory);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    suite_tree_configure(&suite,
                         "[{\"requests\": 500, \"commands\": [\"SET\"], " SUITE_TREE_NEEDED "}]");
    suite_tree_run(&suite, NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.err, " half-written files of a suite that was killed are");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
}

TEST(a_second_interrupt_waits_no_longer)
{
    /* breaks when a load that does not heed SIGINT is waited for after a second Ctrl+C, or is left behind */
    char tool[300], line[400];
    snprintf(tool, sizeof tool, "%s/valkey-benchmark", suite.tree.path);
    temp_tree_write(
        &suite.tree, "/valkey-benchmark",
        "#!/bin/bash\n"
        "case $1 in --help) echo --csv --sequential; exit ;; --version) echo 1; exit ;; "
        "esac\n"
        "trap '' INT\necho deaf > \"$0.begun\"\nwhile :; do sleep 0.05; done\n",
        0700);
    suite_tree_configure(&suite,
                         "[{\"requests\": 5, \"commands\": [\"SET\"], " SUITE_TREE_NEEDED "}]");
    suite_tree_start(&suite, "--valkey-benchmark-path", tool, NULL);
    program_wait_text(&suite.program, PROGRAM_ERR, "--> Running SET");
    struct program waiting = {.pid = 0};
    snprintf(line, sizeof line, "until [ -s valkey-benchmark.begun ]; do sleep 0.02; done");
    program_run_shell(&waiting, suite.tree.path, line, 0);
    program_free(&waiting);
    program_signal(&suite.program, SIGINT);
    while (!program_wait_at_most(&suite.program, 200)) /* two at once are one */
        program_signal(&suite.program, SIGINT);
    program_expect_status(&suite.program, 130);
    program_expect_text(suite.program.err, "the load has not ended before the second interrupt");
    snprintf(line, sizeof line, "! pgrep -f '%s/[v]alkey-benchmark'", suite.tree.path);
    program_run_shell(&waiting, suite.tree.path, line, 0);
    program_free(&waiting);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
}

TEST_SUITE_WITH(suite_ends, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
