/* The workflows of configs/ci-examples, each step that calls volley carried out as GitHub would, by bash with the workflow's own
 * environment: on a repository of three commits, whose server is the one of PATH, and a PostgreSQL with a password. */
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/options/config_tree.h"
#include "tests/support/check/postgres.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define FOLDER "configs/ci-examples/"
#define PASSWORD "secret-of-the-test"
#define ENVIRONMENT_MAX 40
#define TEXT_BYTES 1000

#define CONFIGURATION(cluster)                                                                     \
    "[{\"requests\": [500], \"keyspacelen\": [100], \"data_sizes\": [16], \"pipelines\": [4], "    \
    "\"clients\": [6], \"commands\": [\"SET\"], \"cluster_mode\": \"" cluster                      \
    "\", \"tls_mode\": \"" cluster "\", \"warmup\": 0}]"

static struct temp_tree tree;
static struct postgres server;
static char workspace[200], base_sha[41], head_sha[41];
static const char *commits_max = "2";

/* What the steps of a job have in their environment: "NAME=value". */
static char environment[ENVIRONMENT_MAX][TEXT_BYTES];
static size_t environment_count;

static void name_commit(char sha[41], const char *ref)
{
    struct program program;
    char line[100];
    snprintf(line, sizeof line, "git -C repository rev-parse %s", ref);
    program_run_shell(&program, tree.path, line, 0);
    snprintf(sha, 41, "%.40s", program.out);
    program_free(&program);
}

static void set_up(void)
{
    struct program program;
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/repository/Makefile",
                    "all:\n\tmkdir -p src\n\ttouch src/server.c\n\tln -sf \"$$(command -v "
                    "valkey-server || command "
                    "-v redis-server)\" src/valkey-server\ndistclean:\n",
                    0600);
    static const char *const names[] = {"nightly", "short", "pull-request", "cluster-tls"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[100];
        snprintf(path, sizeof path, "/repository/.github/benchmark/%s.json", names[i]);
        temp_tree_write(&tree, path, i == 3 ? CONFIGURATION("yes") : CONFIGURATION("no"), 0600);
    }
    temp_tree_write(&tree, "/output", "", 0600);
    program_run_shell(&program, tree.path,
                      "mkdir cache bin && chmod 700 cache && ln -s \"$volley\" bin/volley && cd "
                      "repository && git init -q -b unstable . && git config user.email a@b && git "
                      "config user.name n && git add -A && for i in 1 2 3; do "
                      "GIT_COMMITTER_DATE=\"2026-01-0$i 10:00:00 +0000\" git commit -q "
                      "--allow-empty -m $i; done",
                      0);
    program_free(&program);
    snprintf(workspace, sizeof workspace, "%s/repository", tree.path);
    name_commit(head_sha, "HEAD");
    name_commit(base_sha, "HEAD~1");
}

static void tear_down(void)
{
    postgres_stop(&server);
    temp_tree_remove(&tree);
}

static void expect_answer(const char *statement, const char *wanted)
{
    ck_assert_int_eq(setenv("PGPASSWORD", PASSWORD, 1), 0);
    char *answer = postgres_ask(&server, statement);
    ck_assert_str_eq(answer, wanted);
    free(answer);
    ck_assert_int_eq(unsetenv("PGPASSWORD"), 0);
}

/* --- expressions ----------------------------------------------------------------------------- */

/* What a step has put out as this name, "" when nothing. */
static void find_output(char value[TEXT_BYTES], const char *name)
{
    char path[300], line[TEXT_BYTES];
    const size_t length = strlen(name);
    snprintf(path, sizeof path, "%s/output", tree.path);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    value[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            snprintf(value, TEXT_BYTES, "%.*s", (int)strcspn(line + length + 1, "\n"),
                     line + length + 1);
    (void)fclose(file);
}

static void evaluate(char value[TEXT_BYTES], const char *expression)
{
    const struct {
        const char *expression, *value;
    } known[] = {{"vars.HISTORY", server.address},
                 {"secrets.PGPASSWORD", PASSWORD},
                 {"vars.RUNS || '5'", "2"},
                 {"vars.BRANCH || 'unstable'", "unstable"},
                 {"inputs.max_commits || '3'", commits_max},
                 {"github.event.pull_request.base.sha", base_sha},
                 {"github.event.pull_request.head.sha", head_sha}};
    char name[60];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].expression, expression) == 0) {
            snprintf(value, TEXT_BYTES, "%s", known[i].value);
            return;
        }
    ck_assert_msg(sscanf(expression, "steps.%*[a-z].outputs.%59[a-z]", name) == 1, "what is %s?",
                  expression);
    find_output(value, name);
}

