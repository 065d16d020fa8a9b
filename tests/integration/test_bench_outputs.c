/* `volley bench`: plan, workers and what it prints. */
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define CSV_COLUMNS 16
#define WAIT_MS 10000

/* The whole of text must be of this form (an extended regular expression). */
static void expect_form(const char *text, const char *form)
{
    regex_t compiled;
    char whole[1024];
    snprintf(whole, sizeof whole, "^%s$", form);
    ck_assert_int_eq(regcomp(&compiled, whole, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    ck_assert_msg(result == 0, "not of the form %s:\n%.2000s", form, text);
}

static void expect_not_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "\"%s\" is in:\n%.3000s", part, text);
}

/* ---- stdout. ---- */

TEST(test_quiet_lines)
{
    /* Breaks when -q prints anything but valkey-benchmark's line for each test. */
    call_expect(&call, 0, &at_server, "-q -t set,lrange_100 -n 200 -c 4 -r 10");
    expect_form(call.program.out,
                "SET: [0-9]+\\.[0-9]{2} requests per second, p50=[0-9]+\\.[0-9]{3} msec\n"
                "LPUSH \\(needed to benchmark LRANGE\\): [0-9.]+ requests per second, p50=[0-9.]+ "
                "msec\n"
                "LRANGE_100 \\(first 100 elements\\): [0-9.]+ requests per second, p50=[0-9.]+ msec"
                "\n");
    call_free(&call);
}

TEST(test_csv_lines)
{
    /* Breaks when --csv prints anything but valkey-benchmark's header and lines. */
    call_expect(&call, 0, &at_server, "--csv -t set,get -n 200 -c 4 -r 10");
    expect_form(call.program.out,
                "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\","
                "\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n"
                "\"SET\",\"[0-9]+\\.[0-9]{2}\"(,\"[0-9]+\\.[0-9]{3}\"){6}\n"
                "\"GET\",\"[0-9]+\\.[0-9]{2}\"(,\"[0-9]+\\.[0-9]{3}\"){6}\n");
    call_free(&call);
}

TEST(test_csv_of_repeated_runs)
{
    /* Breaks when the means, for which runs are repeated, are in no row, or in a row of other columns. */
    call_expect(&call, 0, &at_server, "--csv -t set -n 200 -c 4 -r 10 --runs 2");
    expect_form(strchr(call.program.out, '\n'),
                "(\n\"SET\",\"[0-9]+\\.[0-9]{2}\"(,\"[0-9]+\\.[0-9]{3}\"){6}){2}\n"
                "\"SET, mean of 2 runs\",\"[0-9]+\\.[0-9]{2}\",\"[0-9]+\\.[0-9]{3}\",\"\""
                "(,\"[0-9]+\\.[0-9]{3}\"){3},\"\"\n");
    call_free(&call);
}

TEST(test_short_outputs_hide_nothing)
{
    /* Breaks when half of the replies are errors and a short output prints a rate and nothing else, or when
     * there is a word though nothing is wrong. */
    static const char *const styles[] = {"-q", "--csv", "--csv-interval 1"};
    test_server_integer(&server, "LPUSH wrong x");
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        call_expect(&call, 1, &at_server, "%s -n 100 -c 4 -r 10 -- get wrong", styles[i]);
        EXPECT_IN(call.program.err, "100 error replies like this: WRONGTYPE Operation against");
        EXPECT_IN(call.program.err, "verdict RED, errors (100.000 % of replies)");
        call_free(&call);
        call_expect(&call, 0, &at_server, "%s -n 100 -c 4 -r 10 -t set", styles[i]);
        ck_assert_str_eq(call.program.err, "");
        call_free(&call);
    }
}

