/* Groups of scenarios of `volley suite` on real servers: what is written and read, on which server, and what is kept. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#define SUITE(...)                                                                                 \
    program_run_volley(&suite.program, "suite", "--config", suite.config, "--results-dir",         \
                       suite.results, __VA_ARGS__, NULL)
#define SUITE_OF_SOURCES(...) SUITE("--valkey-path", suite.sources, __VA_ARGS__)

#define GROUPS(scenarios)                                                                          \
    "[{\"tls_mode\": false, \"cluster_mode\": false, \"seed\": false, \"keyspacelen\": 500, "      \
    "\"test_groups\": [" scenarios "]}]"

/* The record of this test_id; how many there are in *count. */
static const json_t *record_of(const json_t *list, const char *test_id, size_t *count)
{
    size_t index;
    const json_t *record, *found = NULL;
    *count = 0;
    json_array_foreach(list, index, record)
    {
        if (strcmp(suite_tree_text(record, "test_id"), test_id) == 0) {
            found = record;
            ++*count;
        }
    }
    ck_assert_msg(found != NULL, "no record of %s", test_id);
    return found;
}

static size_t count_in(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted))
        count++;
    return count;
}

/* Servers that were started in all, by what they have said. */
static size_t servers_started(void)
{
    char directory[600];
    suite_tree_directory(&suite, directory);
    char *log = suite_tree_read(directory, "valkey_log_cluster_disabled_tls_disabled.log");
    const size_t count = count_in(log, "eady to accept connections");
    free(log);
    return count;
}

static const char three_kinds[] = GROUPS(
    "{\"group\": 1, \"description\": \"rows\", \"scenarios\": ["
    "{\"id\": \"a\", \"type\": \"write\", \"description\": \"all rows\", \"dataset\": "
    "\"rows.csv\", "
    "\"maxdocs\": 400, \"clients\": 2, \"sequential\": true, \"flush_before\": true, "
    "\"setup_commands\": [\"CONFIG SET hz 20\", \"SET 'two words' x\"], "
    "\"command\": \"HSET row:{tag}:__rand_int__ name \\\"__field:name__\\\"\"}, "
    "{\"id\": \"b\", \"type\": \"read\", \"clients\": 4, \"duration\": 1, \"keyspacelen\": 300, "
    "\"command\": \"HGET row:__rand_int__\", \"options\": {\"name\": \"\", \"none\": \"_none\"}}, "
    "{\"id\": \"c\", \"type\": \"mixed\", \"duration\": 1, \"warmup\": 1, \"keyspacelen\": 300, "
    "\"writes\": [{\"id\": \"w\", \"clients\": 2, \"test\": \"SET\"}], "
    "\"reads\": [{\"id\": \"r\", \"clients\": 3, \"command\": \"HGET row:__rand_int__ name\"}]}]}, "
    "{\"group\": \"two\", \"scenarios\": [{\"id\": \"a\", \"type\": \"read\", \"clients\": 2, "
    "\"requests\": 1000, \"command\": \"HGET row:__rand_int__ name\", \"benchmark_args\": "
    "[\"--key-dist zipf\"]}, "
    "{\"id\": \"b\", \"type\": \"read\", \"clients\": 2, \"requests\": 1000, \"test\": \"GET\", "
    "\"populate_with\": \"SET\", \"restart_before\": true}]}");

static void write_rows(void)
{
    char text[8000] = "name,other\n";
    for (int i = 0; i < 300; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "\"n, %d\",x\n", i);
    temp_tree_write(&suite.tree, "/rows.csv", text, 0600);
}

static void run_here(const char *options)
{
    char line[1200], volley[600];
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    snprintf(line, sizeof line,
             "'%s' suite --config config.json --results-dir results --valkey-path valkey %s",
             volley, options);
    program_free(&suite.program);
    program_run_shell(&suite.program, suite.tree.path, line, 0);
}

