/* `volley run scenario` where something is in the way: keys of an earlier run, a server that has gone, phases that end at
 * other times than planned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char file[200], out[220];
static struct program program;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

static void write_scenario(const char *text)
{
    temp_tree_write(&tree, "/s.yaml", text, 0600);
}

#define RUN(...)                                                                                   \
    program_run_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none",             \
                       __VA_ARGS__, NULL)
#define AT_SERVER "-p", server.port_text

static void expect_status(int status)
{
    ck_assert_msg(program.exit_status == status, "status %d, not %d:\n%s\n%s", program.exit_status,
                  status, program.out, program.err);
}

TEST(keys_of_an_earlier_run)
{
    /* breaks when keys that an earlier run has left count in the figures of the next one, wherever among the numbers they
     * are, or a run that empties the database first is refused for them */
    static const char *const keys[] = {"vst:again:000000000007", "vst:again:000000065536"};
    write_scenario(
        "name: again\ndescription: d\nphases:\n"
        "  - {name: grow, type: load, keys: 2000, clients: 2, pipeline: 8}\n"
        "  - {name: cut, type: delete-fraction, fraction: 0.5, strategy: \"stride:2\"}\n");
    RUN(AT_SERVER);
    expect_status(0);
    program_free(&program);
    RUN(AT_SERVER);
    expect_status(4);
    ck_assert_msg(strstr(program.err, "keys of an earlier run of again are there") != NULL &&
                      strstr(program.err, "--pattern 'vst:again:*'") != NULL,
                  "%s", program.err);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 1000);
    program_free(&program);
    RUN(AT_SERVER, "--force");
    expect_status(0);
    program_free(&program);
    free(test_server_text(&server, "FLUSHALL"));
    RUN(AT_SERVER, "--cleanup");
    expect_status(0);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        program_free(&program);
        free(test_server_text(&server, "SET %s 1", keys[i]));
        RUN(AT_SERVER);
        expect_status(4);
        free(test_server_text(&server, "FLUSHALL"));
    }
    program_free(&program);
    free(test_server_text(&server, "SET %s 1", keys[0]));
    write_scenario("name: again\ndescription: d\nphases:\n"
                   "  - {name: rest, type: idle, duration: 0.1}\n"
                   "  - {name: wipe, type: flush, scope: db}\n"
                   "  - {name: grow, type: load, keys: 20, clients: 2}\n");
    RUN(AT_SERVER, "--allow-flush");
    expect_status(0);
}

TEST_SUITE_WITH(scenario_trouble, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 150)
