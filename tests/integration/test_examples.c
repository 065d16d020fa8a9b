/* Every example of README, the guide and the reference, run as it stands but for its servers and its
 * length: tests/examples.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

/* What has to be found wrong, by the line's number of the page. */
static const char page[] = "    volley bench --managed -n 10 -t get\n"
                           "\n"
                           "    volley bench --managed -n 10 --no-such-option\n"
                           "\n"
                           "    volley bench -h somewhere.else -n 10\n"
                           "\n"
                           "```\n"
                           "$ build/volley bench -p 6379 -n 10 -- no-such-command\n"
                           "volley report results/never-made\n"
                           "volley bench -p 6379 -n 10 -- get \"unfinished\n"
                           "```\n"
                           "\n"
                           "| 0 | `volley bench -p 1 -n 10` |\n"
                           "| 5 | `volley bench -p 1 -n 10` |\n";

TEST(every_example_runs)
{
    /* Breaks when an example of a page does not do what the page says, or one that does not is not found. */
    static const char *const wrong[] = {
        "status 2, not 0: volley bench --managed -n 10 --no-such-option",
        "no server stands for -h somewhere.else here",
        "status 1, not 0: build/volley bench -p 6379 -n 10 -- no-such-command",
        "status 4, not 0: volley report results/never-made",
        "not a command line: volley bench -p 6379 -n 10 -- get \"unfinished",
        "status 5, not 0: volley bench -p 1 -n 10"};
    struct temp_tree tree;
    struct program program;
    char path[200];
    unsigned found = 0;
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/page.md", page, 0600);
    snprintf(path, sizeof path, "%s/page.md", tree.path);
    const char *const argv[] = {"tests/examples.sh", program_volley(), path, NULL};
    program_run(&program, &(struct program_options){.argv = argv, .deadline_ms = 200000});
    temp_tree_remove(&tree);
    ck_assert_msg(program.exit_status == 1, "%d: %s%s", program.exit_status, program.out,
                  program.err);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(strstr(program.out, wrong[i]) != NULL, "'%s' is not in: %s", wrong[i],
                      program.out);
    for (char *state = NULL, *line = strtok_r(program.out, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        bool ours = strstr(line, path) != NULL;
        found += ours;
        ck_assert_msg(ours || strstr(line, " cannot be run") != NULL, "%s", line);
    }
    ck_assert_uint_eq(found, sizeof wrong / sizeof wrong[0]);
    program_free(&program);
}

TEST_SUITE_WITH(examples, .timeout_seconds = 240)