TEST(test_short_outputs_tell_of_losses)
{
    /* Breaks when a server dies in the middle of a run and a short output does not say so. */
    static const char *const styles[] = {"-q", "--csv"};
    char port[16];
    snprintf(port, sizeof port, "%u", (unsigned)server.port);
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        test_server_restart(&server);
        program_start_volley(&call.program, "bench", "-p", port, styles[i], "-t", "set", "-r", "10",
                             "-c", "4", "--duration", "1500ms", "--progress", NULL);
        program_wait_text(&call.program, PROGRAM_ERR, "Progress: ");
        /* Else it may die between its answers and the next requests. */
        free(test_server_text(&server, "CLIENT PAUSE 60000 WRITE"));
        while (test_server_info(&server, "blocked_clients") < 4)
            continue; /* each is an answer; Check ends what hangs */
        test_server_kill(&server);
        program_wait(&call.program);
        EXPECT_IN(call.program.err, " without a reply: timed out 0, lost ");
        EXPECT_IN(call.program.err, "without one success in 1 outage");
        EXPECT_IN(call.program.err, "verdict RED, outage (1, ");
        EXPECT_IN(call.program.err, "the load ended in an outage");
        ck_assert_int_eq(call.program.exit_status, 1);
        program_free(&call.program);
    }
}

static double csv_field(const char *line, int column)
{
    for (; column > 0; column--)
        line = strchr(line, ',') + 1;
    return strtod(line, NULL);
}

TEST(test_interval_csv)
{
    /* Breaks when rows are not on their grid, have another number of columns, or do not add up to
     * the run; nothing else may stand on stdout. */
    call_expect(&call, 0, &at_server,
                "--csv-interval 100ms -t set -r 10 -c 4 --duration 500ms --processes 2 --cpus "
                "none");
    char *rest = call.program.out, *line = strsep(&rest, "\n");
    ck_assert_str_eq(line, "timestamp,request_sec,p50_usec,p90_usec,p95_usec,p99_usec,p99_9_usec,"
                           "p99_99_usec,p99_999_usec,p100_usec,avg_usec,request_finished,"
                           "requests_total_failed,requests_moved,requests_clusterdown,"
                           "client_disconnects");
    double finished = 0, before = 0;
    int rows = 0;
    for (; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; rows++) {
        int columns = 1;
        for (const char *c = line; *c != '\0'; c++)
            columns += *c == ',';
        ck_assert_int_eq(columns, CSV_COLUMNS);
        expect_form(line, "[0-9]+(\\.[0-9]+)?,[0-9]+\\.[0-9]{6}(,[0-9]+){14}");
        double now = csv_field(line, 0);
        if (rows > 0 && rows < 4) /* the last one takes in the draining */
            ck_assert_double_eq_tol(now - before, 0.1, 0.0015);
        before = now;
        finished += csv_field(line, 11);
    }
    ck_assert_int_ge(rows, 5);
    ck_assert_int_eq((long long)finished, run_json_count(&call, 0, "requests.ok"));
    call_free(&call);
}

TEST(test_report_text)
{
    /* Breaks when the report does not show what was asked for: percentiles, label, spectrum,
     * workers. */
    call_expect(&call, 0, &at_server,
                "-t set -n 300 -c 4 -r 10 --processes 2 --cpus none --percentiles 50,99.5 --label "
                "mylabel --debug");
    const char *out = call.program.out;
    EXPECT_IN(out, "Requests completed: 300\n");
    EXPECT_IN(out, "99.5th percentile: ");
    expect_not_in(out, "99.9th percentile");
    EXPECT_IN(out, "mylabel");
    EXPECT_IN(out, "Percentile Spectrum");
    EXPECT_IN(out, "Total count    =          300]");
    EXPECT_IN(out, "worker 1: pid ");
    EXPECT_IN(out, "Verdict: ");
    const json_t *percentiles = json_object_get(call.root, "percentiles");
    ck_assert_uint_eq(json_array_size(percentiles), 2);
    ck_assert_str_eq(json_string_value(json_object_get(call.root, "label")), "mylabel");
    call_free(&call);
}

