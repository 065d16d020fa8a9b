/* `volley results`: the runs that were kept, and what prune takes away. And runs that are repeated. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

static struct trial trial;
static char directory[200];

static void set_up(void)
{
    trial_set_up();
    snprintf(directory, sizeof directory, "%.100s/results", world.tree.path);
    ck_assert_int_eq(mkdir(directory, 0755), 0);
}

static char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void keep_run(const char *name)
{
    trial_start(&trial, "--null", "-n", "20000", "-t", "set,get", "--label", "mine", "--out",
                path_of(name), NULL);
    trial_end(&trial, 0);
    trial_free(&trial);
}

static void cut_journal(const char *name)
{
    struct stat journal;
    char inside[60];
    snprintf(inside, sizeof inside, "%.40s/journal", name);
    ck_assert_int_eq(stat(path_of(inside), &journal), 0);
    ck_assert_int_eq(truncate(path_of(inside), journal.st_size - 200), 0);
}

static void results(struct program *program, int exit_status, const char *action,
                    const char *option, const char *value, const char *further)
{
    program_run_volley(program, "results", action, directory, option, value, further, NULL);
    ck_assert_msg(program->exit_status == exit_status, "%d: %s%s", program->exit_status,
                  program->out, program->err);
}

/* The i-th of the list. */
static const char *member(const json_t *list, size_t i, const char *key)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(list, "runs"), i), key));
}

TEST(test_list)
{
    /* Breaks when a run is missing, or one that was cut short looks whole; when what is no run is listed; or
     * when the list is not in the order in which they began. */
    struct program program;
    keep_run("b-first");
    keep_run("a-second");
    cut_journal("b-first");
    ck_assert_int_eq(mkdir(path_of("empty"), 0755), 0);
    ck_assert_int_eq(symlink("a-second", path_of("link")), 0);
    results(&program, 0, "list", "--json", NULL, NULL);
    json_t *list = json_loads(program.out, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "runs")), 2);
    ck_assert_str_eq(member(list, 0, "name"), "b-first");
    ck_assert_str_eq(member(list, 0, "state"), "cut short");
    ck_assert_str_eq(member(list, 1, "name"), "a-second");
    ck_assert_str_eq(member(list, 1, "state"), "complete");
    ck_assert_str_eq(member(list, 1, "tests"), "SET,GET");
    ck_assert_str_eq(member(list, 1, "label"), "mine");
    ck_assert_ptr_nonnull(member(list, 1, "verdict"));
    json_decref(list);
    program_free(&program);
    results(&program, 0, "list", NULL, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(program.out, "b-first"));
    program_free(&program);
}

