/* `volley find-max` and `volley sweep`: what they print and write, and how they end. */
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/printed.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define TEST_TIMEOUT_SECONDS 90
#define WORDS_BYTES 1024

static struct test_server server;
static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    /* DEBUG SLEEP makes a server whose limit is known. */
    static const char *const args[] = {"--enable-debug-command", "yes", NULL};
    test_server_start(&server, &(struct test_server_options){.args = args});
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

static void set_up_nothing(void)
{
    temp_tree_make(&tree);
}

static void tear_down_nothing(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

/* Starts volley with words that are separated by single blanks; relative files are in the tree. */
__attribute__((format(printf, 1, 2))) static void start(const char *format, ...)
{
    char words[WORDS_BYTES];
    char volley[512];
    const char *argv[PROGRAM_ARGS_MAX] = {NULL};
    size_t argc = 0;
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(words, sizeof words, format, args);
    va_end(args);
    ck_assert(bytes > 0 && (size_t)bytes < sizeof words);
    ck_assert_ptr_nonnull(realpath(program_volley(), volley));
    argv[argc++] = volley;
    char *rest = words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        ck_assert_uint_lt(argc, PROGRAM_ARGS_MAX - 1);
        argv[argc++] = word;
    }
    program_start(&program, &(struct program_options){.argv = argv, .directory = tree.path});
}

static void end(int exit_status)
{
    program_wait(&program);
    ck_assert_msg(program.exit_status == exit_status, "exit status %d, not %d:\n%s\n%s",
                  program.exit_status, exit_status, program.out, program.err);
}

static json_t *load(const char *name, const char *kind)
{
    char path[256];
    json_error_t why;
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    json_t *root = json_load_file(path, 0, &why);
    ck_assert_msg(root != NULL, "%s: line %d: %s", path, why.line, why.text);
    run_json_keep(root, kind);
    return root;
}

static const char *text_at(const json_t *root, const char *object, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(root, object), key));
    ck_assert_msg(text != NULL, "no %s.%s", object, key);
    return text;
}

/* Lines of a file behind its heading. */
static size_t count_rows(const char *name)
{
    char path[256], line[4096];
    size_t rows = 0;
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no %s", path);
    while (fgets(line, sizeof line, file) != NULL)
        rows++;
    fclose(file);
    ck_assert_uint_gt(rows, 0);
    return rows - 1;
}

static bool exists(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    return access(path, F_OK) == 0;
}

/* ---- find-max. ---- */

/* What must hold in any document: windows add up to probes, and probes to the result. */
static void check_find_max(const json_t *root)
{
    size_t p, w;
    const json_t *probe, *window, *result = json_object_get(root, "result");
    const json_t *found = json_object_get(result, "sustainable_per_second");
    json_int_t passed_there = 0, judged_there = 0;
    json_array_foreach(json_object_get(root, "probes"), p, probe)
    {
        const json_t *windows = json_object_get(probe, "windows");
        json_int_t passed = 0;
        json_array_foreach(windows, w, window)
        {
            passed += json_is_true(json_object_get(window, "passed"));
            ck_assert_uint_eq(json_array_size(json_object_get(window, "objectives")),
                              json_array_size(json_object_get(root, "objectives")));
        }
        json_int_t counted = json_integer_value(json_object_get(probe, "windows_passed"));
        json_int_t judged = json_integer_value(json_object_get(probe, "windows_judged"));
        ck_assert(counted == passed || counted == 0);
        ck_assert_int_ge(judged, (json_int_t)json_array_size(windows));
        ck_assert_int_eq(json_is_true(json_object_get(probe, "passed")), 2 * counted > judged);
        const char *end = json_string_value(json_object_get(probe, "end"));
        if (json_equal(found, json_object_get(json_object_get(probe, "rate"), "asked")) &&
            strcmp(end, "cut") != 0 && strcmp(end, "error") != 0) {
            passed_there += counted;
            judged_there += judged;
        }
    }
    ck_assert_int_eq(json_integer_value(json_object_get(result, "windows_passed")), passed_there);
    ck_assert_int_eq(json_integer_value(json_object_get(result, "windows_judged")), judged_there);
}

