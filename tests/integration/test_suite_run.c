/* `volley suite` on real servers: what it measures, keeps, and leaves. */
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

#define NEEDED SUITE_TREE_NEEDED

#define SUITE(...)                                                                                 \
    program_run_volley(&suite.program, "suite", "--config", suite.config, "--results-dir",         \
                       suite.results, __VA_ARGS__, NULL)
#define SUITE_OF_SOURCES(...) SUITE("--valkey-path", suite.sources, __VA_ARGS__)

TEST(records_of_each_run)
{
    /* breaks when a run has no record, fields of valkey-perf-benchmark or volley's own are missing, reads find nothing, LRANGE is
     * not four records, or server and log are not kept */
    char directory[600];
    suite_tree_configure(
        &suite, "[{\"requests\": [2000], \"commands\": [\"SET\", \"GET\", \"LRANGE\"], "
                "\"io-threads\": [1], \"custom-server-configs\": {\"hz\": 50}, " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "2", "--seed", "3", "--log-level", "debug");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "metrics.json: 12 records, 6 runs measured, 0 failed");
    program_expect_text(suite.program.err,
                        "--> Running GET | size=16 | pipeline=4 | clients=8 | requests=2000 | "
                        "keyspacelen=1000 | warmup=0 | io-threads=1");
    json_t *list = suite_tree_records(&suite);
    size_t index, gets = 0, ranges = 0;
    json_t *record;
    ck_assert_uint_eq(json_array_size(list), 12);
    json_array_foreach(list, index, record)
    {
        static const char *const texts[] = {
            "timestamp",    "commit", "env_kernel", "env_os",  "env_tool",     "env_server_version",
            "architecture", "schema", "verdict",    "started", "suite_command"};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            (void)suite_tree_text(record, texts[i]);
        suite_tree_check_figures(record);
        ck_assert_double_eq(suite_tree_number(record, "data_size"), 16);
        ck_assert_double_eq(suite_tree_number(record, "pipeline"), 4);
        ck_assert_double_eq(suite_tree_number(record, "clients"), 8);
        ck_assert_double_eq(suite_tree_number(record, "requests"), 2000);
        ck_assert_double_eq(suite_tree_number(record, "requests_ok"), 2000);
        ck_assert_double_gt(suite_tree_number(record, "server_cpu_us_per_request"), 0);
        ck_assert(json_is_array(json_object_get(record, "verdict_reasons")));
        ck_assert_double_eq(suite_tree_number(record, "io_threads"), 1);
        ck_assert_double_ge(suite_tree_number(record, "run"), 1);
        ck_assert_str_eq(suite_tree_text(json_object_get(record, "server_settings"), "hz"), "50");
        ck_assert(json_is_false(json_object_get(record, "tls")));
        ck_assert(json_is_false(json_object_get(record, "cluster_mode")));
        if (strcmp(suite_tree_text(record, "command"), "GET") == 0) {
            gets++;
            ck_assert_double_eq(suite_tree_number(record, "misses"), 0);
        }
        ranges += strncmp(suite_tree_text(record, "command"), "LRANGE_", 7) == 0;
    }
    ck_assert_uint_eq(gets, 2);
    ck_assert_uint_eq(ranges, 8);
    json_decref(list);
    suite_tree_directory(&suite, directory);
    char *log = suite_tree_read(directory, "logs.txt");
    program_expect_text(log, " INFO ");
    program_expect_text(log, "measure: volley bench -h 127.0.0.1 -p ");
    free(log);
    char *server = suite_tree_read(directory, "valkey_log_cluster_disabled_tls_disabled.log");
    program_expect_text(server, "eady to accept connections");
    free(server);
    program_free(&suite.program);
    program_run_volley(&suite.program, "compare", "--baseline", directory, "--new", directory,
                       NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "| LRANGE_600 |");
}

TEST(a_file_of_settings_leads_nowhere_else)
{
    /* breaks when a server's configuration file takes it out of volley's hands: to other addresses, into a directory of the
     * user's, or into the background */
    char file[300], text[900];
    snprintf(file, sizeof file, "%s/server.conf", suite.tree.path);
    snprintf(
        text, sizeof text,
        "dir %s/prod\nbind 127.0.0.1 127.0.0.4\nlogfile %s/prod/log\ndaemonize yes\nsave 1 1\n",
        suite.tree.path, suite.tree.path);
    temp_tree_write(&suite.tree, "/server.conf", text, 0600);
    temp_tree_write(&suite.tree, "/prod/dump.rdb", "precious", 0600);
    snprintf(text, sizeof text,
             "[{\"requests\": [2000], \"commands\": [\"SET\"], \"custom-server-config-file\": "
             "\"%s\", " NEEDED "}]",
             file);
    suite_tree_configure(&suite, text);
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 0);
    snprintf(file, sizeof file, "%s/prod", suite.tree.path);
    char *dump = suite_tree_read(file, "dump.rdb");
    ck_assert_str_eq(dump, "precious");
    free(dump);
    char *log = suite_tree_read(
        file, "log"); /* the server opens it as it reads the file, and writes nothing */
    ck_assert_str_eq(log, "");
    free(log);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
}

