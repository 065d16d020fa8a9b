/* volley baseline and volley check: what is saved, what is told of it, and what is held against it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

/* Runs volley in the tree. */
#define VOLLEY(...) run_here((const char *const[]){program_volley(), __VA_ARGS__, NULL})
static void run_here(const char *const *argv)
{
    program_free(&program);
    program_run(&program, &(struct program_options){.argv = argv, .directory = tree.path});
}

struct made {
    const char *directory;
    unsigned clients;
    double rps, p99_ms, memory; /* memory 0: not measured */
    const char *verdict;        /* NULL: none */
};

static void write_record(FILE *out, const struct made *made, const char *command, unsigned run)
{
    static const double wobble[] = {0.995, 1, 1.005, 0.998, 1.002};
    fprintf(out,
            "%s{\"command\": \"%s\", \"clients\": %u, \"pipeline\": 1, \"rps\": %.3f, "
            "\"p99_latency_ms\": %.6f",
            run > 0 ? "," : "", command, made->clients, made->rps * wobble[run],
            made->p99_ms * wobble[4 - run]);
    if (made->memory > 0)
        fprintf(out, ", \"used_memory_bytes\": %.0f", made->memory);
    if (made->verdict != NULL)
        fprintf(out, ", \"verdict\": \"%s\"", made->verdict);
    fprintf(out, "}\n");
}

/* The metrics.json of a directory that is made. */
static FILE *made_file(const char *directory)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", tree.path, directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s/metrics.json", tree.path, directory);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "[");
    return out;
}

static void close_file(FILE *out)
{
    fprintf(out, "]\n");
    ck_assert_int_eq(fclose(out), 0);
}

/* Five runs of SET. */
static void make(const struct made *made)
{
    FILE *out = made_file(made->directory);
    for (unsigned run = 0; run < 5; run++)
        write_record(out, made, "SET", run);
    close_file(out);
}

static const struct made usual = {.directory = "usual", .clients = 50, .rps = 1e5, .p99_ms = 1};

static json_t *printed(void)
{
    json_error_t error;
    json_t *json = json_loads(program.out, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, program.out);
    return json;
}

static const struct {
    struct made other;
    int status;
    const char *told;
} verdicts[] = {
    {{.directory = "other", .clients = 50, .rps = 1.002e5, .p99_ms = 1}, 0, "No regression of 5 %"},
    {{.directory = "other", .clients = 50, .rps = 1.3e5, .p99_ms = 0.7}, 0, "2 rows faster"},
    {{.directory = "other", .clients = 50, .rps = 0.8e5, .p99_ms = 1}, 1, "a regression"},
    {{.directory = "other", .clients = 50, .rps = 1e5, .p99_ms = 1.5}, 1, "a regression"},
    {{.directory = "other", .clients = 80, .rps = 1e5, .p99_ms = 1},
     4,
     "they differ in clients 50 against 80"},
};

LOOP_TEST(test_verdict_against_a_baseline, sizeof verdicts / sizeof verdicts[0])
{
    /* Breaks when a regression passes, what is none fails, or runs of other loads are compared. */
    make(&usual);
    make(&verdicts[_i].other);
    VOLLEY("baseline", "save", "main", "usual");
    program_expect_status(&program, 0);
    VOLLEY("check", "--baseline", "main", "other");
    program_expect_status(&program, verdicts[_i].status);
    program_expect_text(verdicts[_i].status == 0 ? program.out : program.err, verdicts[_i].told);
    VOLLEY("check", "--baseline", "usual", "other"); /* a path */
    program_expect_status(&program, verdicts[_i].status);
}

TEST(test_a_baseline_outlives_its_runs)
{
    /* Breaks when what was saved leads to files that are gone, or compare does not find it by its name. */
    char path[400];
    make(&usual);
    make(&(struct made){.directory = "slow", .clients = 50, .rps = 5e4, .p99_ms = 2});
    VOLLEY("baseline", "save", "main", "usual");
    program_expect_status(&program, 0);
    snprintf(path, sizeof path, "%s/usual/metrics.json", tree.path);
    ck_assert_int_eq(unlink(path), 0);
    VOLLEY("check", "--baseline", "main", "slow", "--json", "-");
    program_expect_status(&program, 1);
    json_decref(printed());
    VOLLEY("compare", "--baseline", "main", "--new", "slow", "--fail-on-regression");
    program_expect_status(&program, 1);
    program_expect_text(program.out, "main vs Unknown");
}