TEST(test_known_limit)
{
    /* Breaks when the limit of a server that needs 5 ms for each request, so that it answers less than
     * 200 a second, is not found, or not said to be its throughput. */
    start("find-max -p %s --slo errors<1%% --start-rate 60 --precision 20%% --window 200ms "
          "--windows 3 "
          "--warmup 200ms --json out.json --csv out.csv -- debug sleep 0.005",
          server.port_text);
    end(0);
    json_t *root = load("out.json", "find-max");
    check_find_max(root);
    const json_t *result = json_object_get(root, "result");
    double rate = json_number_value(json_object_get(result, "sustainable_per_second"));
    ck_assert_msg(rate > 60 && rate < 205, "found %f", rate);
    ck_assert_str_eq(text_at(root, "result", "status"), "found");
    ck_assert_str_eq(text_at(result, "limit", "kind"), "throughput");
    EXPECT_IN(program.out, "  rate/s  achieved/s  ");
    EXPECT_IN(program.out, "\n> the sustainable rate\n");
    EXPECT_IN(program.out, "\nSustainable rate: ");
    EXPECT_IN(program.out, "\nKept in ");
    EXPECT_IN(program.out, "\n95 % confidence: ");
    EXPECT_IN(program.out, "\nLimit: throughput: at ");
    ck_assert_uint_eq(count_rows("out.csv"), json_array_size(json_object_get(root, "probes")));
    json_decref(root);
}

TEST(test_no_limit)
{
    /* Breaks when a server that keeps everything up to --max-rate is said to have a limit. */
    start("find-max -p %s --slo p99<10s --start-rate 20 --max-rate 20 --window 500ms --windows 3 "
          "--warmup 0 -r 10 --json - --arrival poisson --pacing sleep",
          server.port_text);
    end(0);
    json_error_t why;
    json_t *root = json_loads(program.out, 0, &why); /* and nothing else is on stdout */
    ck_assert_msg(root != NULL, "line %d: %s", why.line, why.text);
    run_json_keep(root, "find-max");
    check_find_max(root);
    ck_assert_str_eq(text_at(root, "result", "status"), "no_limit");
    json_decref(root);
}

static void check_headroom(double wanted, bool kept)
{
    json_t *root = load("out.json", "find-max");
    const json_t *headroom = json_object_get(root, "headroom");
    check_find_max(root);
    ck_assert_double_eq_tol(run_json_number(headroom, "wanted_per_second"), wanted, 1e-6);
    ck_assert_int_eq(json_is_true(json_object_get(headroom, "kept")), kept);
    ck_assert_int_eq(
        run_json_number(json_object_get(root, "result"), "sustainable_per_second") >= wanted, kept);
    json_decref(root);
}

TEST(test_headroom)
{
    /* Breaks when twice a load is not told from less than that, in words, in JSON or by the exit status. */
    start("find-max -p %s --slo p99<10s --start-rate 200 --max-rate 200 --window 200ms --windows 1 "
          "--warmup 0 -r 10 --json out.json --headroom 2x:100",
          server.port_text);
    end(0);
    EXPECT_IN(program.out, "\nHeadroom: 2.00 times 100/s; 2 times it, 200/s, is sustained\n");
    check_headroom(200, true);
    program_free(&program);
    start("find-max -p %s --slo errors<1%% --start-rate 60 --precision 20%% --window 200ms "
          "--windows 3 --warmup 200ms --json out.json --headroom 1.5x:200 -- debug sleep 0.005",
          server.port_text);
    end(1);
    EXPECT_IN(program.out, " times 200/s; 1.5 times it, 300/s, is NOT sustained\n");
    EXPECT_IN(program.err, "no headroom: ");
    check_headroom(300, false);
}

