/* volley compare-modes: runs by turns on a real server, what is said of them, and what is refused. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/page_look.h"
#include "tests/support/check/picture_look.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct test_server server;
static struct temp_tree tree;
static struct program program;
static char path[256];

static void set_up(void)
{
    test_server_start(&server, NULL);
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/modes.json", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

#define COMPARE(...)                                                                               \
    program_run_volley(&program, "compare-modes", "-p", server.port_text, "-r", "100", "--cpus",   \
                       "none", __VA_ARGS__, NULL)

static json_t *document(void)
{
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    ck_assert_msg(root != NULL, "%s: %s", path, why.text);
    run_json_keep(root, "compare-modes");
    return root;
}

static double mean_of(const json_t *runs, const char *key)
{
    size_t i;
    const json_t *run;
    double sum = 0;
    json_array_foreach(runs, i, run) sum += run_json_number(run, key);
    return sum / (double)json_array_size(runs);
}

#define RUNS                                                                                       \
    8 /* so that what is surely different is told on a machine that stands still at times */

/* Holds requests for up to 100 ms: whoever does not is faster, on any machine. Returns its path. */
static const char *slow_buffer(void)
{
    static char slow[256];
    temp_tree_write(&tree, "/slow.yaml",
                    "round_buffer: {max_size: 500, max_tokens: 0}\n"
                    "performance: {flush_strategy: time_based, flush_interval: 100ms}\n",
                    0600);
    snprintf(slow, sizeof slow, "%s/slow.yaml", tree.path);
    return slow;
}

TEST(runs_by_turns)
{
    /* Breaks when runs of a side are missing or of the wrong mode, when means are not those of its runs, or when the
     * answer is not that of the statistics of compare. */
    COMPARE("--a", "high-throughput", "--b", slow_buffer(), "-t", "set", "-c", "16",
            "--test-duration", "300ms", "--runs", "8", "--processes", "1", "--json", path);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "slow (B): batches of 500 requests");
    program_expect_text(program.out, "8 runs of each, by turns");
    program_expect_text(program.out, "messages/min");
    program_expect_text(program.out, "throughput faster by");
    json_t *root = document();
    const json_t *rows = json_object_get(root, "rows"), *first = json_array_get(rows, 0);
    static const char *const sides[] = {"a", "b"}, *const as_rows[] = {"other", "base"};
    double requests = 0;
    ck_assert_uint_eq(json_array_size(rows), 4);
    for (int side = 0; side < 2; side++) {
        const json_t *runs = json_object_get(json_object_get(root, sides[side]), "runs");
        const json_t *of_row = json_object_get(first, as_rows[side]);
        ck_assert_uint_eq(json_array_size(runs), RUNS);
        ck_assert_double_eq_tol(run_json_number(of_row, "mean"),
                                mean_of(runs, "requests_per_second"), 1e-3);
        for (size_t i = 0; i < RUNS; i++)
            requests += run_json_number(json_array_get(runs, i), "requests_per_second") *
                        run_json_number(json_array_get(runs, i), "seconds");
    }
    ck_assert_str_eq(json_string_value(json_object_get(first, "metric")), "rps");
    ck_assert_str_eq(json_string_value(json_object_get(first, "answer")), "faster");
    ck_assert_double_eq_tol((double)test_server_calls(&server, "set"), requests, 2 * RUNS);
    json_decref(root);
}

TEST(latency_matrix)
{
    /* Breaks when what only reads is not told from what does not, with a buffer or without, or there are columns of what was
     * not asked for. */
    static const char *const columns[] = {"Write(Buffer)", "Write(Bypass)", "Query(Buffer)",
                                          "Query(Bypass)"};
    COMPARE("--a", "high-throughput", "--mix", "set:60,get:30,mget:10", "-c", "48", "-n", "5000",
            "--runs", "3", "--processes", "1", "--json", path);
    program_expect_status(&program, 0);
    json_t *root = document();
    const json_t *matrix = json_object_get(root, "latency_matrix");
    ck_assert_uint_eq(json_array_size(matrix), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *column = json_array_get(matrix, i);
        ck_assert_str_eq(json_string_value(json_object_get(column, "column")), columns[i]);
        program_expect_text(program.out, columns[i]);
        ck_assert_double_gt(run_json_number(column, "p50_ms"), 0);
        ck_assert_double_ge(run_json_number(column, "p90_ms"), run_json_number(column, "p50_ms"));
        ck_assert_double_ge(run_json_number(column, "p99_ms"), run_json_number(column, "p95_ms"));
    }
    json_decref(root);
    program_free(&program);
    COMPARE("--a", "high-throughput", "--b", "minimal", "-t", "get", "-c", "8", "-n", "500",
            "--runs", "3", "--markdown");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "| ms | Query(A) | Query(B) |");
}

