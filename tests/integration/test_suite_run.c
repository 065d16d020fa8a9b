/* `volley suite` on real servers: what it measures, keeps, and leaves. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
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

#define NEEDED                                                                                     \
    "\"keyspacelen\": [1000], \"data_sizes\": [16], \"pipelines\": [4], \"clients\": [8], "        \
    "\"cluster_mode\": \"no\", \"tls_mode\": \"no\", \"warmup\": 0"

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

TEST(records_of_each_run)
{
    /* breaks when a run has no record, fields of valkey-perf-benchmark or volley's own are missing, reads find nothing, LRANGE is
     * not four records, or server and log are not kept */
    char directory[600];
    write_config("[{\"requests\": [2000], \"commands\": [\"SET\", \"GET\", \"LRANGE\"], "
                 "\"io-threads\": [1], \"custom-server-configs\": {\"hz\": 50}, " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "2", "--seed", "3", "--log-level", "debug");
    expect_status(0);
    expect_text(program.out, "metrics.json: 12 records, 6 runs measured, 0 failed");
    expect_text(program.err, "--> Running GET | size=16 | pipeline=4 | clients=8 | requests=2000 | "
                             "keyspacelen=1000 | warmup=0 | io-threads=1");
    json_t *list = records();
    size_t index, gets = 0, ranges = 0;
    json_t *record;
    ck_assert_uint_eq(json_array_size(list), 12);
    json_array_foreach(list, index, record)
    {
        static const char *const texts[] = {
            "timestamp",    "commit", "env_kernel", "env_os",  "env_tool",     "env_server_version",
            "architecture", "schema", "verdict",    "started", "suite_command"};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            (void)text_at(record, texts[i]);
        ck_figures(record);
        ck_assert_double_eq(number_at(record, "data_size"), 16);
        ck_assert_double_eq(number_at(record, "pipeline"), 4);
        ck_assert_double_eq(number_at(record, "clients"), 8);
        ck_assert_double_eq(number_at(record, "requests"), 2000);
        ck_assert_double_eq(number_at(record, "requests_ok"), 2000);
        ck_assert_double_gt(number_at(record, "server_cpu_us_per_request"), 0);
        ck_assert(json_is_array(json_object_get(record, "verdict_reasons")));
        ck_assert_double_eq(number_at(record, "io_threads"), 1);
        ck_assert_double_ge(number_at(record, "run"), 1);
        ck_assert_str_eq(text_at(json_object_get(record, "server_settings"), "hz"), "50");
        ck_assert(json_is_false(json_object_get(record, "tls")));
        ck_assert(json_is_false(json_object_get(record, "cluster_mode")));
        if (strcmp(text_at(record, "command"), "GET") == 0) {
            gets++;
            ck_assert_double_eq(number_at(record, "misses"), 0);
        }
        ranges += strncmp(text_at(record, "command"), "LRANGE_", 7) == 0;
    }
    ck_assert_uint_eq(gets, 2);
    ck_assert_uint_eq(ranges, 8);
    json_decref(list);
    find_directory(directory);
    char *log = read_file(directory, "logs.txt");
    expect_text(log, " INFO ");
    expect_text(log, "measure: volley bench -h 127.0.0.1 -p ");
    free(log);
    char *server = read_file(directory, "valkey_log_cluster_disabled_tls_disabled.log");
    expect_text(server, "eady to accept connections");
    free(server);
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", directory, "--new", directory, NULL);
    expect_status(0);
    expect_text(program.out, "| LRANGE_600 |");
}