static const struct {
    const char *headroom, *said;
} no_headroom[] = {
    {"2", "FACTORx:RATE, as in 2x:50k"},
    {"x:5", "a number above 0"},
    {"0x:5", "a number above 0"},
    {"1001x:5", "a number above 0, to 1000"},
    {"2x:", "--headroom 2x:"},
    {"2x:0", "the load of today is above 0"},
    {"2x:many", "--headroom 2x:many"},
    {"-2x:5", "--headroom -2x:5"},
    {"2x:200", "is above --max-rate 300"},
};

LOOP_TEST(test_headroom_refused, sizeof no_headroom / sizeof no_headroom[0])
{
    /* Breaks when what is no headroom is searched for, or one that nobody could find. */
    start("find-max -p %s --slo p99<10s --start-rate 200 --max-rate 300 --headroom %s",
          server.port_text, no_headroom[_i].headroom);
    end(2);
    EXPECT_IN(program.err, no_headroom[_i].said);
}

TEST(test_objective_nobody_keeps)
{
    /* Breaks when an objective that no rate keeps is searched for ever, or ends without a reason. */
    start("find-max -p %s --slo p99<1ns --window 100ms --windows 2 --warmup 0 -r 10 -q --json "
          "out.json",
          server.port_text);
    end(1);
    EXPECT_IN(program.err, "no rate keeps the objectives: even at 100/s p99<1ns broken in 2");
    EXPECT_IN(program.out, "Sustainable rate: none found\n");
    ck_assert_ptr_null(strstr(program.out, "achieved/s"));
    json_t *root = load("out.json", "find-max");
    check_find_max(root);
    ck_assert_str_eq(text_at(root, "result", "status"), "nothing");
    json_decref(root);
}

TEST(test_too_few_probes)
{
    /* Breaks when a search that ran out of probes passes for one that is over. */
    start(
        "find-max -p %s --slo p99<10s --start-rate 100 --window 100ms --windows 1 --warmup 0 -r 10 "
        "--max-probes 2 --csv -",
        server.port_text);
    end(4);
    EXPECT_IN(program.err, "not settled after 2 probes: every rate up to 200/s has passed so far");
    ck_assert_ptr_eq(strstr(program.out, "probe,rate_per_second,"), program.out);
    ck_assert_ptr_null(strstr(program.out, "Sustainable"));
}

TEST(test_progress)
{
    /* Breaks when a user does not learn how long a search will take, or sees what its probes came to only
     * at its end: rate, verdict, and what each objective looks at. */
    start("find-max -p %s --slo p99<10s,errors<1%% --start-rate 50 --window 60s --warmup 0 -r 10 "
          "--progress --max-probes 9",
          server.port_text);
    program_wait_text(&program, PROGRAM_ERR,
                      "find-max: takes about 37.1 min to 45.0 min; 9 probes of 60.2 to 300.2 s at "
                      "most (45.0 min)\n");
    program_signal(&program, SIGINT);
    end(130);
    program_free(&program);
    start("find-max -p %s --slo p99<10s,errors<1%% --start-rate 50 --max-rate 100 --window 100ms "
          "--windows 5 --warmup 0 -r 10 --progress",
          server.port_text);
    end(0);
    EXPECT_IN(program.err, "] probe 1, 50/s: pass, 1 of 1 windows, p99 ");
    EXPECT_IN(program.err, " ms (few samples), errors 0.000 %\n");
    EXPECT_IN(program.err, "] probe 3, 100/s again: pass, 5 of 5 windows, p99 ");
    program_free(&program);
    start("find-max --null --slo p99<1ms --explain -t get");
    end(0);
    EXPECT_IN(program.out,
              "Search: takes about 53 s to 2.2 min; 60 probes of 2.2 to 6.2 s at most");
}