TEST(test_progress)
{
    /* Breaks when progress is not on stderr, or stands there without being asked for. */
    call_expect(&call, 0, &at_server, "-q -t set --duration 1200ms -c 2 -r 10 --progress");
    EXPECT_IN(call.program.err, "Progress: ");
    expect_not_in(call.program.out, "Progress");
    call_free(&call);
    call_expect(&call, 0, &at_server, "-q -t set -n 100 -c 2 -r 10");
    ck_assert_str_eq(call.program.err, "");
    call_free(&call);
}

/* ---- Workers. ---- */

static size_t workers_of(const struct bench_call *finished)
{
    return json_array_size(json_object_get(run_json_at(finished->root, 0), "workers"));
}

TEST(test_number_of_workers)
{
    /* Breaks when --threads does not multiply, --single-process does not win, auto makes more
     * workers than connections, or too few connections are accepted in silence. */
    static const struct {
        const char *options;
        size_t workers; /* 0: refused */
    } cases[] = {{"--processes 2 --threads 2 -c 8", 4},
                 {"--threads 3 -c 8", 3},
                 {"--processes 5 --single-process -c 8", 1},
                 {"--processes auto -c 1", 1},
                 {"--processes 4 -c 3", 0},
                 {"--processes 0 -c 3", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call_expect(&call, cases[i].workers > 0 ? 0 : 2, &at_server, "-q -t set -n 50 -r 5 %s",
                    cases[i].options);
        if (cases[i].workers > 0)
            ck_assert_msg(workers_of(&call) == cases[i].workers, "%s: %zu workers",
                          cases[i].options, workers_of(&call));
        call_free(&call);
    }
}

static int first_cpu(void)
{
    cpu_set_t mine;
    ck_assert_int_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &mine))
        cpu++;
    return (int)cpu;
}

TEST(test_workers_are_pinned)
{
    /* Breaks when a worker does not run where the plan says. */
    const int cpu = first_cpu();
    call_start(&call, &at_server, "-q -t set -r 5 -c 4 --processes 2 --cpus %d --duration 10s",
               cpu);
    pid_t children[2];
    program_wait_children(&call.program, children, 2);
    for (int i = 0; i < 2; i++) {
        cpu_set_t set;
        const uint64_t end_ms = support_now_ms() + WAIT_MS;
        do {
            ck_assert_int_eq(sched_getaffinity(children[i], sizeof set, &set), 0);
            support_sleep_ms(2);
        } while (support_now_ms() < end_ms && !(CPU_COUNT(&set) == 1 && CPU_ISSET(cpu, &set)));
        ck_assert_int_eq(CPU_COUNT(&set), 1);
        ck_assert(CPU_ISSET((size_t)cpu, &set));
    }
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    if (call.root != NULL && json_array_size(json_object_get(call.root, "runs")) > 0) {
        const json_t *workers = json_object_get(run_json_at(call.root, 0), "workers");
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(workers, 1), "cpu")),
                         cpu);
    }
    call_free(&call);
    call_expect(&call, 2, &at_server, "-q -t set --cpus 4000");
    call_free(&call);
}

/* ---- Options. ---- */

TEST(test_explain)
{
    /* Breaks when --explain connects, or shows other commands than those that are sent. */
    char port[8];
    snprintf(port, sizeof port, "%u", support_free_port());
    struct bench_setting nobody = {.port = port};
    call_expect(&call, 0, &nobody, "--explain -t set,get -r 1000000 -n 3 --seed 4 -c 8 -P 2");
    ck_assert_ptr_null(call.root);
    EXPECT_IN(call.program.out, "Step 2: GET");
    EXPECT_IN(call.program.out, "command line: -P");
    EXPECT_IN(call.program.out, "Nothing was connected");
    /* All three requests of the run stand there: the server must have just these keys. */
    char keys[3][17];
    const char *at = strstr(call.program.out, "Step 1: SET");
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "*3\\r\\n$3\\r\\nSET\\r\\n$16\\r\\n");
        ck_assert_ptr_nonnull(at);
        at += strlen("*3\\r\\n$3\\r\\nSET\\r\\n$16\\r\\n");
        snprintf(keys[i], sizeof keys[i], "%.16s", at);
    }
    call_free(&call);
    call_expect(&call, 0, &at_server, "-q -t set,get -r 1000000 -n 3 --seed 4 -c 8 -P 2");
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(test_server_integer(&server, "EXISTS %s", keys[i]), 1);
}

