/* The workloads that come with volley: `volley workloads`, --workload NAME, and each of them at a real server. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/options/workload_file.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define DIRECTORY "configs/workloads/"
#define PRIMARIES 3
#define REQUESTS 2000

static glob_t files;
static struct temp_tree tree;

static void set_up(void)
{
    ck_assert_int_eq(glob(DIRECTORY "*.yaml", 0, NULL, &files), 0);
    ck_assert_uint_ge(files.gl_pathc, 20);
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
    globfree(&files);
}

/* "ycsb-a" of configs/workloads/ycsb-a.yaml */
static const char *name_of(const char *path)
{
    static char name[64];
    snprintf(name, sizeof name, "%s", path + strlen(DIRECTORY));
    name[strlen(name) - strlen(".yaml")] = '\0';
    return name;
}

static char *text_of(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 64 * 1024);
    ck_assert(file != NULL && text != NULL);
    ck_assert_uint_gt(fread(text, 1, 64 * 1024 - 1, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* ---- each at a server ---- */

/* A hundredth of what there is of 20,000 or more: "count: 20k" becomes "count: 200". */
static void shorten_counts(char *text)
{
    for (char *at = text; (at = strstr(at, "count: ")) != NULL; at++) {
        char *unit;
        const unsigned long count = strtoul(at + strlen("count: "), &unit, 10);
        if (*unit != 'k' || count < 20)
            continue;
        *unit = '0'; /* thousands, of which a hundredth is tens */
    }
}

/* A copy that is filled soon. */
static const char *small_copy(const char *path)
{
    static char copy[200];
    char *text = text_of(path);
    shorten_counts(text);
    temp_tree_write(&tree, "/small.yaml", text, 0600);
    free(text);
    snprintf(copy, sizeof copy, "%s/small.yaml", tree.path);
    return copy;
}

static long long misses_expected(const char *name)
{
    return strcmp(name, "cache") == 0 ? REQUESTS / 10 : 0;
}

/* Only test_replica_classes has the servers for it. */
static bool needs_replicas(const char *name)
{
    return strcmp(name, "replica-visibility") == 0;
}

/* MGET of keys that have nothing to do with each other. */
static bool spans_slots(const char *name)
{
    return strcmp(name, "production-day") == 0;
}

/* Nothing fails, so each command of a request has as many answers as the whole. */
static void check_parts(const json_t *classes)
{
    size_t i, k;
    const json_t *class, *part;
    json_array_foreach(classes, i, class)
    {
        const json_t *ok = json_object_get(json_object_get(class, "requests"), "ok");
        json_array_foreach(json_object_get(class, "parts"), k, part)
        {
            ck_assert(json_equal(ok, json_object_get(part, "ok")));
            ck_assert_int_eq(json_integer_value(json_object_get(part, "errors")), 0);
        }
    }
}

/* empty: the server, for the next one. */
static void run_each(const struct bench_setting *setting, const char *options, void (*empty)(void))
{
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *name = name_of(files.gl_pathv[i]);
        if (needs_replicas(name) || (strstr(options, "--cluster") != NULL && spans_slots(name)))
            continue;
        call_run(&call, setting, "%s --workload %s --prefill -n %d", options,
                 small_copy(files.gl_pathv[i]), REQUESTS);
        ck_assert_msg(call.program.exit_status == 0, "%s: %s", name, call.program.err);
        /* What prefill wrote is told first. */
        const size_t last = json_array_size(json_object_get(call.root, "runs")) - 1;
        const json_t *run = run_json_at(call.root, last);
        ck_assert_str_eq(json_string_value(json_object_get(run, "name")), name);
        ck_assert_int_eq(run_json_count(&call, last, "requests.ok"), REQUESTS);
        const long long misses = run_json_count_or_zero(&call, last, "requests.misses");
        ck_assert_msg(misses == misses_expected(name), "%s: %lld misses", name, misses);
        check_parts(json_object_get(run, "classes"));
        call_free(&call);
        empty();
    }
}

static void empty_server(void)
{
    free(test_server_text(&server, "FLUSHALL"));
}

static void server_set_up(void)
{
    set_up();
    at_server_set_up();
}

static void server_tear_down(void)
{
    at_server_tear_down();
    tear_down();
}
static const struct suite_setting with_server = {
    .set_up = server_set_up, .tear_down = server_tear_down, .timeout_seconds = 120};

TEST_IN(with_server, each_runs_at_a_server)
{
    /* breaks if a workload that comes with volley is refused by a server, or misses what prefill should have
     * written */
    run_each(&at_server, "-c 10", empty_server);
}

static struct test_cluster cluster;

static void empty_cluster(void)
{
    for (uint32_t i = 0; i < PRIMARIES; i++)
        free(test_server_text(&cluster.nodes[i], "FLUSHALL"));
}

static void cluster_set_up(void)
{
    set_up();
    test_cluster_start(&cluster, PRIMARIES, 0, NULL);
}

static void cluster_tear_down(void)
{
    test_cluster_stop(&cluster);
    tear_down();
}
static const struct suite_setting with_cluster = {
    .set_up = cluster_set_up, .tear_down = cluster_tear_down, .timeout_seconds = 120};

TEST_IN(with_cluster, each_runs_in_a_cluster)
{
    /* breaks if a request of a workload that comes with volley has keys of several slots */
    run_each(&(struct bench_setting){.port = cluster.nodes[0].port_text}, "--cluster -c 12",
             empty_cluster);
}

/* ---- names ---- */

TEST(each_is_listed_with_what_it_models)
{
    /* breaks if a workload cannot be found by the name that it has in reports, or nobody knows what it is for */
    struct program program;
    program_run_volley(&program, "workloads", NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    size_t listed_bytes = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct workload_file file;
        struct err err = {.code = OK};
        char line[256];
        enum err_code code =
            workload_file_read(&file, &(struct file_source){.name = files.gl_pathv[i]}, &err);
        ck_assert_msg(code == OK, "%s", err.text);
        ck_assert_str_eq(file.plan.name, name_of(files.gl_pathv[i]));
        ck_assert_ptr_nonnull(file.about);
        listed_bytes +=
            (size_t)snprintf(line, sizeof line, "%-28s  %s\n", file.plan.name, file.about);
        ck_assert_msg(strstr(program.out, line) != NULL, "%s is not in: %s", line, program.out);
        workload_file_free(&file);
    }
    ck_assert_uint_eq(program.out_bytes, listed_bytes);
    program_free(&program);
}

TEST(a_name_prints_the_file)
{
    /* breaks if what is printed is not what is sent, or a wrong name prints something */
    struct program program;
    char *text = text_of(DIRECTORY "ycsb-e.yaml");
    program_run_volley(&program, "workloads", "ycsb-e", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_str_eq(program.out, text);
    free(text);
    program_free(&program);
    program_run_volley(&program, "workloads", "leaderbord", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_str_eq(program.out, "");
    ck_assert_str_eq(program.err,
                     "volley: there is no built-in workload \"leaderbord\"; `volley workloads` "
                     "lists them; did you mean leaderboard?\n");
    program_free(&program);
    program_run_volley(&program, "workloads", "queue", "cache", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "one name at a time"));
    program_free(&program);
}

TEST(a_file_goes_before_a_name)
{
    /* breaks if a user's own file is not the one that is sent, or nobody says that there is neither */
    struct program program;
    program_run_shell(&program, tree.path,
                      "\"$volley\" --workload queue --explain=1 | grep 'ticket 0'", 0);
    ck_assert_ptr_nonnull(strstr(program.out, "queue:"));
    program_free(&program);
    temp_tree_write(&tree, "/queue", "name: mine\nclasses: [{name: only, command: PING}]\n", 0600);
    program_run_shell(&program, tree.path,
                      "\"$volley\" --workload queue --explain=1 | grep 'ticket 0'", 0);
    ck_assert_ptr_nonnull(strstr(program.out, "PING"));
    program_free(&program);
    program_run_shell(&program, tree.path, "\"$volley\" --workload qeueu --explain", 3);
    ck_assert_str_eq(program.err,
                     "volley: --workload qeueu: there is no such file, and there is no "
                     "built-in workload \"qeueu\"; `volley workloads` lists them; did "
                     "you mean queue?\n");
    program_free(&program);
    program_run_shell(&program, tree.path, "\"$volley\" --workload ./cache --explain", 3);
    ck_assert_str_eq(program.err,
                     "volley: cannot read the workload ./cache: No such file or directory\n");
    program_free(&program);
}

TEST(they_are_found_where_volley_is_installed)
{
    /* breaks if an installed volley has no workloads, or one without them does not say so */
    struct program program;
    char line[1400], root[1024];
    ck_assert_ptr_nonnull(getcwd(root, sizeof root));
    snprintf(line, sizeof line,
             "mkdir -p bin share/volley/workloads && cp \"$volley\" bin/volley && "
             "cp '%s/" DIRECTORY "queue.yaml' share/volley/workloads && bin/volley workloads && "
             "bin/volley --workload queue --explain >explained",
             root);
    program_run_shell(&program, tree.path, line, 0);
    ck_assert_msg(strncmp(program.out, "queue ", 6) == 0, "%s", program.out);
    ck_assert_ptr_eq(strchr(program.out, '\n'), strrchr(program.out, '\n'));
    program_free(&program);
    program_run_shell(&program, tree.path, "rm -r share && bin/volley workloads", 3);
    ck_assert_str_eq(program.out, "");
    ck_assert_ptr_nonnull(strstr(program.err, "the built-in workloads are not there"));
    program_free(&program);
}

TEST_SUITE_WITH(workloads, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
