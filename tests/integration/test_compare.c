/* `volley compare`: two results, files of other tools and runs of volley's own. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/rng.h"
#include "orchestrator/report/student.h"
#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char base[300], other[300];

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(base, sizeof base, "%s/base.json", tree.path);
    snprintf(other, sizeof other, "%s/other.json", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

#define COMPARE(...) program_run_volley(&program, "compare", __VA_ARGS__, NULL)
#define BOTH "--baseline", base, "--new", other

static void write_json(const char *path, json_t *json)
{
    ck_assert_int_eq(json_dump_file(json, path, 0), 0);
    json_decref(json);
}

static json_t *record(const char *commit, const char *command, double rps)
{
    return json_pack("{ss ss ss si si si sf sf sf sf sb sb}", "timestamp",
                     "2025-05-28T01:29:42+02:00", "commit", commit, "command", command, "data_size",
                     16, "pipeline", 10, "clients", 50, "rps", rps, "avg_latency_ms", 1e5 / rps,
                     "p50_latency_ms", 0.775, "p99_latency_ms", 1.407, "cluster_mode", 0, "tls", 0);
}

/* So many runs, which vary by 1 %. */
static json_t *records(const char *commit, double rps, unsigned count, uint64_t seed)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(
            list,
            record(commit, "SET", rps * (1 + 0.01 * normal_point(rng_unit(rng_at(seed, i))))));
    return list;
}

static json_t *row_of(const json_t *root, const char *command, const char *metric)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "command")), command) == 0 &&
            strcmp(json_string_value(json_object_get(row, "metric")), metric) == 0)
            return row;
    }
    ck_abort_msg("no row %s of %s", metric, command);
}

static const char *answer_of(const json_t *root, const char *command, const char *metric)
{
    return json_string_value(json_object_get(row_of(root, command, metric), "answer"));
}

static json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    ck_assert_msg(root != NULL, "%s in:\n%s", error.text, text);
    run_json_keep(root, "comparison");
    return root;
}

TEST(runs_are_written_as_the_other_tool_does)
{
    /* breaks when single and repeated runs are not shown as "Value (n=X, σ=Y, CV=Z%)", the title is another, or changes have
     * another form */
    json_t *three = json_array();
    json_array_append_new(three, record("unstable", "SET", 100000));
    json_array_append_new(three, record("unstable", "SET", 101000));
    json_array_append_new(three, record("unstable", "SET", 102000));
    write_json(other, three);
    write_json(base,
               json_pack("[o]", record("ff7135836b5d9ccaa19d5dbaf2a0b0325755c8b4", "SET", 100000)));
    COMPARE(BOTH, "--metrics", "rps");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "# RPS Benchmark Comparison: ff713583 vs unstable\n");
    program_expect_text(program.out, "- clients: 50\n- cluster_mode: false\n- data_size: 16\n");
    program_expect_text(
        program.out,
        "| Command | Metric | Pipeline | io_threads | ff713583 | unstable | Diff | % Change "
        "| Answer |\n|---|---|---|---|---|---|---|---|---|\n"
        "| SET | rps | 10 | - | 100000.000 | 101000.000 (n=3, \u03c3=1000.000, CV=1.0%) | "
        "1000.000 | +1.000% | cannot tell (one run says nothing of chance) |\n");
    ck_assert_ptr_null(strstr(program.out, "latency"));
    program_free(&program);
    COMPARE(BOTH, "--metrics", "latency");
    program_expect_text(program.out, "# Latency Benchmark Comparison: ");
    program_expect_text(program.out, "| p50_latency_ms |");
    ck_assert_ptr_null(strstr(program.out, "| rps |"));
    ck_assert_ptr_null(strstr(program.out, "p95")); /* neither has it */
}