/* A text that is one expression, or has none. */
static void set_variable(const char *name, const char *text)
{
    char expression[200], value[TEXT_BYTES];
    int length = 0;
    if (sscanf(text, "${{ %199[^}]%n", expression, &length) == 1) {
        ck_assert_str_eq(text + length, "}}");
        expression[strlen(expression) - 1] = '\0';
        evaluate(value, expression);
    } else
        snprintf(value, sizeof value, "%s", text);
    ck_assert_uint_lt(environment_count, ENVIRONMENT_MAX);
    ck_assert_int_lt(snprintf(environment[environment_count++], TEXT_BYTES, "%s=%s", name, value),
                     TEXT_BYTES);
}

static void add_environment(const struct config_node *of)
{
    const struct config_node *variables = config_node_get(of, "env");
    for (size_t i = 0; variables != NULL && i < variables->count; i++)
        set_variable(variables->children[i].key, variables->children[i].text);
}

/* --- steps ----------------------------------------------------------------------------------- */

static bool calls_volley(const char *block)
{
    static const char *const words[] = {"volley suite ",   "volley push ",     "volley track ",
                                        "volley compare ", "volley validate ", "volley history "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(block, words[i]) != NULL)
            return true;
    return false;
}

/* Of a condition that asks whether a step has put something out, and, with always(), even if another one has failed. */
static bool is_wanted(const struct config_node *step, bool has_failed)
{
    const struct config_node *condition = config_node_get(step, "if");
    char name[60], value[TEXT_BYTES];
    if (has_failed && (condition == NULL || strstr(condition->text, "always()") == NULL))
        return false;
    if (condition == NULL)
        return true;
    const char *asked = strstr(condition->text, "steps.");
    ck_assert_ptr_nonnull(asked);
    ck_assert_int_eq(sscanf(asked, "steps.%*[a-z].outputs.%59[a-z] != ''", name), 1);
    find_output(value, name);
    return value[0] != '\0';
}

/* Its status has to be this one, or, where that is no error, 0. */
static int run_block(const char *block, int wanted)
{
    const char *list[ENVIRONMENT_MAX + 6];
    char path[4096], output[300], summary[300], cache[300];
    struct program program;
    size_t count = 0;
    snprintf(path, sizeof path, "PATH=%s/bin:%s", tree.path, getenv("PATH"));
    snprintf(output, sizeof output, "GITHUB_OUTPUT=%s/output", tree.path);
    snprintf(summary, sizeof summary, "GITHUB_STEP_SUMMARY=%s/summary", tree.path);
    snprintf(cache, sizeof cache, "XDG_CACHE_HOME=%s/cache", tree.path);
    while (count < environment_count) {
        list[count] = environment[count];
        count++;
    }
    list[count++] = path;
    list[count++] = output;
    list[count++] = summary;
    list[count++] = cache;
    list[count] = NULL;
    program_run(&program, &(struct program_options){
                              .argv = (const char *const[]){"bash", "--noprofile", "--norc", "-eo",
                                                            "pipefail", "-c", block, NULL},
                              .environment = list,
                              .directory = workspace});
    const int status = program.exit_status;
    ck_assert_msg(status == 0 || status == wanted, "status %d:\n%s\n%s\n%s", status, block,
                  program.out, program.err);
    program_free(&program);
    return status;
}

static const struct config_node *node_at(const struct config_node *node, const char *key)
{
    const struct config_node *found = config_node_get(node, key);
    ck_assert_msg(found != NULL, "line %u: no %s", node->mark.line, key);
    return found;
}

static void read_workflow(struct config_node *root, const char *path)
{
    struct err err = {.code = OK};
    ck_assert_msg(config_tree_read(root, path, "workflow", &err) == OK, "%s", err.text);
}

