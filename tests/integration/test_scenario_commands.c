/* What stands around scenarios: run quick, validate, info, dataset, and the ways to name a scenario. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define VOLLEY(...)                                                                                \
    do {                                                                                           \
        program_free(&program);                                                                    \
        program_run_volley(&program, __VA_ARGS__, NULL);                                           \
    } while (0)

static void ck_ended(int status, const char *out, const char *err)
{
    ck_assert_msg(program.exit_status == status && strstr(program.out, out) != NULL &&
                      strstr(program.err, err) != NULL,
                  "status %d:\n%s\n%s", program.exit_status, program.out, program.err);
}

TEST(quick)
{
    /* breaks if a scenario that is made on the spot is not carried out, or not with values of the shape's size */
    char out[220];
    snprintf(out, sizeof out, "%s/out", tree.path);
    VOLLEY("run", "quick", "-d", "synthetic-64", "-w", "shrink", "-t", "20", "-o", out, "--cpus",
           "none", "-p", server.port_text);
    ck_ended(0, "shrink", "");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), (64 << 20) / 256 / 2);
    char *key = test_server_text(&server, "RANDOMKEY");
    ck_assert_int_eq(test_server_integer(&server, "STRLEN %s", key), 256);
    free(key);
}

TEST(quick_plans)
{
    /* breaks if a workload of run quick is a file that the reader refuses, or options of it are taken elsewhere */
    static const char *const workloads[] = {"mixed", "ingest", "query", "shrink"};
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        VOLLEY("run", "quick", "-w", workloads[i], "--dry-run");
        ck_ended(0, workloads[i], "");
        ck_ended(0, "300.0 s", "");
    }
    VOLLEY("run", "quick", "-w", "mxed");
    ck_ended(2, "", "did you mean mixed?");
    VOLLEY("run", "quick", "-d", "sift-2m");
    ck_ended(2, "", "did you mean sift-1m?");
    VOLLEY("run", "quick", "grow_shrink_mini");
    ck_ended(2, "", "takes no file");
    VOLLEY("run", "scenario", "grow_shrink_mini", "-t", "3");
    ck_ended(2, "", "--duration is of run quick");
}

TEST(ways_to_name_a_scenario)
{
    /* breaks if a command line of the tool that has this format of scenarios is refused */
    static const char plan[] = "grow_shrink_mini: smallest useful fragmentation test";
    VOLLEY("run", "scenario", "config/scenarios/grow_shrink_mini.yaml", "--dry-run");
    ck_ended(0, plan, "");
    VOLLEY("run", "--scenario", "grow_shrink_mini", "--dry-run");
    ck_ended(0, plan, "");
    VOLLEY("run", "scenario", "--scenario", "grow_shrink_mini", "--dry-run");
    ck_ended(0, plan, "");
    VOLLEY("run", "scenario", "grow_shrink_mini", "--config", "x.yaml");
    ck_ended(2, "", "use -h, -p and --dbnum");
    VOLLEY("run", "scenario", "grow_shrink_mini", "--configg", "x.yaml");
    ck_ended(2, "", "--configg");
    ck_assert_ptr_null(strstr(program.err, "did you mean --config?")); /* refused as well */
    VOLLEY("run", "scenario", "grow_shrink_mini", "-c", "x.yaml");
    ck_ended(2, "", "use -h, -p and --dbnum");
    VOLLEY("run", "scenario", "grow_shrink_mini", "--scenario", "grow_shrink_mini");
    ck_ended(2, "", "name one scenario");
}

TEST(called_vst)
{
    /* breaks if the name of the tool that has this format of scenarios, alone, puts load on whatever is at port 6379 */
    char path[300], program_path[4096];
    snprintf(path, sizeof path, "%s/vst", tree.path);
    ck_assert_ptr_nonnull(realpath(program_volley(), program_path));
    ck_assert_int_eq(symlink(program_path, path), 0);
    static const char *const rest[][3] = {{NULL}, {"--help"}, {"run", "list-scenarios"}};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        const char *const argv[] = {path, rest[i][0], rest[i][0] != NULL ? rest[i][1] : NULL, NULL};
        program_free(&program);
        program_run(&program, &(struct program_options){.argv = argv});
        ck_ended(0, i < 2 ? "volley run scenario FILE|NAME" : "grow_shrink_mini", "");
    }
}