TEST(what_one_scenario_writes_the_next_one_reads)
{
    /* breaks when scenarios of a group do not share one server, or groups do; a read does not find what was written; variants, writes
     * and reads at once, or datasets are not kept each for itself; or compare cannot tell them apart */
    size_t count;
    char directory[600];
    write_rows();
    suite_tree_configure(&suite, three_kinds);
    run_here("--runs 2");
    program_expect_text(suite.program.out, "14 records, 14 runs measured, 0 failed");
    ck_assert_uint_eq(servers_started(), 2 * 3);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
    json_t *list = suite_tree_records(&suite);
    const json_t *record = record_of(list, "1a", &count);
    ck_assert_uint_eq(count, 2);
    suite_tree_check_figures(record);
    ck_assert_str_eq(suite_tree_text(record, "command"), "HSET");
    ck_assert_str_eq(suite_tree_text(record, "test_phase"), "write");
    ck_assert_str_eq(suite_tree_text(record, "group"), "1");
    ck_assert_str_eq(suite_tree_text(record, "scenario"), "a");
    ck_assert_str_eq(suite_tree_text(record, "dataset"), "rows.csv");
    ck_assert_str_eq(suite_tree_text(record, "status"), "success");
    ck_assert_str_eq(suite_tree_text(record, "group_description"), "rows");
    ck_assert_str_eq(suite_tree_text(record, "scenario_description"), "all rows");
    ck_assert_double_eq(suite_tree_number(record, "requests_ok"), 300); /* of the table's rows */
    record = record_of(list, "1b", &count);
    ck_assert_str_eq(suite_tree_text(record, "test_phase"), "read");
    ck_assert_double_eq(suite_tree_number(record, "misses"), 0);
    ck_assert_str_eq(suite_tree_text(record, "command_line"), "HGET row:__rand_int__ name");
    record = record_of(list, "1b_none", &count);
    ck_assert_double_eq(suite_tree_number(record, "misses"),
                        suite_tree_number(record, "requests_ok"));
    ck_assert_str_eq(suite_tree_text(record, "command_line"), "HGET row:__rand_int__ none");
    record = record_of(list, "1c_w", &count);
    ck_assert_str_eq(suite_tree_text(record, "test_phase"), "mixed_write");
    ck_assert_double_eq(suite_tree_number(record, "clients"), 2);
    /* the other part is no load of somebody else, and the server's time nobody's alone */
    char *reasons = json_dumps(json_object_get(record, "verdict_reasons"), JSON_ENCODE_ANY);
    ck_assert_ptr_null(strstr(reasons, "other_load"));
    free(reasons);
    ck_assert(json_is_null(json_object_get(record, "server_cpu_us_per_request")));
    record = record_of(list, "1c_r", &count);
    suite_tree_check_figures(record);
    ck_assert_str_eq(suite_tree_text(record, "test_phase"), "mixed_read");
    ck_assert_double_eq(suite_tree_number(record, "misses"), 0);
    ck_assert_double_eq(suite_tree_number(record, "clients"), 3);
    record = record_of(list, "twoa", &count); /* whose server is empty */
    ck_assert_double_eq(suite_tree_number(record, "misses"), 1000);
    record = record_of(list, "twob", &count);
    ck_assert_double_eq(suite_tree_number(record, "misses"), 0);
    json_decref(list);
    suite_tree_directory(&suite, directory);
    program_free(&suite.program);
    program_run_volley(&suite.program, "compare", "--baseline", directory, "--new", directory,
                       NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "- test_id: 1b_none\n");
}

static int count_files(const char *pattern)
{
    char line[700];
    int count = -1;
    snprintf(line, sizeof line, "ls %s/*/%s 2>/dev/null | wc -l", suite.results, pattern);
    FILE *out = popen(line, "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%d", &count), 1);
    (void)pclose(out);
    return count;
}

