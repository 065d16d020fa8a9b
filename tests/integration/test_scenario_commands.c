/* What stands around scenarios: run quick, validate, info, dataset, and the ways to name a scenario. */
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
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

TEST(called_by_the_other_name)
{
    /* breaks if a link called vst is another program than volley, or does not find what comes with it */
    char link[220], volley[1024];
    snprintf(link, sizeof link, "%s/vst", tree.path);
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    ck_assert_int_eq(symlink(volley, link), 0);
    const char *const lines[][5] = {
        {link, "run", "scenario", "config/scenarios/grow_shrink_mini.yaml", "--dry-run"},
        {link, "run", "list-scenarios"},
        {link, "version"},
    };
    static const char *const said[] = {"smallest useful", "memory_leak_detection", "volley"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *argv[6] = {NULL};
        memcpy(argv, lines[i], sizeof lines[i]);
        program_free(&program);
        program_run(&program, &(struct program_options){.argv = argv});
        ck_ended(0, said[i], "");
    }
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
    VOLLEY("run", "scenario", "load/balancd");
    ck_ended(3, "",
             "no built-in scenario \"balancd\"; `volley run list-scenarios` lists them; did you "
             "mean balanced?");
    VOLLEY("run", "scenario", "grow_shrink_min");
    ck_ended(3, "", "did you mean grow_shrink_mini?");
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

/* Five keys, and a pause. */
#define SMALL_SCENARIO                                                                             \
    "name: small\ndescription: d\nphases:\n"                                                       \
    "  - {name: grow, type: load, keys: 5, clients: 1}\n"                                          \
    "  - {name: rest, type: idle, duration: 0.2}\n"

static char file[220], out[220];

static void write_small(const char *checks)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s", SMALL_SCENARIO, checks);
    temp_tree_write(&tree, "/s.yaml", text, 0600);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
}

/* Runs it with these variables, and nothing on the command line that names a server or a directory. */
static void run_with(const char *const *variables)
{
    const char *const argv[] = {program_volley(), "run", "scenario", file, "--cpus", "none", NULL};
    program_free(&program);
    program_run(&program, &(struct program_options){.argv = argv, .environment = variables});
}

static size_t entries_of(const char *directory)
{
    size_t count = 0;
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    while (listing != NULL && (entry = readdir(listing)) != NULL)
        count += entry->d_name[0] != '.';
    if (listing != NULL)
        closedir(listing);
    return count;
}

TEST(variables_of_the_environment)
{
    /* breaks if a variable of the tool that has this format of scenarios is not looked at, or passed over without a word */
    char port[64], directory[260];
    write_small("");
    snprintf(port, sizeof port, "VST_VALKEY_PORT=%s", server.port_text);
    snprintf(directory, sizeof directory, "VST_OUTPUT_DIR=%s", out);
    run_with((const char *const[]){"VST_VALKEY_HOST=127.0.0.1", port, directory,
                                   "VST_CONFIG_FILE=x.yaml", "VST_DATASET_DIR=/x",
                                   "VST_LOG_LEVEL=INFO", NULL});
    ck_ended(0, "grow", "VST_CONFIG_FILE is set, and not looked at: -h, -p and --dbnum");
    ck_ended(0, "", "VST_DATASET_DIR is set, and not looked at: no files of vectors");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 5);
    ck_assert_uint_eq(entries_of(out), 1);
    const size_t talked = program.err_bytes;
    free(test_server_text(&server, "FLUSHALL"));
    run_with((const char *const[]){port, directory, "VST_LOG_LEVEL=ERROR", NULL});
    ck_ended(0, "grow", "");
    ck_assert_uint_lt(program.err_bytes, talked);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 5);
    ck_assert_uint_eq(entries_of(out), 2);
    run_with((const char *const[]){"VST_VALKEY_PORT=port", directory, "VST_LOG_LEVEL=loud", NULL});
    ck_ended(2, "", "VST_VALKEY_PORT is port: a port is 1 to 65535");
    ck_ended(2, "", "VST_LOG_LEVEL is loud, and not looked at");
    program_free(&program);
    program_run(&program, &(struct program_options){
                              .argv = (const char *const[]){program_volley(), "visualize",
                                                            "list-scenarios", NULL},
                              .environment = (const char *const[]){directory, NULL}});
    ck_ended(0, "small_", "");
}