TEST(test_prune)
{
    /* Breaks when prune removes something before it was told to, more than that, or what is not volley's. */
    struct program program;
    keep_run("one");
    keep_run("two");
    keep_run("three");
    int unfinished = open(path_of("one/run.json.a1b2c3.tmp"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(unfinished, 0); /* of a run that was killed */
    close(unfinished);
    int fd = open(path_of("two/notes.txt"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_ge(fd, 0);
    close(fd);
    results(&program, 0, "prune", "--keep", "1", NULL);
    ck_assert_ptr_nonnull(strstr(program.out, "would remove"));
    ck_assert_ptr_nonnull(strstr(program.out, "1 of 3 runs"));
    ck_assert_ptr_nonnull(strstr(program.err, "two is left alone: not volley's is notes.txt"));
    ck_assert_int_eq(access(path_of("one/journal"), F_OK), 0);
    program_free(&program);
    results(&program, 0, "prune", "--keep", "1", "--yes");
    ck_assert_int_ne(access(path_of("one"), F_OK), 0);
    ck_assert_int_eq(access(path_of("two/journal"), F_OK), 0);
    ck_assert_int_eq(access(path_of("three/journal"), F_OK), 0);
    program_free(&program);
    results(&program, 0, "prune", "--older-than", "1", "--yes");
    ck_assert_ptr_nonnull(strstr(program.out, "0 of 2 runs"));
    program_free(&program);
}

TEST(test_run_under_way)
{
    /* Breaks when prune takes a run away while it is written. */
    struct program program;
    test_server_start(&world.server, NULL);
    trial_start(&trial, "-p", world.server.port_text, "-t", "get", "--test-duration", "100",
                "--out", path_of("now"), NULL);
    trial_wait_calls("get", 500);
    results(&program, 0, "prune", "--keep", "0", "--yes");
    ck_assert_ptr_nonnull(strstr(program.err, "the run goes on"));
    ck_assert_int_eq(access(path_of("now/journal"), F_OK), 0);
    program_free(&program);
    kill(trial.program.pid, SIGINT);
    trial_end(&trial, 130);
    trial_free(&trial);
}

TEST(test_refusals)
{
    /* Breaks when a mistake removes everything, or is not told. */
    struct program program;
    results(&program, 2, "prune", NULL, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(program.err, "--keep N, --older-than TIME"));
    program_free(&program);
    results(&program, 2, "remove", NULL, NULL, NULL);
    program_free(&program);
    program_run_volley(&program, "results", "list", path_of("nowhere"), NULL);
    ck_assert_int_eq(program.exit_status, 4);
    program_free(&program);
}

TEST(test_repeated_runs)
{
    /* Breaks when --runs does not run all tests each time, gives them no number, keeps the server of the time
     * before, or loses the means on the way through the journal. */
    struct program report;
    trial_start(&trial, "--managed", "-t", "set,get", "-r", "20", "-n", "500", "--runs", "2",
                "--out", path_of("twice"), NULL);
    trial_end(&trial, 0);
    const json_t *runs = json_object_get(trial.json, "runs");
    const json_t *repeats = json_object_get(trial.json, "repeats");
    ck_assert_uint_eq(json_array_size(runs), 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(runs, i), "repetition")),
                         (json_int_t)(i / 2 + 1));
    ck_assert_str_ne(json_string_value(json_object_get(json_array_get(runs, 0), "target")),
                     json_string_value(json_object_get(json_array_get(runs, 2), "target")));
    ck_assert_uint_eq(json_array_size(repeats), 2);
    const json_t *rate = json_object_get(json_array_get(repeats, 0), "rate");
    ck_assert_int_eq(json_integer_value(json_object_get(rate, "runs")), 2);
    ck_assert_double_lt(json_number_value(json_object_get(rate, "low")),
                        json_number_value(json_object_get(rate, "mean")));
    trial_expect(&trial, PROGRAM_OUT, "GET: 2 runs, ");
    program_run_volley(&report, "report", path_of("twice"), "--json", "-", NULL);
    json_t *json = json_loads(report.out, 0, NULL);
    ck_assert(json_equal(json_object_get(json, "repeats"), repeats));
    json_decref(json);
    program_free(&report);
    trial_free(&trial);
}

static void write_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "/results/%s", name);
    temp_tree_write(&world.tree, path, text, 0644);
}

TEST(test_suites)
{
    /* Breaks when what a suite has kept of a commit is not listed, is removed while a suite writes, or takes what is not volley's with it. */
    struct program program;
    char lock[300];
    write_file("0123abcd/metrics.json", "[{\"command\": \"SET\", \"reference\": \"main\", \"rps\": "
                                        "5, \"seconds\": 2.5, \"verdict\": \"AMBER\", "
                                        "\"started\": \"2026-01-02T03:04:05Z\"}, {\"command\": "
                                        "\"GET\", \"rps\": 7, \"verdict\": \"GREEN\"}]");
    write_file("0123abcd/logs.txt", "x");
    write_file("0123abcd/valkey_log_cluster_disabled_tls_disabled.log", "x");
    write_file("0123abcd/flamegraph-1-SET.html", "x");
    write_file("0123abcd/run-12.hlog", "x");
    write_file("4567abcd/metrics.json", "[{\"command\": \"SET\"}]");
    write_file("4567abcd/mine.txt", "x");
    results(&program, 0, "list", "--json", NULL, NULL);
    json_t *list = json_loads(program.out, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(list, "runs")), 2);
    ck_assert_str_eq(member(list, 0, "name"), "0123abcd");
    ck_assert_str_eq(member(list, 0, "command"), "suite");
    ck_assert_str_eq(member(list, 0, "tests"), "SET,GET");
    ck_assert_str_eq(member(list, 0, "label"), "main");
    ck_assert_str_eq(member(list, 0, "started"), "2026-01-02T03:04:05Z");
    ck_assert_str_eq(member(list, 0, "verdict"), "AMBER");
    json_decref(list);
    program_free(&program);
    snprintf(lock, sizeof lock, "%s", path_of(".volley-suite.lock"));
    const int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    results(&program, 0, "prune", "--keep", "0", "--yes");
    ck_assert_ptr_nonnull(strstr(program.err, "the run goes on"));
    program_free(&program);
    close(fd);
    results(&program, 0, "prune", "--keep", "0", "--yes");
    ck_assert_ptr_nonnull(strstr(program.err, "not volley's is mine.txt"));
    program_free(&program);
    ck_assert_int_ne(access(path_of("0123abcd"), F_OK), 0);
    ck_assert_int_eq(access(path_of("4567abcd/metrics.json"), F_OK), 0);
}

TEST_SUITE_WITH(results, .set_up = set_up, .tear_down = trial_tear_down)
