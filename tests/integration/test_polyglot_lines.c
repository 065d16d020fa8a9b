/* Every command line of the polyglot benchmark's document (its Python edition), as it stands there: read and explained as written, then run
 * against a server, cut short by one more option, which wins over the one before it. */
#include <stdio.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static const struct {
    const char *line, *cut; /* what is added when it is run */
    long long requests;     /* that are answered then; 0: as many as there is time for */
} lines[] = {
    {"-H localhost", "-n 500", 500},
    {"-c 50 -t set", "-n 500", 500},
    {"-t get --qps 1000", "-n 100", 100},
    {"--test-duration 60", "--test-duration 200ms", 0},
    {"--sequential 1000000", "-n 500", 500},
    {"-c 100 -n 1000000", "-n 500", 500},
    {"-c 50 --qps 5000", "-n 500", 500},
    {"-c 1 -n 10000", "-n 500", 500},
    {"-c 200 -n 100000", "-n 500", 500},
    {"--test-duration 300", "--test-duration 200ms", 0},
    {"--test-duration 60 --start-qps 1000 --end-qps 10000 --qps-change-interval 5 --qps-change 500",
     "--test-duration 200ms", 0},
    {"--test-duration 120 --start-qps 100 --end-qps 10000 --qps-change-interval 5 --qps-ramp-mode "
     "exponential --qps-ramp-factor 2.0",
     "--test-duration 200ms", 0},
    {"-r 1000000", "-n 500", 500},
    {"-c 100 -n 1000000 --processes 4", "-n 500", 500},
    {"-c 100 -n 1000000 --single-process", "-n 500", 500},
    {"-c 200 -n 10000000 --processes 8 -t set", "-n 500", 500},
    {"--processes 4 --test-duration 120 --start-qps 1000 --end-qps 50000 --qps-change-interval 10 "
     "--qps-change 5000",
     "--test-duration 200ms", 0},
};
#define LINES (sizeof lines / sizeof lines[0])

LOOP_TEST(a_line_is_taken_as_written, LINES)
{
    /* Breaks when a line that users bring along is refused, or understood as something else than what it did. */
    struct program program;
    char line[300];
    snprintf(line, sizeof line, "\"$volley\" %s --explain", lines[_i].line);
    program_run_shell(&program, "/", line, 0);
    ck_assert_ptr_nonnull(strstr(program.out, "Nothing was connected or sent"));
    program_free(&program);
    call_expect(&call, 0, &at_server, "%s %s", lines[_i].line, lines[_i].cut);
    if (lines[_i].requests > 0)
        ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), lines[_i].requests);
    else
        ck_assert_int_gt(run_json_count(&call, 0, "requests.ok"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
}

TEST(a_custom_command_in_python_is_refused)
{
    /* Breaks when a file that cannot be run is tried, or nobody says what takes its place. */
    struct temp_tree tree;
    struct program program;
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/custom_commands.py", "class CustomCommands:\n    pass\n", 0600);
    program_run_shell(&program, tree.path,
                      "\"$volley\" -t custom --custom-command-file custom_commands.py", 2);
    ck_assert_msg(strstr(program.err, "a plug-in in C (.c or .so) or a script in Lua (.lua)") !=
                      NULL,
                  "%s", program.err);
    program_free(&program);
    temp_tree_remove(&tree);
}

TEST_SUITE_WITH(polyglot_lines, .set_up = at_server_set_up, .tear_down = at_server_tear_down,
                .timeout_seconds = 60)