TEST(a_password_of_the_environment)
{
    /* breaks if the password of VST_VALKEY_PASSWORD does not open the server, or can be seen afterwards */
    char port[64], directory[260], listing[200], environment[8192];
    temp_tree_write(&tree, "/s.yaml",
                    "name: long\nphases: [{name: rest, type: idle, duration: 600}]\n", 0600);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
    snprintf(port, sizeof port, "VST_VALKEY_PORT=%s", server.port_text);
    snprintf(directory, sizeof directory, "VST_OUTPUT_DIR=%s", out);
    free(test_server_text(&server, "CONFIG SET requirepass hunter2"));
    server.options.password = "hunter2";
    run_with((const char *const[]){port, directory, "VST_VALKEY_PASSWORD=swordfish", NULL});
    ck_ended(5, "", "password");
    ck_assert_ptr_null(strstr(program.err, "swordfish"));
    program_free(&program);
    const char *const argv[] = {program_volley(), "run",  "scenario",   file,
                                "--cpus",         "none", "--progress", NULL};
    program_start(&program, &(struct program_options){
                                .argv = argv,
                                .environment = (const char *const[]){
                                    port, directory, "VST_VALKEY_PASSWORD=hunter2", NULL}});
    program_wait_text(&program, PROGRAM_ERR, "phase 1 of 1");
    snprintf(listing, sizeof listing, "/proc/%d/environ", (int)program.pid);
    FILE *stream = fopen(listing, "re");
    ck_assert_ptr_nonnull(stream);
    const size_t bytes = fread(environment, 1, sizeof environment, stream);
    fclose(stream);
    ck_assert_uint_gt(bytes, 0);
    ck_assert_ptr_null(memmem(environment, bytes, "hunter2", strlen("hunter2")));
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 130);
    ck_assert_ptr_null(strstr(program.err, "hunter2"));
}

static const struct {
    const char *checks, *strict, *port;
    int status;
} ends[] = {
    {"checks: [{metric: keys, op: \"==\", value: 5}]\n", "--strict", NULL, 0},
    {"checks: [{metric: keys, op: \"==\", value: 6}]\n", "-q", NULL, 1},
    {"checks: [{metric: keys, op: \"==\", value: 6, severity: warn}]\n", "-q", NULL, 0},
    {"checks: [{metric: keys, op: \"==\", value: 6, severity: warn}]\n", "--strict", NULL, 1},
    {"", "--stric", NULL, 2},
    {"checks: [{metric: kyes, op: \"==\", value: 6}]\n", "-q", NULL, 3},
    {"", "-q", "1", 5},
};

LOOP_TEST(statuses, sizeof ends / sizeof ends[0])
{
    /* breaks if a script is told by the status that a run has passed that has not, or another reason */
    write_small(ends[_i].checks);
    VOLLEY("run", "scenario", file, "-o", out, "--cpus", "none", "-p",
           ends[_i].port != NULL ? ends[_i].port : server.port_text, ends[_i].strict);
    ck_ended(ends[_i].status, "", "");
}

/* The first line of a file of the run. */
static void read_header(char *line, size_t line_bytes, const char *directory, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *stream = fopen(path, "re");
    ck_assert_msg(stream != NULL, "there is no %s", path);
    ck_assert_ptr_nonnull(fgets(line, (int)line_bytes, stream));
    fclose(stream);
}

