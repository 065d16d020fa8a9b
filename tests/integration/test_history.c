/* `volley history`: trends, changes of level and regressions, of records that volley push has put into SQLite and PostgreSQL. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/certificates.h"
#include "tests/support/check/history_base.h"
#include "tests/support/check/notify_servers.h"
#include "tests/support/check/page_look.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define COMMITS 40
#define SLOWER_FROM 25

static struct temp_tree tree;
static struct history_base base;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    history_base_stop(&base);
    temp_tree_remove(&tree);
}

/* Records of a commit: three runs of SET, which gets slower, and of GET, which does not. */
static void write_commit(int number, double set_rate, double get_rate)
{
    char name[120], *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    for (int run = 0; run < 3; run++)
        for (int command = 0; command < 2; command++) {
            const double rate = command == 0 ? set_rate : get_rate;
            fprintf(out,
                    "%s{\"timestamp\": \"2026-01-%02dT%02d:00:00+01:00\", \"commit\": \"%040d\", "
                    "\"command\": \"%s\", \"data_size\": 16, \"pipeline\": 1, \"tls\": false, "
                    "\"architecture\": \"mine\", \"verdict\": \"%s\", \"run\": %d, \"rps\": %.1f, "
                    "\"p99_latency_ms\": %.4f}",
                    run + command > 0 ? ", " : "[", 1 + number / 24, number % 24, number,
                    command == 0 ? "SET" : "GET", number == COMMITS - 1 ? "RED" : "GREEN", run,
                    rate * (1 + 0.002 * (run - 1)), 1000 / rate);
        }
    fprintf(out, "]");
    fclose(out);
    snprintf(name, sizeof name, "/results/%040d/metrics.json", number);
    temp_tree_write(&tree, name, text, 0644);
    free(text);
}

static void push(void)
{
    char results[200];
    snprintf(results, sizeof results, "%s/results", tree.path);
    program_run_volley(&program, "push", "--results-dir", results, "--db", base.address, NULL);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    program_free(&program);
}

static void start(int loop)
{
    history_base_start(&base, loop == 1, tree.path);
    temp_tree_write(&tree, "/results/control/metrics.json",
                    "[{\"timestamp\": \"2026-01-09T00:00:00Z\", \"commit\": \"1-control\", "
                    "\"command\": \"SET\", "
                    "\"rps\": 1, \"run\": 0}]",
                    0644);
    for (int i = 0; i < COMMITS; i++)
        write_commit(i, (i < SLOWER_FROM ? 100000 : 95000) + i * 37 % 11 * 20,
                     80000 + i * 53 % 7 * 20);
    push();
}

static void history(int status, const char *one, const char *two, const char *three)
{
    program_run_volley(&program, "history", "--db", base.address, one, two, three, NULL);
    ck_assert_msg(program.exit_status == status, "%d\n%s%s", program.exit_status, program.out,
                  program.err);
}

static void expect(const char *part)
{
    ck_assert_msg(strstr(program.out, part) != NULL || strstr(program.err, part) != NULL,
                  "\"%s\" is not in\n%s%s", part, program.out, program.err);
}

LOOP_TEST(a_change_of_level_is_told, 2)
{
    /* Breaks when the commit from which on a command is slower is not named, a steady one is, or figures are others. */
    start(_i);
    history(0, NULL, NULL, NULL);
    expect("rps of 240 records, 2 configurations, of which 1 change level");
    expect("2026-01-02  000000000000  worse by 5.0 % from here on: 100,100 -> 95,100");
    expect("no change of level");
    expect("3 of 3 runs RED");
    program_free(&program);
    history(0, "--json", "--command", "set");
    json_t *document = json_loads(program.out, 0, NULL);
    const json_t *series = json_array_get(json_object_get(document, "series"), 0);
    const json_t *change = json_array_get(json_object_get(series, "changes"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "series")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(series, "commits")), COMMITS);
    ck_assert_int_eq(json_integer_value(json_object_get(change, "place")), SLOWER_FROM);
    ck_assert(json_is_true(json_object_get(change, "worse")));
    const json_t *commit = json_array_get(json_object_get(series, "commits"), 3);
    ck_assert_double_eq_tol(json_number_value(json_object_get(commit, "mean")),
                            100000 + 3 * 37 % 11 * 20, 0.1);
    ck_assert_double_eq_tol(json_number_value(json_object_get(commit, "stdev")), 200.0, 1);
    ck_assert_int_eq(json_integer_value(json_object_get(commit, "runs")), 3);
    ck_assert_str_eq(json_string_value(json_object_get(commit, "timestamp")),
                     "2026-01-01T02:00:00Z");
    json_decref(document);
    program_free(&program);
    history(0, "--metric", "p99", NULL);
    expect("worse by 5.0 % from here on: 0.01 -> 0.0105");
    program_free(&program);
    history(0, "--where", "command=GET,data_size=16", NULL);
    expect("1 configurations, of which 0 change level");
    program_free(&program);
}

