/* `volley compare`: percentiles from merged histograms, of runs of volley's own and of records that name a .hlog file. */
#include <jansson.h>
#include <math.h>
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
static char base[300], other[300];

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(base, sizeof base, "%s/base", tree.path);
    snprintf(other, sizeof other, "%s/other", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

/* Into a directory; runs: "1". more: NULL, or one option and its value. */
static void bench(const char *directory, const char *runs, const char *option, const char *value)
{
    program_free(&program);
    program_run_volley(&program, "--null", "-t", "set", "-n", "3000", "-r", "100", "--runs", runs,
                       "-c", "5", "--cpus", "none", "-q", "--out", directory, option, value, NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
}

static json_t *compare(int status)
{
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", base, "--new", other, "--json", "-",
                       NULL);
    program_expect_status(&program, status);
    json_t *root = status == 0 ? json_loads(program.out, 0, NULL) : NULL;
    ck_assert(status != 0 || root != NULL);
    if (root != NULL)
        run_json_keep(root, "comparison");
    return root;
}

/* "merged" of a side of a row; NAN: null. */
static double merged(const json_t *root, const char *metric, const char *side)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        const json_t *value = json_object_get(json_object_get(row, side), "merged");
        if (strcmp(json_string_value(json_object_get(row, "metric")), metric) == 0)
            return json_is_number(value) ? json_number_value(value) : NAN;
    }
    ck_abort_msg("no row %s", metric);
}

static double of_run(const char *directory, size_t run, const char *percentile)
{
    char path[400];
    snprintf(path, sizeof path, "%s/run.json", directory);
    json_t *root = json_load_file(path, 0, NULL);
    const json_t *times = json_object_get(run_json_at(root, run), "response_time_us");
    const double us = json_number_value(json_object_get(times, percentile));
    json_decref(root);
    return us / 1e3;
}

/* To what a bucket is wide. */
static void ck_same(double value, double wanted)
{
    ck_assert_msg(fabs(value - wanted) <= wanted * 2e-3, "%.9g, not %.9g", value, wanted);
}

TEST(single_runs_are_what_they_were)
{
    /* breaks when a run's histogram is read from other lines than its own, in another unit, or of a closed loop not at all */
    bench(base, "1", NULL, NULL);
    bench(other, "1", "--qps", "3000");
    json_t *root = compare(0);
    ck_same(merged(root, "p50_latency_ms", "base"), of_run(base, 0, "p50"));
    ck_same(merged(root, "p99_latency_ms", "base"), of_run(base, 0, "p99"));
    ck_same(merged(root, "p99_9_latency_ms", "other"), of_run(other, 0, "p99_9"));
    ck_same(merged(root, "p95_latency_ms", "other"), of_run(other, 0, "p95"));
    ck_assert(isnan(merged(root, "rps", "base")));
    ck_assert(isnan(merged(root, "avg_latency_ms", "base")));
    json_decref(root);
}

TEST(runs_are_merged)
{
    /* breaks when the percentile of several runs lies outside of theirs, or the table does not say which is which */
    bench(base, "3", NULL, NULL);
    bench(other, "3", NULL, NULL);
    json_t *root = compare(0);
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < 3; i++) {
        least = fmin(least, of_run(base, i, "p99"));
        most = fmax(most, of_run(base, i, "p99"));
    }
    const double p99 = merged(root, "p99_latency_ms", "base");
    ck_assert_msg(p99 >= least * 0.998 && p99 <= most * 1.002, "%g of %g to %g", p99, least, most);
    json_decref(root);
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", base, "--new", other, NULL);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "| Answer | Merged |\n");
    program_expect_text(program.out, "read from their merged histograms");
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", base, "--new", other, "--metrics", "rps",
                       NULL);
    ck_assert_ptr_null(strstr(program.out, "Merged"));
}

static json_t *record(const char *commit, const char *file, const char *tag)
{
    json_t *object = json_pack("{ss ss si sf sf}", "commit", commit, "command", "SET", "pipeline",
                               1, "rps", 1000.0, "p99_latency_ms", 1.0);
    if (file != NULL)
        json_object_set_new(object, "histogram", json_string(file));
    if (tag != NULL)
        json_object_set_new(object, "histogram_tag", json_string(tag));
    return object;
}

