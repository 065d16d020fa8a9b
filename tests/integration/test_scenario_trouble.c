/* `volley run scenario` where something is in the way: keys of an earlier run, a server that has gone, phases that end at
 * other times than planned. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char file[200], out[220], directory[400];
static json_t *phases;
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
    json_decref(phases);
    phases = NULL;
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

/* Runs that have left something; the last one is in directory. */
static unsigned find_directories(void)
{
    DIR *listing = opendir(out);
    const struct dirent *entry;
    unsigned count = 0;
    while (listing != NULL && (entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(directory, sizeof directory, "%.150s/%.200s", out, entry->d_name);
            count++;
        }
    if (listing != NULL)
        closedir(listing);
    return count;
}

static void load_phases(const char *scenario)
{
    char path[700];
    json_error_t error;
    ck_assert_uint_eq(find_directories(), 1);
    snprintf(path, sizeof path, "%s/%s_phases.json", directory, scenario);
    phases = json_load_file(path, 0, &error);
    ck_assert_msg(phases != NULL, "%s: %s", path, error.text);
}

static const json_t *of_phase(const char *name, const char *key)
{
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
    {
        if (strcmp(json_string_value(json_object_get(phase, "name")), name) == 0)
            return json_object_get(phase, key);
    }
    ck_abort_msg("there is no phase %s", name);
    return NULL;
}

static double number_of(const char *name, const char *key)
{
    const json_t *value = of_phase(name, key);
    ck_assert_msg(json_is_number(value), "phase %s has no %s", name, key);
    return json_number_value(value);
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
                      strstr(program.err, "--pattern 'vst:again:*'") != NULL &&
                      strstr(program.err, server.port_text) != NULL,
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

static const char *const dying[] = {
    "  - {name: last, type: idle, duration: 600}\n",
    "  - {name: last, type: idle, wait_stable: {metric: keys, window: 500, max: 600}}\n",
    "  - {name: last, type: hold, duration: 2, clients: 2, mix: {get: 1}}\n",
    "  - {name: last, type: load, keys: 100m, clients: 2}\n",
};

LOOP_TEST(a_server_that_has_gone, sizeof dying / sizeof dying[0])
{
    /* breaks when a phase takes no notice of a server that has gone, tells its figures as if it were there, or the status
     * depends on the phase */
    char text[400];
    snprintf(text, sizeof text,
             "name: dying\ndescription: d\nphases:\n"
             "  - {name: grow, type: load, keys: 500, clients: 2}\n%s"
             "  - {name: never, type: idle, duration: 1}\n",
             dying[_i]);
    write_scenario(text);
    program_start_volley(&program, "run", "scenario", file, "-o", out, "--cpus", "none", "-p",
                         server.port_text, "--progress", "--request-timeout", "500ms",
                         "--connection-timeout", "500ms", "--wait-ready", "1s", NULL);
    program_wait_text(&program, PROGRAM_ERR, "phase 2 of 3");
    test_server_kill(&server);
    program_wait(&program);
    expect_status(5);
    load_phases("dying");
    ck_assert(json_is_false(of_phase("grow", "failed")));
    ck_assert(json_is_true(of_phase("last", "failed")));
    ck_assert(json_is_false(of_phase("never", "ran")));
    ck_assert(json_is_null(of_phase("last", "used_memory_after")));
    ck_assert(json_is_null(of_phase("last", "server_keys_after")));
    ck_assert_double_eq(number_of("grow", "server_keys_after"), 500);
    ck_assert_msg(_i >= 2 || strstr(json_string_value(of_phase("last", "end_reason")),
                                    "has not answered INFO since") != NULL,
                  "%s", json_string_value(of_phase("last", "end_reason")));
}

TEST(a_server_that_comes_back)
{
    /* breaks when a server that was stopped for a while, until the end of a phase, counts as one that has gone */
    write_scenario("name: back\ndescription: d\nsample_interval: 0.5\nphases:\n"
                   "  - {name: grow, type: load, keys: 50, clients: 2}\n"
                   "  - {name: stop, type: idle, duration: 12, actions: [\"at 0: pause node 0 for "
                   "60s\"]}\n"
                   "  - {name: more, type: load, keys: 50, clients: 2}\n");
    RUN("--managed");
    expect_status(0);
    load_phases("back");
    ck_assert(json_is_false(of_phase("stop", "failed")));
    ck_assert_double_eq(number_of("stop", "server_keys_after"), 50);
    ck_assert_double_eq(number_of("more", "server_keys_after"), 100);
}

TEST(a_branch_that_is_done_early)
{
    /* breaks when what is done before the others beside it is told to have lasted as long as they did */
    write_scenario("name: early\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 500, clients: 2}\n"
                   "  - name: both\n    type: parallel\n    duration: 4\n    phases:\n"
                   "      - {name: more, type: load, keys: 400, clients: 2, pipeline: 8}\n"
                   "      - {name: reads, type: query, qps: 200, clients: 2}\n");
    RUN(AT_SERVER);
    expect_status(0);
    load_phases("early");
    const double seconds = number_of("more", "duration_seconds");
    ck_assert_str_eq(json_string_value(of_phase("more", "end_reason")), "done");
    ck_assert_str_eq(json_string_value(of_phase("reads", "end_reason")), "duration");
    ck_assert_double_eq(number_of("more", "requests_ok"), 400);
    ck_assert_double_lt(seconds, number_of("reads", "duration_seconds") / 2);
    ck_assert_double_gt(number_of("more", "rate"), 200);
    ck_assert_double_ge(number_of("more", "rate"), 400 / seconds);
}

TEST(told_as_phases)
{
    /* breaks when the report of a scenario tells of settings that its phases do not have, as the size of -d */
    write_scenario("name: told\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 50, clients: 2, value_size: 100}\n"
                   "  - {name: shrink, type: delete-fraction, fraction: 0.5}\n");
    RUN(AT_SERVER);
    expect_status(0);
    load_phases("told");
    program_free(&program);
    program_run_volley(&program, "report", directory, NULL);
    expect_status(0);
    ck_assert_ptr_nonnull(strstr(program.out, "Phase: grow\n"));
    ck_assert_ptr_nonnull(strstr(program.out, "Phase: shrink\n"));
    ck_assert_ptr_nonnull(strstr(program.out, "Keys: live keys of the scenario\n"));
    ck_assert_ptr_null(strstr(program.out, "Data Size:"));
    ck_assert_ptr_null(strstr(program.out, "fixed by the command"));
}

TEST(nothing_measured)
{
    /* breaks when a run that has not begun leaves a directory, so that the next one has another name */
    write_scenario("name: none\ndescription: d\nphases:\n"
                   "  - {name: grow, type: load, keys: 50, clients: 2}\n");
    RUN("-p", "1");
    expect_status(5);
    ck_assert_uint_eq(find_directories(), 0);
    program_free(&program);
    free(test_server_text(&server, "SET vst:none:000000000000 1"));
    RUN(AT_SERVER);
    expect_status(4);
    ck_assert_uint_eq(find_directories(), 0);
    program_free(&program);
    RUN(AT_SERVER, "--force");
    expect_status(0);
    ck_assert_uint_eq(find_directories(), 1);
}

TEST_SUITE_WITH(scenario_trouble, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 150)
