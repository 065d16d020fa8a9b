/* What find-max and sweep have found as a page has it: its data, and what stands in it without a script. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/page_curve.h"
#include "orchestrator/page/page_state.h"
#include "tests/support/check/suite.h"

static struct page *page;
static json_t *document;
static struct err err;
static char *html;
static size_t html_bytes;

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
    free(html);
    page = NULL;
    document = NULL;
    html = NULL;
}

static void read_text(const char *text)
{
    json_error_t why;
    json_decref(document);
    document = json_loads(text, 0, &why);
    ck_assert_msg(document != NULL, "line %d: %s", why.line, why.text);
}

#define PROBE(rate, end, passed, more)                                                             \
    "{\"rate\": {\"asked\": " #rate ", \"achieved\": " #rate "}, \"end\": \"" end                  \
    "\", \"passed\": " passed ", \"retest\": false, \"windows_passed\": 2, \"windows_judged\": "   \
    "3, \"seconds\": 1, \"error_share\": 0.25, \"backlog\": 7, " more "}"
#define GOOD                                                                                       \
    "\"reason\": \"\", \"response_time_us\": {\"p50\": 100, \"p99\": 1200, \"p99_9\": 1500, "      \
    "\"max\": 2000}, "                                                                             \
    "\"verdict\": {\"level\": \"GREEN\", \"checks\": []}"
#define BAD                                                                                        \
    "\"reason\": \"<b>behind\", \"response_time_us\": {\"p50\": 900, \"p99_9\": null, \"max\": "   \
    "9000}, \"at_least_us\": {\"p99_9\": 8000, \"max\": 9500}, \"verdict\": {\"level\": "          \
    "\"AMBER\", \"checks\": ["                                                                     \
    "{\"name\": \"loop_lag\", \"level\": \"AMBER\", \"text\": \"<i>late\", \"advice\": \"\"}, "    \
    "{\"name\": \"wait\", \"level\": \"AMBER\", \"text\": \"t\", \"advice\": \"\"}, "              \
    "{\"name\": \"slip\", \"level\": \"GREEN\", \"text\": \"t\", \"advice\": \"\"}]}"

static const char search[] =
    "{\"schema\": \"volley.find-max/1\", \"name\": \"</script>\", \"objectives\": [{\"text\": "
    "\"<u>p99<1ms\", \"figure\": \"percentile\", \"percent\": 99, \"limit_us\": 1000}], \"error\": "
    "null, \"interrupted\": false, \"result\": "
    "{\"status\": \"found\", \"sustainable_per_second\": 20370, \"windows_passed\": 4, "
    "\"windows_judged\": 5, \"first_failing_per_second\": "
    "30000, \"interval\": {\"confidence\": 0.95, \"lower_per_second\": 20000, "
    "\"upper_per_second\": 30000}, \"limit\": {\"kind\": \"objective\", \"name\": \"p99\", "
    "\"evidence\": \"<s>why\"}}, \"probes\": [" PROBE(30000, "lost", "false", BAD) ", " PROBE(
        20370, "whole", "true", GOOD) ", " PROBE(20370, "error", "false", GOOD) "]}";

static const json_t *point(size_t index)
{
    return json_array_get(json_object_get(page_result_newest(page)->curve, "points"), index);
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "no %s", key);
    return text;
}

static void write_html(void)
{
    struct output out = {.file = NULL};
    FILE *file = open_memstream(&html, &html_bytes);
    output_borrow(&out, file);
    ck_assert_int_eq(page_write(page, PAGE_CURVE, NULL, &out, &err), OK);
    fclose(file);
}

TEST(figures_of_probes)
{
    /* breaks when a point has other figures than the document, another name than the table of figures, or a bound looks
     * measured */
    read_text(search);
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    ck_assert_double_eq(page_curve_number(point(1), "rate.target"), 20370);
    ck_assert_double_eq(page_curve_number(point(1), "response_time_us.p99_9"), 1500);
    ck_assert_double_eq(page_curve_number(point(0), "response_time_us.p99_9"), -8000);
    ck_assert_double_eq(page_curve_number(point(0), "response_time_us.max"), -9500);
    ck_assert_double_eq(page_curve_number(point(0), "failed_percent"), 25);
    ck_assert_double_eq(page_curve_number(point(0), "requests.backlog"), 7);
    ck_assert(isnan(page_curve_number(point(0), "worker_cpu_percent")));
    const json_t *figures = json_object_get(page_result_newest(page)->curve, "figures");
    ck_assert_str_eq(word(json_object_get(figures, "response_time_us.p50"), "unit"), "us");
}