TEST(a_file_of_settings_leads_nowhere_else)
{
    /* breaks when a server's configuration file takes it out of volley's hands: to other addresses, into a directory of the
     * user's, or into the background */
    char file[300], text[900];
    snprintf(file, sizeof file, "%s/server.conf", tree.path);
    snprintf(
        text, sizeof text,
        "dir %s/prod\nbind 127.0.0.1 127.0.0.4\nlogfile %s/prod/log\ndaemonize yes\nsave 1 1\n",
        tree.path, tree.path);
    temp_tree_write(&tree, "/server.conf", text, 0600);
    temp_tree_write(&tree, "/prod/dump.rdb", "precious", 0600);
    snprintf(text, sizeof text,
             "[{\"requests\": [2000], \"commands\": [\"SET\"], \"custom-server-config-file\": "
             "\"%s\", " NEEDED "}]",
             file);
    write_config(text);
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(0);
    snprintf(file, sizeof file, "%s/prod", tree.path);
    char *dump = read_file(file, "dump.rdb");
    ck_assert_str_eq(dump, "precious");
    free(dump);
    char *log =
        read_file(file, "log"); /* the server opens it as it reads the file, and writes nothing */
    ck_assert_str_eq(log, "");
    free(log);
    ck_assert_int_eq(count_servers(), 0);
}

TEST(a_cluster_with_tls)
{
    /* breaks when servers of a cluster, or with TLS, are not started, filled or measured, or a set of settings is not the
     * server's */
    write_config("[{\"duration\": 1, \"keyspacelen\": 500, \"data_sizes\": 16, \"pipelines\": 1, "
                 "\"clients\": 6, \"commands\": [\"GET\", \"MGET\"], \"cluster_mode\": \"yes\", "
                 "\"cluster_nodes\": 2, \"tls_mode\": \"yes\", \"warmup\": 1, "
                 "\"config_sets\": [{\"hz\": 20}]}]");
    SUITE_OF_SOURCES("--keep-histograms", "--runs", "2");
    expect_status(0);
    expect_text(program.err, "MGET: left out");
    json_t *list = records();
    ck_assert_uint_eq(json_array_size(list), 2);
    const json_t *record = json_array_get(list, 0);
    ck_figures(record);
    ck_assert_str_eq(text_at(record, "histogram"), "run-1.hlog");
    ck_assert_double_eq(number_at(record, "misses"), 0);
    ck_assert_double_eq(number_at(record, "duration"), 1);
    ck_assert_double_eq(number_at(record, "warmup"), 1);
    ck_assert_double_eq(number_at(record, "cluster_nodes"), 2);
    ck_assert(json_is_true(json_object_get(record, "tls")));
    ck_assert(json_is_true(json_object_get(record, "cluster_mode")));
    ck_assert_str_eq(text_at(json_object_get(record, "config_set"), "hz"), "20");
    json_decref(list);
    char directory[600];
    find_directory(directory);
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", directory, "--new", directory, NULL);
    expect_status(0);
    expect_text(program.out, "| Merged |");
}

TEST(another_tool_makes_the_load)
{
    /* breaks when the rows of valkey-benchmark --csv are not kept, or the stages before are not its own */
    char tool[300], program_path[PATH_MAX];
    snprintf(tool, sizeof tool, "%s/valkey-benchmark", tree.path);
    ck_assert_ptr_nonnull(realpath(program_volley(), program_path));
    ck_assert_int_eq(symlink(program_path, tool), 0);
    write_config("[{\"requests\": [2000], \"commands\": [\"GET\", \"LRANGE\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--valkey-benchmark-path", tool, "--log-level", "debug");
    expect_status(0);
    expect_text(program.err, "populate: ");
    expect_text(program.err, "measure: valkey-benchmark -h 127.0.0.1 -p ");
    json_t *list = records();
    ck_assert_uint_eq(json_array_size(list), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_figures(json_array_get(list, i));
        ck_assert_ptr_null(json_object_get(json_array_get(list, i), "verdict"));
    }
    ck_assert_str_eq(text_at(json_array_get(list, 0), "command"), "GET");
    ck_assert_str_eq(text_at(json_array_get(list, 4), "command"), "LRANGE_600");
    json_decref(list);
}