TEST(a_cluster_with_tls)
{
    /* breaks when servers of a cluster, or with TLS, are not started, filled or measured, or a set of settings is not the
     * server's */
    suite_tree_configure(
        &suite, "[{\"duration\": 1, \"keyspacelen\": 500, \"data_sizes\": 16, \"pipelines\": 1, "
                "\"clients\": 6, \"commands\": [\"GET\", \"MGET\"], \"cluster_mode\": \"yes\", "
                "\"cluster_nodes\": 2, \"tls_mode\": \"yes\", \"warmup\": 1, "
                "\"config_sets\": [{\"hz\": 20}]}]");
    SUITE_OF_SOURCES("--keep-histograms", "--runs", "2");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.err, "MGET: left out");
    json_t *list = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(list), 2);
    const json_t *record = json_array_get(list, 0);
    suite_tree_check_figures(record);
    ck_assert_str_eq(suite_tree_text(record, "histogram"), "run-1.hlog");
    ck_assert_double_eq(suite_tree_number(record, "misses"), 0);
    ck_assert_double_eq(suite_tree_number(record, "duration"), 1);
    ck_assert_double_eq(suite_tree_number(record, "warmup"), 1);
    ck_assert_double_eq(suite_tree_number(record, "cluster_nodes"), 2);
    ck_assert(json_is_true(json_object_get(record, "tls")));
    ck_assert(json_is_true(json_object_get(record, "cluster_mode")));
    ck_assert_str_eq(suite_tree_text(json_object_get(record, "config_set"), "hz"), "20");
    json_decref(list);
    char directory[600];
    suite_tree_directory(&suite, directory);
    program_free(&suite.program);
    program_run_volley(&suite.program, "compare", "--baseline", directory, "--new", directory,
                       NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "| Merged |");
}

TEST(another_tool_makes_the_load)
{
    /* breaks when the rows of valkey-benchmark --csv are not kept, or the stages before are not its own */
    char tool[300], program_path[PATH_MAX];
    snprintf(tool, sizeof tool, "%s/valkey-benchmark", suite.tree.path);
    ck_assert_ptr_nonnull(realpath(program_volley(), program_path));
    ck_assert_int_eq(symlink(program_path, tool), 0);
    suite_tree_configure(
        &suite, "[{\"requests\": [2000], \"commands\": [\"GET\", \"LRANGE\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--valkey-benchmark-path", tool, "--log-level", "debug");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.err, "populate: ");
    program_expect_text(suite.program.err, "measure: valkey-benchmark -h 127.0.0.1 -p ");
    json_t *list = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(list), 5);
    for (size_t i = 0; i < 5; i++) {
        suite_tree_check_figures(json_array_get(list, i));
        ck_assert_ptr_null(json_object_get(json_array_get(list, i), "verdict"));
    }
    ck_assert_str_eq(suite_tree_text(json_array_get(list, 0), "command"), "GET");
    ck_assert_str_eq(suite_tree_text(json_array_get(list, 4), "command"), "LRANGE_600");
    json_decref(list);
}

TEST(what_is_there_is_not_measured_again)
{
    /* breaks when --resume measures what has its records, or leaves out what has none, or --list-plan does not say how much that
     * is; or records are lost when others are added */
    suite_tree_configure(&suite, "[{\"requests\": [500], \"commands\": [\"SET\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "2");
    program_expect_status(&suite.program, 0);
    program_free(&suite.program);
    suite_tree_configure(&suite,
                         "[{\"requests\": [500], \"commands\": [\"SET\", \"INCR\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "3", "--resume", "--list-plan");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "SET | ");
    program_expect_text(suite.program.out, "INCR | ");
    program_expect_text(suite.program.out, "6 runs, 4 of them still to be measured, about 3 s");
    program_free(&suite.program);
    SUITE_OF_SOURCES("--runs", "3", "--resume");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "6 records, 4 runs measured, 0 failed, 2 there already");
    program_free(&suite.program);
    SUITE_OF_SOURCES("--runs", "3", "--resume", "--list-plan");
    program_expect_text(suite.program.out, "6 runs, 0 of them still to be measured, about 0 s");
    ck_assert_ptr_null(strstr(suite.program.out, "SET | "));
    program_free(&suite.program);
    SUITE_OF_SOURCES("--runs", "3", "--resume");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "6 records, 0 runs measured, 0 failed, 6 there already");
    program_free(&suite.program);
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_text(suite.program.out, "8 records, 2 runs measured");
}