TEST(answers_and_intervals_are_of_one_test)
{
    /* breaks when what is called faster has an interval with 0 in it, or the text another interval than JSON: of runs that vary
     * by a third */
    static const double before[] = {37000, 83000, 62000}, after[] = {130000, 156000, 180600};
    json_t *lists[2] = {json_array(), json_array()};
    char wanted[100];
    for (int i = 0; i < 3; i++) {
        json_array_append_new(lists[0], record("a", "SET", before[i]));
        json_array_append_new(lists[1], record("b", "SET", after[i]));
    }
    write_json(base, lists[0]);
    write_json(other, lists[1]);
    COMPARE(BOTH, "--metrics", "rps", "--json", "-");
    json_t *root = parsed(program.out);
    const json_t *row = row_of(root, "SET", "rps");
    const double low = json_number_value(json_object_get(row, "low_percent"));
    const double high = json_number_value(json_object_get(row, "high_percent"));
    ck_assert_str_eq(answer_of(root, "SET", "rps"), "faster");
    ck_assert_msg(low > 20 && high > 400 && high < 2000, "%g to %g", low, high);
    snprintf(wanted, sizeof wanted, "faster by 156.4 %% (%.1f to %.1f %%)", low, high);
    program_free(&program);
    COMPARE(BOTH, "--metrics", "rps");
    program_expect_text(program.out, wanted);
    json_decref(root);
}

TEST(nothing_has_no_sign)
{
    /* breaks when values that are the same differ by "-0.000" and "-0.000%", which a mean of the same numbers in another order
     * makes of them */
    static const double rates[] = {0.1, 0.2, 0.3, 0.4, 0.7, 1.1};
    for (int turned = 0; turned < 2; turned++) {
        json_t *lists[2] = {json_array(), json_array()};
        for (int i = 0; i < 6; i++) {
            json_array_append_new(lists[0], record("a", "SET", rates[i]));
            json_array_append_new(lists[1], record("b", "SET", rates[5 - i] - 1e-9));
        }
        write_json(turned ? other : base, lists[0]);
        write_json(turned ? base : other, lists[1]);
        COMPARE(BOTH, "--metrics", "rps");
        program_expect_text(program.out, "| 0.000 | +0.000% |");
        program_free(&program);
    }
}