/* Returns how many steps were carried out; with a wanted status other than 0 one of them has to end with it. */
static size_t run_workflow(const char *name, int wanted)
{
    int ended = 0;
    char path[200];
    struct config_node root;
    size_t count = 0;
    snprintf(path, sizeof path, FOLDER "%s.yml", name);
    read_workflow(&root, path);
    ck_assert_str_eq(node_at(node_at(node_at(&root, "defaults"), "run"), "shell")->text, "bash");
    const struct config_node *job = &node_at(&root, "jobs")->children[0];
    const struct config_node *steps = node_at(job, "steps");
    environment_count = 0;
    add_environment(&root);
    add_environment(job);
    const size_t of_job = environment_count;
    for (size_t i = 0; i < steps->count; i++) {
        const struct config_node *step = &steps->children[i], *block = config_node_get(step, "run");
        if (block == NULL || !calls_volley(block->text) || !is_wanted(step, ended != 0))
            continue;
        add_environment(step);
        /* Runs as short as these may be slower one after the other. */
        const bool judges = strstr(block->text, "--detect-regression") != NULL;
        const int status = run_block(block->text, judges ? 1 : wanted);
        ended = ended != 0 || judges ? ended : status;
        environment_count = of_job;
        count++;
    }
    config_tree_free(&root);
    ck_assert_int_eq(ended, wanted);
    return count;
}

/* --- the workflows --------------------------------------------------------------------------- */

static void expect_in_file(const char *name, const char *part)
{
    struct program program;
    char line[400];
    snprintf(line, sizeof line, "cat %s", name);
    program_run_shell(&program, tree.path, line, 0);
    ck_assert_msg(strstr(program.out, part) != NULL, "no \"%s\" in\n%s", part, program.out);
    program_free(&program);
}

TEST(continuous_measures_what_is_new)
{
    /* Breaks when a line of it is wrong, a commit is measured twice or never, or its figures are not in the history. */
    postgres_start(&server, PASSWORD);
    ck_assert_uint_eq(run_workflow("continuous", 0), 4);
    expect_answer("SELECT count(*), count(DISTINCT commit), min(run), max(run), bool_and(rps > 0) "
                  "FROM benchmark_metrics",
                  "4|2|1|2|t");
    expect_answer("SELECT status, count(*) FROM benchmark_commits GROUP BY status", "complete|2");
    temp_tree_write(&tree, "/output", "", 0600);
    ck_assert_uint_eq(run_workflow("continuous", 0), 4);
    temp_tree_write(&tree, "/output", "", 0600);
    expect_in_file("summary", "\"has_regression\"");
    expect_in_file("summary", head_sha);
    ck_assert_uint_eq(run_workflow("continuous", 0), 1); /* nothing is left */
    expect_answer("SELECT count(*), count(DISTINCT commit) FROM benchmark_metrics", "6|3");
    expect_answer("SELECT status, count(*) FROM benchmark_commits GROUP BY status", "complete|3");
}

TEST(a_commit_that_does_not_build_keeps_no_other)
{
    /* Breaks when the newest commit does not build, and the one before it is not measured, or is not pushed, or the job does not
     * fail. */
    struct program program;
    program_run_shell(&program, workspace,
                      "printf 'all:\\n\\tfalse\\n' >Makefile && git commit -qam broken", 0);
    program_free(&program);
    postgres_start(&server, PASSWORD);
    commits_max = "3";
    ck_assert_uint_eq(run_workflow("continuous", 1), 4);
    char statement[200];
    snprintf(statement, sizeof statement,
             "SELECT count(*) FROM benchmark_metrics WHERE commit = '%s'", head_sha);
    expect_answer(statement, "2");
    expect_answer("SELECT status, count(*) FROM benchmark_commits GROUP BY status ORDER BY status",
                  "complete|2\nin_progress|1");
}

TEST(cluster_tls_has_a_table_of_its_own)
{
    /* Breaks when a line of it is wrong, or what is measured is no cluster with TLS. */
    postgres_start(&server, PASSWORD);
    ck_assert_uint_eq(run_workflow("cluster-tls", 0), 2);
    expect_answer("SELECT count(*), bool_and(cluster_mode), bool_and(tls), max(test_type) FROM "
                  "benchmark_metrics_cluster_tls",
                  "2|t|t|cluster-tls");
}

TEST(pull_request_compares_with_its_base)
{
    /* Breaks when a line of it is wrong, or what is to be the comment holds no comparison of the two commits. */
    char title[100];
    ck_assert_uint_eq(run_workflow("pull-request", 0), 1);
    snprintf(title, sizeof title, "# Benchmark Comparison: %.8s vs %.8s", base_sha, head_sha);
    expect_in_file("repository/comparison.md", title);
    expect_in_file("summary", title);
    expect_in_file("repository/comparison.json", "\"answer\"");
}