TEST(damaged_records_are_kept_aside)
{
    /* breaks when a metrics.json that is none ends a suite, or is lost */
    char directory[600], path[700];
    suite_tree_configure(&suite, "[{\"requests\": [500], \"commands\": [\"SET\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 0);
    program_free(&suite.program);
    suite_tree_directory(&suite, directory);
    snprintf(path, sizeof path, "%s/metrics.json", directory);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "[{\"half\": ");
    ck_assert_int_eq(fclose(file), 0);
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.err, "metrics.json.damaged-1, and a new one is begun");
    program_expect_text(suite.program.out, "1 record, 1 run measured");
    char *kept = suite_tree_read(directory, "metrics.json.damaged-1");
    ck_assert_str_eq(kept, "[{\"half\": ");
    free(kept);
}

TEST(a_dead_server_fails_one_combination)
{
    /* breaks when a server that dies ends the suite, is not told with its last words, or the runs after it are not made */
    temp_tree_write(&suite.tree, "/valkey/src/real",
                    "#!/bin/bash\n" /* one that gives itself away by its settings */
                    "real=$(command -v valkey-server || command -v redis-server)\n"
                    "case $* in *--version*) exec \"$real\" --version ;; esac\n"
                    "case $* in *--hz\\ 77*--io-threads\\ 2*|*--io-threads\\ 2*--hz\\ 77*) ;; *) "
                    "exec \"$real\" \"$@\" ;; esac\n"
                    "\"$real\" \"$@\" &\n"
                    "sleep 1.5\nkill -9 $!\nwait\necho its last words\nexit 3\n",
                    0700);
    program_run_shell(&suite.program, suite.sources,
                      "mv src/real src/other && mv -f src/other src/valkey-server", 0);
    program_free(&suite.program);
    suite_tree_configure(&suite, "[{\"duration\": 5, \"commands\": [\"SET\"], \"io-threads\": 2, "
                                 "\"custom-server-configs\": {\"hz\": 77}, " NEEDED "}, "
                                 "{\"requests\": 500, \"commands\": [\"INCR\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 1);
    program_expect_text(suite.program.err, "SET: failed: the server is gone: ");
    program_expect_text(suite.program.err, "its last words");
    program_expect_text(suite.program.err, "1 of 2 runs failed");
    program_expect_text(suite.program.out, "1 record, 1 run measured, 1 failed");
}

TEST(an_interrupt_leaves_what_was_measured)
{
    /* breaks when Ctrl+C loses records, leaves a server behind, or does not end with status 130; or another suite gets the
     * directory while one works there */
    suite_tree_configure(&suite, "[{\"requests\": 500, \"commands\": [\"SET\"], " NEEDED "}, "
                                 "{\"duration\": 600, \"commands\": [\"INCR\"], " NEEDED "}]");
    program_start_volley(&suite.program, "suite", "--config", suite.config, "--results-dir",
                         suite.results, "--valkey-path", suite.sources, NULL);
    program_wait_text(&suite.program, PROGRAM_ERR, "--> Running INCR");
    struct program other = {.pid = 0};
    program_run_volley(&other, "suite", "--config", suite.config, "--results-dir", suite.results,
                       "--valkey-path", suite.sources, NULL);
    ck_assert_int_eq(other.exit_status, 2);
    char holder[40];
    snprintf(holder, sizeof holder, "process %ld", (long)suite.program.pid);
    program_expect_text(other.err, "another suite writes there");
    program_expect_text(other.err, holder);
    program_free(&other);
    program_signal(&suite.program, SIGINT);
    program_wait(&suite.program);
    program_expect_status(&suite.program, 130);
    program_expect_text(suite.program.err, "interrupted: 1 of 2 runs are done; --resume goes on");
    json_t *list = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(list), 1);
    json_decref(list);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
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
    suite_tree_configure(&suite, text);
    SUITE("--use-running-server", "--commits", "mine");
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.err, "the server is not emptied between runs");
    ck_assert_int_eq(test_server_integer(&server, "EXISTS mine"), 1);
    json_t *list = suite_tree_records(&suite);
    ck_assert_str_eq(suite_tree_text(json_array_get(list, 0), "commit"), "mine");
    json_decref(list);
    program_free(&suite.program);
    SUITE("--mode", "client", "--commits", "mine", "--allow-flush");
    program_expect_status(&suite.program, 0);
    ck_assert_int_eq(test_server_integer(&server, "EXISTS mine"), 0);
    test_server_stop(&server);
}

