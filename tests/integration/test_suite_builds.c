/* `volley suite` on commits: what it builds, and what a comparison says of them. */
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/slow_valkey.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/suite_tree.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char results[200], config[200], cache[200], environment_text[400];

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(results, sizeof results, "%s/results", tree.path);
    snprintf(config, sizeof config, "%s/config.json", tree.path);
    snprintf(cache, sizeof cache, "%s/cache", tree.path);
    snprintf(environment_text, sizeof environment_text, "XDG_CACHE_HOME=%s", cache);
    ck_assert_int_eq(mkdir(cache, 0700), 0);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

static void run_suite(const char *const *more)
{
    const char *argv[40] = {program_volley(), "suite",         "--config",
                            config,           "--results-dir", results};
    const char *const environment[] = {environment_text, NULL};
    size_t count = 6;
    while (*more != NULL)
        argv[count++] = *more++;
    program_free(&program);
    program_run(&program, &(struct program_options){
                              .argv = argv, .environment = environment, .deadline_ms = 400000});
}

#define ONE_RUN                                                                                    \
    "[{\"requests\": [1000], \"keyspacelen\": [100], \"data_sizes\": [16], \"pipelines\": [4], "   \
    "\"clients\": [8], \"commands\": [\"SET\"], \"cluster_mode\": \"no\", \"tls_mode\": \"no\", "  \
    "\"warmup\": 0}]"
#define SUITE(...) run_suite((const char *const[]){__VA_ARGS__, NULL})

/* A repository whose server is the one of PATH: commit "first" has it, "broken" does not build. */
static void make_repository(void)
{
    temp_tree_write(
        &tree, "/repository/Makefile",
        "all:\n\tmkdir -p src\n\tln -sf \"$$(command -v valkey-server || command -v "
        "redis-server)\" src/linked\n\tprintf '#!/bin/sh\\nexec %s \"$$@\"\\n' \"$$(command "
        "-v valkey-server || command -v redis-server)\" > src/valkey-server\n\tchmod +x "
        "src/valkey-server\ndistclean:\n",
        0600);
    program_run_shell(
        &program, tree.path,
        "cd repository && git init -q -b main . && git config user.email a@b && git "
        "config user.name n && git add -A && git commit -qm first && git tag first && "
        "printf 'all:\\n\\techo no such header >&2; exit 1\\n' > Makefile && git commit "
        "-qam broken && git tag broken",
        0);
}

static void name_commit(char sha[41], const char *repository, const char *ref)
{
    char line[600];
    snprintf(line, sizeof line, "git -C '%s' rev-parse '%s^{commit}'", repository, ref);
    FILE *out = popen(line, "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%40s", sha), 1);
    (void)pclose(out);
}

TEST(the_place_of_a_comparison_is_looked_at_first)
{
    /* breaks when a comparison.md that cannot be written is found after all was built and measured */
    char repository[300], path[600];
    snprintf(repository, sizeof repository, "%s/nowhere", tree.path);
    snprintf(path, sizeof path, "%s/comparison.md", results);
    static const char *const lines[] = {
        "mkdir -p results/comparison.md",
        "rmdir results/comparison.md; mkfifo results/comparison.md",
        "rm results/comparison.md; ln -s gone results/comparison.md"};
    temp_tree_write(&tree, "/config.json", ONE_RUN, 0600);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        program_free(&program);
        program_run_shell(&program, tree.path, lines[i], 0);
        SUITE("--repo", repository, "--baseline", "main", "--commits", "other");
        program_expect_status(&program, 2);
        program_expect_text(program.err, "comparison.md");
    }
}

/* Its lines, and those of the control, which is the same build. */
static void ck_log(const char *sha)
{
    static const char *const endings[] = {"", "-control"};
    static const char *const wanted[] = {" INFO building ", " INFO ", ": what git and make said: ",
                                         " ERROR broken: ", "no such header"};
    char directory[400];
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(directory, sizeof directory, "%s/%s%s", results, sha, endings[i]);
        char *log = suite_tree_read(directory, "logs.txt");
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
            program_expect_text(log, wanted[k]);
        free(log);
    }
}

