/* Groups of scenarios of `volley suite` on real servers: what is written and read, on which server, and what is kept. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char results[200], sources[200], config[200];

/* A tree of sources whose program is there already. */
static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(results, sizeof results, "%s/results", tree.path);
    snprintf(sources, sizeof sources, "%s/valkey", tree.path);
    snprintf(config, sizeof config, "%s/config.json", tree.path);
    temp_tree_write(&tree, "/valkey/src/server.c", "", 0600);
    program_run_shell(&program, tree.path,
                      "ln -s \"$(command -v valkey-server || command -v redis-server)\" "
                      "valkey/src/valkey-server",
                      0);
    program_free(&program);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

static void write_config(const char *text)
{
    temp_tree_write(&tree, "/config.json", text, 0600);
}

#define SUITE(...)                                                                                 \
    program_run_volley(&program, "suite", "--config", config, "--results-dir", results,            \
                       __VA_ARGS__, NULL)
#define SUITE_OF_SOURCES(...) SUITE("--valkey-path", sources, __VA_ARGS__)

static void expect_status(int status)
{
    ck_assert_msg(program.exit_status == status, "status %d, not %d:\n%s\n%s", program.exit_status,
                  status, program.out, program.err);
}

static void expect_text(const char *in, const char *wanted)
{
    ck_assert_msg(strstr(in, wanted) != NULL, "no \"%s\" in:\n%s", wanted, in);
}

/* The only directory of results. */
static void find_directory(char path[600])
{
    struct dirent *entry;
    DIR *directory = opendir(results);
    ck_assert_ptr_nonnull(directory);
    path[0] = '\0';
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.') {
            ck_assert_msg(path[0] == '\0', "%s, and %s", path, entry->d_name);
            snprintf(path, 600, "%s/%s", results, entry->d_name);
        }
    closedir(directory);
    ck_assert_str_ne(path, "");
}

static json_t *records(void)
{
    char directory[600], path[700];
    json_error_t error;
    find_directory(directory);
    snprintf(path, sizeof path, "%s/metrics.json", directory);
    json_t *list = json_load_file(path, 0, &error);
    ck_assert_msg(list != NULL && json_is_array(list), "%s: %s", path, error.text);
    return list;
}

static const char *text_at(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    ck_assert_msg(text != NULL, "no text %s", key);
    return text;
}

static double number_at(const json_t *record, const char *key)
{
    ck_assert_msg(json_is_number(json_object_get(record, key)), "no number %s", key);
    return json_number_value(json_object_get(record, key));
}

static void ck_figures(const json_t *record)
{
    ck_assert_double_gt(number_at(record, "rps"), 0);
    ck_assert_double_gt(number_at(record, "min_latency_ms"), 0);
    ck_assert_double_le(number_at(record, "min_latency_ms"), number_at(record, "p50_latency_ms"));
    ck_assert_double_le(number_at(record, "p50_latency_ms"), number_at(record, "p95_latency_ms"));
    ck_assert_double_le(number_at(record, "p95_latency_ms"), number_at(record, "p99_latency_ms"));
    ck_assert_double_le(number_at(record, "p99_latency_ms"), number_at(record, "max_latency_ms"));
    ck_assert_double_le(number_at(record, "avg_latency_ms"), number_at(record, "max_latency_ms"));
}

static char *read_file(const char *directory, const char *name)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    char *text = calloc(1, 1 << 20);
    (void)!fread(text, 1, (1 << 20) - 1, file);
    (void)fclose(file);
    return text;
}

static int count_servers(void)
{
    char line[700];
    snprintf(line, sizeof line, "pgrep -f '%s/valkey/src/[v]alkey-server' | wc -l", tree.path);
    FILE *out = popen(line, "r");
    int count = -1;
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%d", &count), 1);
    (void)pclose(out);
    return count;
}

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
        if (strcmp(text_at(record, "test_id"), test_id) == 0) {
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
    find_directory(directory);
    char *log = read_file(directory, "valkey_log_cluster_disabled_tls_disabled.log");
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
    temp_tree_write(&tree, "/rows.csv", text, 0600);
}

static void run_here(const char *options)
{
    char line[1200], volley[600];
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    snprintf(line, sizeof line,
             "'%s' suite --config config.json --results-dir results --valkey-path valkey %s",
             volley, options);
    program_free(&program);
    program_run_shell(&program, tree.path, line, 0);
}