static const struct {
    const char *a, *b;
} caches[] = {{"minimal", "balanced"}, {"balanced", "minimal"}, {"balanced", "bypass"}};

LOOP_TEST(near_caches, sizeof caches / sizeof caches[0])
{
    /* Breaks when a near cache does not hear of changes since the other mode has none, or that one hears of them, too; three
     * runs with three flush workers each ask for it. */
    COMPARE("--a", caches[_i].a, "--b", caches[_i].b, "-t", "get", "--prefill", "-c", "8", "-n",
            "5000", "--runs", "3", "--processes", "1");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "near cache of 100 replies");
    program_expect_text(program.out, "Query(Cached)  Query(Cold)");
    ck_assert_int_eq(test_server_calls(&server, "client|tracking"), 9);
    ck_assert_int_lt(test_server_calls(&server, "get"), 16000);
}

static const json_t *panel_of(const json_t *seen, const char *id)
{
    size_t i;
    const json_t *panel;
    json_array_foreach(json_object_get(seen, "panels"), i, panel)
    {
        if (strcmp(json_string_value(json_object_get(panel, "id")), id) == 0)
            return panel;
    }
    ck_abort_msg("no panel %s", id);
}

/* What a page draws is what the document says. */
static void ck_page(const char *page, const json_t *root)
{
    size_t i;
    const json_t *column, *matrix = json_object_get(root, "latency_matrix");
    json_t *seen = page_look(page, (const char *const[]){"--width", "375", NULL});
    const json_t *drawn = json_object_get(panel_of(seen, "matrix"), "columns");
    ck_assert_uint_eq(json_array_size(drawn), json_array_size(matrix));
    json_array_foreach(matrix, i, column)
    {
        const json_t *line = json_array_get(drawn, i);
        ck_assert_str_eq(json_string_value(json_object_get(line, "name")),
                         json_string_value(json_object_get(column, "column")));
        ck_assert_double_eq_tol(run_json_number(line, "P50"),
                                1e3 * run_json_number(column, "p50_ms"), 1e-2);
        ck_assert_double_eq_tol(run_json_number(line, "P99"),
                                1e3 * run_json_number(column, "p99_ms"), 1e-2);
    }
    ck_assert_uint_eq(json_array_size(json_object_get(panel_of(seen, "forest"), "rows")), 4);
    const json_t *counts = json_object_get(panel_of(seen, "runs"), "counts");
    for (i = 0; i < 2; i++)
        ck_assert_int_eq(json_integer_value(json_array_get(counts, i)), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(seen, "filters")), 7); /* with all of it */
    ck_assert_int_eq(json_integer_value(json_object_get(seen, "wide")), 0);
    json_decref(seen);
}

TEST(what_is_kept)
{
    /* Breaks when the directory lacks a document, a table or a page, these say something else than the JSON, report makes another page
     * of it, or the directory of another run is written over. */
    char out[280], page[300], json[300], markdown[300], other[300];
    struct picture_look picture = {.bytes = NULL};
    snprintf(out, sizeof out, "%s/kept", tree.path);
    snprintf(page, sizeof page, "%s/compare-modes.html", out);
    snprintf(json, sizeof json, "%s/compare-modes.json", out);
    snprintf(markdown, sizeof markdown, "%s/compare-modes.md", out);
    snprintf(other, sizeof other, "%s/other.html", tree.path);
    COMPARE("--a", "balanced", "--mix", "set:50,get:50", "-c", "8", "-n", "3000", "--runs", "3",
            "--processes", "1", "--json", path, "--out", out, "--png", tree.path);
    program_expect_status(&program, 0);
    json_t *root = document(), *kept = json_load_file(json, 0, NULL);
    ck_assert(json_equal(root, kept));
    ck_page(page, root);
    picture_look_read(&picture, out, "compare-modes.md");
    program_expect_text(picture.bytes, "| ms | Write(Buffer) | Write(Bypass) |");
    picture_look_png(&picture, tree.path, "run_modes.png");
    picture_look_free(&picture);
    program_free(&program);
    program_run_volley(&program, "report", out, "--html", other, NULL);
    program_expect_status(&program, 0);
    picture_look_same(&picture, out, "compare-modes.html", tree.path, "other.html");
    picture_look_free(&picture);
    program_free(&program);
    COMPARE("--a", "balanced", "-n", "100", "--runs", "3", "--out", out);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "already holds the journal of another run");
    json_decref(kept);
    json_decref(root);
}

