/* The script of pages, in a browser: made-up results (tests/support/page/sample_page.js), looked at by check_page.js, which
 * also fails when the console has an error or anything is asked of the network. Needs node, Chromium, the script that the
 * build makes, and the modules of tests/support/js/package.json (VOLLEY_JS, or build/js). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define BUNDLE "build/page/bundle.js"

static struct temp_tree tree;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
}

/* What is drawn of a sample, with these arguments of check_page.js; the caller's. */
static json_t *look(const char *sample, const char *arguments)
{
    char command[1024];
    const char *modules = getenv("VOLLEY_JS");
    struct program program;
    json_error_t error;
    snprintf(command, sizeof command,
             "node tests/support/page/sample_page.js " BUNDLE " '%s' %s && VOLLEY_JS='%s' "
             "node tests/support/page/check_page.js '%s/%s.html' %s",
             tree.path, sample, modules != NULL ? modules : "build/js", tree.path, sample,
             arguments);
    const struct program_options options = {
        .argv = (const char *const[]){"bash", "-c", command, NULL}, .deadline_ms = 110000};
    program_run(&program, &options);
    ck_assert_msg(program.exit_status == 0, "%s: %s", command, program.err);
    json_t *told = json_loads(program.out, 0, &error);
    ck_assert_msg(told != NULL, "%s: %s", command, error.text);
    program_free(&program);
    return told;
}

/* NULL: there is none. */
static const json_t *panel_of(const json_t *told, const char *id)
{
    size_t i;
    const json_t *panel;
    json_array_foreach(json_object_get(told, "panels"), i, panel)
    {
        if (strcmp(json_string_value(json_object_get(panel, "id")), id) == 0)
            return panel;
    }
    return NULL;
}

static const json_t *series_of(const json_t *told, const char *id, const char *label)
{
    size_t i;
    const json_t *series;
    json_array_foreach(json_object_get(panel_of(told, id), "series"), i, series)
    {
        if (strcmp(json_string_value(json_object_get(series, "label")), label) == 0)
            return series;
    }
    ck_abort_msg("no series %s in a panel %s", label, id);
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_number(number), "%s is no number", key);
    return json_number_value(number);
}

static double edge_of(const json_t *told, size_t index)
{
    return json_number_value(json_array_get(json_object_get(told, "window"), index));
}

TEST(test_text_is_no_markup)
{
    /* breaks if a name, a mark or a label of a result becomes markup, or breaks the page on a phone */
    json_t *told = look("hostile", "--width 375");
    const char *title = json_string_value(json_object_get(told, "title"));
    ck_assert_msg(strncmp(title, "<img src=x", 10) == 0, "the title is %s", title);
    ck_assert_ptr_nonnull(panel_of(told, "class_rate:1"));
    ck_assert_double_eq(number_of(told, "wide"), 0);
    json_decref(told);
}

TEST(test_a_stall_stays_visible)
{
    /* breaks if one row of 14,400 is lost when all are shown, or if more is drawn than pixels can show */
    json_t *told = look("hours4", "");
    const json_t *rate = series_of(told, "rate", "achieved");
    const json_t *longest = series_of(told, "response", "max");
    ck_assert_double_eq(number_of(rate, "rows"), 14400);
    ck_assert_double_eq(number_of(rate, "least"), 0);
    ck_assert_double_lt(number_of(rate, "points"), 3000);
    ck_assert_double_gt(number_of(longest, "most"), 500000);
    json_decref(told);
}

TEST(test_a_gap_and_a_bound)
{
    /* breaks if a line goes on where nothing is known, or if "at least" is drawn as if it had been measured */
    json_t *told = look("failover", "");
    ck_assert_double_eq(number_of(series_of(told, "response", "p50"), "gaps"), 1);
    ck_assert_double_eq(number_of(series_of(told, "response", "p50"), "open"), 0);
    ck_assert_double_eq(number_of(series_of(told, "response", "max"), "open"), 2);
    ck_assert_double_eq(number_of(series_of(told, "response", "max"), "most"), 3200000);
    json_decref(told);
}

TEST(test_points_of_a_search)
{
    /* breaks when what came of a probe is not told, a bound passes for a measurement, a percentile that was asked for is
     * missing, or words of a search become markup */
    static const char *const signs[] = {"held", "not held", "not judged", "open", "client"};
    json_t *told = look("search", "--width 375 --keys curve_times ArrowLeft");
    const json_t *shown = json_object_get(panel_of(told, "curve_times"), "signs");
    ck_assert_uint_eq(json_array_size(shown), sizeof signs / sizeof signs[0]);
    for (size_t i = 0; i < json_array_size(shown); i++)
        ck_assert_str_eq(json_string_value(json_array_get(shown, i)), signs[i]);
    ck_assert_double_eq(number_of(series_of(told, "curve_times", "p99"), "open"), 1);
    ck_assert_double_eq(number_of(series_of(told, "curve_times", "p99"), "last"), 9e6);
    ck_assert_double_eq(number_of(series_of(told, "curve_times", "p75"), "points"), 7);
    ck_assert_ptr_null(panel_of(told, "curve_errors"));
    ck_assert_double_eq(number_of(told, "wide"), 0);
    const char *tooltip = json_string_value(json_object_get(told, "tooltip"));
    ck_assert_msg(tooltip != NULL &&
                      strstr(tooltip, "probe 3: not held, kept in 1 of 5 windows") != NULL &&
                      strstr(tooltip, ">= 9 s") != NULL && strstr(tooltip, "<img src=x") != NULL,
                  "%s", tooltip);
    json_decref(told);
}