TEST(test_path_goes_before_name_and_name_before_commit)
{
    /* Breaks when a name hides a directory that the user sees, or a commit's results hide a baseline. */
    make(&usual);
    make(&(struct made){.directory = "slow", .clients = 50, .rps = 5e4, .p99_ms = 2});
    VOLLEY("baseline", "save", "abcdef", "slow");
    program_expect_status(&program, 0);
    make(&(struct made){.directory = "results/abcdef", .clients = 50, .rps = 1e5, .p99_ms = 1});
    VOLLEY("check", "--baseline", "abcdef", "usual"); /* the name: usual is faster */
    program_expect_status(&program, 0);
    program_expect_text(program.out, "2 rows faster");
    VOLLEY("check", "--baseline", "abcde", "usual"); /* the beginning of a commit */
    program_expect_status(&program, 0);
    program_expect_text(program.out, "2 the same");
    make(&(struct made){.directory = "abcdef", .clients = 50, .rps = 2e5, .p99_ms = 1});
    VOLLEY("check", "--baseline", "abcdef", "usual"); /* the path */
    program_expect_status(&program, 1);
}

TEST(test_report_has_all_profiles_and_the_best_for_each_use)
{
    /* Breaks when a profile or a metric is dropped, or another one is recommended than the best that is surely so. */
    make(&(struct made){"few", 10, 6e4, 0.4, 50e6, NULL});
    make(&(struct made){"usual", 50, 1e5, 1, 60e6, NULL});
    make(&(struct made){"many", 200, 1.001e5, 3, 90e6, NULL});
    VOLLEY("baseline", "save", "profiles", "few", "usual", "many");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "15 runs of 3 profiles saved");
    VOLLEY("baseline", "report", "profiles", "--output", "report.md", "--json", "-");
    program_expect_status(&program, 0);
    json_t *json = printed();
    const json_t *advice = json_object_get(json, "recommendations");
    static const struct {
        const char *use, *profile;
        bool sure;
    } wanted[] = {{"throughput", "SET clients=200", false},
                  {"latency", "SET clients=10", true},
                  {"memory", "SET clients=10", true}};
    ck_assert_uint_eq(json_array_size(json_object_get(json, "profiles")), 3);
    ck_assert_uint_eq(json_array_size(advice), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *one = json_array_get(advice, i);
        ck_assert_str_eq(json_string_value(json_object_get(one, "use")), wanted[i].use);
        ck_assert_str_eq(json_string_value(json_object_get(one, "profile")), wanted[i].profile);
        ck_assert_int_eq(json_is_true(json_object_get(one, "sure")), wanted[i].sure);
    }
    json_decref(json);
    VOLLEY("baseline", "report"); /* the last one */
    program_expect_text(program.out, "# Performance Baseline Report: profiles");
    program_expect_text(program.out, "| SET clients=50 | 5 | 100000.0 ");
    program_expect_text(program.out, "| 6000000 |");
    program_expect_text(program.out, "as good as SET clients=50: 0.1 % apart");
    program_expect_text(program.out, "volley check --baseline profiles DIR");
    VOLLEY("baseline", "show", "profiles");
    program_expect_text(program.out, "SET clients=200");
}

TEST(test_one_run_is_one)
{
    /* breaks when "1 runs of 1 profiles" are told of */
    FILE *out = made_file("alone");
    write_record(out, &usual, "SET", 0);
    close_file(out);
    VOLLEY("baseline", "save", "one", "alone");
    program_expect_text(program.out, "1 run of 1 profile saved\n");
    VOLLEY("baseline", "list");
    program_expect_text(program.out, " 1 run\n");
    VOLLEY("baseline", "show", "one");
    program_expect_text(program.out, ": 1 run\n");
    program_expect_text(program.out, " 1 run  ");
    VOLLEY("baseline", "report", "one");
    program_expect_text(program.out, "1 profile of 1 run, saved at ");
}