TEST(a_slowdown_is_found_and_fails)
{
    /* breaks when 5 % at ten runs that vary by 1 % are not called, are called by the wrong name, or do not fail where that is
     * asked for */
    char junit[300], text[4000];
    snprintf(junit, sizeof junit, "%s/junit.xml", tree.path);
    write_json(base, records("a", 100000, 10, 1));
    write_json(other, records("b", 95000, 10, 2));
    COMPARE(BOTH, "--json", "-", "--junit", junit, "--fail-on-regression", "--threshold", "4%");
    program_expect_status(&program, 1);
    program_expect_text(program.err, "slower by 4 % or more: b against a");
    json_t *root = parsed(program.out);
    ck_assert_str_eq(answer_of(root, "SET", "rps"), "slower");
    ck_assert_str_eq(answer_of(root, "SET", "avg_latency_ms"), "slower");
    ck_assert_str_eq(answer_of(root, "SET", "p50_latency_ms"), "same");
    ck_assert(json_is_true(json_object_get(root, "regressed")));
    const json_t *row = row_of(root, "SET", "rps");
    const double change = json_number_value(json_object_get(row, "change_percent"));
    ck_assert(change < -4 && change > -6);
    ck_assert(json_number_value(json_object_get(row, "low_percent")) < change &&
              json_number_value(json_object_get(row, "high_percent")) > change);
    json_decref(root);
    FILE *file = fopen(junit, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    program_expect_text(
        text, "<testsuite name=\"volley compare\" tests=\"4\" failures=\"2\" skipped=\"0\">");
    program_free(&program);
    COMPARE("--baseline", other, "--new", base, "--json", "-", "--fail-on-regression");
    program_expect_status(&program, 0); /* the other way round it is faster */
    root = parsed(program.out);
    ck_assert_str_eq(answer_of(root, "SET", "rps"), "faster");
    ck_assert_str_eq(answer_of(root, "SET", "avg_latency_ms"), "faster");
    json_decref(root);
}

TEST(the_same_is_not_called_different)
{
    /* breaks when two results of the same are said to differ, by chance alone: 20 pairs, of which a level of 5 % over all rows
     * of each would call one; and when few runs are taken for a proof */
    unsigned called = 0;
    for (uint64_t pair = 0; pair < 20; pair++) {
        write_json(base, records("a", 100000, 10, 100 + pair));
        write_json(other, records("b", 100000, 10, 200 + pair));
        COMPARE(BOTH, "--json", "-");
        program_expect_status(&program, 0);
        json_t *root = parsed(program.out);
        const char *answer = answer_of(root, "SET", "rps");
        called += strcmp(answer, "same") != 0;
        json_decref(root);
        program_free(&program);
    }
    ck_assert_msg(called <= 1, "%u of 20", called);
    write_json(base, records("a", 100000, 2, 5));
    write_json(other, records("b", 100500, 2, 6));
    COMPARE(BOTH, "--metrics", "rps", "--threshold", "0.5%");
    program_expect_text(program.out, "| cannot tell (");
    program_expect_text(program.out, " runs would tell 0.5 %) |");
    program_free(&program); /* more than anybody makes */
    COMPARE(BOTH, "--metrics", "rps", "--threshold", "0.001%");
    program_expect_text(program.out, "| cannot tell (more than 1,000 runs would tell 0.001 %) |");
}

TEST(configurations_are_told_apart)
{
    /* breaks when runs of another size or command are averaged together, when what is no configuration parts them, or what one
     * side lacks is taken for 0 */
    json_t *one = record("a", "SET", 1000), *two = record("a", "SET", 3000);
    json_object_set_new(one, "env_kernel", json_string("6.1"));
    json_object_set_new(two, "env_kernel", json_string("6.1"));
    json_object_set_new(two, "status", json_string("complete"));
    json_t *large = record("a", "SET", 500), *get = record("b", "GET", 7);
    json_object_set_new(large, "data_size", json_integer(1024));
    write_json(base, json_pack("[o o o]", one, two, large));
    json_t *same = record("b", "SET", 2000);
    json_object_set_new(same, "env_kernel", json_string("6.12 | <b> _x_"));
    write_json(other, json_pack("[o o]", same, get));
    COMPARE(BOTH, "--metrics", "rps");
    program_expect_status(&program, 0);
    program_expect_text(program.out,
                        "| SET | rps | 10 | - | 2000.000 (n=2, \u03c3=1414.214, CV=70.7%) | "
                        "2000.000 | 0.000 | +0.000% |");
    program_expect_text(program.out, "| SET | rps | 10 | - | 500.000 | n/a | n/a | n/a | n/a |");
    program_expect_text(program.out, "| GET | rps | 10 | - | n/a | 7.000 | n/a | n/a | n/a |");
    program_free(&program);
    COMPARE(BOTH, "--json", "-");
    json_decref(parsed(program.out)); /* what one side lacks is described, too */
    program_free(&program);
    COMPARE(BOTH, "--metrics", "rps");
    program_expect_text(program.out, "| env_kernel | 6.1 | 6.12 \\| \\<b\\> \\_x\\_ |");
}

TEST(runs_of_volley)
{
    /* breaks when directories of bench cannot be compared, when its prefill counts as a run, or when options that differ are
     * not told */
    snprintf(base, sizeof base, "%s/one", tree.path);
    snprintf(other, sizeof other, "%s/two", tree.path);
    program_run_volley(&program, "--null", "-t", "set,get", "-n", "5000", "--runs", "3", "-c", "10",
                       "--cpus", "none", "--out", base, NULL);
    program_expect_status(&program, 0);
    program_free(&program);
    program_run_volley(&program, "--null", "-t", "set,get", "-n", "5000", "--runs", "3", "-c", "20",
                       "--cpus", "none", "--label", "more", "--out", other, NULL);
    program_expect_status(&program, 0);
    program_free(&program);
    COMPARE(BOTH);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "# Benchmark Comparison: one vs more\n");
    program_expect_text(program.out, "| GET | rps | 1 | - | ");
    program_expect_text(program.out, "(n=3, ");
    program_expect_text(program.out, "| option.clients | 10 | 20 |");
}

TEST(nothing_is_lost)
{
    /* breaks when an output goes where an input stands, or two outputs to one file, of which one would be lost */
    char both[300];
    snprintf(both, sizeof both, "%s/both", tree.path);
    write_json(base, records("a", 1000, 2, 1));
    write_json(other, records("b", 1000, 2, 2));
    COMPARE(BOTH, "--json", base);
    program_expect_status(&program, 2);
    program_free(&program);
    COMPARE(BOTH, "-o", both, "--json", both);
    program_expect_status(&program, 2);
    ck_assert_int_ne(access(both, F_OK), 0);
    program_free(&program);
    COMPARE(BOTH, "--json", "-");
    program_expect_status(&program, 0); /* the inputs still are what they were */
    json_decref(parsed(program.out));
    program_free(&program);
    COMPARE("--baseline", base, "--new", base, "--metrics", "rps");
    program_expect_status(&program, 0);
}

