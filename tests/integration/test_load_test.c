/* `volley load-test` against a real server: users with a rate and without, both modes of a buffer, and how it ends. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/page_look.h"
#include "tests/support/check/picture_look.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define BYTES_PER_MB 1048576.0

static struct test_server server;
static struct temp_tree tree;
static struct program program;
static char json_path[192];

static void set_up(void)
{
    test_server_start(&server, NULL);
    temp_tree_make(&tree);
    snprintf(json_path, sizeof json_path, "%s/out.json", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

#define START(...)                                                                                 \
    program_start_volley(&program, "load-test", "-p", server.port_text, "--json", json_path, "-r", \
                         "1000", __VA_ARGS__, NULL)

static json_t *load(const char *path)
{
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    ck_assert_msg(root != NULL, "%s: line %d: %s", path, why.line, why.text);
    run_json_keep(root, "load-test");
    return root;
}

static json_t *end(int exit_status)
{
    program_wait(&program);
    ck_assert_msg(program.exit_status == exit_status, "exit status %d, not %d:\n%s\n%s",
                  program.exit_status, exit_status, program.out, program.err);
    return load(json_path);
}

static const json_t *run_at(const json_t *root, size_t index)
{
    const json_t *run = json_array_get(json_object_get(root, "runs"), index);
    ck_assert_msg(run != NULL, "there is no run %zu", index);
    return run;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "%s is no number", key);
    return json_number_value(value);
}

static void ck_run(const json_t *root, size_t index, int users, const char *mode)
{
    const json_t *run = run_at(root, index);
    ck_assert_int_eq(json_integer_value(json_object_get(run, "users")), users);
    ck_assert_str_eq(json_string_value(json_object_get(run, "mode")), mode);
    ck_assert_double_gt(number_of(run, "requests_per_second"), 0);
    ck_assert_double_eq_tol(number_of(run, "messages_per_minute"),
                            60 * number_of(run, "requests_per_second"), 0.01);
    ck_assert_double_gt(number_of(json_object_get(run, "latency_us"), "mean"), 0);
    ck_assert_double_gt(number_of(run, "volley_mb"), 1); /* two processes at least */
    ck_assert_double_gt(number_of(run, "server_mb"), 0.1);
    ck_assert(number_of(run, "error_share") == 0);
}

TEST(each_user_has_a_rate)
{
    /* breaks when users do not send so many messages a minute together, or the server gets others than are told */
    START("--users", "2,4", "--message-rate", "1500", "--duration", "1s", "--warmup", "0");
    json_t *root = end(0);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "runs")), 2);
    ck_assert(number_of(root, "message_rate_per_minute") == 1500);
    double answered = 0;
    for (size_t i = 0; i < 2; i++) {
        const json_t *run = run_at(root, i);
        ck_run(root, i, i == 0 ? 2 : 4, "bypass");
        ck_assert_double_eq_tol(number_of(run, "offered_per_minute"), i == 0 ? 3000 : 6000, 0.01);
        ck_assert_str_eq(json_string_value(json_object_get(run, "loop")), "open");
        answered += number_of(run, "requests_per_second") * number_of(run, "seconds");
    }
    ck_assert_double_eq_tol(answered, (double)test_server_calls(&server, "set"), 0.01);
    ck_assert(json_is_null(json_object_get(root, "buffer")));
    ck_assert_ptr_null(json_object_get(root, "memory_scaling"));
    EXPECT_IN(program.out, "Each user sends 1,500 messages a minute\n");
    EXPECT_IN(program.out, "\nusers  msg/min  req/s");
    json_decref(root);
}

TEST(as_fast_as_replies_come)
{
    /* breaks when the peak is not the best run, the directory lacks what was found, or memory of the server is not its own */
    char out[192], path[224];
    snprintf(out, sizeof out, "%s/kept", tree.path);
    test_server_integer(&server, "SETRANGE big 50000000 x"); /* its 2^20 are 5 % apart from 10^6 */
    START("--users", "1,3", "--message-rate", "unlimited", "--duration", "300ms", "--warmup", "0",
          "--markdown", "--out", out);
    json_t *root = end(0);
    const json_t *peak = json_object_get(root, "peak_throughput");
    ck_run(root, 0, 1, "bypass");
    ck_run(root, 1, 3, "bypass");
    ck_assert(json_is_null(json_object_get(root, "message_rate_per_minute")));
    ck_assert(json_is_null(json_object_get(run_at(root, 0), "offered_per_minute")));
    ck_assert_str_eq(json_string_value(json_object_get(run_at(root, 0), "loop")), "closed");
    for (size_t i = 0; i < 2; i++)
        ck_assert_double_ge(number_of(peak, "requests_per_second"),
                            number_of(run_at(root, i), "requests_per_second"));
    const double used_bytes = (double)test_server_info(&server, "used_memory");
    ck_assert_double_eq_tol(number_of(run_at(root, 1), "server_mb") * BYTES_PER_MB / used_bytes, 1,
                            0.02);
    EXPECT_IN(program.out, "# Load test\n");
    EXPECT_IN(program.out, "\n| users | msg/min | req/s | mean ms | p95 ms |");
    EXPECT_IN(program.out, "\n- Peak throughput: ");
    snprintf(path, sizeof path, "%s/load-test.json", out);
    json_t *kept = load(path);
    ck_assert(json_equal(json_object_get(kept, "runs"), json_object_get(root, "runs")));
    json_decref(kept);
    json_decref(root);
}