LOOP_TEST(a_regression_is_an_exit_status, 2)
{
    /* Breaks when a newest commit that is slower passes, one that is not fails, or the JSON lacks what programs read. */
    start(_i);
    history(0, "--detect-regression", "--threshold", "5%");
    json_t *document = json_loads(program.out, 0, NULL);
    ck_assert(json_is_false(json_object_get(document, "has_regression")));
    json_decref(document);
    program_free(&program);
    write_commit(COMMITS, 80000, 90000);
    push();
    history(1, "--detect-regression", "--threshold", "5%");
    document = json_loads(program.out, 0, NULL);
    ck_assert(json_is_true(json_object_get(document, "has_regression")));
    ck_assert_uint_eq(json_array_size(json_object_get(document, "regressions")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "improvements")), 1);
    const json_t *slower = json_array_get(json_object_get(document, "regressions"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(slower, "command")), "SET");
    ck_assert_double_eq(json_number_value(json_object_get(document, "threshold_pct")), 5);
    ck_assert_ptr_nonnull(json_object_get(document, "baseline_commit"));
    ck_assert_str_eq(json_string_value(json_object_get(document, "new_commit")),
                     "0000000000000000000000000000000000000040");
    json_decref(document);
    expect("is slower than");
    program_free(&program);
    history(0, "--detect-regression", "--command", "GET");
    program_free(&program);
    history(0, "--detect-regression", "--threshold", "30%");
    program_free(&program);
}

/* What came for the webhook, number `index`, has all of it. */
static void expect_told(const struct notify_servers *servers, size_t index, const char *alert)
{
    json_t *got = notify_servers_got(servers);
    json_t *told = notify_servers_find(got, "/ok/ops", index);
    ck_assert_ptr_nonnull(told);
    program_expect_text(json_string_value(json_object_get(told, "body")), alert);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/ops"), index + 1);
    json_decref(got);
}

TEST(a_regression_is_told)
{
    /* Breaks when nobody is told of a commit that is slower, or told otherwise than it is; or of what was not asked for. */
    char option[200], channels[200];
    struct test_certificates certificates;
    struct notify_servers servers;
    ck_assert_int_eq(setenv("NO_PROXY", "*", 1), 0);
    test_certificates_make(&certificates, tree.path);
    notify_servers_start(&servers, tree.path);
    snprintf(channels, sizeof channels,
             "notification_channels:\n"
             "- {name: ops, type: webhook, url: \"http://127.0.0.1:%u/ok/ops\"}\n",
             servers.http);
    temp_tree_write(&tree, "/channels.yaml", channels, 0644);
    snprintf(option, sizeof option, "--notify=%s/channels.yaml", tree.path);
    start(0);
    history(2, option, NULL, NULL);
    expect("--notify tells what --detect-regression finds");
    program_free(&program);
    history(0, "--detect-regression", option, NULL);
    expect_told(&servers, 0, "\"alert\":\"Regression\",\"state\":\"resolved\"");
    program_free(&program);
    write_commit(COMMITS, 80000, 90000);
    push();
    history(1, "--detect-regression", option, "--notify-dry-run");
    expect("\"alert\":\"Regression\",\"state\":\"firing\"");
    program_free(&program);
    history(1, "--detect-regression", option, NULL);
    expect_told(&servers, 1, "\"alert\":\"Regression\",\"state\":\"firing\"");
    expect_told(&servers, 1,
                "\"summary\":\"000000000000 is slower than 000000000000 by 5 % or more\"");
    program_free(&program);
    notify_servers_stop(&servers);
}

