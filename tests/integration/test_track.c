/* `volley track`: which commits have been measured, with SQLite and PostgreSQL. The repository has five commits, of which 5 is the
 * newest, on the branch "unstable". */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/history_base.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define COMMITS 5

static struct temp_tree tree;
static struct history_base base;
static struct program program;
static char shas[COMMITS + 1][41];

/* The names of commits from 1 on. */
static void make_repository(void)
{
    program_run_shell(
        &program, tree.path,
        "git init -q repo && cd repo && for i in 1 2 3 4 5; do GIT_COMMITTER_DATE=\"2026-01-0$i "
        "10:00:00 +0200\" git -c user.name=a -c user.email=a@b commit -q --allow-empty -m $i; "
        "done && git branch -M unstable && git rev-list --reverse HEAD",
        0);
    char *line = program.out;
    for (int i = 1; i <= COMMITS; i++, line += 41)
        snprintf(shas[i], sizeof shas[i], "%.40s", line);
    program_free(&program);
}

static void set_up(void)
{
    temp_tree_make(&tree);
    make_repository();
    temp_tree_write(&tree, "/one.json", "[{\"sizes\": [16], \"tls\": false}]", 0644);
    temp_tree_write(&tree, "/both.json", "[{\"tls\": false, \"sizes\": [16, 64], \"more\": 1}]",
                    0644);
}

static void tear_down(void)
{
    history_base_stop(&base);
    temp_tree_remove(&tree);
}

/* A line of bash behind "volley track"; $db is the database. */
static const char *track(int status, const char *arguments)
{
    static char text[4000];
    char line[1000];
    snprintf(line, sizeof line, "db='%s'; \"$volley\" track --db \"$db\" %s", base.address,
             arguments);
    program_run_shell(&program, tree.path, line, status);
    snprintf(text, sizeof text, "%s%s", program.out, program.err);
    program_free(&program);
    return text;
}

static void expect(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in\n%s", part, text);
}

/* What determine prints on standard output. */
static void expect_next(const char *arguments, const int *numbers)
{
    char line[1000], wanted[300] = "";
    size_t at = 0;
    for (size_t i = 0; numbers[i] != 0; i++)
        at += (size_t)snprintf(wanted + at, sizeof wanted - at, "%s%s", i > 0 ? " " : "",
                               shas[numbers[i]]);
    snprintf(line, sizeof line,
             "\"$volley\" track determine --db '%s' --repo repo %s 2>/dev/null | tr -d '\\n'",
             base.address, arguments);
    program_run_shell(&program, tree.path, line, 0);
    ck_assert_str_eq(program.out, wanted);
    program_free(&program);
}

#define NEXT(arguments, ...) expect_next(arguments, (const int[]){__VA_ARGS__, 0})

LOOP_TEST(commits_go_from_chosen_to_complete, 2)
{
    /* Breaks when a commit that is measured is chosen again, one that failed is not, or another configuration's counts. */
    history_base_start(&base, _i == 1, tree.path);
    NEXT("", 5, 4, 3);
    NEXT("--max-commits 1 --config-file one.json", 5);
    track(0, "mark --repo repo --status in_progress --config-file one.json HEAD HEAD~1");
    NEXT("--max-commits 1 --config-file one.json", 5);
    track(0, "mark HEAD --repo repo --status complete --config-file one.json");
    track(0, "mark --config-file one.json HEAD~1 --status benchmark_complete --repo repo");
    NEXT("--config-file one.json", 3, 2, 1);
    NEXT("--config-file one.json --architecture other", 5, 4, 3);
    NEXT("--config-file both.json", 5, 4, 3);
    NEXT("", 3, 2, 1);
    expect(track(0, "query --config-file one.json"), "benchmark_complete");
    expect(track(0, "query --config-file both.json"), "0 commits");
    history_base_expect(
        &base, "SELECT status, count(*) FROM benchmark_commits GROUP BY status ORDER BY status",
        "benchmark_complete|1\ncomplete|1");
}

LOOP_TEST(a_configuration_that_holds_another_covers_it, 2)
{
    /* Breaks when what was measured as part of more is measured again, or that cannot be turned off. */
    history_base_start(&base, _i == 1, tree.path);
    track(0, "mark HEAD HEAD~1 --repo repo --status complete --config-file both.json");
    track(0, "mark HEAD~2 --repo repo --status benchmark_complete --config-file both.json");
    NEXT("--config-file one.json", 3, 2, 1);
    NEXT("--config-file one.json --disable-subset-detection", 5, 4, 3);
    expect(track(0, "query --list-configs"), "3 commits");
}

LOOP_TEST(what_is_in_progress_is_forgotten, 2)
{
    /* Breaks when cleanup takes what another configuration or architecture has under way, or leaves its own. */
    history_base_start(&base, _i == 1, tree.path);
    track(0, "mark HEAD --repo repo --status in_progress --config-file one.json");
    track(0, "mark HEAD --repo repo --status in_progress --config-file both.json");
    track(
        0,
        "mark HEAD --repo repo --status in_progress --config-file both.json --architecture other");
    expect(track(0, "cleanup --config-file one.json"), "1 commits that were in progress");
    expect(track(0, "cleanup"), "1 commits that were in progress");
    history_base_expect(
        &base, "SELECT architecture, count(*) FROM benchmark_commits GROUP BY architecture",
        "other|1");
}