TEST(only_validate_tells_of_durations)
{
    /* breaks if a file that comes with volley warns at every run of what its author states, or with a path that has
     * turns in it */
    VOLLEY("run", "scenario", "grow_shrink_mini", "--dry-run");
    ck_ended(0, "", "");
    ck_assert_str_eq(program.err, "");
    VOLLEY("run", "validate", "grow_shrink_mini");
    ck_ended(0, "", "/configs/scenarios/grow_shrink_mini.yaml: the phases take 55s in all");
    ck_assert_ptr_null(strstr(program.err, "/../"));
}

TEST(validated)
{
    /* breaks if a file that is wrong counts as right, or the other way round */
    char path[300];
    VOLLEY("validate", "scenario", "grow_shrink_mini");
    ck_ended(0, "grow_shrink_mini: valid", "");
    VOLLEY("validate", "workload", "cache");
    ck_ended(0, "cache: valid", "");
    temp_tree_write(&tree, "/f.yaml", "clients: 3\nrequests: 5\n", 0600);
    snprintf(path, sizeof path, "%s/f.yaml", tree.path);
    VOLLEY("validate", "config", path);
    ck_ended(0, "valid", "");
    VOLLEY("validate", "scenario", path);
    ck_ended(3, "", "f.yaml:1:1:");
    VOLLEY("validate", "workload", path);
    ck_ended(3, "", "f.yaml:1:1:");
    temp_tree_write(&tree, "/f.yaml", "clients: 3\nrequestz: 5\n", 0600);
    VOLLEY("validate", "config", path);
    ck_ended(3, "", "f.yaml:2:1: unknown key requestz; did you mean requests?");
    VOLLEY("validate", "scenario", "no_such");
    ck_ended(3, "", "there is no such file");
    VOLLEY("validate", "scene", path);
    ck_ended(2, "", "there is no kind of file scene");
}

TEST(information)
{
    /* breaks if volley does not say what it sees of the machine, of a server, or what comes with it */
    VOLLEY("info", "system");
    ck_ended(0, "usable_cpus", "");
    VOLLEY("info", "server", "-p", server.port_text, "--json");
    json_error_t error;
    json_t *facts = json_loads(program.out, 0, &error);
    ck_assert_msg(facts != NULL, "%s: %s", error.text, program.err);
    ck_assert_int_eq(json_integer_value(json_object_get(facts, "tcp_port")), server.port);
    json_decref(facts);
    VOLLEY("info", "redis", "-p", server.port_text);
    ck_ended(0, "maxmemory_policy", "");
    VOLLEY("info", "workloads");
    ck_ended(0, "  grow_shrink_mini\n", "");
    ck_ended(0, "  cache\n", "");
    VOLLEY("info", "server", "-p", "1");
    ck_ended(5, "", "cannot connect");
    VOLLEY("info", "weather");
    ck_ended(2, "", "there is no info weather");
}

TEST(datasets)
{
    /* breaks if what volley does not do with data sets is not refused by name */
    VOLLEY("dataset", "list");
    ck_ended(0, "openai-5m", "");
    VOLLEY("dataset", "info", "sift-1m");
    ck_ended(0, "128 dimensions, l2", "");
    VOLLEY("dataset", "info", "sift-2m");
    ck_ended(4, "", "did you mean sift-1m?");
    VOLLEY("dataset", "download", "openai-5m");
    ck_ended(2, "", "volley fetches no vectors");
    VOLLEY("dataset", "prepare", "openai-5m");
    ck_ended(2, "", "dataset prepare: volley");
}

TEST_SUITE_WITH(scenario_commands, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