/* The page's own account of the panel of a command. */
static const json_t *panel_of(const json_t *seen, const char *title)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(seen, "panels"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "title")), title) == 0)
            return one;
    }
    ck_abort_msg("no panel %s", title);
}

TEST(a_page_shows_what_is_told)
{
    /* Breaks when a page lacks a series or a change, what stands at a commit is another one's, a password is in it, or without a
     * script there is no table. */
    char page[200];
    start(0);
    snprintf(page, sizeof page, "%s/page.html", tree.path);
    history(0, "--html", page, NULL);
    program_free(&program);
    json_t *seen =
        page_look(page, (const char *const[]){"--keys", "history:0", "ArrowRight,ArrowRight",
                                              "--width", "1200", NULL});
    const json_t *slower = panel_of(seen, "SET"), *steady = panel_of(seen, "GET");
    ck_assert_int_eq(json_integer_value(json_object_get(slower, "commits")), COMMITS);
    ck_assert_uint_eq(json_array_size(json_object_get(slower, "changes")), 1);
    ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(slower, "changes"), 0)),
                     SLOWER_FROM);
    ck_assert_uint_eq(json_array_size(json_object_get(steady, "changes")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(seen, "wide")), 0);
    const char *told = json_string_value(json_object_get(seen, "tooltip"));
    ck_assert_msg(told != NULL && strstr(told, "2026-01-01") != NULL &&
                      strstr(told, "100,080 requests/s") != NULL && strstr(told, "+0.08 %") != NULL,
                  "%s", told);
    json_decref(seen);
    program_run_shell(&program, tree.path,
                      "grep -q 'worse by 5.0 %' page.html && grep -q 'data_size=16' page.html", 0);
    program_free(&program);
}

TEST(pictures_are_drawn)
{
    /* Breaks when a series has no picture, or gnuplot refuses its script. */
    char directory[200];
    start(0);
    snprintf(directory, sizeof directory, "%s/pictures", tree.path);
    history(0, "--png", directory, NULL);
    program_free(&program);
    history(0, "--svg", directory, NULL);
    program_free(&program);
    program_run_shell(&program, tree.path,
                      "cd pictures && head -c 4 history_SET_1.png | grep -q PNG && grep -q 'worse "
                      "by 5.0' history_SET_1.svg && "
                      "grep -q '<path' history_GET_2.svg && ls | wc -l | grep -qx 4",
                      0);
    program_free(&program);
}

TEST(one_commit_is_no_regression)
{
    /* Breaks when the first night of a job fails for there is nothing to compare with. */
    history_base_start(&base, false, tree.path);
    write_commit(1, 100000, 100000);
    push();
    history(0, "--detect-regression", NULL, NULL);
    expect("\"baseline_commit\": null");
    expect("\"has_regression\": false");
    program_free(&program);
}

TEST(mistakes_are_told)
{
    /* Breaks when what cannot be answered is answered, or makes a database. */
    static const struct {
        const char *option, *value, *said;
        int status;
    } cases[] = {
        {"--metric", "nope", "has no such column", 2},
        {"--where", "nope=1", "has no such column", 2},
        {"--where", "nope", "KEY=VALUE", 2},
        {"--where", "a=b,", "KEY=VALUE", 2},
        {"--command", "DEL", "no record in benchmark_metrics", 4},
        {"--table", "other", "has no table benchmark_metrics_other", 2},
        {"--table", "Ö", "--table", 2},
        {"--threshold", "0%", "--threshold", 2},
        {"--metric", "rps\" FROM volley_schema; --", "has no such column", 2},
        {"--detect-regression", "--metric=p99", "--metric says nothing", 2},
        {"--detect-regression", "--html=x.html", "leave out --html", 2},
        {"--html", "-", "it needs a file of its own", 2},
        {"word", NULL, "unexpected argument", 2},
    };
    start(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        history(cases[i].status, cases[i].option, cases[i].value, NULL);
        expect(cases[i].said);
        program_free(&program);
    }
    snprintf(base.address, sizeof base.address, "%s/none.db", tree.path);
    history(2, NULL, NULL, NULL);
    expect("nothing has been kept in it yet");
    program_free(&program);
}

TEST_SUITE_WITH(history, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