TEST(a_server_alone)
{
    /* breaks when --mode server does not say where its server is, or leaves it behind */
    suite_tree_configure(&suite, "[{\"requests\": 500, \"commands\": [\"SET\"], " NEEDED "}]");
    program_start_volley(&suite.program, "suite", "--config", suite.config, "--results-dir",
                         suite.results, "--valkey-path", suite.sources, "--mode", "server", NULL);
    program_wait_text(&suite.program, PROGRAM_OUT, ": 127.0.0.1:");
    ck_assert_int_eq(suite_tree_servers(&suite), 1);
    program_signal(&suite.program, SIGINT);
    program_wait(&suite.program);
    program_expect_status(&suite.program, 0);
    ck_assert_int_eq(suite_tree_servers(&suite), 0);
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
    suite_tree_configure(&suite, text);
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 1);
    program_expect_text(suite.program.err, "of 127.0.0.1 is not free: end what listens there");
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
        program_free(&suite.program);
        program_run_volley(&suite.program, "suite", "--config", suite.config, "--results-dir",
                           suite.results, words[0], words[1], words[2], words[3], NULL);
        ck_assert_msg(suite.program.exit_status == mistakes[i].status &&
                          strstr(suite.program.err, mistakes[i].wanted) != NULL,
                      "%s: status %d: %s", words[0], suite.program.exit_status, suite.program.err);
    }
}

TEST(writes_and_reads_at_once)
{
    /* breaks when writes and reads of a scenario are not sent at once, have no records of their own, groups and scenarios are
     * not chosen by name, or setup_commands do not reach the server */
    suite_tree_configure(
        &suite, "[{\"requests\": 3000, \"keyspacelen\": 100, \"data_sizes\": 8, \"pipelines\": 1, "
                "\"clients\": 4, \"cluster_mode\": \"no\", \"tls_mode\": \"no\", \"warmup\": 0, "
                "\"writes\": [\"SET\"], \"reads\": [\"GET\"], \"group\": 1, \"scenario\": "
                "\"half\", \"setup_commands\": [\"CONFIG SET maxmemory 1gb\"]}, "
                "{\"requests\": 10, \"commands\": [\"SET\"], \"group\": 2, \"setup_commands\": "
                "[\"CONFIG SET nosuch 1\"], " NEEDED "}]");
    SUITE_OF_SOURCES("--groups", "1", "--scenarios", "other,half");
    program_expect_status(&suite.program, 0);
    json_t *list = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(list), 3);
    double rates[3];
    for (size_t i = 0; i < 3; i++) {
        suite_tree_check_figures(json_array_get(list, i));
        rates[i] = suite_tree_number(json_array_get(list, i), "rps");
        ck_assert_str_eq(suite_tree_text(json_array_get(list, i), "scenario"), "half");
    }
    ck_assert_str_eq(suite_tree_text(json_array_get(list, 0), "command"), "SET+GET");
    ck_assert_str_eq(suite_tree_text(json_array_get(list, 1), "command"), "SET+GET: set");
    ck_assert_double_eq_tol(rates[0], rates[1] + rates[2], rates[0] / 1e6);
    json_decref(list);
    program_free(&suite.program);
    SUITE_OF_SOURCES("--groups", "2");
    program_expect_status(&suite.program, 1);
    program_expect_text(suite.program.err, "setup_commands: CONFIG SET nosuch 1: ");
    program_free(&suite.program);
    SUITE_OF_SOURCES("--groups", "3");
    program_expect_status(&suite.program, 2);
    program_expect_text(suite.program.err, "no configuration of ");
    program_free(&suite.program);
    SUITE_OF_SOURCES("--groups", "1", "--module-path", suite.config, "--module", "none");
    program_expect_status(
        &suite.program,
        1); /* it is no module: the server says so, and that it is asked to load it */
    program_expect_text(suite.program.err, "failed: ");
    program_expect_text(suite.program.err, "config.json");
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
    temp_tree_write(&suite.tree, "/module.c", module_source, 0600);
    program_run_shell(&suite.program, suite.tree.path, "cc -shared -fPIC -o module.so module.c", 0);
    program_free(&suite.program);
    suite_tree_configure(
        &suite,
        "[{\"requests\": [500], \"commands\": [\"SET\"], \"modules\": [{\"path\": "
        "\"module.so\", \"startup_args\": [\"--port\", \"two \\\"words\\\"\"]}], " NEEDED "}]");
    char line[900], volley[PATH_MAX];
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    snprintf(line, sizeof line,
             "'%.600s' suite --config config.json --results-dir results --valkey-path valkey",
             volley);
    program_run_shell(&suite.program, suite.tree.path, line, 0);
    program_expect_text(suite.program.out, "1 record, 1 run measured, 0 failed");
    suite_tree_directory(&suite, directory);
    char *server = suite_tree_read(directory, "valkey_log_cluster_disabled_tls_disabled.log");
    program_expect_text(server, "<--port>\n<two \"words\">\n");
    free(server);
    program_free(&suite.program);
    suite_tree_configure(&suite,
                         "[{\"requests\": [500], \"commands\": [\"SET\"], \"modules\": [{\"path\": "
                         "\"/nowhere/module.so\"}], " NEEDED "}]");
    SUITE_OF_SOURCES("--runs", "1");
    program_expect_status(&suite.program, 3);
    program_expect_text(suite.program.err,
                        "modules: /nowhere/module.so: No such file or directory");
}

