/* From all buffers of a client to the Performance Baseline Report: a suite, a baseline of its results, and what is held against it. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
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

#define PLAN(config_)                                                                              \
    do {                                                                                           \
        program_free(&suite.program);                                                              \
        program_run_volley(&suite.program, "suite", "--config", config_, "--list-plan", NULL);     \
    } while (0)
/* With the directory of results behind it. */
#define VOLLEY(...)                                                                                \
    do {                                                                                           \
        program_free(&suite.program);                                                              \
        program_run_volley(&suite.program, __VA_ARGS__, "--results-dir", suite.results, NULL);     \
    } while (0)

TEST(the_file_that_comes_with_it)
{
    /* breaks when configs/suite-buffers.yaml leaves out one of configs/buffers, or asks for what cannot be measured */
    unsigned count = 0;
    PLAN("configs/suite-buffers.yaml");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "18 combinations");
    DIR *directory = opendir("configs/buffers");
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char wanted[300];
        const char *ending = strstr(entry->d_name, ".yaml");
        if (ending == NULL)
            continue;
        snprintf(wanted, sizeof wanted, "| buffer=%.*s | duration=10s",
                 (int)(ending - entry->d_name), entry->d_name);
        program_expect_text(suite.program.out, wanted);
        count++;
    }
    (void)closedir(directory);
    ck_assert_uint_eq(3 * count, 18);
}

static void expect_advice(const json_t *advice, const char *use)
{
    size_t i;
    const json_t *one;
    json_array_foreach(advice, i, one)
    {
        if (strcmp(suite_tree_text(one, "use"), use) != 0)
            continue;
        ck_assert_msg(strncmp(suite_tree_text(one, "profile"), "SET buffer=", 11) == 0, "%s", use);
        ck_assert_double_gt(suite_tree_number(one, "mean"), 0);
        return;
    }
    ck_abort_msg("there is no advice for %s", use);
}

static void check_report(void)
{
    static const char *const metrics[] = {"rps", "p99_latency_ms", "used_memory_bytes"};
    json_error_t error;
    size_t i;
    const json_t *profile;
    json_t *json = json_loads(suite.program.out, 0, &error);
    ck_assert_msg(json != NULL, "%s", error.text);
    const json_t *profiles = json_object_get(json, "profiles");
    ck_assert_uint_eq(json_array_size(profiles), 6);
    json_array_foreach(profiles, i, profile)
    {
        ck_assert_double_eq(suite_tree_number(profile, "runs"), 2);
        for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
            const json_t *metric = json_object_get(json_object_get(profile, "metrics"), metrics[m]);
            ck_assert_double_eq(suite_tree_number(metric, "runs"), 2);
            ck_assert_double_gt(suite_tree_number(metric, "mean"), 0);
        }
    }
    expect_advice(json_object_get(json, "recommendations"), "throughput");
    expect_advice(json_object_get(json, "recommendations"), "latency");
    expect_advice(json_object_get(json, "recommendations"), "memory");
    json_decref(json);
}

TEST(from_a_suite_to_the_report)
{
    /* breaks when a suite measures with another buffer than its record says, a baseline does not take its results by their
     * directory or by what was measured, the report lacks a buffer, memory or advice, or check cannot read them */
    char path[600], other[900], text[900];
    suite_tree_configure(&suite,
                         "[{\"requests\": [2000], \"commands\": [\"SET\"], \"buffers\": "
                         "[\"high-throughput\", \"balanced\", \"bypass\", "
                         "\"memory-constrained\", \"tuned\", \"minimal\"], \"keyspacelen\": "
                         "[1000], \"data_sizes\": [16], \"pipelines\": [1], \"clients\": [8], "
                         "\"cluster_mode\": \"no\", \"tls_mode\": \"no\", \"warmup\": 0}]");
    suite_tree_run(&suite, "--runs", "2", NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "12 records, 12 runs measured, 0 failed");
    suite_tree_directory(&suite, path);
    char *log = suite_tree_read(path, "logs.txt");
    program_expect_text(log, "-d 16 --buffer high-throughput -c 8");
    free(log);
    VOLLEY("baseline", "save", "buffers", suite.results, "--force");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "12 runs of 6 profiles saved");
    VOLLEY("baseline", "report", "buffers", "--json", "-");
    program_expect_status(&suite.program, 0);
    check_report();
    VOLLEY("baseline", "report", "buffers");
    program_expect_text(suite.program.out, "| SET | memory | SET buffer=");
    VOLLEY("check", "--force", "--baseline", "buffers", strrchr(path, '/') + 1);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "0 on one side only");
    VOLLEY("baseline", "save", "again", "buffers");
    program_expect_status(&suite.program, 4);
    program_expect_text(suite.program.err, "buffers is a baseline itself");
    snprintf(other, sizeof other, "%s/other", suite.results);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    snprintf(text, sizeof text, "%s/metrics.json", path);
    snprintf(other, sizeof other, "%s/other/metrics.json", suite.results);
    ck_assert_int_eq(link(text, other), 0);
    VOLLEY("baseline", "save", "again", suite.results);
    program_expect_status(&suite.program, 4);
    program_expect_text(suite.program.err, "has results of several commits: name one of them");
}

