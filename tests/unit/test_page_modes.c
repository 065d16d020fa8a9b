/* What compare-modes has found as a page and a picture have it. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/page_comparison.h"
#include "orchestrator/page/page_modes.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/page/picture.h"
#include "tests/support/check/suite.h"

static struct page *page;
static json_t *document;
static struct err err;
static char *text;
static size_t text_bytes;

static void set_up(void)
{
    err.code = OK;
    page = page_create();
    ck_assert_ptr_nonnull(page);
    ck_assert_int_eq(page_result_add(page, NULL, &err), OK);
}

static void tear_down(void)
{
    page_destroy(page);
    json_decref(document);
    free(text);
    page = NULL;
    document = NULL;
    text = NULL;
}

static json_t *run(double rate, bool counts)
{
    return json_pack("{s:f, s:f, s:{s:f, s:n}, s:s, s:b, s:o}", "requests_per_second", rate,
                     "error_percent", 0.5, "latency", "p50_latency_ms", rate / 100,
                     "p99_latency_ms", "verdict", "AMBER", "counts", counts, "error",
                     counts ? json_null() : json_string("<i>an outage"));
}

static json_t *mode(const char *name, double rate)
{
    return json_pack("{s:s, s:s, s:i, s:[o, o, o]}", "name", name, "text", "<u>text", "counted", 2,
                     "runs", run(rate, true), run(rate + 2, true), run(9 * rate, false));
}

/* A of 100 and 102 requests a second, B of 50 and 52; a third run of each does not count. */
static void make_document(const char *name)
{
    document = json_pack(
        "{s:s, s:s, s:o, s:o, s:i, s:f, s:f, s:s, s:{s:f, s:f}, s:[{s:s, s:f, s:f, s:f, s:n}], "
        "s:[{s:s, s:s, s:s, s:s, s:{s:i, s:f, s:f}, s:{s:i, s:f, s:f}}]}",
        "schema", "volley.compare-modes/1", "name", "<b>SET", "a", mode(name, 100), "b",
        mode("bypass (B)", 50), "planned", 3, "confidence", 0.95, "threshold", 0.05, "verdict",
        "<s>verdict", "errors", "a_percent", 0.5, "b_percent", 0.25, "latency_matrix", "column",
        "Write(<b>)", "p50_ms", 1.25, "p90_ms", 2.0, "p95_ms", 3.0, "p99_ms", "rows", "command",
        "SET", "metric", "rps", "answer", "faster", "answer_text", "faster by 98 %", "base", "runs",
        2, "mean", 51.0, "stdev", 1.4142135623730951, "other", "runs", 2, "mean", 101.0, "stdev",
        1.4142135623730951);
    ck_assert_ptr_nonnull(document);
}

static const json_t *comparison(void)
{
    return page_result_newest(page)->comparison;
}

TEST(a_comparison)
{
    /* breaks when A and B change places, a run that does not count is drawn, or the interval around a mean is another than Student's
     * (12.706 errors of the mean of two runs) */
    make_document("minimal (A)");
    ck_assert_int_eq(page_modes_set(page, document, &err), OK);
    const json_t *row = json_array_get(json_object_get(comparison(), "rows"), 0);
    const json_t *a = json_object_get(row, "other");
    ck_assert_uint_eq(json_array_size(json_object_get(a, "values")), 2);
    ck_assert_double_eq(json_number_value(json_array_get(json_object_get(a, "values"), 1)), 102);
    ck_assert_double_eq_tol(json_number_value(json_object_get(a, "low")), 101 - 12.7062, 1e-3);
    ck_assert_double_eq_tol(json_number_value(json_object_get(a, "high")), 101 + 12.7062, 1e-3);
    const json_t *other = json_object_get(comparison(), "other");
    ck_assert_int_eq(json_integer_value(json_object_get(other, "runs")), 2);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(other, "verdicts"), "AMBER")), 2);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(comparison(), "answers"), "faster")), 1);
}