TEST(test_probes_at_one_load)
{
    /* breaks when of probes at one rate, whose points lie over one another, only one can be read */
    json_t *told = look("search", "--keys curve_times ArrowRight,ArrowRight,ArrowRight");
    const char *tooltip = json_string_value(json_object_get(told, "tooltip"));
    ck_assert_msg(tooltip != NULL && strstr(tooltip, "probe 5: held, kept in 5 of 5") != NULL &&
                      strstr(tooltip, "probe 7, again: held, kept in 5 of 5") != NULL &&
                      strstr(tooltip, "p99\t700 us\t900 us") != NULL,
                  "%s", tooltip);
    json_decref(told);
}

static size_t names_of(const json_t *panel, const char *list, const char *beginning)
{
    size_t i, count = 0;
    const json_t *name;
    json_array_foreach(json_object_get(panel, list), i, name) count +=
        strncmp(json_string_value(name), beginning, strlen(beginning)) == 0;
    return count;
}

TEST(test_names_of_steps)
{
    /* breaks if the names of a sweep's warm-ups are hidden by those of its steps, if none is named where there are many, or if
     * many have grey entries in the legend that nobody can tell apart */
    json_t *told = look("steps", "");
    ck_assert_uint_eq(names_of(panel_of(told, "rate"), "names", "clients "), 3);
    ck_assert_uint_eq(names_of(panel_of(told, "rate"), "names", "warm-up"), 3);
    ck_assert_uint_eq(
        json_array_size(json_object_get(panel_of(told, "p99_against_rate"), "groups")), 3);
    json_decref(told);
    told = look("steps16", "--width 1280");
    ck_assert_uint_gt(names_of(panel_of(told, "rate"), "names", "clients "), 5);
    ck_assert_uint_eq(
        json_array_size(json_object_get(panel_of(told, "p99_against_rate"), "groups")), 1);
    json_decref(told);
}

TEST(test_zoom_and_filter)
{
    /* breaks if panels show other rows than those of the window, or a phase is not where it was */
    json_t *told = look("scenario", "--filter shrink_1");
    ck_assert_double_eq_tol(edge_of(told, 0), 660, 1e-6);
    ck_assert_double_eq_tol(edge_of(told, 1), 720, 1e-6);
    ck_assert_double_eq(number_of(series_of(told, "memory", "used"), "points"), 60);
    json_decref(told);
    told = look("scenario", "--filter 'type mixed' --zoom 800 900");
    ck_assert_double_eq_tol(edge_of(told, 0), 800, 1e-6);
    /* those of the phase, from 840 on, and one that leads out of the window */
    ck_assert_double_eq(number_of(series_of(told, "memory", "used"), "points"), 61);
    json_decref(told);
}

TEST(test_keys)
{
    /* breaks if a panel cannot be used without a mouse */
    json_t *told = look("failover", "--keys rate ArrowRight,ArrowRight,+");
    ck_assert_double_eq_tol(edge_of(told, 1) - edge_of(told, 0), 90, 1e-6);
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(told, "tooltip")), "50,000 requests/s"));
    json_decref(told);
    told = look("failover", "--keys rate +,+,0,f");
    ck_assert_double_eq_tol(edge_of(told, 1), 180, 1e-6);
    ck_assert_str_eq(json_string_value(json_object_get(told, "focus")), "filter");
    json_decref(told);
}

TEST(test_differences)
{
    /* breaks if two results that differ by chance alone are said to differ, or those that do are not, or their heat maps
     * cannot be compared, since each has a scale of its own */
    json_t *told = look("alike", "");
    ck_assert_ptr_null(panel_of(told, "difference:0"));
    json_decref(told);
    told = look("two", "--dark");
    const json_t *one = panel_of(told, "heat:0"), *other = panel_of(told, "heat:1");
    ck_assert_double_eq(number_of(one, "most"), number_of(other, "most"));
    ck_assert_double_eq(number_of(one, "bottom"), number_of(other, "bottom"));
    ck_assert_double_eq(number_of(one, "top"), number_of(other, "top"));
    ck_assert_str_eq(json_string_value(json_object_get(panel_of(told, "difference:0"), "title")),
                     "Rate against valkey 8.0");
    json_decref(told);
}

TEST(test_little_to_show)
{
    /* breaks if a result without panels, or of one row, is an error */
    json_t *told = look("nothing", "");
    ck_assert_uint_eq(json_array_size(json_object_get(told, "panels")), 0);
    json_decref(told);
    told = look("empty", "");
    ck_assert_uint_eq(json_array_size(json_object_get(told, "panels")), 0);
    json_decref(told);
    told = look("tiny", "--print");
    ck_assert_double_eq(number_of(series_of(told, "rate", "achieved"), "rows"), 1);
    ck_assert_ptr_null(panel_of(told, "memory"));
    json_decref(told);
}

TEST_SUITE_WITH(page_script, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 240)