TEST(what_one_scenario_writes_the_next_one_reads)
{
    /* breaks when scenarios of a group do not share one server, or groups do; a read does not find what was written; variants, writes
     * and reads at once, or datasets are not kept each for itself; or compare cannot tell them apart */
    size_t count;
    char directory[600];
    write_rows();
    write_config(three_kinds);
    run_here("--runs 2");
    expect_text(program.out, "14 records, 14 runs measured, 0 failed");
    ck_assert_uint_eq(servers_started(), 2 * 3);
    ck_assert_int_eq(count_servers(), 0);
    json_t *list = records();
    const json_t *record = record_of(list, "1a", &count);
    ck_assert_uint_eq(count, 2);
    ck_figures(record);
    ck_assert_str_eq(text_at(record, "command"), "HSET");
    ck_assert_str_eq(text_at(record, "test_phase"), "write");
    ck_assert_str_eq(text_at(record, "group"), "1");
    ck_assert_str_eq(text_at(record, "scenario"), "a");
    ck_assert_str_eq(text_at(record, "dataset"), "rows.csv");
    ck_assert_str_eq(text_at(record, "status"), "success");
    ck_assert_str_eq(text_at(record, "group_description"), "rows");
    ck_assert_str_eq(text_at(record, "scenario_description"), "all rows");
    ck_assert_double_eq(number_at(record, "requests_ok"), 300); /* of the table's rows */
    record = record_of(list, "1b", &count);
    ck_assert_str_eq(text_at(record, "test_phase"), "read");
    ck_assert_double_eq(number_at(record, "misses"), 0);
    ck_assert_str_eq(text_at(record, "command_line"), "HGET row:__rand_int__ name");
    record = record_of(list, "1b_none", &count);
    ck_assert_double_eq(number_at(record, "misses"), number_at(record, "requests_ok"));
    ck_assert_str_eq(text_at(record, "command_line"), "HGET row:__rand_int__ none");
    record = record_of(list, "1c_w", &count);
    ck_assert_str_eq(text_at(record, "test_phase"), "mixed_write");
    ck_assert_double_eq(number_at(record, "clients"), 2);
    /* the other part is no load of somebody else, and the server's time nobody's alone */
    char *reasons = json_dumps(json_object_get(record, "verdict_reasons"), JSON_ENCODE_ANY);
    ck_assert_ptr_null(strstr(reasons, "other_load"));
    free(reasons);
    ck_assert(json_is_null(json_object_get(record, "server_cpu_us_per_request")));
    record = record_of(list, "1c_r", &count);
    ck_figures(record);
    ck_assert_str_eq(text_at(record, "test_phase"), "mixed_read");
    ck_assert_double_eq(number_at(record, "misses"), 0);
    ck_assert_double_eq(number_at(record, "clients"), 3);
    record = record_of(list, "twoa", &count); /* whose server is empty */
    ck_assert_double_eq(number_at(record, "misses"), 1000);
    record = record_of(list, "twob", &count);
    ck_assert_double_eq(number_at(record, "misses"), 0);
    json_decref(list);
    find_directory(directory);
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", directory, "--new", directory, NULL);
    expect_status(0);
    expect_text(program.out, "- test_id: 1b_none\n");
}

static int count_files(const char *pattern)
{
    char line[700];
    int count = -1;
    snprintf(line, sizeof line, "ls %s/*/%s 2>/dev/null | wc -l", results, pattern);
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
    write_config(three_kinds);
    run_here("--groups 1 --scenarios a,c");
    expect_text(program.out, "3 records, 3 runs measured");
    run_here("--groups 1 --resume --keep-histograms");
    expect_text(program.out, "5 records, 2 runs measured, 0 failed, 3 there already");
    ck_assert_int_eq(count_files("run-*.hlog"), 2); /* of what was kept */
    json_t *list = records();
    ck_assert_double_eq(number_at(record_of(list, "1b", &count), "misses"), 0);
    (void)record_of(list, "1a", &count);
    ck_assert_uint_eq(count, 1);
    json_decref(list);
    run_here("--groups 1 --resume");
    expect_text(program.out, "5 records, 0 runs measured, 0 failed, 5 there already");
}

TEST(a_scenario_that_fails_ends_its_group)
{
    /* breaks when what comes behind a scenario that has failed is measured all the same, other groups are not, a server stays behind,
     * or there is no record of it; or --resume takes that for one */
    size_t count;
    write_config(GROUPS(
        "{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
        "\"requests\": 10, \"test\": \"SET\"}, {\"id\": \"b\", \"type\": \"read\", \"clients\": 1, "
        "\"requests\": 10, \"command\": \"NOSUCH x\"}, {\"id\": \"c\", \"type\": \"read\", "
        "\"clients\": 1, \"requests\": 10, \"test\": \"GET\"}]}, "
        "{\"group\": 2, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
        "\"requests\": 10, \"setup_commands\": [\"CONFIG SET nosuch 1\"], \"test\": \"SET\"}]}, "
        "{\"group\": 3, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 1, "
        "\"requests\": 10, \"test\": \"SET\"}]}"));
    SUITE_OF_SOURCES("--order", "plan");
    expect_status(1);
    expect_text(program.err, "1b NOSUCH: failed: ");
    expect_text(program.err, "unknown command");
    expect_text(program.err, "what comes behind it in its group is not measured");
    expect_text(program.err, "2a SET: failed: setup_commands: CONFIG SET nosuch 1: ");
    expect_text(program.err, "3 of 5 runs failed");
    expect_text(program.out, "4 records, 2 runs measured, 3 failed");
    ck_assert_int_eq(count_servers(), 0);
    json_t *list = records();
    const json_t *record = record_of(list, "1b", &count);
    ck_assert_str_eq(text_at(record, "status"), "failed");
    expect_text(text_at(record, "error"), "unknown command");
    json_decref(list);
    program_free(&program);
    SUITE_OF_SOURCES("--resume");
    expect_text(program.err, "3 of 3 runs failed");
}