LOOP_TEST(test_interrupt, 2)
{
    /* Breaks when Ctrl+C loses what was found so far, or leaves files half written. */
    /* Every rate keeps the one, and none the other. */
    static const char *const objectives[] = {"p99<10s", "p99<1us"};
    start("find-max -p %s --slo %s --window 200ms --warmup 0 -r 10 --progress --json out.json "
          "--csv out.csv",
          server.port_text, objectives[_i]);
    program_wait_text(&program, PROGRAM_ERR, "] probe 1, 1,000/s: ");
    program_signal(&program, SIGINT);
    end(130);
    json_t *root = load("out.json", "find-max");
    check_find_max(root);
    ck_assert(json_is_true(json_object_get(root, "interrupted")));
    ck_assert_uint_eq(count_rows("out.csv"), json_array_size(json_object_get(root, "probes")));
    EXPECT_IN(program.out, "(interrupted)");
    ck_assert_int_eq(temp_tree_count(&tree), 2); /* and nothing under another name */
    json_decref(root);
}

TEST(test_directory)
{
    /* Breaks when --out does not keep every probe as a run that `volley report` understands. */
    start("find-max -p %s --slo p99<10s --start-rate 100 --max-rate 100 --window 100ms --windows 3 "
          "--warmup 0 -r 10 -t get --prefill --out kept",
          server.port_text);
    program_wait(&program);
    json_t *root = load("kept/find-max.json", "find-max");
    json_t *runs = load("kept/run.json", ".");
    ck_assert_uint_eq(count_rows("kept/find-max.csv"),
                      json_array_size(json_object_get(root, "probes")));
    /* and the prefill */
    ck_assert_uint_eq(json_array_size(json_object_get(runs, "runs")),
                      json_array_size(json_object_get(root, "probes")) + 1);
    ck_assert_str_eq(json_string_value(json_object_get(runs, "command")), "find-max");
    json_decref(runs);
    json_decref(root);
    program_free(&program);
    start("report kept");
    end(0);
    EXPECT_IN(program.out, "GET");
}

/* ---- sweep. ---- */

TEST(test_sweep_clients)
{
    /* Breaks when a step is missing, has another number of connections, or is not marked. */
    start("sweep -p %s --clients 1,3 --step-duration 200ms --warmup 0 -r 10 --json out.json --csv "
          "out.csv",
          server.port_text);
    end(0);
    EXPECT_IN(program.out, "\nclients  ");
    EXPECT_IN(program.out, "  baseline");
    EXPECT_IN(program.out, "\nDegradation point: ");
    EXPECT_IN(program.out, "\nBreaking point: ");
    json_t *root = load("out.json", "sweep");
    const json_t *steps = json_object_get(root, "steps");
    ck_assert_uint_eq(json_array_size(steps), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(steps, 1), "value")), 3);
    ck_assert_double_gt(json_real_value(json_object_get(json_array_get(steps, 0), "server_mb")), 0);
    ck_assert_str_eq(json_string_value(json_object_get(root, "loop")), "closed");
    ck_assert_uint_eq(count_rows("out.csv"), 2);
    json_decref(root);
}

TEST(test_sweep_memory)
{
    /* Breaks when a sweep's megabytes have another size than those in which memory is told elsewhere: 2^20 bytes. */
    test_server_integer(&server, "SETRANGE big 50000000 x"); /* its 2^20 are 5 % apart from 10^6 */
    start("sweep -p %s --clients 1,2 --step-duration 200ms --warmup 0 -r 10 --json out.json",
          server.port_text);
    end(0);
    double bytes = (double)test_server_info(&server, "used_memory");
    json_t *root = load("out.json", "sweep");
    const json_t *step = json_array_get(json_object_get(root, "steps"), 0);
    double server_mb = json_real_value(json_object_get(step, "server_mb"));
    ck_assert_double_eq_tol(server_mb * 1048576 / bytes, 1, 0.02);
    json_decref(root);
}