TEST(test_saved_under_the_name_of_its_runs)
{
    /* breaks when show and report look at the directory of runs, and not at the baseline of the same name that was just saved */
    make(&usual);
    VOLLEY("baseline", "save", "usual", "usual");
    program_expect_status(&program, 0);
    VOLLEY("baseline", "show", "usual");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "5 runs");
    VOLLEY("baseline", "report", "usual");
    program_expect_status(&program, 0);
    VOLLEY("baseline", "show", "./usual");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "is no baseline");
}

TEST(test_what_hardly_differs_is_as_good)
{
    /* breaks when a profile is called better for less than the threshold, because runs vary even less, or not at all; or a
     * probability is said to be 0 */
    make(&(struct made){"few", 10, 1.01e5, 0.4, 3400000, NULL});
    make(&(struct made){"usual", 50, 1e5, 1, 3424000, NULL});
    VOLLEY("baseline", "save", "profiles", "few", "usual");
    program_expect_status(&program, 0);
    VOLLEY("baseline", "report", "profiles", "--output", "report.md", "--json", "-");
    json_t *json = printed();
    const json_t *advice = json_object_get(json, "recommendations");
    for (size_t use = 0; use < 3; use++) {
        const json_t *one = json_array_get(advice, use);
        const bool better = use == 1;
        ck_assert_int_eq(json_is_true(json_object_get(one, "sure")), better);
        ck_assert_int_eq(json_is_true(json_object_get(one, "as_good")), !better);
    }
    json_decref(json);
    VOLLEY("baseline", "report", "profiles");
    program_expect_text(program.out, "| 3.2 MB | as good as SET clients=50: 0.7 % apart |");
    program_expect_text(program.out, "| as good as SET clients=50: 1.0 % apart |");
    program_expect_text(program.out, "| better than the next one by 60.0 %, p below 0.001 |");
    ck_assert_ptr_null(strstr(program.out, "p 0 "));
}

/* A run of bench of whose requests some had no reply: of a few the p99 is known, of many it is not. */
static void make_unanswered(const char *directory, unsigned clients, bool many)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", tree.path, directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s/run.json", tree.path, directory);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(
        out,
        "{\"command\": \"bench\", \"spec\": {\"clients\": \"%u\"}, \"runs\": [{\"name\": \"SET\", "
        "\"status\": {\"code\": 0}, \"rate\": {\"achieved\": 1000}, \"response_time_us\": "
        "{\"count\": 1000, \"mean\": 500, \"p50\": 400, \"p95\": 800, \"p99\": %s, \"p99_9\": "
        "null, "
        "\"p99_99\": null, \"unanswered\": %d, \"at_least\": {\"mean\": 501, %s\"p99_9\": 1500, "
        "\"p99_99\": 1500}}}]}",
        clients, many ? "null" : "1250", many ? 20 : 2, many ? "\"p99\": 1500, " : "");
    ck_assert_int_eq(fclose(out), 0);
}

TEST(test_percentiles_that_a_few_unanswered_requests_leave_known)
{
    /* Breaks when a request without a reply takes away percentiles that the run itself has, or the mean of the answered
     * ones passes for that of all. */
    make_unanswered("one", 48, false);
    make_unanswered("two", 48, false);
    VOLLEY("baseline", "save", "main", "one", "two");
    program_expect_status(&program, 0);
    VOLLEY("baseline", "show", "main");
    program_expect_text(program.out, "p99 1.250 ms\n");
    VOLLEY("check", "--baseline", "main", "one");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "| SET | p99_latency_ms | - | - | 1.250 (n=2");
    program_expect_text(program.out,
                        "| SET | p99_9_latency_ms | - | - | n/a | n/a | n/a | n/a | not "
                        "known (too many requests had no reply) |");
    program_expect_text(program.out, "0 on one side only, 3 not known.\n");
    program_expect_text(program.err,
                        "not compared, since too many requests had no reply to know it on "
                        "both sides: avg_latency_ms of SET, p99_9_latency_ms of SET, "
                        "p99_99_latency_ms of SET");
    VOLLEY("compare", "--baseline", "one", "--new", "two", "--json", "-");
    json_t *json = printed();
    run_json_keep(json, "comparison");
    json_decref(json);
}