TEST(both_modes_of_a_workload)
{
    /* breaks when a buffer that the workload's file asks for is not one of the two modes, or none without one is refused */
    char file[300];
    temp_tree_write(&tree, "/w.yaml",
                    "name: w\nbuffer: minimal\nkeys: {one: {count: 100}}\n"
                    "classes: [{name: set, command: \"SET {key:one} x\"}]\n",
                    0600);
    snprintf(file, sizeof file, "%s/w.yaml", tree.path);
    program_start_volley(&program, "load-test", "-p", server.port_text, "--json", json_path,
                         "--users", "1", "--message-rate", "6000", "--duration", "200ms",
                         "--warmup", "0", "--workload", file, "--both-modes", NULL);
    json_t *root = end(0);
    ck_run(root, 0, 1, "buffer");
    ck_run(root, 1, 1, "bypass");
    ck_assert_str_eq(json_string_value(json_object_get(root, "buffer")), "minimal");
    json_decref(root);
}

TEST(a_buffer_does_not_open_the_loop)
{
    /* breaks when runs are told to have had a schedule where the users' replies decided, or their times lose the wait in the buffer */
    START("--users", "2", "--message-rate", "unlimited", "--duration", "300ms", "--warmup", "0",
          "--buffer", "minimal", "--both-modes");
    json_t *root = end(0);
    for (size_t i = 0; i < 2; i++) {
        const json_t *run = run_at(root, i);
        ck_run(root, i, 2, i == 0 ? "buffer" : "bypass");
        ck_assert_str_eq(json_string_value(json_object_get(run, "loop")), "closed");
        ck_assert(json_is_null(json_object_get(run, "offered_per_minute")));
    }
    json_decref(root);
}

TEST(both_modes)
{
    /* breaks when a number of users is not measured with the buffer and right after it without, or what they need in
     * memory is not held against each other */
    START("--users", "1,4", "--message-rate", "6000", "--duration", "500ms", "--warmup", "0",
          "--buffer", "minimal", "--both-modes");
    json_t *root = end(0);
    for (size_t i = 0; i < 4; i++)
        ck_run(root, i, i < 2 ? 1 : 4, i % 2 == 0 ? "buffer" : "bypass");
    const json_t *scaling = json_object_get(root, "memory_scaling");
    ck_assert_uint_eq(json_array_size(scaling), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *row = json_array_get(scaling, i);
        ck_assert_double_eq_tol(number_of(row, "enabled_mb"),
                                number_of(run_at(root, 2 * i), "volley_mb"), 1e-9);
        ck_assert_double_eq_tol(number_of(row, "bypass_mb"),
                                number_of(run_at(root, 2 * i + 1), "volley_mb"), 1e-9);
        ck_assert_double_eq_tol(number_of(row, "difference_mb"),
                                number_of(row, "enabled_mb") - number_of(row, "bypass_mb"), 1e-9);
        ck_assert(number_of(json_object_get(json_object_get(root, "points"),
                                            i == 0 ? "buffer" : "bypass"),
                            "baseline") == 1);
    }
    ck_assert_str_eq(json_string_value(json_object_get(root, "buffer")), "minimal");
    EXPECT_IN(program.out, "; client that buffers: minimal\n");
    EXPECT_IN(program.out, "Memory of volley, at its most:\n");
    json_decref(root);
}

/* Of a panel of a page the series of this label and mode. */
static const json_t *series_of(const json_t *seen, const char *id, const char *label,
                               const char *mode)
{
    size_t i, k;
    const json_t *panel, *series;
    json_array_foreach(json_object_get(seen, "panels"), i, panel)
        json_array_foreach(json_object_get(panel, "series"), k, series)
    {
        if (strcmp(json_string_value(json_object_get(panel, "id")), id) == 0 &&
            strcmp(json_string_value(json_object_get(series, "label")), label) == 0 &&
            strcmp(json_string_value(json_object_get(series, "result")), mode) == 0)
            return series;
    }
    ck_abort_msg("no %s of %s in %s", label, mode, id);
}

