/* The files of a run, read with other people's readers: run.json by a JSON Schema validator (ajv),
 * latency.hlog by hdr-histogram-js. Needs node and the modules of tests/support/js/package.json
 * under build/js, or where VOLLEY_JS says; the Makefile installs them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define SCHEMA "docs/schema/volley.run-1.schema.json"

static char *directory;

static void set_up(void)
{
    directory = fixture_directory();
}

static void tear_down(void)
{
    fixture_remove(directory);
}

/* Runs check_files.js; *output (NULL: dropped) is the caller's. Returns its exit status. */
static int run_node(const char *arguments, char **output)
{
    char command[1024];
    const char *modules = getenv("VOLLEY_JS");
    snprintf(command, sizeof command,
             "VOLLEY_JS='%s' timeout 60 node tests/support/js/check_files.js %s 2>&1",
             modules != NULL ? modules : "build/js", arguments);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    char *bytes = NULL;
    size_t byte_count = 0;
    FILE *copy = open_memstream(&bytes, &byte_count);
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe))
        fputc(c, copy);
    fclose(copy);
    int status = pclose(pipe);
    if (output != NULL)
        *output = bytes;
    else
        free(bytes);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void add_sinks(struct timeline *timeline)
{
    struct sink sink;
    struct err err = {.code = OK};
    char path[256];
    ck_assert_int_eq(timeline_init(timeline, &err), OK);
    snprintf(path, sizeof path, "%s/run.json", directory);
    ck_assert_int_eq(sink_json(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(timeline, sink);
    snprintf(path, sizeof path, "%s/latency.hlog", directory);
    ck_assert_int_eq(sink_hdr_log(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(timeline, sink);
}

TEST(produced_json_is_valid)
{
    /* breaks if run.json and its schema disagree */
    struct timeline timeline;
    struct session_facts session = fixture_session();
    add_sinks(&timeline);
    fixture_play(&timeline, &session);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    char arguments[512], *output;
    snprintf(arguments, sizeof arguments, "schema " SCHEMA " %s/run.json", directory);
    ck_assert_msg(run_node(arguments, &output) == 0, "%s", output);
    free(output);
}

LOOP_TEST(a_missing_key_is_invalid, 10)
{
    /* breaks if the schema lets a file pass that lacks what programs rely on, or has another type */
    static const char *const spoilt[] = {"requests", "service_time_us", "verdict", "intervals",
                                         "started"};
    struct timeline timeline;
    struct session_facts session = fixture_session();
    add_sinks(&timeline);
    fixture_play(&timeline, &session);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    char path[256], arguments[512], *output;
    snprintf(path, sizeof path, "%s/run.json", directory);
    snprintf(arguments, sizeof arguments, "schema " SCHEMA " %s", path);
    json_t *json = json_load_file(path, 0, NULL);
    json_t *run = json_array_get(json_object_get(json, "runs"), 0);
    const char *key = spoilt[_i % 5];
    if (_i < 5)
        json_object_del(run, key);
    else
        json_object_set_new(run, key, json_integer(-1));
    ck_assert_int_eq(json_dump_file(json, path, 0), 0);
    json_decref(json);
    ck_assert_int_eq(run_node(arguments, &output), 1);
    ck_assert_msg(strstr(output, key) != NULL, "%s", output);
    free(output);
}

/* Values over the whole range, from a fixed recurrence. */
static void fill(struct interval_row *row, uint64_t seed)
{
    uint64_t state = seed;
    for (int i = 0; i < 20000; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t bits = 10 + (state >> 59) / 2; /* 1 us .. 60 ms */
        fixture_answer(row, (1ull << bits) + ((state >> 20) & ((1ull << bits) - 1)), 1);
    }
    fixture_answer(row, 3599ull * NS_PER_SECOND, 1);
    fixture_answer(row, 1, 1);
}

TEST(another_reader_finds_the_same_percentiles)
{
    /* breaks if latency.hlog says something else to HDR tools than volley's own report */
    struct timeline timeline;
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    struct interval_row *rows[3];
    struct err err = {.code = OK};
    add_sinks(&timeline);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    for (uint32_t i = 0; i < 3; i++) {
        rows[i] = fixture_row(i);
        fill(rows[i], 42 + i);
        ck_assert_int_eq(timeline_interval(&timeline, rows[i], &err), OK);
    }
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(result);

    char arguments[512], *output;
    snprintf(arguments, sizeof arguments, "hlog %s/latency.hlog", directory);
    ck_assert_msg(run_node(arguments, &output) == 0, "%s", output);
    char *line = output;
    for (uint32_t i = 0; i < 3; i++) {
        const struct histogram *histogram = &rows[i]->histograms[HISTOGRAM_SERVICE_OK];
        json_t *json = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        ck_assert_msg(json != NULL, "%s", line);
        line = strchr(line, '\n') + 1;
        ck_assert_str_eq(json_string_value(json_object_get(json, "tag")), "GET-service");
        ck_assert_double_eq_tol(json_number_value(json_object_get(json, "start")),
                                (double)FIXTURE_WALL_NS / (double)NS_PER_SECOND + i, 0.002);
        ck_assert_double_eq_tol(json_number_value(json_object_get(json, "length")), 1.0, 0.002);
        ck_assert_uint_eq(json_integer_value(json_object_get(json, "count")), 20002);
        ck_assert_uint_eq(json_integer_value(json_object_get(json, "p50")),
                          histogram_quantile(histogram, 0.50));
        ck_assert_uint_eq(json_integer_value(json_object_get(json, "p99")),
                          histogram_quantile(histogram, 0.99));
        uint32_t last = histogram_index(histogram->max_ns);
        ck_assert_uint_ge(json_integer_value(json_object_get(json, "max")),
                          histogram_lowest_value(last));
        ck_assert_uint_le(json_integer_value(json_object_get(json, "max")),
                          histogram_highest_value(last));
        json_decref(json);
        free(rows[i]);
    }
    ck_assert_str_eq(line, "");
    free(output);
}

TEST_SUITE_WITH(report_files, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