/* metrics.json in both directories: the base's with this record, and the other's as it should be. */
static void write_records(json_t *first)
{
    char path[400];
    snprintf(path, sizeof path, "%s/metrics.json", base);
    json_t *list = json_pack("[o]", first);
    ck_assert_int_eq(json_dump_file(list, path, 0), 0);
    json_decref(list);
    snprintf(path, sizeof path, "%s/metrics.json", other);
    list = json_pack("[o o]", record("b", "latency.hlog", "SET-service"),
                     record("b", "./latency.hlog", "SET-service"));
    ck_assert_int_eq(json_dump_file(list, path, 0), 0);
    json_decref(list);
}

TEST(records_that_name_a_file)
{
    /* breaks when a record's histogram is not found beside it, or lines that two records name count twice */
    bench(base, "1", NULL, NULL);
    bench(other, "1", NULL, NULL);
    write_records(record("a", "latency.hlog", "SET-service"));
    json_t *root = compare(0);
    ck_same(merged(root, "p99_latency_ms", "base"), of_run(base, 0, "p99"));
    ck_same(merged(root, "p99_latency_ms", "other"), of_run(other, 0, "p99"));
    json_decref(root);
    write_records(record("a", NULL, NULL)); /* one side alone is nothing to be held against */
    root = compare(0);
    ck_assert(isnan(merged(root, "p99_latency_ms", "other")));
    json_decref(root);
}

static const struct {
    const char *file, *tag, *said;
} refused[] = {
    {"../other/latency.hlog", "SET-service", "record 1: histogram is ../other/latency.hlog"},
    {"a/../../x", "SET-service", "allowed is a file in the directory of the records"},
    {"/etc/passwd", "SET-service", "record 1: histogram is /etc/passwd"},
    {"", "SET-service", "record 1: histogram is "},
    {"link.hlog", "SET-service", "record 1: histogram is link.hlog"},
    {"latency.hlog", NULL, "record 1 has a histogram, and no histogram_tag"},
};

LOOP_TEST(files_elsewhere, sizeof refused / sizeof refused[0])
{
    /* breaks when records lead to files that are not theirs, by dots, from the root, or by a link */
    char link[400], target[400];
    bench(base, "1", NULL, NULL);
    bench(other, "1", NULL, NULL);
    snprintf(link, sizeof link, "%s/link.hlog", base);
    snprintf(target, sizeof target, "%s/latency.hlog", other);
    ck_assert_int_eq(symlink(target, link), 0);
    write_records(record("a", refused[_i].file, refused[_i].tag));
    ck_assert_ptr_null(compare(4));
    program_expect_text(program.err, refused[_i].said);
}

static const struct {
    const char *text, *said;
} damaged[] = {
    {NULL, "the histograms of 1 records are not there"},
    {"", "has no lines of the tag SET-service"},
    {"Tag=GET-service,0,1,1,AAAA\n", "has no lines of the tag SET-service"},
    {"#\nTag=SET-service,0,1\n", "own.hlog:2: no histogram: it has too few members"},
    {"Tag=SET-service,0,1,1,AAA\n", "own.hlog:1: no histogram: it is cut short"},
    {"Tag=SET-service,0,1,1,!!!!!!!!!!!!\n", "own.hlog:1: no histogram: it is no base64"},
    {"Tag=SET-service,0,1,1,AAAAAAAAAAAAAAAA\n", "another encoding than V2"},
    {"Tag=SET-service,0,1,1,HISTFAAAAAQAAAAA\n", "own.hlog:1: no histogram: it cannot be unpacked"},
};

LOOP_TEST(files_that_are_damaged, sizeof damaged / sizeof damaged[0])
{
    /* breaks when a histogram that is not there, or is damaged, ends the comparison, is believed, or is not told */
    bench(base, "1", NULL, NULL);
    bench(other, "1", NULL, NULL);
    if (damaged[_i].text != NULL)
        temp_tree_write(&tree, "/base/own.hlog", damaged[_i].text, 0600);
    write_records(record("a", "own.hlog", "SET-service"));
    json_t *root = compare(0);
    program_expect_text(program.err, damaged[_i].said);
    ck_assert(isnan(merged(root, "p99_latency_ms", "base")));
    ck_assert(isnan(merged(root, "p99_latency_ms", "other")));
    json_decref(root);
}

TEST(a_file_that_is_none)
{
    /* breaks when a fifo is waited for */
    char path[400];
    bench(base, "1", NULL, NULL);
    bench(other, "1", NULL, NULL);
    snprintf(path, sizeof path, "%s/own.hlog", base);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    write_records(record("a", "own.hlog", "SET-service"));
    json_decref(compare(0));
    program_expect_text(program.err, "it is no regular file");
}

TEST_SUITE_WITH(compare_merged, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