TEST(what_is_there_is_not_measured_again)
{
    /* breaks when --resume measures what has its records, or leaves out what has none, or --list-plan does not say how much that
     * is; or records are lost when others are added */
    write_config("[{\"requests\": [500], \"commands\": [\"SET\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "2");
    expect_status(0);
    program_free(&program);
    write_config("[{\"requests\": [500], \"commands\": [\"SET\", \"INCR\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "3", "--resume", "--list-plan");
    expect_status(0);
    expect_text(program.out, "SET | ");
    expect_text(program.out, "INCR | ");
    expect_text(program.out, "6 runs, 4 of them still to be measured, about 3 s");
    program_free(&program);
    SUITE_OF_SOURCES("--runs", "3", "--resume");
    expect_status(0);
    expect_text(program.out, "6 records, 4 runs measured, 0 failed, 2 there already");
    program_free(&program);
    SUITE_OF_SOURCES("--runs", "3", "--resume", "--list-plan");
    expect_text(program.out, "6 runs, 0 of them still to be measured, about 0 s");
    ck_assert_ptr_null(strstr(program.out, "SET | "));
    program_free(&program);
    SUITE_OF_SOURCES("--runs", "3", "--resume");
    expect_status(0);
    expect_text(program.out, "6 records, 0 runs measured, 0 failed, 6 there already");
    program_free(&program);
    SUITE_OF_SOURCES("--runs", "1");
    expect_text(program.out, "8 records, 2 runs measured");
}

TEST(damaged_records_are_kept_aside)
{
    /* breaks when a metrics.json that is none ends a suite, or is lost */
    char directory[600], path[700];
    write_config("[{\"requests\": [500], \"commands\": [\"SET\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(0);
    program_free(&program);
    find_directory(directory);
    snprintf(path, sizeof path, "%s/metrics.json", directory);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "[{\"half\": ");
    ck_assert_int_eq(fclose(file), 0);
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(0);
    expect_text(program.err, "metrics.json.damaged-1, and a new one is begun");
    expect_text(program.out, "1 record, 1 run measured");
    char *kept = read_file(directory, "metrics.json.damaged-1");
    ck_assert_str_eq(kept, "[{\"half\": ");
    free(kept);
}

TEST(a_dead_server_fails_one_combination)
{
    /* breaks when a server that dies ends the suite, is not told with its last words, or the runs after it are not made */
    temp_tree_write(&tree, "/valkey/src/real",
                    "#!/bin/bash\n" /* one that gives itself away by its settings */
                    "real=$(command -v valkey-server || command -v redis-server)\n"
                    "case $* in *--version*) exec \"$real\" --version ;; esac\n"
                    "case $* in *--hz\\ 77*--io-threads\\ 2*|*--io-threads\\ 2*--hz\\ 77*) ;; *) "
                    "exec \"$real\" \"$@\" ;; esac\n"
                    "\"$real\" \"$@\" &\n"
                    "sleep 1.5\nkill -9 $!\nwait\necho its last words\nexit 3\n",
                    0700);
    program_run_shell(&program, sources,
                      "mv src/real src/other && mv -f src/other src/valkey-server", 0);
    program_free(&program);
    write_config("[{\"duration\": 5, \"commands\": [\"SET\"], \"io-threads\": 2, "
                 "\"custom-server-configs\": {\"hz\": 77}, " NEEDED "}, "
                 "{\"requests\": 500, \"commands\": [\"INCR\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(1);
    expect_text(program.err, "SET: failed: the server is gone: ");
    expect_text(program.err, "its last words");
    expect_text(program.err, "1 of 2 runs failed");
    expect_text(program.out, "1 record, 1 run measured, 1 failed");
}

TEST(an_interrupt_leaves_what_was_measured)
{
    /* breaks when Ctrl+C loses records, leaves a server behind, or does not end with status 130; or another suite gets the
     * directory while one works there */
    write_config("[{\"requests\": 500, \"commands\": [\"SET\"], " NEEDED "}, "
                 "{\"duration\": 600, \"commands\": [\"INCR\"], " NEEDED "}]");
    program_start_volley(&program, "suite", "--config", config, "--results-dir", results,
                         "--valkey-path", sources, NULL);
    program_wait_text(&program, PROGRAM_ERR, "--> Running INCR");
    struct program other = {.pid = 0};
    program_run_volley(&other, "suite", "--config", config, "--results-dir", results,
                       "--valkey-path", sources, NULL);
    ck_assert_int_eq(other.exit_status, 2);
    char holder[40];
    snprintf(holder, sizeof holder, "process %ld", (long)program.pid);
    expect_text(other.err, "another suite writes there");
    expect_text(other.err, holder);
    program_free(&other);
    program_signal(&program, SIGINT);
    program_wait(&program);
    expect_status(130);
    expect_text(program.err, "interrupted: 1 of 2 runs are done; --resume goes on");
    json_t *list = records();
    ck_assert_uint_eq(json_array_size(list), 1);
    json_decref(list);
    ck_assert_int_eq(count_servers(), 0);
}

TEST(a_running_server_is_left_as_it_is)
{
    /* breaks when a server that volley has not started is emptied without --allow-flush, or stopped, or not measured */
    struct test_server server;
    char text[600];
    test_server_start(&server, &(struct test_server_options){.args = NULL});
    free(test_server_text(&server, "SET mine 1"));
    snprintf(text, sizeof text,
             "[{\"requests\": 500, \"port\": %u, \"commands\": [\"SET\"], " NEEDED "}]",
             server.port);
    write_config(text);
    SUITE("--use-running-server", "--commits", "mine");
    expect_status(0);
    expect_text(program.err, "the server is not emptied between runs");
    ck_assert_int_eq(test_server_integer(&server, "EXISTS mine"), 1);
    json_t *list = records();
    ck_assert_str_eq(text_at(json_array_get(list, 0), "commit"), "mine");
    json_decref(list);
    program_free(&program);
    SUITE("--mode", "client", "--commits", "mine", "--allow-flush");
    expect_status(0);
    ck_assert_int_eq(test_server_integer(&server, "EXISTS mine"), 0);
    test_server_stop(&server);
}

TEST(a_server_alone)
{
    /* breaks when --mode server does not say where its server is, or leaves it behind */
    write_config("[{\"requests\": 500, \"commands\": [\"SET\"], " NEEDED "}]");
    program_start_volley(&program, "suite", "--config", config, "--results-dir", results,
                         "--valkey-path", sources, "--mode", "server", NULL);
    program_wait_text(&program, PROGRAM_OUT, ": 127.0.0.1:");
    ck_assert_int_eq(count_servers(), 1);
    program_signal(&program, SIGINT);
    program_wait(&program);
    expect_status(0);
    ck_assert_int_eq(count_servers(), 0);
}

TEST(a_port_in_use_and_other_mistakes)
{
    /* breaks when a port that is taken, a tool that is none, or options that contradict each other are not refused with what to
     * do */
    struct test_server server;
    char text[600];
    test_server_start(&server, &(struct test_server_options){.args = NULL});
    snprintf(text, sizeof text,
             "[{\"requests\": 500, \"port\": %u, \"commands\": [\"SET\"], " NEEDED "}]",
             server.port);
    write_config(text);
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(1);
    expect_text(program.err, "of 127.0.0.1 is not free: end what listens there");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    test_server_stop(&server);
    static const struct {
        const char *words[4], *wanted;
        int status;
    } mistakes[] = {
        {{"--mode", "server", "--use-running-server"}, "--mode server starts one", 2},
        {{"--use-running-server", "--baseline", "HEAD"}, "--baseline needs servers", 2},
        {{"--allow-flush"}, "--allow-flush is for a running server", 2},
        {{"--valkey-benchmark-path", "/bin/false"}, "it is no valkey-benchmark", 2},
        {{"--runs", "0"}, "--runs 0", 2},
        {{"--order", "random"}, "turns", 2},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const char *const *words = mistakes[i].words;
        program_free(&program);
        program_run_volley(&program, "suite", "--config", config, "--results-dir", results,
                           words[0], words[1], words[2], words[3], NULL);
        ck_assert_msg(program.exit_status == mistakes[i].status &&
                          strstr(program.err, mistakes[i].wanted) != NULL,
                      "%s: status %d: %s", words[0], program.exit_status, program.err);
    }
}

TEST(writes_and_reads_at_once)
{
    /* breaks when writes and reads of a scenario are not sent at once, have no records of their own, groups and scenarios are
     * not chosen by name, or setup_commands do not reach the server */
    write_config("[{\"requests\": 3000, \"keyspacelen\": 100, \"data_sizes\": 8, \"pipelines\": 1, "
                 "\"clients\": 4, \"cluster_mode\": \"no\", \"tls_mode\": \"no\", \"warmup\": 0, "
                 "\"writes\": [\"SET\"], \"reads\": [\"GET\"], \"group\": 1, \"scenario\": "
                 "\"half\", \"setup_commands\": [\"CONFIG SET maxmemory 1gb\"]}, "
                 "{\"requests\": 10, \"commands\": [\"SET\"], \"group\": 2, \"setup_commands\": "
                 "[\"CONFIG SET nosuch 1\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--groups", "1", "--scenarios", "other,half");
    expect_status(0);
    json_t *list = records();
    ck_assert_uint_eq(json_array_size(list), 3);
    double rates[3];
    for (size_t i = 0; i < 3; i++) {
        ck_figures(json_array_get(list, i));
        rates[i] = number_at(json_array_get(list, i), "rps");
        ck_assert_str_eq(text_at(json_array_get(list, i), "scenario"), "half");
    }
    ck_assert_str_eq(text_at(json_array_get(list, 0), "command"), "SET+GET");
    ck_assert_str_eq(text_at(json_array_get(list, 1), "command"), "SET+GET: set");
    ck_assert_double_eq_tol(rates[0], rates[1] + rates[2], rates[0] / 1e6);
    json_decref(list);
    program_free(&program);
    SUITE_OF_SOURCES("--groups", "2");
    expect_status(1);
    expect_text(program.err, "setup_commands: CONFIG SET nosuch 1: ");
    program_free(&program);
    SUITE_OF_SOURCES("--groups", "3");
    expect_status(2);
    expect_text(program.err, "no configuration of ");
    program_free(&program);
    SUITE_OF_SOURCES("--groups", "1", "--module-path", config, "--module", "none");
    expect_status(1); /* it is no module: the server says so, and that it is asked to load it */
    expect_text(program.err, "failed: ");
    expect_text(program.err, "config.json");
}

/* Whatever the server, a module asks it for functions by name: here for the one that enlists it, and what an argument is. */
static const char module_source[] =
    "#include <stddef.h>\n"
    "#include <stdio.h>\n"
    "int RedisModule_OnLoad(void **context, void **args, int count);\n"
    "int RedisModule_OnLoad(void **context, void **args, int count)\n"
    "{\n"
    "    int (*find)(const char *, void *) = (int (*)(const char *, void *))context[0];\n"
    "    void (*enlist)(void *, const char *, int, int);\n"
    "    const char *(*text)(void *, size_t *);\n"
    "    if (find(\"RedisModule_SetModuleAttribs\", &enlist) != 0 ||\n"
    "        find(\"RedisModule_StringPtrLen\", &text) != 0)\n"
    "        return 1;\n"
    "    enlist(context, \"mine\", 1, 1);\n"
    "    for (int i = 0; i < count; i++)\n"
    "        printf(\"<%s>\\n\", text(args[i], NULL));\n"
    "    fflush(stdout);\n"
    "    return 0;\n"
    "}\n";

TEST(modules_with_arguments)
{
    /* breaks when a module of the configuration is not loaded by each server, its arguments are taken for the server's own or lose
     * a blank, a relative path is looked for elsewhere, or one that is not there is told late */
    char directory[600];
    temp_tree_write(&tree, "/module.c", module_source, 0600);
    program_run_shell(&program, tree.path, "cc -shared -fPIC -o module.so module.c", 0);
    program_free(&program);
    write_config("[{\"requests\": [500], \"commands\": [\"SET\"], \"modules\": [{\"path\": "
                 "\"module.so\", \"startup_args\": [\"--port\", \"two \\\"words\\\"\"]}], " NEEDED
                 "}]");
    char line[900], volley[PATH_MAX];
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    snprintf(line, sizeof line,
             "'%.600s' suite --config config.json --results-dir results --valkey-path valkey",
             volley);
    program_run_shell(&program, tree.path, line, 0);
    expect_text(program.out, "1 record, 1 run measured, 0 failed");
    find_directory(directory);
    char *server = read_file(directory, "valkey_log_cluster_disabled_tls_disabled.log");
    expect_text(server, "<--port>\n<two \"words\">\n");
    free(server);
    program_free(&program);
    write_config("[{\"requests\": [500], \"commands\": [\"SET\"], \"modules\": [{\"path\": "
                 "\"/nowhere/module.so\"}], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "1");
    expect_status(3);
    expect_text(program.err, "modules: /nowhere/module.so: No such file or directory");
}

TEST(where_the_time_goes)
{
    /* breaks when perf is not looked for before anything starts, or folded stacks and page of a server are missing or empty; where
     * perf is not allowed it has to be said */
    char directory[600];
    write_config("[{\"requests\": [500], \"commands\": [\"GET\"], " NEEDED "}]");
    const char *const argv[] = {program_volley(), "suite", "--config",      config,
                                "--results-dir",  results, "--valkey-path", sources,
                                "--flamegraph",   NULL};
    program_run_shell(&program, tree.path, "command -v perf || echo none", 0);
    const bool is_there = strstr(program.out, "none") == NULL;
    program_free(&program);
    program_run(&program, &(struct program_options){.argv = argv});
    if (!is_there) {
        expect_status(2);
        expect_text(program.err, "--flamegraph: perf is not installed");
        return;
    }
    if (program.exit_status == 1 && strstr(program.err, "perf cannot look at the servers") != NULL)
        return;
    expect_status(0);
    find_directory(directory);
    char *folded = read_file(directory, "flamegraph-1-GET.folded");
    expect_text(folded, "server;");
    free(folded);
    char *page = read_file(directory, "flamegraph-1-GET.html");
    expect_text(page, "<!DOCTYPE html>");
    expect_text(page, "Instructions per request");
    free(page);
    json_t *list = records();
    ck_assert_uint_eq(json_array_size(list), 1); /* nothing of it is measured */
    json_decref(list);
}

TEST(the_plan_needs_nothing)
{
    /* breaks when --list-plan asks for a server, git or a compiler, does not print a line for each combination with its command,
     * or writes anything */
    write_config("[{\"requests\": [500], \"commands\": [\"SET\", \"GET\"], " NEEDED "}]");
    static const char *const environment[] = {"PATH=/nowhere", NULL};
    const char *const argv[] = {program_volley(),
                                "suite",
                                "--config",
                                config,
                                "--results-dir",
                                results,
                                "--list-plan",
                                "--runs",
                                "3",
                                "--commits",
                                "a",
                                "b",
                                "--baseline",
                                "unstable",
                                NULL};
    program_run(&program, &(struct program_options){.argv = argv, .environment = environment});
    expect_status(0);
    expect_text(program.out, "GET | size=16 | pipeline=4 | clients=8 | requests=500 | "
                             "keyspacelen=1000 | warmup=0: volley bench -h 127.0.0.1 -p PORT -d 16 "
                             "-P 4 -c 8 --seed SEED -n 500 -r 1000 --prefill -t get\n");
    expect_text(program.out, "2 combinations, 3 commits, 3 runs each: 18 runs, about ");
    ck_assert_int_ne(access(results, F_OK), 0);
}

TEST_SUITE_WITH(suite_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