TEST(odd_configurations)
{
    /* breaks when texts that look like numbers, or begin alike, are taken for one another, or orders reach a terminal */
    json_t *one = record("a", "SET", 1000), *two = record("a", "SET", 5000), *same;
    char text[400];
    json_object_set_new(one, "pipeline", json_string("nan"));
    memset(text, 'x', sizeof text);
    text[399] = '\0';
    json_object_set_new(two, "config_set", json_string(text));
    json_object_set_new(two, "env_\033[31m", json_string("\033[2J \342\200\256"));
    same = json_deep_copy(two);
    text[398] = 'y';
    json_t *third = json_deep_copy(two);
    json_object_set_new(third, "config_set", json_string(text));
    json_object_set_new(third, "env_\033[31m", json_string("else"));
    write_json(base, json_pack("[o o]", one, two));
    write_json(other, json_pack("[o o]", same, third));
    COMPARE(BOTH, "--metrics", "rps");
    program_expect_status(&program, 0);
    program_expect_text(program.out,
                        "3 rows: 0 faster, 0 slower, 0 the same, 1 cannot be told, 2 on one");
    program_expect_text(program.out, "| env\\_ \\[31m |");
    ck_assert_ptr_null(strchr(program.out, '\033'));
    ck_assert_ptr_null(strstr(program.out, "\342\200\256"));
}

TEST(a_commit_by_its_name)
{
    /* breaks when a commit is not looked for among the results, or a name without results is not told */
    char path[300];
    ck_assert_int_eq(mkdir((snprintf(path, sizeof path, "%s/results", tree.path), path), 0700), 0);
    ck_assert_int_eq(mkdir((snprintf(path, sizeof path, "%s/results/8.1", tree.path), path), 0700),
                     0);
    snprintf(path, sizeof path, "%s/results/8.1/metrics.json", tree.path);
    write_json(path, records("8.1", 1000, 3, 1));
    write_json(other, records("9.1", 1000, 3, 2));
    snprintf(path, sizeof path, "%s/results", tree.path);
    COMPARE("--baseline", "8.1", "--new", other, "--results-dir", path);
    program_expect_status(&program, 0);
    program_free(&program);
    COMPARE("--baseline", "8.0", "--new", other, "--results-dir", path);
    program_expect_status(&program, 4);
    program_expect_text(program.err, "8.0");
}

static const struct {
    const char *text, *said;
} broken[] = {
    {"", "base.json:1:0: no JSON"},
    {"[{\"command\": \"SET\",}]", "base.json:1:"},
    {"{}", "is no list of records"},
    {"[]", "has no records"},
    {"[3]", "record 1 is no object"},
    {"[{\"command\": \"SET\", \"commit\": \"a\"}, {\"command\": \"SET\", \"commit\": \"c\"}]",
     "base.json holds records of several commits, a and c"},
    {"[{\"command\": \"SET\", \"rps\": -1}]", "record 1: rps is -1: 0 to 1e+15 is possible"},
    {"[{\"command\": \"SET\", \"rps\": 1e300}]", "record 1: rps is 1e+300"},
    {"[{\"rps\": 5}]", "record 1 has no \"command\""},
    {"[{\"command\": \"GET\", \"rps\": \"many\"}]", "have no configuration in common"},
};

LOOP_TEST(files_that_are_broken, sizeof broken / sizeof broken[0])
{
    /* breaks when a file that is damaged, or another one, is compared all the same, or what is wrong is not said */
    temp_tree_write(&tree, "/base.json", broken[_i].text, 0600);
    write_json(other, records("b", 1, 1, 1));
    COMPARE(BOTH);
    program_expect_status(&program, 4);
    program_expect_text(program.err, broken[_i].said);
}