TEST(what_is_missing_is_measured_with_what_it_needs)
{
    /* breaks when --resume measures a scenario without what was written before it, or keeps the figures of that a second time; or
     * --groups and --scenarios choose others */
    size_t count;
    write_rows();
    suite_tree_configure(&suite, three_kinds);
    run_here("--groups 1 --scenarios a,c");
    program_expect_text(suite.program.out, "3 records, 3 runs measured");
    run_here("--groups 1 --resume --keep-histograms");
    program_expect_text(suite.program.out, "5 records, 2 runs measured, 0 failed, 3 there already");
    ck_assert_int_eq(count_files("run-*.hlog"), 2); /* of what was kept */
    json_t *list = suite_tree_records(&suite);
    ck_assert_double_eq(suite_tree_number(record_of(list, "1b", &count), "misses"), 0);
    (void)record_of(list, "1a", &count);
    ck_assert_uint_eq(count, 1);
    json_decref(list);
    run_here("--groups 1 --resume");
    program_expect_text(suite.program.out, "5 records, 0 runs measured, 0 failed, 5 there already");
}

TEST(a_scenario_that_fails_ends_its_group)
{
    /* breaks when what comes behind a scenario that has failed is measured all the same, other groups are not, a server stays behind,
     * or there is no record of it; or --resume takes that for one */
    size_t count;
    suite_tree_configure(
        &suite,
        GROUPS(
            "{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
            "\"requests\": 10, \"test\": \"SET\"}, {\"id\": \"b\", \"type\": \"read\", "
            "\"clients\": 1, "
            "\"requests\": 10, \"command\": \"NOSUCH x\"}, {\"id\": \"c\", \"type\": \"read\", "
            "\"clients\": 1, \"requests\": 10, \"test\": \"GET\"}]}, "
            "{\"group\": 2, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
            "\"requests\": 10, \"setup_commands\": [\"CONFIG SET nosuch 1\"], \"test\": "
            "\"SET\"}]}, "
            "{\"group\": 3, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
            "\"requests\": 10, \"test\": \"SET\"}]}"));
    SUITE_OF_SOURCES("--order", "plan");
    program_expect_status(&suite.program, 1);
    program_expect_text(suite.program.err, "1b NOSUCH: failed: ");
    program_expect_text(suite.program.err, "unknown command");
    program_expect_text(suite.program.err, "what comes behind it in its group is not measured");
    program_expect_text(suite.program.err, "2a SET: failed: setup_commands: CONFIG SET nosuch 1: ");
    program_expect_text(suite.program.err, "3 of 5 runs failed");
    program_expect_text(suite.program.out, "4 records, 2 runs measured, 3 failed");
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
    json_t *list = suite_tree_records(&suite);
    const json_t *record = record_of(list, "1b", &count);
    ck_assert_str_eq(suite_tree_text(record, "status"), "failed");
    program_expect_text(suite_tree_text(record, "error"), "unknown command");
    json_decref(list);
    program_free(&suite.program);
    SUITE_OF_SOURCES("--resume");
    program_expect_text(suite.program.err, "3 of 3 runs failed");
}

TEST(a_table_that_is_missing_is_told_first)
{
    /* breaks when a dataset that is not there is told after a server was started, or without its key; or --list-plan needs it */
    suite_tree_configure(&suite, three_kinds);
    SUITE_OF_SOURCES("--list-plan");
    program_expect_status(&suite.program, 0);
    program_expect_text(
        suite.program.out,
        "1a HSET | size=3 | pipeline=1 | clients=2 | requests=400 | keyspacelen=500 | "
        "warmup=0 | dataset=rows.csv: volley bench ");
    program_expect_text(suite.program.out, "7 combinations, 1 commit, 1 run each");
    program_free(&suite.program);
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 3);
    program_expect_text(suite.program.err, "dataset: rows.csv: ");
    program_expect_text(suite.program.err, "datasets have to be there");
    ck_assert_int_ne(access(suite.results, F_OK), 0);
}