TEST(outcomes)
{
    /* breaks when a probe that counts for nothing looks like one that failed, or a busy volley like a slow server */
    read_text(search);
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    ck_assert_str_eq(word(point(0), "outcome"), "not held");
    ck_assert_str_eq(word(point(1), "outcome"), "held");
    ck_assert_str_eq(word(point(2), "outcome"), "not judged");
    ck_assert_uint_eq(json_array_size(json_object_get(point(0), "doubts")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(point(0), "client")), 1);
    ck_assert_ptr_eq(page_curve_best(page_result_newest(page)->curve), point(1));
}

TEST(without_a_script)
{
    /* breaks when what was found is not told without a script, or text of a document becomes markup */
    read_text(search);
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    write_html();
    static const char *const there[] = {"FOUND",   "20,370",     "20,000 to 30,000", "1.5 ms",
                                        "&#8805;", "not judged", "&#60;b&#62;behind"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        ck_assert_msg(strstr(html, there[i]) != NULL, "no %s", there[i]);
    static const char *const hurt[] = {"<b>behind", "<i>late", "<u>p99", "<s>why"};
    for (size_t i = 0; i < sizeof hurt / sizeof hurt[0]; i++)
        ck_assert_msg(strstr(html, hurt[i]) == NULL, "%s is markup", hurt[i]);
}

TEST(objectives_broken_in_some_windows)
{
    /* breaks when a figure above what was asked for stands beside the rate that was found, and nothing says why */
    read_text(search);
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    write_html();
    static const char *const there[] = {"sustained<br>kept in 4 of 5 windows<br>95 % confidence",
                                        "in all windows together<br>kept in 2 of 3 windows",
                                        "<li><b>Kept</b> in 4 of 5 windows at the rate"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        ck_assert_msg(strstr(html, there[i]) != NULL, "no %s", there[i]);
}

TEST(of_a_sweep)
{
    /* breaks when a step has lost its value, its note, or what it was asked to keep */
    read_text(
        "{\"schema\": \"volley.sweep/1\", \"name\": \"GET\", \"swept\": \"clients\", \"loop\": "
        "\"closed\", \"points\": {\"baseline\": 1, \"degradation\": 8, \"breaking\": null}, "
        "\"objectives\": [{\"text\": \"max<1s\", \"limit_us\": 1e6}], \"steps\": [{\"value\": "
        "1, \"ops_per_second\": 500, \"latency_us\": {\"p50\": 10}, \"error_share\": 0, "
        "\"client_cpu_share\": 1.5, \"workers\": 2, \"server_mb\": null, \"note\": "
        "\"baseline\", \"error\": null, \"objectives\": [{\"kept\": true, \"value\": 1}]}, "
        "{\"value\": 8, \"ops_per_second\": 400, \"latency_us\": {\"p50\": 90}, "
        "\"error_share\": 0, \"client_cpu_share\": 1, \"workers\": 2, \"server_mb\": 2, "
        "\"note\": \"degradation point (x)\", \"error\": null, \"objectives\": [{\"kept\": "
        "false, \"value\": 2}]}]}");
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    ck_assert_double_eq(page_curve_number(point(0), "service_time_us.p50"), 10);
    ck_assert_double_eq(page_curve_number(point(0), "worker_cpu_percent"), 75);
    ck_assert_double_eq(page_curve_number(point(1), "server_mb"), 2);
    ck_assert(isnan(page_curve_number(point(0), "server_mb")));
    ck_assert_str_eq(word(point(1), "outcome"), "not held");
    ck_assert_ptr_eq(page_curve_best(page_result_newest(page)->curve), point(0));
    write_html();
    ck_assert_ptr_nonnull(strstr(html, "GET, sweep of clients"));
    ck_assert_ptr_nonnull(strstr(html, "<b>clients 8</b>: degradation point (x)"));
}

#define USERS(users, mode, loop, rate, more)                                                       \
    "{\"users\": " #users ", \"mode\": \"" mode "\", \"loop\": \"" loop                            \
    "\", \"seconds\": 1, \"requests_per_second\": " #rate                                          \
    ", \"latency_us\": {\"mean\": 100, \"p95\": 200}, \"error_share\": 0, \"volley_mb\": 12.5, "   \
    "\"server_mb\": 2, \"error\": null, \"note\": \"" more "\"}"
/* clang-format off: rows */
static const char users[] =
    "{\"schema\": \"volley.load-test/1\", \"name\": \"SET\", \"points\": {\"buffer\": "
    "{\"baseline\": "
    "1, \"degradation\": null}, \"bypass\": {\"baseline\": 1, \"degradation\": 5}}, \"runs\": "
    "[" USERS(1, "buffer", "open", 50, "baseline") ", " USERS(
        1, "bypass", "closed", 60,
        "baseline") ", " USERS(5, "buffer", "open", 250,
                               "") ", " USERS(5, "bypass", "closed", 61,
                                              "degradation point (<i>why)") "], "
                                                                            "\"memory_scaling\": "
                                                                            "[{\"users\": 1, "
                                                                            "\"enabled_mb\": 12.5, "
                                                                            "\"bypass_mb\": 13, "
                                                                            "\"difference_mb\": "
                                                                            "-0.5, "
                                                                            "\"expected_difference_"
                                                                            "mb\": "
                                                                            "0.25}]}";
/* clang-format on */

TEST(of_users_in_both_modes)
{
    /* breaks when times of both modes are called the same, a mark stands at the other mode's run, or what the buffer takes is
     * lost */
    read_text(users);
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    const json_t *curve = page_result_newest(page)->curve;
    ck_assert_double_eq(page_curve_number(point(0), "response_time_us.p95"), 200);
    ck_assert_double_eq(page_curve_number(point(1), "service_time_us.mean"), 100);
    ck_assert_double_eq(page_curve_time(point(1), "p95"), 200);
    ck_assert_double_eq(page_curve_number(point(0), "difference_mb"), -0.5);
    ck_assert(isnan(page_curve_number(point(1), "difference_mb")));
    ck_assert_str_eq(page_curve_times(curve), "Latency");
    json_t *bypass = page_curve_mode(curve, 1);
    ck_assert_uint_eq(json_array_size(json_object_get(bypass, "points")), 2);
    ck_assert_str_eq(word(bypass, "mode"), "bypass");
    ck_assert_double_eq(page_curve_real(json_object_get(bypass, "marked"), "degradation"), 5);
    json_decref(bypass);
    write_html();
    static const char *const there[] = {
        "one run for each number of users, with the buffer and without",
        "<li><b>users 5, bypass</b>: degradation point (&#60;i&#62;why)",
        "250",
        "15,000",
        "at users 5, buffer",
        ">-0.5 MB<",
        ">+256.0 KB<",
        "SET, load-test"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        ck_assert_msg(strstr(html, there[i]) != NULL, "no %s", there[i]);
    ck_assert_ptr_null(strstr(html, "<b>users 5, buffer</b>: "));
}

TEST(of_users_in_one_mode)
{
    /* breaks when a load test without a buffer has modes, or loses where it got worse */
    read_text(
        "{\"schema\": \"volley.load-test/1\", \"points\": {\"bypass\": {\"degradation\": 5}}, "
        "\"runs\": [" USERS(5, "bypass", "open", 250, "degradation point (x)") "]}");
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    const json_t *curve = page_result_newest(page)->curve;
    ck_assert_ptr_null(json_object_get(curve, "modes"));
    ck_assert_str_eq(page_curve_times(curve), "Response time");
    write_html();
    ck_assert_ptr_nonnull(strstr(html, "<b>users 5</b>: degradation point (x)"));
    ck_assert_ptr_null(strstr(html, "<table class=\"rows\" id=\"memory\">"));
}

TEST(what_is_no_document)
{
    /* breaks when a file of anybody's becomes a page, or brings volley down */
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"schema\": \"volley.run/1\"}",
        "{\"schema\": \"volley.sweep/1\"}",
        "{\"schema\": \"volley.load-test/1\", \"runs\": {}}",
        "{\"schema\": \"volley.find-max/1\", \"probes\": []}",
        "{\"schema\": \"volley.sweep/1\", \"swept\": \"<script>\", \"steps\": [{}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        read_text(texts[i]);
        err.code = OK;
        ck_assert_msg(page_curve_set(page, document, &err) == E_DATA, "%s", texts[i]);
        ck_assert_ptr_null(page_result_newest(page)->curve);
    }
    read_text("{\"schema\": \"volley.find-max/1\", \"result\": 5, \"objectives\": {}, \"probes\": "
              "[1, {\"rate\": [], \"verdict\": \"x\"}]}");
    err.code = OK;
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    write_html();
    free(html);
    read_text(
        "{\"schema\": \"volley.load-test/1\", \"points\": 7, \"memory_scaling\": [1, {\"users\": "
        "\"x\"}], \"runs\": [1, {\"users\": -1, \"mode\": 5}]}");
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    write_html();
}

TEST(runs_are_called_after_their_load)
{
    /* breaks when the runs of a search, which are all of one test, cannot be told apart over time */
    json_t *regions = page_result_newest(page)->regions;
    for (int i = 0; i < 4; i++)
        json_array_append_new(regions, json_pack("{s:s, s:s}", "kind", "run", "name", "SET"));
    read_text(search);
    ck_assert_int_eq(page_curve_set(page, document, &err), OK);
    ck_assert_str_eq(word(json_array_get(regions, 0), "name"), "SET"); /* filled the keys */
    ck_assert_str_eq(word(json_array_get(regions, 1), "name"), "30,000/s");
    ck_assert_str_eq(word(json_array_get(regions, 3), "name"), "20,370/s");
}

TEST_SUITE_WITH(page_curve, .set_up = set_up, .tear_down = tear_down)