LOOP_TEST(what_is_kept_is_what_was_given, 2)
{
    /* Breaks when a moment, a status or a configuration is another one in what query prints. */
    history_base_start(&base, _i == 1, tree.path);
    track(0, "mark HEAD --repo repo --status complete --config-file both.json");
    program_run_shell(&program, tree.path, "true", 0);
    program_free(&program);
    program_run_volley(&program, "track", "query", "--json", "--db", base.address, NULL);
    json_t *list = json_loads(program.out, 0, NULL);
    const json_t *row = json_array_get(list, 0);
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_str_eq(json_string_value(json_object_get(row, "sha")), shas[5]);
    ck_assert_str_eq(json_string_value(json_object_get(row, "timestamp")), "2026-01-05T08:00:00Z");
    ck_assert_str_eq(json_string_value(json_object_get(row, "status")), "complete");
    const json_t *config = json_array_get(json_object_get(row, "config"), 0);
    ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(config, "sizes"), 1)), 64);
    json_decref(list);
    program_free(&program);
}

TEST(a_database_of_the_other_tool_is_gone_on_with)
{
    /* Breaks when commits that valkey-perf-benchmark has tracked are chosen again, or a status that its table refuses is. */
    history_base_start(&base, true, tree.path);
    free(postgres_ask(
        &base.server,
        "CREATE TABLE benchmark_commits (id SERIAL PRIMARY KEY, sha VARCHAR(40) NOT NULL, "
        "timestamp TIMESTAMPTZ NOT NULL, status VARCHAR(20) NOT NULL CHECK (status IN "
        "('in_progress', 'complete')), config JSONB NOT NULL, architecture VARCHAR(50), "
        "created_at TIMESTAMPTZ DEFAULT NOW(), updated_at TIMESTAMPTZ DEFAULT NOW(), "
        "CONSTRAINT unique_sha_config_arch UNIQUE(sha, config, architecture))"));
    char statement[500];
    snprintf(statement, sizeof statement,
             "INSERT INTO benchmark_commits (sha, timestamp, status, config, architecture) VALUES "
             "('%s', '2026-01-05', 'complete', '[{\"tls\": false, \"sizes\": [16]}]', 'mine')",
             shas[5]);
    free(postgres_ask(&base.server, statement));
    expect(track(0, "query --config-file one.json --architecture mine"),
           "1 commits"); /* which changes nothing */
    history_base_expect(
        &base, "SELECT count(*) FROM information_schema.tables WHERE table_name = 'volley_schema'",
        "0");
    NEXT("--config-file one.json --architecture mine", 4, 3, 2);
    track(0, "mark HEAD~1 --repo repo --status benchmark_complete --config-file one.json "
             "--architecture mine");
    NEXT("--config-file one.json --architecture mine", 3, 2, 1);
    /* what that tool adds later counts, too */
    snprintf(statement, sizeof statement,
             "INSERT INTO benchmark_commits (sha, timestamp, status, config, architecture) VALUES "
             "('%s', '2026-01-03', 'complete', '[{\"tls\": false, \"sizes\": [16]}]', 'mine')",
             shas[3]);
    free(postgres_ask(&base.server, statement));
    NEXT("--config-file one.json --architecture mine", 2, 1);
}

TEST(a_large_configuration_is_kept)
{
    /* Breaks when a configuration of a size that PostgreSQL has no index for cannot be marked. */
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    fprintf(out, "[{\"sizes\": [0");
    for (unsigned i = 1; i < 20000; i++)
        fprintf(out, ",%u", i * 7919u % 99991u);
    fprintf(out, "]}]");
    fclose(out);
    temp_tree_write(&tree, "/large.json", text, 0644);
    free(text);
    history_base_start(&base, true, tree.path);
    track(0, "mark HEAD --repo repo --status complete --config-file large.json");
    NEXT("--config-file large.json", 4, 3, 2);
}

TEST(mistakes_are_told)
{
    /* Breaks when what is wrong is taken, makes a database or is told as something else. */
    static const struct {
        const char *arguments, *said;
        int status;
    } cases[] = {
        {"", "track needs a word", 2},
        {"forget", "there is no track forget", 2},
        {"mark --repo repo --status complete", "mark needs a commit", 2},
        {"mark HEAD --repo repo", "mark needs --status", 2},
        {"mark HEAD --repo repo --status done", "--status", 2},
        {"mark nope --repo repo --status complete", "has no commit nope", 2},
        {"mark --repo repo --status complete -- --all", "can be no commit's name", 2},
        {"determine --repo repo --branch nope", "has no branch nope", 2},
        {"determine --repo /", "is no git repository", 2},
        {"determine --repo repo HEAD", "determine takes no commit", 2},
        {"determine --repo repo --config-file nope.json", "nope.json", 3},
        {"determine --repo repo --config-file repo/.git/HEAD", "is no JSON", 3},
        {"query --port 5432", "--host is missing", 2},
        {"query --host x", "--host and --db both", 2},
    };
    history_base_start(&base, false, tree.path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(track(cases[i].status, cases[i].arguments), cases[i].said);
}

TEST_SUITE_WITH(track, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