TEST(test_nobody_there)
{
    /* Breaks when a server that does not answer is not named, or the exit status is another one. */
    char port[8];
    snprintf(port, sizeof port, "%u", support_free_port());
    struct bench_setting nobody = {.port = port};
    call_expect(&call, 5, &nobody, "-q -t set -n 10");
    EXPECT_IN(call.program.err, port);
    EXPECT_IN(call.program.err, "refused");
    call_free(&call);
}

TEST(test_config_file)
{
    /* Breaks when a config file is not heeded, in one of its two languages, or wins over the
     * command line. */
    static const char *const texts[] = {
        "{\"type\": \"set\", \"requests\": 70, \"random\": 20, \"clients\": 3}",
        "type: set\nrequests: 70\nrandom: 20 # keys\nclients: 3\n"};
    static const char *const names[] = {"/c.json", "/c.yaml"};
    struct temp_tree tree;
    temp_tree_make(&tree);
    for (int i = 0; i < 2; i++) {
        temp_tree_write(&tree, names[i], texts[i], 0600);
        for (int given = 0; given < 2; given++) {
            call_expect(&call, 0, &at_server, "-q --config %s%s%s", tree.path, names[i],
                        given ? " -n 90" : "");
            ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), given ? 90 : 70);
            call_free(&call);
        }
    }
    temp_tree_write(&tree, "/bad.yaml", "type: set\nrequest: 70\n", 0600);
    call_expect(&call, 3, &at_server, "-q --config %s/bad.yaml", tree.path);
    EXPECT_IN(call.program.err, "bad.yaml:2:");
    call_free(&call);
    temp_tree_remove(&tree);
}

/* ---- A server of volley's own. ---- */

TEST(test_managed_server_leaves_nothing)
{
    /* Breaks when --managed leaves its server or its directory behind, also after a Ctrl+C. */
    for (int interrupted = 0; interrupted < 2; interrupted++) {
        struct temp_tree tree;
        char variable[160];
        temp_tree_make(&tree);
        snprintf(variable, sizeof variable, "TMPDIR=%s", tree.path);
        const char *const environment[] = {variable, NULL};
        struct bench_setting setting = {.environment = environment};
        call_start(&call, &setting, "-q --managed -r 100 --prefill -t get %s",
                   interrupted ? "--duration 30s --progress" : "-n 500");
        if (interrupted) {
            program_wait_text(&call.program, PROGRAM_ERR, "Progress: ");
            program_signal(&call.program, SIGINT);
        }
        call_finish(&call);
        ck_assert_int_eq(call.program.exit_status, interrupted ? 130 : 0);
        ck_assert_int_gt(run_json_count(&call, 1, "requests.hits"), 0);
        ck_assert_int_eq(run_json_count(&call, 1, "requests.misses"), 0);
        const json_t *facts = json_object_get(json_object_get(call.root, "environment"), "server");
        long long pid = json_integer_value(json_object_get(facts, "process_id"));
        ck_assert_int_gt(pid, 1);
        ck_assert(!support_process_alive((pid_t)pid));
        ck_assert_int_eq(temp_tree_count(&tree), 0);
        call_free(&call);
        temp_tree_remove(&tree);
    }
}

TEST_SUITE_WITH(bench_outputs, .set_up = at_server_set_up, .tear_down = at_server_tear_down)
