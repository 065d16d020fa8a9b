/* volley optimize on a real server: what is kept, what is not, what is written, and what is refused. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct test_server server;
static struct temp_tree tree;
static struct program program;
static char path[320], kept[256], config[256];

static void set_up(void)
{
    test_server_start(&server, NULL);
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/optimize.json", tree.path);
    snprintf(kept, sizeof kept, "%s/kept.yaml", tree.path);
    snprintf(config, sizeof config, "%s/load.yaml", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

#define OPTIMIZE(...)                                                                              \
    program_run_volley(&program, "optimize", "-p", server.port_text, "-r", "100", "--cpus",        \
                       "none", "--processes", "1", "--warmup", "0", __VA_ARGS__, NULL)

static json_t *document(void)
{
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    ck_assert_msg(root != NULL, "%s: %s", path, why.text);
    run_json_keep(root, "optimize");
    return root;
}

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    ck_assert_msg(text != NULL, "%s is missing", key);
    return text;
}

/* So many and so short that what is three times as fast is told beside other work: single runs vary by half. The first change is
 * high-throughput, whatever the diagnosis finds. */
#define RUNS 16
TEST(a_buffer_is_kept)
{
    /* Breaks when what is three times as fast is not kept, is written in a way that --buffer does not take, or the log is not
     * that of the rounds. */
    temp_tree_write(&tree, "/load.yaml", "type: set\nclients: 64\nbuffer: bypass\nrandom: 100\n",
                    0600);
    char command[300], batch[60];
    OPTIMIZE("--config", config, "--kpi", "throughput", "--confidence", "90", "--test-duration",
             "100ms", "--runs", "16", "--rounds", "1", "--json", path, "--write", kept);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "Before: bypass: no buffer");
    program_expect_text(program.out, "kept: throughput is surely better");
    program_expect_text(program.out, "L1, automatic configuration adjustment");
    snprintf(command, sizeof command, "volley bench --config %s --buffer", config);
    program_expect_text(program.out, command);
    json_t *root = document();
    const json_t *rounds = json_object_get(root, "rounds");
    size_t i, count = 0;
    const json_t *round;
    json_array_foreach(rounds, i, round)
    {
        ck_assert_uint_eq(json_array_size(json_object_get(round, "best_values")), RUNS);
        ck_assert_uint_eq(json_array_size(json_object_get(round, "tried_values")), RUNS);
        count += json_is_true(json_object_get(round, "kept"));
    }
    ck_assert_uint_eq((size_t)run_json_number(root, "kept"), count);
    ck_assert_uint_eq((size_t)run_json_number(root, "runs"),
                      1 + 2 * RUNS * json_array_size(rounds));
    ck_assert_uint_ge(count, 1);
    ck_assert_str_eq(text_of(json_object_get(root, "level"), "level"), "L1");
    ck_assert_str_eq(text_of(json_object_get(root, "before"), "name"), "bypass");
    ck_assert_str_eq(text_of(root, "profile"), kept);
    const json_t *best = json_object_get(root, "best");
    const long long calls = test_server_calls(&server, "set");
    program_free(&program);
    program_run_volley(&program, "bench", "-p", server.port_text, "--config", config, "--buffer",
                       kept, "-n", "500", NULL);
    program_expect_status(&program, 0);
    snprintf(batch, sizeof batch, "batches of %.0f requests",
             run_json_number(best, "round_messages"));
    program_expect_text(program.out, batch);
    ck_assert_int_eq(test_server_calls(&server, "set"), calls + 500);
    json_decref(root);
}