TEST(test_sweep_rates)
{
    /* Breaks when a rate above what the server can answer is not the degradation point. */
    start("sweep -p %s --qps 20,1000 -c 4 --step-duration 500ms --warmup 0 --json out.json --out "
          "kept -- "
          "debug sleep 0.005",
          server.port_text);
    end(0);
    json_t *root = load("out.json", "sweep");
    const json_t *points = json_object_get(root, "points");
    ck_assert_double_eq(json_number_value(json_object_get(points, "degradation")), 1000);
    ck_assert_str_eq(json_string_value(json_object_get(root, "loop")), "open");
    EXPECT_IN(program.out, "degradation point (less than 99 % of the rate answered)");
    json_t *kept = load("kept/sweep.json", "sweep");
    ck_assert(json_equal(json_object_get(kept, "steps"), json_object_get(root, "steps")));
    ck_assert(exists("kept/journal") && exists("kept/sweep.csv"));
    json_decref(kept);
    json_decref(root);
}

TEST(test_sweep_errors)
{
    /* Breaks when a step in which every request fails is not the breaking point, or ends as a success. */
    start("sweep -p %s --pipeline 1,2 --step-duration 100ms --warmup 0 --json out.json -- get",
          server.port_text);
    end(1);
    EXPECT_IN(program.out, "baseline, breaking point (errors above 1 %)");
    json_t *root = load("out.json", "sweep");
    json_decref(root);
}

TEST(test_sweep_interrupt)
{
    /* Breaks when Ctrl+C loses the steps so far. */
    start("sweep -p %s --clients 1,2,3 --step-duration 1m --warmup 0 -r 10 --json out.json --csv - "
          "--progress",
          server.port_text);
    program_wait_text(&program, PROGRAM_ERR, "SET");
    program_signal(&program, SIGINT);
    end(130);
    json_t *root = load("out.json", "sweep");
    ck_assert(json_is_true(json_object_get(root, "interrupted")));
    ck_assert_uint_eq(json_array_size(json_object_get(root, "steps")), 1);
    ck_assert_ptr_eq(strstr(program.out, "clients,ops_per_second,"), program.out);
    json_decref(root);
}

/* ---- What is refused; nobody listens on port 1. ---- */

static const struct {
    const char *words, *texts[2];
    int exit_status;
} refused[] = {
    {"find-max", {"needs an objective", "--slo 'p99<1ms'"}, 2},
    {"find-max --slo p99>1ms", {"--slo \"p99>1ms\": column 4: expected < or <=", ""}, 2},
    {"find-max --slo p99<1ms --slo p99<2ms", {"limit the same figure", ""}, 2},
    {"find-max --slo", {"--slo needs a value", ""}, 2},
    {"find-max --slo p99<1ms --precision 0.1%", {"--precision 0.1%", "0.5% to 50%"}, 2},
    {"find-max --slo p99<1ms --precision two", {"--precision two", "0.5% to 50%"}, 2},
    {"find-max --slo p99<1ms --start-rate 0", {"--start-rate 0", "1 to 100,000,000"}, 2},
    {"find-max --slo p99<1ms --start-rate 5k --max-rate 4k", {"--start-rate 5,000", "4,000"}, 2},
    {"find-max --slo p99<1ms --window 150ms", {"--window", "multiple of 100ms"}, 2},
    {"find-max --slo p99<1ms --max-rate 5",
     {"--start-rate 1,000, the default, is above --max-rate 5", ""},
     2},
    {"find-max --slo p99<1ms --windows 101", {"--windows 101", "1 to 100"}, 2},
    {"find-max --slo p99<1ms --max-probes 0", {"--max-probes 0", ""}, 2},
    {"find-max --slo p99<1ms -t set,get", {"one test", "names 2"}, 2},
    {"find-max --slo p99<1ms --qps 5", {"--qps", "it searches the rate itself"}, 2},
    {"find-max --slo p99<1ms -n 5", {"-n", "--windows times --window"}, 2},
    {"find-max --slo p99<1ms --duration 5", {"--duration", "--windows times --window"}, 2},
    {"find-max --slo p99<1ms --loop", {"--loop is an option of bench", ""}, 2},
    {"find-max --slo p99<1ms --json - --csv -", {"standard output takes one", ""}, 2},
    {"find-max --slo p99<1ms --json x --csv x", {"cannot write x", "another output goes there"}, 2},
    {"find-max --slo p99<1ms --json nowhere/x", {"nowhere/x", ""}, 2},
    {"find-max --slo p99<1ms --managed -p 1", {"--managed and --port", ""}, 2},
    {"find-max --slo p99<1ms -p 1", {"cannot connect to 127.0.0.1:1", ""}, 5},
    {"sweep", {"sweep takes one list, and there is none", "--clients 1,5,10"}, 2},
    {"sweep --clients 5", {"there is none", ""}, 2},
    {"sweep --clients 1,2 --pipeline 1,2", {"there are several", ""}, 2},
    {"sweep --clients 1,0", {"--clients 1,0: \"0\"", "1 to 1,000,000"}, 2},
    {"sweep --clients 2,1", {"\"1\" is not above the value before it", ""}, 2},
    {"sweep --clients 1,,2", {"--clients 1,,2: \"\"", ""}, 2},
    {"sweep --clients 1,x", {"\"x\"", "not a number"}, 2},
    {"sweep --qps 0,5", {"--qps 0,5: \"0\"", "above 0"}, 2},
    {"sweep --qps 1,-5", {"\"-5\"", ""}, 2},
    {"sweep --qps 1,200m", {"\"200m\"", "100"}, 2},
    {"sweep --pipeline 1,2 -t set,get", {"one test", ""}, 2},
    {"sweep --clients 1,2 --processes 2", {"--clients 1", "2 workers"}, 2},
    {"sweep --clients 1,2 --arrival poisson", {"--arrival needs a rate", "--qps"}, 2},
    {"sweep --clients 1,2 --step-duration 0", {"--step-duration 0", ""}, 2},
    {"sweep --clients 1,2 --duration 5", {"--duration", "--step-duration"}, 2},
    {"sweep --clients 1,2 -p 1", {"cannot connect to 127.0.0.1:1", ""}, 5},
};

