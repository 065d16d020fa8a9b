/* The scenarios that come with volley, each carried out, scaled, on a server of volley's own. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

/* A file in the only directory below the output's. */
static json_t *load_json(const char *out, const char *name)
{
    char path[900];
    json_error_t error;
    DIR *listing = opendir(out);
    ck_assert_ptr_nonnull(listing);
    const struct dirent *entry;
    path[0] = '\0';
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%.200s/%.255s/%.200s", out, entry->d_name, name);
    closedir(listing);
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}

static const char *const shipped[] = {
    "continuous_growth",
    "grow_shrink_grow",
    "grow_shrink_mini",
    "high_velocity_ingestion",
    "index_rebuild_memory_pattern",
    "memory_fragmentation_analysis",
    "memory_leak_detection",
    "production_simulation",
    "vector_expansion_memory_impact",
    "low_latency",
    "stress_to_break",
    "endurance",
    "bgsave",
    "aof_rewrite",
    "full_sync",
    "flushall",
    "scan_churn",
    "script_storm",
    "expiry_storm",
};

LOOP_TEST(shipped_ones_run, sizeof shipped / sizeof shipped[0])
{
    /* breaks when a scenario that comes with volley cannot be carried out on a server of volley's own */
    char out[220], name[120];
    snprintf(out, sizeof out, "%s/out", tree.path);
    const char *const argv[] = {program_volley(), "run",  "scenario", shipped[_i], "-o", out,
                                "--cpus",         "none", "--scale",  "0.0005",    NULL};
    /* memory_leak_detection lasts for half a minute where nothing else runs */
    program_run(&program, &(struct program_options){.argv = argv, .deadline_ms = 140000});
    ck_assert_msg(program.exit_status == 0 || program.exit_status == 1,
                  "%s: status %d:\n%.1500s\n%.1500s", shipped[_i], program.exit_status, program.out,
                  program.err);
    snprintf(name, sizeof name, "%s_phases.json", shipped[_i]);
    json_t *phases = load_json(out, name), *checks = load_json(out, "checks.json");
    ck_assert(json_array_size(json_object_get(checks, "checks")) > 0);
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
        ck_assert_msg(json_is_true(json_object_get(phase, "ran")) ||
                          json_is_true(json_object_get(phase, "left_out")),
                      "%s: phase %zu did not run: %.1500s", shipped[_i], i, program.err);
    json_decref(checks);
    json_decref(phases);
}

TEST_SUITE_WITH(scenario_shipped, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 150)