TEST(what_a_run_took_of_memory)
{
    /* breaks when runs of volley bench have no used_memory in a baseline, or those of two buffers are one profile */
    char path[300];
    static const char *const buffers[] = {"minimal", "bypass"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", suite.tree.path, buffers[i]);
        program_free(&suite.program);
        program_run_volley(&suite.program, "bench", "--managed", "-t", "set", "-n", "2000", "-c",
                           "8", "-q", "--buffer", buffers[i], "--out", path, NULL);
        program_expect_status(&suite.program, 0);
    }
    snprintf(path, sizeof path, "%s/minimal", suite.tree.path);
    char *other = strdup(path);
    snprintf(path, sizeof path, "%s/bypass", suite.tree.path);
    VOLLEY("baseline", "save", "two", other, path, "--force");
    free(other);
    program_expect_status(&suite.program, 0);
    VOLLEY("baseline", "show", "two", "--json", "-");
    json_t *json = json_loads(suite.program.out, 0, NULL);
    for (size_t i = 0; i < 2; i++) {
        const json_t *record = json_array_get(json_object_get(json, "records"), i);
        ck_assert_str_eq(suite_tree_text(record, "buffer"), buffers[i]);
        ck_assert_double_gt(suite_tree_number(record, "used_memory_bytes"), 1e5);
    }
    json_decref(json);
}

#define REST                                                                                       \
    "\"keyspacelen\": 10, \"data_sizes\": 16, \"tls_mode\": \"no\", \"requests\": 10, "            \
    "\"commands\": [\"SET\"]"
static const struct {
    const char *config, *told;
} refused[] = {
    {"[{\"buffers\": [\"balancd\"], \"pipelines\": 1, \"cluster_mode\": \"no\", " REST "}]",
     "there are balanced, bypass, high-throughput"},
    {"[{\"buffers\": [\"minimal\", \"minimal\"], \"pipelines\": 1, \"cluster_mode\": \"no\", " REST
     "}]",
     "minimal stands there twice"},
    {"[{\"buffers\": [\"minimal\"], \"pipelines\": [1, 4], \"cluster_mode\": \"no\", " REST "}]",
     "beside buffers it is 1"},
    {"[{\"buffers\": [\"minimal\"], \"pipelines\": 1, \"cluster_mode\": \"yes\", " REST "}]",
     "for one server so far"},
    {"[{\"buffers\": [\"minimal\"], \"cluster_mode\": \"no\", \"tls_mode\": \"no\", "
     "\"test_groups\": [{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", "
     "\"test\": \"SET\", \"requests\": 10, \"keyspacelen\": 10}]}]}]",
     "benchmark_args of a scenario say --buffer"},
};

LOOP_TEST(what_a_buffer_does_not_go_with, sizeof refused / sizeof refused[0])
{
    /* breaks when a suite begins that fails at its first buffer, or measures the same twice */
    suite_tree_configure(&suite, refused[_i].config);
    PLAN(suite.config);
    program_expect_status(&suite.program, 3);
    program_expect_text(suite.program.err, refused[_i].told);
}

TEST_SUITE_WITH(baseline_suites, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