/* First and last of a series are those of the runs of its mode, to the six digits that a page has. */
static void ck_series(const json_t *series, double first, double last)
{
    ck_assert_double_eq_tol(number_of(series, "first"), first, 1e-5 * first + 1e-9);
    ck_assert_double_eq_tol(number_of(series, "last"), last, 1e-5 * last + 1e-9);
}

static void ck_page(const char *page, const json_t *root)
{
    static const char *const modes[] = {"buffer", "bypass"};
    json_t *seen = page_look(page, (const char *const[]){"--width", "375", NULL});
    for (size_t i = 0; i < 2; i++) {
        const json_t *first = run_at(root, i), *last = run_at(root, 2 + i);
        ck_series(series_of(seen, "curve_rate", "answered", modes[i]),
                  number_of(first, "requests_per_second"), number_of(last, "requests_per_second"));
        ck_series(series_of(seen, "curve_times", "p95", modes[i]),
                  number_of(json_object_get(first, "latency_us"), "p95"),
                  number_of(json_object_get(last, "latency_us"), "p95"));
        ck_series(series_of(seen, "curve_volley", "at its most", modes[i]),
                  number_of(first, "volley_mb"), number_of(last, "volley_mb"));
    }
    const json_t *scaling = json_object_get(root, "memory_scaling");
    ck_assert_double_eq_tol(
        number_of(series_of(seen, "curve_buffer", "buffer less bypass", "buffer"), "last"),
        number_of(json_array_get(scaling, 1), "difference_mb"), 1e-4);
    ck_assert_int_eq(json_integer_value(json_object_get(seen, "wide")), 0);
    json_decref(seen);
}