TEST(a_regression)
{
    /* Breaks when A that is slower is called otherwise, or does not fail a check that asks for it; when errors are told that
     * were none; or when a rate is not that of both. */
    COMPARE("--a", slow_buffer(), "-t", "set", "--qps", "1000", "-n", "300", "--runs", "8",
            "--markdown", "--json", path, "--fail-on-regression");
    program_expect_status(&program, 1);
    program_expect_text(program.out, "| requests/s |");
    program_expect_text(program.out, "slower by");
    program_expect_text(program.err, "slower by 5 % or more: slow (A) against bypass (B)");
    json_t *root = document();
    ck_assert(json_is_true(json_object_get(root, "regressed")));
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(root, "errors"), "answer")),
                     "none");
    json_decref(root);
}

TEST(errors_of_both)
{
    /* Breaks when error rates are not compared, or errors of one kind of client are not seen. */
    free(test_server_text(&server, "SET key:000000000001 text"));
    COMPARE("--a", "minimal", "-c", "4", "-n", "200", "--runs", "3", "--json", path, "--", "incr",
            "key:__rand_int__");
    json_t *root = document();
    const json_t *errors = json_object_get(root, "errors");
    ck_assert_double_gt(run_json_number(errors, "a_percent"), 0);
    ck_assert_double_gt(run_json_number(errors, "b_percent"), 0);
    json_decref(root);
}

TEST(interrupted)
{
    /* Breaks when Ctrl+C loses what there is, or a run that was cut short counts. */
    const char *const argv[] = {program_volley(),
                                "compare-modes",
                                "-p",
                                server.port_text,
                                "--a",
                                "high-throughput",
                                "-r",
                                "100",
                                "--test-duration",
                                "60s",
                                "--json",
                                path,
                                NULL};
    program_start(&program, &(struct program_options){.argv = argv});
    while (test_server_calls(&server, "set") < 100)
        continue;
    kill(program.pid, SIGINT);
    program_wait(&program);
    program_expect_status(&program, 130);
    program_expect_text(program.out, "Interrupted");
    program_expect_text(program.out, "cannot tell");
    json_t *root = document();
    ck_assert(json_is_true(json_object_get(root, "interrupted")));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "a"), "counted")), 0);
    json_decref(root);
}

static const struct {
    const char *words[6];
    int status;
    const char *said;
} refused[] = {
    {{"--runs", "5"}, 2, "--a is missing"},
    {{"--a", "nosuch"}, 3, "--a nosuch: there is no such file"},
    {{"--a", "minimal", "--b", "nosuch"}, 3, "--b nosuch: there is no such file"},
    {{"--a", "minimal", "--runs", "2"}, 2, "3 to 1,000"},
    {{"--a", "minimal", "--b", "minimal"}, 2, "say the same"},
    {{"--a", "bypass"}, 2, "say the same"},
    {{"--a", "minimal", "-P", "4"}, 2, "a batch is what is in flight"},
    {{"--a", "minimal", "--buffer", "minimal"}, 2, "use --a"},
    {{"--a", "minimal", "--keepalive=0"}, 2, "--a and --keepalive exclude each other"},
    {{"--a", "bypass", "--b", "minimal", "--keepalive=0"},
     2,
     "--b and --keepalive exclude each other"},
    {{"--a", "minimal", "-t", "set,get"}, 2, "takes one test"},
    {{"--a", "minimal", "--markdown", "--json", "-"}, 2, "standard output takes one"},
    {{"--a", "minimal", "--threshold", "0"}, 2, "--threshold"},
};

LOOP_TEST(what_is_refused, sizeof refused / sizeof refused[0])
{
    /* Breaks when a contradiction is found out only once something has been sent, or not said in words. */
    const char *const *words = refused[_i].words;
    COMPARE(words[0], words[1], words[2], words[3], words[4], words[5]);
    program_expect_status(&program, refused[_i].status);
    program_expect_text(program.err, refused[_i].said);
    ck_assert_int_eq(test_server_calls(&server, "set"), 0);
}

TEST_SUITE_WITH(compare_modes, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
