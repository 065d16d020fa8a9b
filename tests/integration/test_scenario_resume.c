/* `volley run scenario --resume`: going on with a run that Ctrl+C has ended. */
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char file[200], out[200], directory[400];
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

#define AT_SERVER "-o", out, "--cpus", "none", "-p", server.port_text

/* Begins the scenario, and ends it by Ctrl+C once this phase has gone on for a while. */
static void interrupt_in(const char *scenario, const char *phase)
{
    temp_tree_write(&tree, "/s.yaml", scenario, 0600);
    program_start_volley(&program, "run", "scenario", file, AT_SERVER, "--progress", NULL);
    program_wait_text(&program, PROGRAM_ERR, phase);
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_msg(program.exit_status == 130, "%d: %s", program.exit_status, program.err);
    DIR *listing = opendir(out);
    ck_assert_ptr_nonnull(listing);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(directory, sizeof directory, "%.150s/%.200s", out, entry->d_name);
    closedir(listing);
}

static void resume(void)
{
    program_free(&program);
    program_run_volley(&program, "run", "scenario", "--resume", directory, AT_SERVER, NULL);
}

static void ck_refused(int status, const char *text)
{
    ck_assert_msg(program.exit_status == status && strstr(program.err, text) != NULL,
                  "status %d, not %d: %s\n%s", program.exit_status, status, program.out,
                  program.err);
}

/* The load takes 4 seconds. */
#define GROW "  - {name: grow, type: load, keys: 40000, qps: 10000, clients: 4}\n"
#define SCENARIO(phases) "name: long\ndescription: d\nsample_interval: 0.2\nphases:\n" phases

TEST(a_load_goes_on)
{
    /* breaks when a load that goes on sends a key twice or leaves one out, later phases are left out, or the command that is
     * shown does not go on */
    char command[500];
    interrupt_in(SCENARIO(GROW "  - {name: shrink, type: delete-fraction, fraction: 0.25}\n"),
                 "requests/s");
    snprintf(command, sizeof command,
             "stopped: volley run scenario --resume %s -h 127.0.0.1 -p %s\n", directory,
             server.port_text);
    ck_assert_msg(strstr(program.err, command) != NULL, "%s", program.err);
    const long long before = test_server_integer(&server, "DBSIZE");
    ck_assert(before > 0 && before < 40000);
    resume();
    ck_refused(0, "");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 30000);
    char path[500];
    snprintf(path, sizeof path, "%s_2/long_phases.json", directory);
    json_t *phases = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(phases);
    ck_assert_ptr_nonnull(
        strstr(directory, json_string_value(json_object_get(phases, "continues"))));
    const json_t *grow = json_array_get(json_object_get(phases, "phases"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(grow, "keys_before")), before);
    ck_assert_int_eq(json_integer_value(json_object_get(grow, "keys_after")), 40000);
    ck_assert_int_eq(json_integer_value(json_object_get(grow, "requests_ok")), 40000 - before);
    json_decref(phases);
    resume();
    ck_refused(4, "not the keys that the run left");
}

TEST(a_delete_goes_on)
{
    /* breaks when a delete that goes on takes its part of what is left, in place of the rest of its part, or the load before
     * it is told as one that has not been */
    interrupt_in(
        SCENARIO("  - {name: grow, type: load, keys: 40000, clients: 4, pipeline: 8}\n"
                 "  - {name: shrink, type: delete-fraction, fraction: 0.75, qps: 10000}\n"),
        "phase 2 of 2");
    const long long before = test_server_integer(&server, "DBSIZE");
    ck_assert(before > 10000 && before < 40000);
    resume();
    ck_refused(0, "");
    ck_assert_msg(strstr(program.out, "done before") != NULL, "%s", program.out);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 10000);
}

TEST(refused_on_another_server_or_file)
{
    /* breaks when a run goes on with keys that are gone, another scenario, or options that it did not begin with */
    interrupt_in(SCENARIO(GROW), "requests/s");
    program_free(&program);
    program_run_volley(&program, "run", "scenario", file, "--resume", directory, AT_SERVER, NULL);
    ck_refused(2, "takes no other");
    program_free(&program);
    program_run_volley(&program, "run", "scenario", "--resume", directory, "--scale", "2",
                       AT_SERVER, NULL);
    ck_refused(2, "--scale: a run that goes on has it");
    program_free(&program);
    program_run_volley(&program, "run", "scenario", "--resume", directory, "-o", out, NULL);
    ck_refused(2, "name the server");
    temp_tree_write(&tree, "/s.yaml", SCENARIO(GROW "  - {name: rest, type: idle, duration: 1}\n"),
                    0600);
    resume();
    ck_refused(4, "is not what the run began with");
    temp_tree_write(&tree, "/s.yaml", SCENARIO(GROW), 0600);
    free(test_server_text(&server, "FLUSHALL"));
    resume();
    ck_refused(4, "the server has not the keys that the run left");
    snprintf(directory, sizeof directory, "%s", out);
    resume();
    ck_refused(4, "there is no resume.json");
}

/* A path in the directory of the run. */
static const char *in_run(const char *name)
{
    static char path[700];
    snprintf(path, sizeof path, "%.600s/%s", directory, name);
    return path;
}

TEST(damaged_files_are_refused)
{
    /* breaks when a run goes on from a map of another length, or waits for ever on what is no file */
    interrupt_in(SCENARIO(GROW), "requests/s");
    FILE *map = fopen(in_run("resume.map"), "ae");
    ck_assert_ptr_nonnull(map);
    ck_assert_uint_eq(fwrite("        ", 1, 8, map), 8);
    ck_assert_int_eq(fclose(map), 0);
    resume();
    ck_refused(4, "is not the map that resume.json tells of");
    ck_assert_int_eq(remove(in_run("resume.map")), 0);
    ck_assert_int_eq(symlink("/dev/zero", in_run("resume.map")), 0);
    resume();
    ck_refused(4, "it is no regular file");
    ck_assert_int_eq(remove(in_run("resume.json")), 0);
    ck_assert_int_eq(mkfifo(in_run("resume.json"), 0600), 0);
    resume();
    ck_refused(4, "there is no resume.json that can be read");
}

static const struct {
    const char *scenario, *phase;
} unsound[] = {
    {SCENARIO(
         "  - {name: grow, type: load, keys: 40000, clients: 4, pipeline: 8}\n"
         "  - {name: part, type: delete-fraction, fraction: 0.75, strategy: \"stride:2\", qps: "
         "10000}\n"),
     "phase 2 of 2"},
    {SCENARIO(
         "  - {name: grow, type: load, keys: 40000, clients: 4, pipeline: 8}\n"
         "  - {name: again, type: overwrite-resize, fraction: 1, size_factor: 2, qps: 10000}\n"),
     "phase 2 of 2"},
    {SCENARIO("  - {name: grow, type: load, keys: 40000, qps: 10000, ttl: 600}\n"), "requests/s"},
    {SCENARIO("  - {name: grow, type: load, datatype: vector, dimensions: 4, keys: 40000, qps: "
              "5000}\n"),
     "requests/s"},
};

LOOP_TEST(not_offered, sizeof unsound / sizeof unsound[0])
{
    /* breaks when a phase is offered to go on that would not be what it was to be */
    interrupt_in(unsound[_i].scenario, unsound[_i].phase);
    ck_assert_ptr_null(strstr(program.err, "to go on"));
    resume();
    ck_refused(4, "there is no resume.json");
}

TEST_SUITE_WITH(scenario_resume, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