TEST(test_a_figure_that_is_hidden_is_told_and_not_recommended)
{
    /* Breaks when a p99 that nobody knows is printed as nan, or a profile is the best for being the only one whose p99 is known. */
    make_unanswered("few", 4, false);
    make_unanswered("many", 200, true);
    VOLLEY("baseline", "save", "main", "few", "many");
    VOLLEY("baseline", "show", "main");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "p99 not known: requests without a reply\n");
    program_expect_text(program.out, "p99 1.250 ms\n");
    ck_assert_ptr_null(strstr(program.out, "nan"));
    VOLLEY("baseline", "report", "main");
    program_expect_text(program.out,
                        "| latency (p99) | SET clients=4 | 1.250 ms | the only one of 2 "
                        "profiles of which it is known |");
    program_expect_text(program.out, "| not known |");
    VOLLEY("check", "--baseline", "many", "many");
    program_expect_text(program.err, "p99_latency_ms of SET");
}

TEST(test_runs_of_bench_are_told_apart_by_their_options)
{
    /* Breaks when runs of two loads are averaged, since both are called SET. */
    static const char *const clients[] = {"4", "8"}, *const names[] = {"four", "eight"};
    for (int i = 0; i < 2; i++) {
        VOLLEY("bench", "--null", "-t", "set", "-n", "2000", "-c", clients[i], "--runs", "2",
               "--out", names[i], "-q");
        program_expect_status(&program, 0);
    }
    VOLLEY("baseline", "save", "null", "four", "eight", "--force");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "4 runs of 2 profiles saved");
    VOLLEY("baseline", "show", "null");
    program_expect_text(program.out, "SET clients=4 ");
    program_expect_text(program.out, "SET clients=8 ");
    VOLLEY("check", "--force", "--baseline", "null", "four");
    ck_assert(program.exit_status == 0 || program.exit_status == 1);
    program_expect_text(program.out, "Benchmark Comparison: null vs four");
    VOLLEY("compare", "--baseline", "four", "--new", "null");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "Benchmark Comparison: four vs null");
}

TEST(test_a_name_that_is_taken)
{
    /* Breaks when a baseline is lost by saving another one, or --force does not replace it. */
    make(&usual);
    make(&(struct made){.directory = "slow", .clients = 50, .rps = 5e4, .p99_ms = 2});
    VOLLEY("baseline", "save", "main", "usual");
    VOLLEY("baseline", "save", "main", "slow");
    program_expect_status(&program, 2);
    program_expect_text(program.err, "there is a baseline main already");
    VOLLEY("check", "--baseline", "main", "slow");
    program_expect_status(&program, 1);
    VOLLEY("baseline", "save", "main", "slow", "--force");
    program_expect_status(&program, 0);
    VOLLEY("check", "--baseline", "main", "slow");
    program_expect_status(&program, 0);
}

static const char *const bad_names[] = {
    "01234567890123456789012345678901234567890123456789012345678901234", /* 65 */
    "../out",
    "a/b",
    ".hidden",
    "-",
    "",
    "a b",
    "a\nb",
};

LOOP_TEST(test_names_that_are_tricks, sizeof bad_names / sizeof bad_names[0])
{
    /* Breaks when a name leads out of the folder of baselines, or cannot be typed again. */
    make(&usual);
    VOLLEY("baseline", "save", "--", bad_names[_i], "usual");
    program_expect_status(&program, 2);
    program_expect_text(program.err, "the name of a baseline");
}

TEST(test_a_baseline_that_does_not_exist)
{
    /* Breaks when a slip of a finger is not told with the name that was meant. */
    make(&usual);
    VOLLEY("baseline", "save", "release-9", "usual");
    VOLLEY("check", "--baseline", "relase-9", "usual");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "did you mean release-9?");
    VOLLEY("baseline", "show", "relase-9");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "did you mean release-9?");
    VOLLEY("baseline", "report", "--results-dir", "nowhere");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "there is no baseline in nowhere/baselines");
}

