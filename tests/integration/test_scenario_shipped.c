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

/* A scenario was carried out, and all of its phases with it. */
static void expect_all_ran(const char *scenario, const char *out)
{
    char name[120];
    ck_assert_msg(program.exit_status == 0 || program.exit_status == 1,
                  "%s: status %d:\n%.1500s\n%.1500s", scenario, program.exit_status, program.out,
                  program.err);
    snprintf(name, sizeof name, "%s_phases.json", scenario);
    json_t *phases = load_json(out, name), *checks = load_json(out, "checks.json");
    ck_assert(json_array_size(json_object_get(checks, "checks")) > 0);
    size_t i;
    const json_t *phase;
    json_array_foreach(json_object_get(phases, "phases"), i, phase)
        ck_assert_msg(json_is_true(json_object_get(phase, "ran")) ||
                          json_is_true(json_object_get(phase, "left_out")),
                      "%s: phase %zu did not run: %.1500s", scenario, i, program.err);
    json_decref(checks);
    json_decref(phases);
}

LOOP_TEST(shipped_ones_run, sizeof shipped / sizeof shipped[0])
{
    /* breaks when a scenario that comes with volley cannot be carried out on a server of volley's own */
    char out[220];
    snprintf(out, sizeof out, "%s/out", tree.path);
    const char *const argv[] = {program_volley(), "run",  "scenario", shipped[_i], "-o", out,
                                "--cpus",         "none", "--scale",  "0.0005",    NULL};
    /* memory_leak_detection lasts for half a minute where nothing else runs */
    program_run(&program, &(struct program_options){.argv = argv, .deadline_ms = 140000});
    expect_all_ran(shipped[_i], out);
}

/* Load plans of clients that buffer, and the variables that say how long their phases are. */
static const struct {
    const char *name, *variables;
    unsigned checks; /* that do not depend on how fast this machine is */
} buffered[] = {
    {"high_throughput", "WARM=0.2,MEASURE=0.2", 6},
    {"balanced", "WARM=0.2,MEASURE=0.2", 6},
    {"capacity_sweep", "MEASURE=0.2", 7},
    {"compare_modes", "MEASURE=0.2", 2},
};

/* Whether the figure of a check is there, and does not hang on the machine's speed. */
static bool is_sure(const json_t *check)
{
    static const char *const sure[] = {"messages_per_minute", "server_cpu", "avg_batch_size",
                                       "buffer_cache_hit_rate", "error_rate"};
    const char *metric = json_string_value(json_object_get(check, "metric"));
    const char *relative = json_string_value(json_object_get(check, "relative_to"));
    const char *aggregate = json_string_value(json_object_get(check, "aggregate"));
    if (relative != NULL && relative[0] != '\0')
        return false;
    if (strcmp(metric, "ops_per_second") == 0)
        return strcmp(aggregate, "max") == 0;
    for (size_t i = 0; i < sizeof sure / sizeof sure[0]; i++)
        if (strcmp(metric, sure[i]) == 0)
            return true;
    return strcmp(metric, "used_memory") == 0;
}

LOOP_TEST(buffered_ones_run, sizeof buffered / sizeof buffered[0])
{
    /* breaks when a load plan of a client that buffers cannot be carried out, or a figure that it is for is not known */
    char out[220];
    snprintf(out, sizeof out, "%s/out", tree.path);
    program_run_volley(&program, "run", "scenario", buffered[_i].name, "-o", out, "--cpus", "none",
                       "--variables", buffered[_i].variables, NULL);
    expect_all_ran(buffered[_i].name, out);
    json_t *checks = load_json(out, "checks.json");
    size_t i;
    unsigned sure = 0;
    const json_t *check;
    json_array_foreach(json_object_get(checks, "checks"), i, check)
    {
        if (!is_sure(check))
            continue;
        sure++;
        ck_assert_msg(strcmp(json_string_value(json_object_get(check, "result")), "PASS") == 0,
                      "%s of %s did not pass: %.1500s",
                      json_string_value(json_object_get(check, "metric")),
                      json_string_value(json_object_get(check, "phase")), program.out);
    }
    ck_assert_uint_eq(sure, buffered[_i].checks);
    json_decref(checks);
}

TEST_SUITE_WITH(scenario_shipped, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 150)
