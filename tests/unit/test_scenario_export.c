/* Runs of scenarios in a directory, and their samples for other programs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "orchestrator/scenario/scenario_export.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct err err;
static char path[SCENARIO_PATH_BYTES], scenario[SCENARIO_NAME_BYTES];

static const char samples[] = "timestamp,rss_mb,elapsed_seconds,phase,used_memory,ops_per_second\n"
                              "1.000,2.5,0.000,grow,1000,\n"
                              "2.000,3.5,1.000,grow,2000,150.5\n";

static void set_up(void)
{
    temp_tree_make(&tree);
    err = (struct err){.code = OK};
    temp_tree_write(&tree, "/mini_2026112804/mini_metrics.csv", samples, 0644);
    temp_tree_write(&tree, "/mini_2026112804/mini_phases.json", "{\"phases\": []}", 0644);
    temp_tree_write(&tree, "/mini_2026112804/checks.json", "{\"checks\": []}", 0644);
    temp_tree_write(&tree, "/mini_2026112804/summary.csv", "phase\ngrow\n", 0644);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
}

TEST(the_newest_run_of_a_scenario_is_meant)
{
    /* breaks when a name stands for another run than the newest, or a run's own name or path is not taken */
    char wanted[300];
    temp_tree_write(&tree, "/mini_2026112804_2/mini_metrics.csv", samples, 0644);
    temp_tree_write(&tree, "/mini_2026112804_10/mini_metrics.csv", samples, 0644);
    temp_tree_write(&tree, "/mini_2026112723/mini_metrics.csv", samples, 0644);
    temp_tree_write(&tree, "/other/run.json", "{}", 0644);
    ck_assert_int_eq(scenario_run_find(path, scenario, tree.path, "mini", &err), OK);
    snprintf(wanted, sizeof wanted, "%s/mini_2026112804_10", tree.path);
    ck_assert_str_eq(path, wanted);
    ck_assert_str_eq(scenario, "mini");
    ck_assert_int_eq(scenario_run_find(path, scenario, tree.path, "mini_2026112723", &err), OK);
    snprintf(wanted, sizeof wanted, "%s/mini_2026112723", tree.path);
    ck_assert_str_eq(path, wanted);
    ck_assert_int_eq(scenario_run_find(path, scenario, "/nowhere", wanted, &err), OK);
    struct scenario_runs runs;
    ck_assert_int_eq(scenario_runs_read(&runs, tree.path, &err), OK);
    ck_assert_uint_eq(runs.count, 4);
    ck_assert_str_eq(runs.items[0].name, "mini_2026112723");
    ck_assert_str_eq(runs.items[3].name, "mini_2026112804_10");
    scenario_runs_free(&runs);
    ck_assert_int_eq(scenario_run_find(path, scenario, tree.path, "none", &err), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "none is no run of a scenario"));
}

TEST(runs_in_the_order_of_time)
{
    /* breaks when a list does not tell when a run was and what came of it, or has runs of an hour by their names */
    temp_tree_write(&tree, "/late_2026112804/late_metrics.csv", samples, 0644);
    temp_tree_write(&tree, "/late_2026112804/checks.json",
                    "{\"result\": \"FAIL\", \"started_unix_seconds\": 2000.5}", 0644);
    temp_tree_write(&tree, "/mini_2026112804/checks.json",
                    "{\"result\": \"PASS\", \"started_unix_seconds\": 3000}", 0644);
    temp_tree_write(&tree, "/old_2026112804/old_metrics.csv", samples, 0644);
    struct scenario_runs runs;
    ck_assert_int_eq(scenario_runs_read(&runs, tree.path, &err), OK);
    ck_assert_uint_eq(runs.count, 3);
    ck_assert_str_eq(runs.items[0].name, "late_2026112804");
    ck_assert_str_eq(runs.items[0].result, "FAIL");
    ck_assert_str_eq(runs.items[1].name, "mini_2026112804");
    ck_assert_double_eq_tol(runs.items[1].began_seconds, 3000, 1e-9);
    ck_assert_str_eq(runs.items[2].result, "");
    ck_assert_double_gt(runs.items[2].began_seconds, 1700000000);
    scenario_runs_free(&runs);
}

static void ck_file(const char *directory, const char *name, const char *text)
{
    size_t bytes = 0;
    char *read = fixture_read_file(directory, name, &bytes);
    ck_assert_uint_eq(bytes, strlen(text));
    ck_assert_mem_eq(read, text, bytes);
    free(read);
}