static const char *const damages[] = {
    "",
    "{\"schema\": \"volley.baseline/1\", \"records\": [",
    "{\"schema\": \"volley.baseline/9\", \"records\": []}",
    "{\"schema\": \"volley.baseline/1\"}",
    "{\"schema\": \"volley.baseline/1\", \"records\": []}",
    "{\"schema\": \"volley.baseline/1\", \"records\": [5]}",
    "{\"schema\": \"volley.baseline/1\", \"records\": [{\"command\": \"SET\", \"rps\": -1}]}",
    "[]",
};

LOOP_TEST(test_a_damaged_file, sizeof damages / sizeof damages[0])
{
    /* Breaks when a file that is cut short, or is something else, is compared, crashes, or hides other baselines. */
    char path[400];
    make(&usual);
    VOLLEY("baseline", "save", "good", "usual");
    VOLLEY("baseline", "save", "bad", "usual");
    snprintf(path, sizeof path, "%s/results/baselines/bad.json", tree.path);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(damages[_i], out);
    ck_assert_int_eq(fclose(out), 0);
    VOLLEY("check", "--baseline", "bad", "usual");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "is damaged, or none");
    VOLLEY("baseline", "list");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "is damaged, or none");
    program_expect_text(program.out, "good ");
    VOLLEY("baseline", "report");
    program_expect_text(program.out, "Report: good");
}

TEST(test_red_runs_are_no_baseline)
{
    /* Breaks when figures that are not the server's become what others are judged by. */
    make(&(struct made){"red", 50, 1e5, 1, 0, "RED"});
    VOLLEY("baseline", "save", "main", "red");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "5 of 5 runs have the verdict RED");
    VOLLEY("baseline", "save", "main", "red", "--force");
    program_expect_status(&program, 0);
    VOLLEY("check", "--baseline", "main", "red");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "the baseline main have the verdict RED");
    VOLLEY("check", "--force", "--baseline", "main", "red");
    program_expect_status(&program, 0);
}

TEST(test_words_of_others_are_text)
{
    /* Breaks when a command's name in a file becomes markup of the report, or moves the terminal. */
    FILE *out;
    char path[400];
    make(&usual);
    snprintf(path, sizeof path, "%s/usual/metrics.json", tree.path);
    out = fopen(path, "w");
    fputs("[{\"command\": \"<b>|\\u001b[2J*x*\", \"clients\": 1, \"rps\": 5}]", out);
    ck_assert_int_eq(fclose(out), 0);
    VOLLEY("baseline", "save", "main", "usual");
    program_expect_status(&program, 0);
    VOLLEY("baseline", "report", "main");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "\\<b\\>\\| \\[2J\\*x\\*");
    ck_assert_ptr_null(strchr(program.out, '\033'));
    VOLLEY("baseline", "show", "main");
    ck_assert_ptr_null(strchr(program.out, '\033'));
}

static const struct {
    const char *words[5], *told;
} mistakes[] = {
    {{"baseline"}, "baseline needs a word"},
    {{"baseline", "drop"}, "there is no baseline drop"},
    {{"baseline", "save", "x"}, "directories of runs are missing"},
    {{"baseline", "save", "x", "usual", "usual"}, "usual is named twice"},
    {{"baseline", "show"}, "show takes one name"},
    {{"baseline", "list", "x"}, "list stands alone"},
    {{"check", "usual"}, "--baseline is missing"},
    {{"check", "--baseline", "usual"}, "a directory of runs is missing"},
    {{"check", "--baseline", "usual", "usual", "--threshold=0"}, "--threshold 0: allowed"},
};

LOOP_TEST(test_mistakes_are_told, sizeof mistakes / sizeof mistakes[0])
{
    /* Breaks when a mistake on the command line passes, or is told in other words than its own. */
    const char *argv[7] = {program_volley()};
    make(&usual);
    for (size_t i = 0; i < 5; i++)
        argv[1 + i] = mistakes[_i].words[i];
    run_here(argv);
    program_expect_status(&program, 2);
    program_expect_text(program.err, mistakes[_i].told);
}

TEST_SUITE_WITH(baseline, .set_up = set_up, .tear_down = tear_down)