TEST(basic_builds_and_measures)
{
    /* Breaks when a line of it is wrong, or the suite does not find the programs that were built. */
    ck_assert_int_eq(run_block("make >/dev/null", 0), 0);
    ck_assert_uint_eq(run_workflow("basic", 0), 1);
    expect_in_file("repository/results/*/metrics.json", "\"rps\"");
}

TEST(format_finds_what_is_wrong)
{
    /* Breaks when a line of it is wrong, or a configuration that is wrong passes. */
    ck_assert_uint_eq(run_workflow("format", 0), 2);
    temp_tree_write(&tree, "/repository/.github/benchmark/nightly.json", "[{\"requests\": 5}]",
                    0600);
    ck_assert_uint_eq(run_workflow("format", 1), 1);
}

TEST(a_night_without_github)
{
    /* Breaks when a line of nightly.sh is wrong, a second night measures the same commits, or the third finds anything. */
    char script[300], line[400];
    struct program program;
    program_run_shell(&program, ".", "realpath " FOLDER "nightly.sh", 0);
    snprintf(script, sizeof script, "%.*s", (int)strcspn(program.out, "\n"), program.out);
    program_free(&program);
    snprintf(line, sizeof line,
             "MAX_COMMITS=2 RUNS=1 bash '%s' . .github/benchmark/nightly.json night/history.db",
             script);
    for (int night = 0; night < 3; night++)
        ck_assert_int_eq(run_block(line, 0), 0);
    sqlite3 *file = NULL;
    sqlite3_stmt *statement = NULL;
    char path[300];
    snprintf(path, sizeof path, "%s/night/history.db", workspace);
    ck_assert_int_eq(sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(file,
                                        "SELECT count(*), count(DISTINCT \"commit\"), (SELECT "
                                        "count(*) FROM benchmark_commits WHERE status = "
                                        "'complete') FROM benchmark_metrics",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    for (int column = 0; column < 3; column++)
        ck_assert_int_eq(sqlite3_column_int(statement, column), 3);
    sqlite3_finalize(statement);
    sqlite3_close(file);
}

/* --- what GitHub needs ----------------------------------------------------------------------- */

static void check_step(const struct config_node *step)
{
    const struct config_node *block = config_node_get(step, "run"),
                             *action = config_node_get(step, "uses");
    ck_assert_msg((block == NULL) != (action == NULL), "line %u: run, or uses", step->mark.line);
    if (action != NULL)
        ck_assert_msg(strchr(action->text, '@') != NULL, "%s has no version", action->text);
    if (block == NULL)
        return;
    /* What stands there is a part of the program, whoever has written it. */
    ck_assert_msg(strstr(block->text, "${{") == NULL, "%s", block->text);
    ck_assert_msg(strstr(block->text, "--password") == NULL, "%s", block->text);
    ck_assert_ptr_nonnull(node_at(step, "name"));
}

static bool is_carried_out(const char *path)
{
    static const char *const names[] = {"basic", "cluster-tls", "continuous", "format",
                                        "pull-request"};
    char known[200];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(known, sizeof known, FOLDER "%s.yml", names[i]);
        if (strcmp(known, path) == 0)
            return true;
    }
    return false;
}

TEST(workflows_have_what_github_needs)
{
    /* Breaks when a workflow lacks what GitHub asks for, has more rights than it names, puts what others have written into a
     * script, a password into an argument, or is carried out by no test. */
    glob_t files;
    ck_assert_int_eq(glob(FOLDER "*.yml", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct config_node root;
        ck_assert_msg(is_carried_out(files.gl_pathv[i]), "no test for %s", files.gl_pathv[i]);
        read_workflow(&root, files.gl_pathv[i]);
        ck_assert_ptr_nonnull(node_at(&root, "name"));
        ck_assert_uint_gt(node_at(&root, "on")->count, 0);
        ck_assert_str_eq(node_at(node_at(&root, "permissions"), "contents")->text, "read");
        const struct config_node *jobs = node_at(&root, "jobs");
        for (size_t k = 0; k < jobs->count; k++) {
            const struct config_node *steps = node_at(&jobs->children[k], "steps");
            ck_assert_ptr_nonnull(node_at(&jobs->children[k], "runs-on"));
            for (size_t m = 0; m < steps->count; m++)
                check_step(&steps->children[m]);
        }
        config_tree_free(&root);
    }
    ck_assert_uint_eq(files.gl_pathc, 5);
    globfree(&files);
}

TEST_SUITE_WITH(ci_examples, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 180)