TEST(a_baseline_that_is_not_to_be_trusted)
{
    /* breaks when runs with the verdict RED are what a gate is set by, without --force, or a comparison by hand is refused, too */
    json_t *list = records("a", 100000, 5, 1);
    json_object_set_new(json_array_get(list, 2), "verdict", json_string("RED"));
    write_json(base, list);
    write_json(other, records("b", 100000, 5, 2));
    COMPARE(BOTH);
    program_expect_status(&program, 0);
    program_free(&program);
    COMPARE(BOTH, "--fail-on-regression");
    program_expect_status(&program, 4);
    program_expect_text(program.err, "1 of 5 runs of the baseline a have the verdict RED");
    program_free(&program);
    COMPARE(BOTH, "--fail-on-regression", "--force");
    program_expect_status(&program, 0);
}

TEST(wrong_options)
{
    /* breaks when a command line that says too little, or contradicts itself, is not refused with a reason */
    COMPARE("--new", other);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "--baseline is missing");
    program_free(&program);
    COMPARE(BOTH, "--confidence", "20");
    program_expect_status(&program, 2);
    program_free(&program);
    COMPARE(BOTH, "--threshold", "0%");
    program_expect_status(&program, 2);
    program_expect_text(program.err, "allowed: percent above 0");
    program_free(&program);
    COMPARE(BOTH, "--json", "-", "-o", "-");
    program_expect_status(&program, 2);
    program_free(&program);
    COMPARE("this");
    program_expect_status(&program, 2);
    program_free(&program);
    COMPARE(BOTH);
    program_expect_status(&program, 4);
    program_expect_text(program.err, "base.json cannot be read: ");
}

static json_t *with_cpu(json_t *list, double least_us)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        json_object_set_new(json_array_get(list, i), "server_cpu_us_per_request",
                            json_real(least_us + 0.01 * (double)(i % 3)));
    return list;
}

TEST(the_servers_time_is_one_more_figure)
{
    /* breaks when the server's CPU time is not compared, more of it is not slower, or it is a row where only one side has it or
     * other figures are asked for */
    write_json(base, with_cpu(records("a", 100000, 10, 1), 2));
    write_json(other, with_cpu(records("b", 100000, 10, 2), 2.2));
    COMPARE(BOTH, "--json", "-");
    program_expect_status(&program, 0);
    json_t *root = parsed(program.out);
    ck_assert_str_eq(answer_of(root, "SET", "server_cpu_us_per_request"), "slower");
    json_decref(root);
    program_free(&program);
    COMPARE(BOTH, "--fail-on-regression");
    program_expect_status(&program, 1);
    program_free(&program);
    COMPARE(BOTH, "--metrics", "rps");
    ck_assert_ptr_null(strstr(program.out, "server_cpu"));
    program_free(&program);
    write_json(other, records("b", 100000, 10, 2));
    COMPARE(BOTH);
    program_expect_status(&program, 0);
    ck_assert_ptr_null(strstr(program.out, "server_cpu"));
}

TEST(outputs_are_looked_at_first)
{
    /* breaks when an output that cannot be written, or two that are one file, is found only after results were read; or looking
     * at them leaves something behind, or wakes the reader of a fifo */
    static const char *const options[] = {"--output", "--json", "--junit", "--html"};
    static const char *const places[] = {"folder", "dangling/none", "nowhere/file"};
    char path[400];
    program_run_shell(&program, tree.path, "mkdir folder; ln -s gone dangling; mkfifo fifo", 0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            program_free(&program);
            snprintf(path, sizeof path, "%s/%s", tree.path, places[k]);
            COMPARE(BOTH, options[i], path);
            program_expect_status(&program, 2);
            program_expect_text(program.err, places[k]);
        }
    program_free(&program);
    snprintf(path, sizeof path, "%s/one", tree.path);
    COMPARE(BOTH, "--junit", path, "--json", path);
    program_expect_status(&program, 2);
    program_expect_text(program.err, path);
    program_free(&program);
    snprintf(path, sizeof path, "%s/fifo", tree.path);
    COMPARE(BOTH, "--output", path);
    program_expect_status(
        &program, 4); /* with results it would be written to: it is what a shell's >(...) is */
    program_expect_text(program.err, "base.json cannot be read");
    ck_assert_int_eq(temp_tree_count(&tree), 3);
}

TEST_SUITE_WITH(compare, .set_up = set_up, .tear_down = tear_down)