TEST(files_of_a_run_and_of_an_export)
{
    /* breaks if a column or a file that programs were told of is not there, or a run has another name than its scenario's and
     * the hour's */
    static const char leading[] = "timestamp,rss_mb,active_mb,resident_mb,allocated_mb,"
                                  "fragmentation_ratio,elapsed_seconds,phase,";
    char line[2048], run[320];
    write_small("");
    VOLLEY("run", "scenario", file, "-o", out, "--cpus", "none", "-p", server.port_text, "-q");
    ck_ended(0, "", "");
    VOLLEY("visualize", "list-scenarios", "-o", out);
    const char *name = strstr(program.out, "small_");
    ck_assert_ptr_nonnull(name);
    const size_t name_bytes = strcspn(name, " ");
    ck_assert_uint_eq(name_bytes, strlen("small_YYYYMMDDHH"));
    ck_assert_uint_eq(strspn(name + strlen("small_"), "0123456789"), strlen("YYYYMMDDHH"));
    snprintf(run, sizeof run, "%s/%.*s", out, (int)name_bytes, name);
    read_header(line, sizeof line, run, "small_metrics.csv");
    ck_assert_msg(strncmp(line, leading, strlen(leading)) == 0, "%s", line);
    ck_assert_ptr_nonnull(strstr(line, ",ops_per_second,"));
    ck_assert_ptr_nonnull(strstr(line, ",p99_ms,"));
    read_header(line, sizeof line, run, "summary.csv");
    ck_assert_ptr_nonnull(strstr(line, ",average_throughput,"));
    ck_assert_ptr_nonnull(strstr(line, ",peak_memory_mb,"));
    snprintf(line, sizeof line, "%s/small_phases.json", run);
    json_t *phases = json_load_file(line, 0, NULL);
    static const char *const keys[] = {"phases", "growth", "fragmentation", "anomalies",
                                       "mem_allocator"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        ck_assert_msg(json_object_get(phases, keys[i]) != NULL, "%s", keys[i]);
    json_decref(phases);
    snprintf(line, sizeof line, "%s/exported", tree.path);
    VOLLEY("visualize", "export-data", "small", line, "-o", out);
    ck_ended(0, "exported", "");
    ck_assert_uint_eq(entries_of(line), 4);
    VOLLEY("visualize", "export-data", "small", "--format", "json", "-o", out);
    ck_ended(0, "small_", "");
    read_header(line, sizeof line, run, "export.json");
    VOLLEY("visualize", "export-data", "small", "--format", "xml", "-o", out);
    ck_ended(2, "", "csv or json");
}

TEST(variables_and_lists)
{
    /* breaks if --variables does not reach the file, a second one takes the place of the first, or what comes with volley is not listed with what it is for */
    static const char *const names[] = {"memory_fragmentation_analysis",
                                        "high_velocity_ingestion",
                                        "vector_expansion_memory_impact",
                                        "memory_leak_detection",
                                        "production_simulation",
                                        "cluster_memory_distribution",
                                        "index_rebuild_memory_pattern",
                                        "continuous_growth",
                                        "grow_shrink_grow"};
    temp_tree_write(&tree, "/s.yaml",
                    "name: s\nphases: [{name: a, type: load, keys: 5, duration: \"${SECONDS_}\"}, "
                    "{name: b, type: idle, duration: \"${REST:-1}\"}]\n",
                    0600);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    VOLLEY("run", "scenario", file, "--dry-run", "--variables", "SECONDS_=7,REST=4");
    ck_ended(0, "2 phases, 11 s at most", "");
    VOLLEY("run", "scenario", file, "--dry-run", "--variables", "SECONDS_=7", "--variables",
           "REST=4");
    ck_ended(0, "2 phases, 11 s at most", "");
    VOLLEY("run", "scenario", file, "--dry-run", "--variables", "REST=7", "--variables", "REST=4");
    ck_ended(2, "", "REST is given twice");
    VOLLEY("run", "scenario", file, "--dry-run");
    ck_ended(3, "", "SECONDS_");
    VOLLEY("run", "validate", "memory_leak_detection");
    ck_ended(0, "14400 s at most, memory target 8", "");
    VOLLEY("run", "list-scenarios");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_ended(0, names[i], "");
    char path[120];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "config/scenarios/%s.yaml", names[i]);
        VOLLEY("validate", "scenario", path);
        ck_ended(0, "valid", "");
    }
}

TEST_SUITE_WITH(scenario_commands, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