TEST(commits_are_built_and_compared)
{
    /* breaks when a commit is not built, one that does not build ends the suite or is not told with its log, records are not
     * under the commit's name, the comparison is missing, or logs.txt does not tell of the builds */
    char repository[300], path[600];
    make_repository();
    snprintf(repository, sizeof repository, "%s/repository", tree.path);
    temp_tree_write(&tree, "/config.json", ONE_RUN, 0600);
    SUITE("--repo", repository, "--commits", "broken", "first", "--control", "--baseline", "first",
          "--runs", "2");
    program_expect_status(&program, 1);
    program_expect_text(program.err, "broken: ");
    program_expect_text(program.err, "no such header");
    program_expect_text(program.err, "1 of 2 commits do not build");
    snprintf(path, sizeof path, "%s/comparison.md", results);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    char line[300];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_str_eq(line, "# Benchmark Comparison: first vs first (control)\n");
    (void)fclose(file);
    char sha[41], beginning[9];
    name_commit(sha, repository, "first");
    ck_log(sha);
    snprintf(beginning, sizeof beginning, "%.8s", sha);
    SUITE("--repo", repository, "--commits", "broken", "--control", "--baseline", "first", "--runs",
          "3", "--resume", "--list-plan");
    program_expect_status(&program, 0);
    program_expect_text(program.err, "broken has no results under this name");
    program_expect_text(program.out, "9 runs, 5 of them still to be measured");
    program_free(&program); /* by its tag, and by the beginning of its name */
    program_run_volley(&program, "compare", "--results-dir", results, "--baseline", "first",
                       "--new", beginning, NULL);
    program_expect_status(&program, 0);
    SUITE("--repo", repository, "--commits", "nosuch");
    program_expect_status(&program, 2);
    program_expect_text(program.err, "nosuch");
}

/* The only directory whose name is like that: the arguments of make are in it, too. */
static void find_results(char path[500], const char *like)
{
    char pattern[400];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/%s", results, like);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    snprintf(path, 500, "%s", found.gl_pathv[0]);
    globfree(&found);
}

/* The answer of a row, of two commits' records. */
static char *answer_of(const char *base, const char *other, const char *confidence, char answer[20])
{
    char paths[2][500];
    find_results(paths[0], base);
    find_results(paths[1], other);
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", paths[0], "--new", paths[1], "--metrics",
                       "rps", "--confidence", confidence, "--json", "-", NULL);
    program_expect_status(&program, 0);
    json_t *root = json_loads(program.out, 0, NULL);
    ck_assert_ptr_nonnull(root);
    const json_t *rows = json_object_get(root, "rows");
    ck_assert_uint_eq(json_array_size(rows), 1);
    snprintf(answer, 20, "%s",
             json_string_value(json_object_get(json_array_get(rows, 0), "answer")));
    json_decref(root);
    return answer;
}

#define RUNS_AT_ONCE 6
#define ROUNDS_MAX 5

TEST(a_planted_slowdown_is_found)
{
    /* breaks when a server that is really slower is not called so, however often it is measured, or one and the same server is
     * called different from itself */
    if (!slow_valkey_wanted())
        return;
    char base[41], slow[41], likes[3][80], runs[12], answer[20];
    const struct source_wish wish = slow_valkey_wish();
    name_commit(base, wish.repository, "base");
    name_commit(slow, wish.repository, "slow");
    snprintf(likes[0], sizeof likes[0], "%s-make-*[0-9a-f]", base);
    snprintf(likes[1], sizeof likes[1], "%s-make-*[0-9a-f]", slow);
    snprintf(likes[2], sizeof likes[2], "%s-make-*-control", base);
    snprintf(environment_text, sizeof environment_text, "XDG_CACHE_HOME=%s",
             slow_valkey_cache_home());
    temp_tree_write(&tree, "/config.json",
                    "[{\"duration\": 1, \"keyspacelen\": [1000], \"data_sizes\": [16], "
                    "\"pipelines\": [10], \"clients\": [20], \"commands\": [\"GET\"], "
                    "\"cluster_mode\": \"no\", \"tls_mode\": \"no\", \"warmup\": 0}]",
                    0600);
    for (int round = 1; round <= ROUNDS_MAX; round++) {
        snprintf(runs, sizeof runs, "%d", round * RUNS_AT_ONCE);
        SUITE("--repo", wish.repository, "--make-args", wish.make_args, "--commits", "slow",
              "--baseline", "base", "--control", "--runs", runs, "--resume", "--seed", "1");
        program_expect_status(&program, 0);
        if (strcmp(answer_of(likes[0], likes[1], "95", answer), "slower") == 0)
            break;
        ck_assert_msg(round < ROUNDS_MAX, "after %s runs a side: %s\n%s", runs, answer,
                      program.out);
    }
    ck_assert_str_ne(answer_of(likes[0], likes[2], "99.99", answer), "slower");
    ck_assert_str_ne(answer, "faster");
}

TEST_SUITE_WITH(suite_builds, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 900)