static const struct suite_setting usage = {.set_up = set_up_nothing,
                                           .tear_down = tear_down_nothing,
                                           .timeout_seconds = TEST_TIMEOUT_SECONDS};

LOOP_TEST_IN(usage, test_refused, sizeof refused / sizeof refused[0])
{
    /* Breaks when what cannot be meant is not refused before anything connects, with its name. */
    start("%s", refused[_i].words);
    end(refused[_i].exit_status);
    for (int i = 0; i < 2; i++)
        EXPECT_IN(program.err, refused[_i].texts[i]);
    ck_assert_uint_eq(program.out_bytes, 0);
}

TEST_IN(usage, test_help)
{
    /* Breaks when the options of a command cannot be listed. */
    start("help find-max");
    end(0);
    EXPECT_IN(program.out, "--slo OBJECTIVE");
    EXPECT_IN(program.out, "--start-rate N");
    EXPECT_IN(program.out, "--host HOST");
    program_free(&program);
    start("sweep --help");
    end(0);
    EXPECT_IN(program.out, "--step-duration TIME");
    EXPECT_IN(program.out, "-c, --clients LIST");
}

TEST(test_topologies)
{
    /* Breaks when find-max and sweep tell to give an option that they do not take, or leave a cluster
     * or its replicas out. */
    start("sweep --managed cluster=1+1 -c 2,4 --step-duration 200ms --warmup 0 -r 100 -t get --rfr "
          "all --csv out.csv");
    end(0);
    ck_assert_uint_eq(count_rows("out.csv"), 2);
    program_free(&program);
    start("find-max -p %s --cluster --slo p99<1s -r 10", server.port_text);
    end(2);
    EXPECT_IN(program.err, "is in no cluster (cluster support disabled): leave out --cluster");
    program_free(&program);
    start("sweep -k 0 -c 1,2 --sentinel 127.0.0.1:%s --master main", server.port_text);
    end(5);
    EXPECT_IN(program.err, "does not answer as a sentinel");
}

TEST_SUITE_WITH(capacity, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TEST_TIMEOUT_SECONDS)