TEST(a_table_that_is_missing_is_told_first)
{
    /* breaks when a dataset that is not there is told after a server was started, or without its key; or --list-plan needs it */
    write_config(three_kinds);
    SUITE_OF_SOURCES("--list-plan");
    expect_status(0);
    expect_text(program.out,
                "1a HSET | size=3 | pipeline=1 | clients=2 | requests=400 | keyspacelen=500 | "
                "warmup=0 | dataset=rows.csv: volley bench ");
    expect_text(program.out, "7 combinations, 1 commit, 1 run each");
    program_free(&program);
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(3);
    expect_text(program.err, "dataset: rows.csv: ");
    expect_text(program.err, "datasets have to be there");
    ck_assert_int_ne(access(results, F_OK), 0);
}

TEST(another_tool_measures_scenarios)
{
    /* breaks when valkey-benchmark is not given the scenario's load, or its figures are not kept */
    size_t count;
    write_config(GROUPS(
        "{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 2, "
        "\"requests\": 2000, \"sequential\": true, \"test\": \"SET\"}, "
        "{\"id\": \"b\", \"type\": \"read\", \"clients\": 2, \"requests\": 2000, \"command\": "
        "\"GET key:__rand_int__\"}, {\"id\": \"c\", \"type\": \"mixed\", \"duration\": 1, "
        "\"writes\": [{\"id\": \"w\", \"clients\": 1, \"test\": \"SET\"}], \"reads\": [{\"id\": "
        "\"r\", \"clients\": 1, \"test\": \"GET\"}]}]}"));
    char tool[300], volley[600];
    snprintf(tool, sizeof tool, "%s/valkey-benchmark", tree.path);
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    ck_assert_int_eq(symlink(volley, tool), 0);
    SUITE_OF_SOURCES("--valkey-benchmark-path", tool);
    expect_status(0);
    json_t *list = records();
    ck_assert_uint_eq(json_array_size(list), 4);
    ck_figures(record_of(list, "1b", &count));
    ck_figures(record_of(list, "1c_r", &count));
    json_decref(list);
}

TEST(profiles_of_a_group)
{
    /* breaks when a configuration does not ask for flame graphs by its own, --skip-profiling does not leave them out, or a scenario
     * is looked at on a server that the one before has not filled */
    write_config(
        "[{\"tls_mode\": false, \"cluster_mode\": false, \"keyspacelen\": 500, "
        "\"profiling_sets\": [{\"enabled\": false}, {\"enabled\": true}], \"test_groups\": "
        "[{\"group\": 1, \"scenarios\": [{\"id\": \"a\", \"type\": \"write\", \"clients\": 4, "
        "\"requests\": 2000, \"test\": \"SET\"}, {\"id\": \"b\", \"type\": \"read\", "
        "\"clients\": 4, \"duration\": 1, \"test\": \"GET\"}]}]}]");
    SUITE_OF_SOURCES("--skip-profiling");
    expect_status(0);
    ck_assert_int_eq(count_files("flamegraph-*"), 0);
    program_free(&program);
    program_run_shell(&program, tree.path, "command -v perf || echo none", 0);
    const bool is_there = strstr(program.out, "none") == NULL;
    program_free(&program);
    SUITE_OF_SOURCES("--runs", "1");
    if (!is_there) {
        expect_status(2);
        expect_text(program.err, "profiling_sets (or --skip-profiling): perf is not installed");
        return;
    }
    if (strstr(program.err, "perf cannot look at the servers") != NULL)
        return;
    expect_text(program.err, "[flame graph 2/2]");
    ck_assert_int_eq(count_files("flamegraph-2-1b.html"), 1);
    ck_assert_int_eq(count_servers(), 0);
}

TEST(the_file_that_comes_with_it)
{
    /* breaks when configs/suite-scenarios.json is not accepted, or cannot be measured, on a server or a cluster */
    size_t count;
    program_run_volley(&program, "suite", "--config", "configs/suite-scenarios.json",
                       "--results-dir", results, "--valkey-path", sources, "--groups", "2", NULL);
    expect_status(0);
    json_t *list = records();
    const json_t *record = record_of(list, "2a", &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_double_eq(number_at(record, "misses"), 0);
    json_decref(list);
    program_free(&program);
    program_run_volley(&program, "validate", "suite", "configs/suite-scenarios.json", NULL);
    expect_status(0);
}

TEST_SUITE_WITH(suite_groups_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