TEST(nothing_helps)
{
    /* Breaks when a change is kept that is none, nobody is sent for, or a profile is written that nobody asked to keep; at a rate
     * that every client reaches throughput cannot get better. */
    OPTIMIZE("--kpi", "messages_per_minute", "-t", "set", "-c", "8", "--qps", "500",
             "--test-duration", "200ms", "--runs", "3", "--rounds", "2", "--json", path, "--write",
             kept, "--markdown", "-");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "# Optimisation\n");
    program_expect_text(program.out, "- Kept: nothing, it stays as it was");
    program_expect_text(program.err, "the load has a rate");
    ck_assert_int_ne(access(kept, F_OK), 0);
    json_t *root = document();
    const json_t *level = json_object_get(root, "level");
    ck_assert_uint_eq((size_t)run_json_number(root, "kept"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rounds")), 2);
    ck_assert_str_ne(text_of(level, "level"), "L1");
    ck_assert(json_is_null(json_object_get(root, "profile")));
    ck_assert_str_eq(text_of(json_object_get(root, "best"), "name"), "bypass");
    json_decref(root);
}

TEST(a_slow_buffer_goes)
{
    /* Breaks when the map is not followed from high latency to less buffering, --out lacks a file, or what a file of KPIs calls it
     * is not found. Whatever the diagnosis says, the first change waits for less than 40 ms: one flush worker has no half. */
    temp_tree_write(&tree, "/slow.yaml",
                    "round_buffer: {max_size: 500, max_tokens: 0}\n"
                    "performance: {max_flush_workers: 1, flush_strategy: time_based, "
                    "flush_interval: 40ms}\n",
                    0600);
    temp_tree_write(&tree, "/kpis.yaml",
                    "kpis:\n"
                    "  wait: {metric: p50_latency_ms, critical: 1000}\n"
                    "  floor: {metric: messages_per_minute, critical: 1}\n",
                    0600);
    char slow[256], kpis[256], out[256], file[300];
    snprintf(slow, sizeof slow, "%s/slow.yaml", tree.path);
    snprintf(kpis, sizeof kpis, "%s/kpis.yaml", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
    OPTIMIZE("--kpi", "wait", "--kpis", kpis, "-t", "set", "-c", "8", "--qps", "500", "--buffer",
             slow, "--test-duration", "250ms", "--runs", "6", "--rounds", "1", "--confidence", "90",
             "--out", out);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "kept: wait is surely better");
    snprintf(path, sizeof path, "%s/optimize.json", out);
    json_t *root = document();
    const json_t *round = json_array_get(json_object_get(root, "rounds"), 0);
    ck_assert(json_is_true(json_object_get(round, "kept")));
    ck_assert_double_lt(run_json_number(round, "change_percent"), 0);
    ck_assert_str_eq(text_of(json_object_get(root, "before"), "name"), "slow");
    static const char *const files[] = {"optimize.md", "buffer.yaml", "run.json", "journal"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(file, sizeof file, "%s/%s", out, files[i]);
        ck_assert_msg(access(file, R_OK) == 0, "%s is missing", files[i]);
    }
    json_decref(root);
}

TEST(interrupted)
{
    /* Breaks when Ctrl+C loses what was tried, keeps a profile of a round that was cut short, or leaves something half written. */
    program_start_volley(&program, "optimize", "-p", server.port_text, "--kpi", "throughput", "-r",
                         "100", "-t", "set", "--warmup", "0", "--test-duration", "100ms", "--runs",
                         "500", "--json", path, "--write", kept, NULL);
    while (test_server_calls(&server, "set") < 20000)
        continue;
    program_signal(&program, SIGINT);
    program_wait(&program);
    program_expect_status(&program, 130);
    program_expect_text(program.out, "Interrupted");
    program_expect_text(program.out, "Level: not decided");
    ck_assert_int_ne(access(kept, F_OK), 0);
    json_t *root = document();
    ck_assert(json_is_true(json_object_get(root, "interrupted")));
    ck_assert(json_is_null(json_object_get(root, "level")));
    json_decref(root);
}

TEST(server_dies)
{
    /* Breaks when a server that is gone is taken for a change that does not help, or what was tried until then is lost. */
    program_start_volley(&program, "optimize", "-p", server.port_text, "--kpi", "throughput", "-r",
                         "100", "-t", "set", "--warmup", "0", "--test-duration", "200ms", "--runs",
                         "500", "--json", path, NULL);
    while (test_server_calls(&server, "set") < 20000)
        continue;
    test_server_kill(&server);
    program_wait(&program);
    ck_assert_int_ne(program.exit_status, 0);
    program_expect_text(program.out, "Ended by an error");
    json_t *root = document();
    ck_assert(json_is_string(json_object_get(root, "error")));
    ck_assert_uint_eq((size_t)run_json_number(root, "kept"), 0);
    json_decref(root);
}

static const struct {
    const char *words[6];
    int status;
    const char *said;
} refused[] = {
    {{"-t", "set"}, 2, "--kpi is missing"},
    {{"--kpi", "nosuch"}, 2, "--kpi nosuch: no KPI of --kpis is called so"},
    {{"--kpi", "throughputs"}, 2, "no KPI of --kpis is called so"},
    {{"--kpi", "used_memory_rss"}, 2, "it is sampled from the server"},
    {{"--kpi", "latency", "--kpis", "nosuch.yaml"}, 3, "nosuch.yaml"},
    {{"--kpi", "latency", "--buffer", "nosuch"}, 3, "--buffer nosuch: there is no such file"},
    {{"--kpi", "latency", "--runs", "2"}, 2, "3 to 1,000"},
    {{"--kpi", "latency", "--rounds", "0"}, 2, "1 to 50"},
    {{"--kpi", "cache_hit_rate"}, 2, "needs a client that keeps replies"},
    {{"--kpi", "latency", "-n", "100"}, 2, "use --test-duration"},
    {{"--kpi", "latency", "-P", "4"}, 2, "a batch is what is in flight"},
    {{"--kpi", "latency", "--keepalive", "0"}, 2, "optimize tries profiles that buffer, and"},
    {{"--kpi", "latency", "-t", "set,get"}, 2, "takes one test"},
    {{"--kpi", "latency", "--json", "-", "--markdown", "-"}, 2, "standard output takes one"},
    {{"--kpi", "latency", "--write", "/"}, 2, "something is there"},
    {{"--kpi", "latency", "--write", "-"}, 2, "name a file"},
};

TEST(what_is_refused)
{
    /* Breaks when a contradiction is found out only once something has been sent, or not said in words. */
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *const *words = refused[i].words;
        OPTIMIZE(words[0], words[1], words[2], words[3], words[4], words[5]);
        program_expect_status(&program, refused[i].status);
        program_expect_text(program.err, refused[i].said);
        program_free(&program);
    }
    ck_assert_int_eq(test_server_calls(&server, "set"), 0);
}

TEST_SUITE_WITH(optimize, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