TEST(another_tool_measures_scenarios)
{
    /* breaks when valkey-benchmark is not given the scenario's load, or its figures are not kept */
    size_t count;
    suite_tree_configure(
        &suite,
        GROUPS(
            "{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 2, "
            "\"requests\": 2000, \"sequential\": true, \"test\": \"SET\"}, "
            "{\"id\": \"b\", \"type\": \"read\", \"clients\": 2, \"requests\": 2000, \"command\": "
            "\"GET key:__rand_int__\"}, {\"id\": \"c\", \"type\": \"mixed\", \"duration\": 1, "
            "\"writes\": [{\"id\": \"w\", \"clients\": 1, \"test\": \"SET\"}], \"reads\": "
            "[{\"id\": "
            "\"r\", \"clients\": 1, \"test\": \"GET\"}]}]}"));
    char tool[300], volley[600];
    snprintf(tool, sizeof tool, "%s/valkey-benchmark", suite.tree.path);
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    ck_assert_int_eq(symlink(volley, tool), 0);
    SUITE_OF_SOURCES("--valkey-benchmark-path", tool);
    program_expect_status(&suite.program, 0);
    json_t *list = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(list), 4);
    suite_tree_check_figures(record_of(list, "1b", &count));
    suite_tree_check_figures(record_of(list, "1c_r", &count));
    json_decref(list);
}

TEST(profiles_of_a_group)
{
    /* breaks when a configuration does not ask for flame graphs by its own, --skip-profiling does not leave them out, or a scenario
     * is looked at on a server that the one before has not filled */
    suite_tree_configure(
        &suite,
        "[{\"tls_mode\": false, \"cluster_mode\": false, \"keyspacelen\": 500, "
        "\"profiling_sets\": [{\"enabled\": false}, {\"enabled\": true}], \"test_groups\": "
        "[{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 4, "
        "\"requests\": 2000, \"test\": \"SET\"}, {\"id\": \"b\", \"type\": \"read\", "
        "\"clients\": 4, \"duration\": 1, \"test\": \"GET\"}]}]}]");
    SUITE_OF_SOURCES("--skip-profiling");
    program_expect_status(&suite.program, 0);
    ck_assert_int_eq(count_files("flamegraph-*"), 0);
    program_free(&suite.program);
    program_run_shell(&suite.program, suite.tree.path, "command -v perf || echo none", 0);
    const bool is_there = strstr(suite.program.out, "none") == NULL;
    program_free(&suite.program);
    SUITE_OF_SOURCES("--runs", "1");
    if (!is_there) {
        program_expect_status(&suite.program, 2);
        program_expect_text(suite.program.err,
                            "profiling_sets (or --skip-profiling): perf is not installed");
        return;
    }
    if (strstr(suite.program.err, "perf cannot look at the servers") != NULL)
        return;
    program_expect_text(suite.program.err, "[flame graph 2/2]");
    ck_assert_int_eq(count_files("flamegraph-2-1b.html"), 1);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
}

TEST(the_file_that_comes_with_it)
{
    /* breaks when configs/suite-scenarios.json is not accepted, or cannot be measured, on a server or a cluster */
    size_t count;
    program_run_volley(&suite.program, "suite", "--config", "configs/suite-scenarios.json",
                       "--results-dir", suite.results, "--valkey-path", suite.sources, "--groups",
                       "2", NULL);
    program_expect_status(&suite.program, 0);
    json_t *list = suite_tree_records(&suite);
    const json_t *record = record_of(list, "2a", &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_double_eq(suite_tree_number(record, "misses"), 0);
    json_decref(list);
    program_free(&suite.program);
    program_run_volley(&suite.program, "validate", "suite", "configs/suite-scenarios.json", NULL);
    program_expect_status(&suite.program, 0);
}

TEST_SUITE_WITH(suite_groups_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