TEST(columns_go_where_they_belong)
{
    /* breaks when an export loses a row or a column, or memory and performance are mixed up */
    char out[300];
    snprintf(out, sizeof out, "%s/out", tree.path);
    ck_assert_int_eq(scenario_run_find(path, scenario, tree.path, "mini", &err), OK);
    ck_assert_msg(scenario_export_csv(path, scenario, out, &err) == OK, "%s", err.text);
    ck_file(out, "metrics.csv", samples);
    ck_file(out, "memory.csv",
            "timestamp,rss_mb,elapsed_seconds,phase,used_memory\n"
            "1.000,2.5,0.000,grow,1000\n"
            "2.000,3.5,1.000,grow,2000\n");
    ck_file(out, "performance.csv",
            "timestamp,elapsed_seconds,phase,ops_per_second\n"
            "1.000,0.000,grow,\n"
            "2.000,1.000,grow,150.5\n");
    ck_file(out, "summary.csv", "phase\ngrow\n");
    ck_assert_msg(scenario_export_csv(path, scenario, path, &err) == OK, "%s", err.text);
    ck_file(path, "summary.csv", "phase\ngrow\n");
}

TEST(json_has_numbers_and_nulls)
{
    /* breaks when the JSON of a run is none, or an empty cell becomes a number */
    json_error_t error;
    char file[SCENARIO_PATH_BYTES + 32];
    ck_assert_int_eq(scenario_run_find(path, scenario, tree.path, "mini", &err), OK);
    ck_assert_msg(scenario_export_json(path, scenario, path, &err) == OK, "%s", err.text);
    snprintf(file, sizeof file, "%s/export.json", path);
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    const json_t *rows = json_object_get(root, "samples"), *row = json_array_get(rows, 1);
    ck_assert_uint_eq(json_array_size(rows), 2);
    ck_assert(json_is_null(json_object_get(json_array_get(rows, 0), "ops_per_second")));
    ck_assert_double_eq_tol(json_number_value(json_object_get(row, "ops_per_second")), 150.5, 1e-9);
    ck_assert_str_eq(json_string_value(json_object_get(row, "phase")), "grow");
    json_decref(root);
}

static const char *const damaged[] = {
    "",
    "timestamp,phase\n",
    "timestamp,elapsed_seconds,phase,used_memory\n1,2,grow\n",
    "timestamp,elapsed_seconds,phase,used_memory\n1,2,grow,3",
};

LOOP_TEST(damaged_samples_are_refused, sizeof damaged / sizeof damaged[0])
{
    /* breaks when half a row is exported as a whole one, or what stood there before is lost for it */
    ck_assert_int_eq(scenario_run_find(path, scenario, tree.path, "mini", &err), OK);
    temp_tree_write(&tree, "/mini_2026112804/metrics.csv", "before\n", 0644);
    temp_tree_write(&tree, "/mini_2026112804/mini_metrics.csv", damaged[_i], 0644);
    ck_assert_int_eq(scenario_export_csv(path, scenario, path, &err), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "mini_metrics.csv is not whole"));
    ck_file(path, "metrics.csv", "before\n");
    err = (struct err){.code = OK};
    ck_assert_int_eq(scenario_export_json(path, scenario, path, &err), E_DATA);
}

static const char *const files_of_a_run[] = {"mini_metrics.csv", "summary.csv", "mini_phases.json",
                                             "checks.json"};

LOOP_TEST(what_has_no_end_is_not_read, sizeof files_of_a_run / sizeof files_of_a_run[0])
{
    /* breaks when an export waits for ever on a pipe that stands where a file of the run was */
    char run[200], put[200], into[200];
    snprintf(run, sizeof run, "%s/mini_2026112804", tree.path);
    snprintf(put, sizeof put, "%.150s/%s", run, files_of_a_run[_i]);
    snprintf(into, sizeof into, "%s/into", tree.path);
    ck_assert_int_eq(remove(put), 0);
    ck_assert_int_eq(mkfifo(put, 0600), 0);
    ck_assert_int_eq(_i < 2 ? scenario_export_csv(run, "mini", into, &err)
                            : scenario_export_json(run, "mini", into, &err),
                     E_DATA);
    EXPECT_IN(err.text, "it is no regular file");
}

TEST_SUITE_WITH(scenario_export, .set_up = set_up, .tear_down = tear_down)