TEST(where_the_time_goes)
{
    /* breaks when perf is not looked for before anything starts, or folded stacks and page of a server are missing or empty; where
     * perf is not allowed it has to be said */
    char directory[600];
    suite_tree_configure(&suite, "[{\"requests\": [500], \"commands\": [\"GET\"], " NEEDED "}]");
    const char *const argv[] = {program_volley(), "suite",       "--config",      suite.config,
                                "--results-dir",  suite.results, "--valkey-path", suite.sources,
                                "--flamegraph",   NULL};
    program_run_shell(&suite.program, suite.tree.path, "command -v perf || echo none", 0);
    const bool is_there = strstr(suite.program.out, "none") == NULL;
    program_free(&suite.program);
    program_run(&suite.program, &(struct program_options){.argv = argv});
    if (!is_there) {
        program_expect_status(&suite.program, 2);
        program_expect_text(suite.program.err, "--flamegraph: perf is not installed");
        return;
    }
    if (suite.program.exit_status == 1 &&
        strstr(suite.program.err, "perf cannot look at the servers") != NULL)
        return;
    program_expect_status(&suite.program, 0);
    suite_tree_directory(&suite, directory);
    char *folded = suite_tree_read(directory, "flamegraph-1-GET.folded");
    program_expect_text(folded, "server;");
    free(folded);
    char *page = suite_tree_read(directory, "flamegraph-1-GET.html");
    program_expect_text(page, "<!DOCTYPE html>");
    program_expect_text(page, "Instructions per request");
    free(page);
    json_t *list = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(list), 1); /* nothing of it is measured */
    json_decref(list);
}

TEST(the_plan_needs_nothing)
{
    /* breaks when --list-plan asks for a server, git or a compiler, does not print a line for each combination with its command,
     * or writes anything */
    suite_tree_configure(&suite,
                         "[{\"requests\": [500], \"commands\": [\"SET\", \"GET\"], " NEEDED "}]");
    static const char *const environment[] = {"PATH=/nowhere", NULL};
    const char *const argv[] = {program_volley(),
                                "suite",
                                "--config",
                                suite.config,
                                "--results-dir",
                                suite.results,
                                "--list-plan",
                                "--runs",
                                "3",
                                "--commits",
                                "a",
                                "b",
                                "--baseline",
                                "unstable",
                                NULL};
    program_run(&suite.program,
                &(struct program_options){.argv = argv, .environment = environment});
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out,
                        "GET | size=16 | pipeline=4 | clients=8 | requests=500 | "
                        "keyspacelen=1000 | warmup=0: volley bench -h 127.0.0.1 -p PORT -d 16 "
                        "-P 4 -c 8 --seed SEED -n 500 -r 1000 --prefill -t get\n");
    program_expect_text(suite.program.out,
                        "2 combinations, 3 commits, 3 runs each: 18 runs, about ");
    ck_assert_int_ne(access(suite.results, F_OK), 0);
}

TEST_SUITE_WITH(suite_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