TEST(without_a_script)
{
    /* breaks when something of it is told by a script alone, or text of a document becomes markup */
    static const char *const there[] = {"&#60;s&#62;verdict",
                                        "<td class=\"number\">1.250",
                                        "2 of 3 runs count",
                                        ">101<",
                                        "B: 51",
                                        "6,060",
                                        "0.500 %",
                                        "Write(&#60;b&#62;)",
                                        "faster by 98 %",
                                        "&#60;i&#62;an outage"};
    static const char *const hurt[] = {"<s>verdict", "<u>text", "<b>SET", "(<b>)", "<i>an outage"};
    make_document("<h1>minimal (A)");
    ck_assert_int_eq(page_modes_set(page, document, &err), OK);
    struct output out = {.file = NULL};
    FILE *file = open_memstream(&text, &text_bytes);
    output_borrow(&out, file);
    ck_assert_int_eq(page_write(page, PAGE_COMPARISON, NULL, &out, &err), OK);
    fclose(file);
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        ck_assert_msg(strstr(text, there[i]) != NULL, "no %s", there[i]);
    for (size_t i = 0; i < sizeof hurt / sizeof hurt[0]; i++)
        ck_assert_msg(strstr(text, hurt[i]) == NULL, "%s is markup", hurt[i]);
    ck_assert_ptr_null(strstr(text, "<th class=\"number\">io_threads"));
}

TEST(runs_are_called_after_their_mode)
{
    /* breaks when runs, which are all of one test, cannot be told apart over time, or a prefill counts as one of them */
    json_t *regions = page_result_newest(page)->regions;
    for (int i = 0; i < 7; i++)
        json_array_append_new(regions, json_pack("{s:s, s:s}", "kind", "run", "name", "SET"));
    make_document("minimal (A)");
    ck_assert_int_eq(page_modes_set(page, document, &err), OK);
    static const char *const names[] = {"SET", "A 1", "B 1", "A 2", "B 2", "A 3", "B 3"};
    for (size_t i = 0; i < 7; i++)
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(regions, i), "name")),
                         names[i]);
}

TEST(as_a_picture)
{
    /* breaks when a run, a percentile or the band of a mean is missing, or a name of a mode is more than text */
    make_document("x'`touch hurt`");
    ck_assert_int_eq(page_modes_set(page, document, &err), OK);
    FILE *out = open_memstream(&text, &text_bytes);
    ck_assert(picture_of_modes.write(out, PICTURE_PNG, page_result_newest(page)));
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "$p50 << EOD\n1 1.25\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(text, "$p99 << EOD\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(text, "$runs_b << EOD\n1 50\n2 52\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(text, "$runs_b_out << EOD\n3 450\nEOD\n"));
    ck_assert_ptr_nonnull(strstr(text, "from graph 0, first 88.29"));
    ck_assert_ptr_nonnull(strstr(text, "'x''`touch hurt`'"));
}

TEST(what_is_no_document)
{
    /* breaks when a file of anybody's becomes a page, or brings volley down */
    static const char *const texts[] = {
        "{}", "[]", "{\"schema\": \"volley.compare-modes/1\"}",
        "{\"schema\": \"volley.compare-modes/1\", \"a\": {\"runs\": 5}}",
        "{\"schema\": \"volley.sweep/1\", \"a\": {\"runs\": [1]}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        document = json_loads(texts[i], 0, NULL);
        err.code = OK;
        ck_assert_msg(page_modes_set(page, document, &err) == E_DATA, "%s", texts[i]);
        ck_assert_ptr_null(comparison());
        json_decref(document);
    }
    document = json_loads("{\"schema\": \"volley.compare-modes/1\", \"a\": {\"runs\": [1, {}]}, "
                          "\"b\": 7, \"rows\": [5, {\"base\": 1}], \"latency_matrix\": [2]}",
                          0, NULL);
    err.code = OK;
    ck_assert_int_eq(page_modes_set(page, document, &err), OK);
    FILE *file = open_memstream(&text, &text_bytes);
    struct output out = {.file = NULL};
    output_borrow(&out, file);
    ck_assert_int_eq(page_write(page, PAGE_COMPARISON, NULL, &out, &err), OK);
    ck_assert(picture_of_modes.write(file, PICTURE_PNG, page_result_newest(page)));
    fclose(file);
}

TEST_SUITE_WITH(page_modes, .set_up = set_up, .tear_down = tear_down)