TEST(pages_and_pictures)
{
    /* breaks when a page shows other numbers than the JSON, report makes another page of the directory than the load test made,
     * or a picture is missing */
    char out[192], page[224], other[224];
    struct picture_look picture = {.bytes = NULL};
    snprintf(out, sizeof out, "%s/kept", tree.path);
    snprintf(page, sizeof page, "%s/page.html", tree.path);
    snprintf(other, sizeof other, "%s/other.html", tree.path);
    START("--users", "1,4", "--message-rate", "unlimited", "--duration", "300ms", "--warmup", "0",
          "--buffer", "high-throughput", "--both-modes", "--html", page, "--png", tree.path,
          "--out", out, "--processes", "1");
    json_t *root = end(0);
    ck_page(page, root);
    program_free(&program);
    program_run_volley(&program, "report", out, "--html", other, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    picture_look_same(&picture, tree.path, "page.html", tree.path, "other.html");
    picture_look_png(&picture, tree.path, "run_curve.png");
    picture_look_png(&picture, tree.path, "run_memory.png");
    picture_look_free(&picture);
    json_decref(root);
}

TEST(users_of_a_buffer_have_no_rate)
{
    /* breaks when users who share a client that buffers are not those of the load, or what they send is not all told */
    START("--users", "3", "--message-rate", "unlimited", "--duration", "300ms", "--warmup", "0",
          "--buffer", "high-throughput");
    json_t *root = end(0);
    ck_run(root, 0, 3, "buffer");
    ck_assert(json_is_null(json_object_get(run_at(root, 0), "offered_per_minute")));
    ck_assert_ptr_null(json_object_get(root, "memory_scaling"));
    json_decref(root);
}

TEST(errors)
{
    /* breaks when a load whose every message fails has a peak, or ends as a success */
    START("--users", "1", "--message-rate", "6000", "--duration", "300ms", "--warmup", "0", "--",
          "get");
    json_t *root = end(1);
    ck_assert(number_of(run_at(root, 0), "error_share") == 1);
    ck_assert(json_is_null(json_object_get(root, "peak_throughput")));
    EXPECT_IN(program.out, "Peak throughput: none");
    json_decref(root);
}

TEST(interrupted)
{
    /* breaks when Ctrl+C loses what there is, or begins another run */
    START("--users", "1,2,3", "--duration", "10m", "--progress", "--csv", "-");
    program_wait_text(&program, PROGRAM_ERR, "SET [");
    program_signal(&program, SIGINT);
    json_t *root = end(130);
    ck_assert(json_is_true(json_object_get(root, "interrupted")));
    ck_assert_uint_eq(json_array_size(json_object_get(root, "runs")), 1);
    ck_assert_ptr_eq(strstr(program.out, "users,mode,messages_per_minute,"), program.out);
    json_decref(root);
}

#define REFUSED_WORDS 6
static const struct {
    const char *words[REFUSED_WORDS]; /* ends with NULL */
    const char *text;
    int exit_status;
} refused[] = {
    {{"--users", "0"}, "--users 0: \"0\": not a number from 1 to 1,000,000", 2},
    {{"--users", "5,1"}, "\"1\" is not above the value before it", 2},
    {{"--users", "1,,2"}, "--users 1,,2: \"\"", 2},
    {{"--message-rate", "0"}, "allowed: messages a minute above 0", 2},
    {{"--message-rate", "-5"}, "allowed: messages a minute above 0", 2},
    {{"--message-rate", "fast"}, "or unlimited", 2},
    {{"--duration", "0"}, "--duration 0: out of range", 2},
    {{"--users", "1", "--message-rate", "2", "--duration=10s"}, "less than one message", 2},
    {{"--users", "1,1m", "--message-rate", "1m"}, "more than 100 million messages a second", 2},
    {{"--both-modes"}, "--both-modes needs --buffer", 2},
    {{"--buffer", "bypass", "--both-modes"}, "says that nothing is buffered", 2},
    {{"--buffer", "nowhere.yaml"}, "nowhere.yaml", 3},
    {{"-c", "5"}, "use --users", 2},
    {{"--qps", "5"}, "use --message-rate", 2},
    {{"-t", "set,get"}, "load-test takes one test", 2},
    {{"--json", "-", "--csv", "-"}, "standard output takes one", 2},
    {{"--users", "1,2", "--processes", "2"}, "--users 1 is below the 2 workers", 2},
    {{"-p", "1"}, "cannot connect to 127.0.0.1:1", 5},
};

static const struct suite_setting usage = {.timeout_seconds = 60};

LOOP_TEST_IN(usage, refusals, sizeof refused / sizeof refused[0])
{
    /* breaks when what cannot be meant is not refused before anything connects, with its name */
    const char *const *words = refused[_i].words;
    char rest[256] = "";
    for (int i = 0; i < REFUSED_WORDS && words[i] != NULL; i++)
        snprintf(rest + strlen(rest), sizeof rest - strlen(rest), "%s%s", i > 0 ? " " : "",
                 words[i]);
    program_run_volley(&program, "load-test", words[0], words[1], words[2], words[3], words[4],
                       NULL);
    ck_assert_msg(program.exit_status == refused[_i].exit_status, "%s: exit status %d, not %d:\n%s",
                  rest, program.exit_status, refused[_i].exit_status, program.err);
    EXPECT_IN(program.err, refused[_i].text);
    ck_assert_uint_eq(program.out_bytes, 0);
    program_free(&program);
}

/* Until its answer is the one wanted. */
static void ctl_until(const char *socket, const char *word, const char *argument, int status,
                      const char *text)
{
    for (int i = 0; i < 1000; i++) {
        struct program ctl;
        program_run_volley(&ctl, "ctl", socket, word, argument, NULL);
        const bool wanted =
            ctl.exit_status == status && strstr(status == 0 ? ctl.out : ctl.err, text) != NULL;
        program_free(&ctl);
        if (wanted)
            return;
        support_sleep_ms(10);
    }
    ck_abort_msg("ctl %s never said %s", word, text);
}

TEST(steered)
{
    /* breaks when users have no control socket, their rate can be changed under what is measured, clear-cache does not reach their
     * near cache, or a stop lets the next number of users begin */
    char socket[192], buffer[192];
    snprintf(socket, sizeof socket, "%s/ctl", tree.path);
    snprintf(buffer, sizeof buffer, "%s/cache.yaml", tree.path);
    temp_tree_write(&tree, "/cache.yaml", "query: {cache_size: 10}\n", 0600);
    START("--users", "2,4", "--message-rate", "6000", "--duration", "600s", "--warmup", "0",
          "--interval", "100ms", "-t", "get", "--buffer", buffer, "--control", socket);
    ctl_until(socket, "status", NULL, 0, "running");
    ctl_until(socket, "rate", "50", 1, "the rate of GET is what is measured");
    ctl_until(socket, "clear-cache", NULL, 0, "");
    ctl_until(socket, "stop", NULL, 0, "stops");
    json_t *root = end(4);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "runs")), 1);
    EXPECT_IN(program.err, "stopped over the control socket: 1 of 2 runs did not run");
    json_decref(root);
}

TEST_SUITE_WITH(load_test, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
