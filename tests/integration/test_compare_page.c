/* `volley compare --html`, in a real browser: headless Chromium, by tests/support/page/check_page.js. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/report/student.h"
#include "tests/support/check/page_look.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char base[300], other[300], page[300];
static json_t *seen; /* what check_page.js tells */

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(base, sizeof base, "%s/base.json", tree.path);
    snprintf(other, sizeof other, "%s/other.json", tree.path);
    snprintf(page, sizeof page, "%s/page.html", tree.path);
}

static void tear_down(void)
{
    json_decref(seen);
    seen = NULL;
    program_free(&program);
    temp_tree_remove(&tree);
}

static void compare(int status)
{
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", base, "--new", other, "-o", "/dev/null",
                       "--html", page, NULL);
    ck_assert_msg(program.exit_status == status, "status %d, not %d: %s", program.exit_status,
                  status, program.err);
}

static void look(const char *const *words)
{
    json_decref(seen);
    seen = page_look(page, words);
}
#define LOOK(...) look((const char *const[]){__VA_ARGS__, NULL})

static const json_t *panel(const char *id)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(seen, "panels"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0)
            return one;
    }
    ck_abort_msg("no panel %s", id);
}

static size_t changes(void)
{
    return json_array_size(json_object_get(panel("forest"), "rows"));
}

static const char *change(size_t place)
{
    return json_string_value(json_array_get(json_object_get(panel("forest"), "rows"), place));
}

static const char *runs_of(void)
{
    return json_string_value(json_object_get(panel("runs"), "row"));
}

/* Five runs of each command; those of SET are slower the second time. */
static void write_side(const char *path, const char *commit, bool second,
                       const char *const *commands, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count * 5; i++) {
        const char *command = commands[i % count];
        const double slow = second && strcmp(command, "SET") == 0 ? 0.8 : 1;
        const double vary = normal_point(rng_unit(rng_at(second ? 2 : 1, i)));
        json_array_append_new(list,
                              json_pack("{ss ss si sf ss}", "commit", commit, "command", command,
                                        "pipeline", 10, "rps", 1e5 * slow * (1 + 0.01 * vary),
                                        "env_kernel", second ? "<script>hurt()</script>" : "6.1"));
    }
    ck_assert_int_eq(json_dump_file(list, path, 0), 0);
    json_decref(list);
}

static const char *const three[] = {"GET", "SET", "</script><b id=hurt>"};

static void write_three(void)
{
    write_side(base, "one", false, three, 3);
    write_side(other, "<i>two", true, three, 3);
}

TEST(what_stands_on_it)
{
    /* breaks when rows, their intervals or their runs are not drawn, the surest is not shown first, or text of records becomes
     * markup */
    write_three();
    compare(0);
    LOOK("--width", "1280");
    ck_assert_uint_eq(changes(), 3);
    ck_assert_str_eq(change(0), "</script><b id=hurt> P10/IO- rps");
    ck_assert_str_eq(runs_of(), "SET P10/IO- rps");
    ck_assert_int_eq(
        json_integer_value(json_array_get(json_object_get(panel("runs"), "counts"), 1)), 5);
    ck_assert_str_eq(json_string_value(json_object_get(seen, "title")),
                     "Benchmark Comparison: one vs <i>two");
}

TEST(table_and_panels_go_together)
{
    /* breaks when the table cannot be filtered or sorted, panels show other rows than it, or a row cannot be chosen */
    write_three();
    compare(0);
    LOOK("--choose", "#answers-command", "GET");
    ck_assert_uint_eq(changes(), 1);
    ck_assert_str_eq(change(0), "GET P10/IO- rps");
    LOOK("--choose", "#answers-answer", "slower");
    ck_assert_uint_eq(changes(), 1);
    ck_assert_str_eq(change(0), "SET P10/IO- rps");
    LOOK("--press", "#answers th:nth-last-child(2) button"); /* by change */
    ck_assert_str_eq(change(0), "SET P10/IO- rps");
    LOOK("--press", "#answers tr[data-row=\"1\"]");
    ck_assert_str_eq(runs_of(), "GET P10/IO- rps");
    LOOK("--keys", "forest", "ArrowUp");
    ck_assert_str_eq(runs_of(), "GET P10/IO- rps");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(seen, "tooltip")), "interval"));
}

TEST(widths_and_paper)
{
    /* breaks when something stands out at the width of a phone, in the dark, or on paper, where parts stay folded */
    write_three();
    compare(0);
    static const char *const widths[] = {"375", "800", "1600"};
    for (size_t i = 0; i < 3; i++) {
        LOOK("--width", widths[i], "--dark");
        ck_assert_double_eq(json_number_value(json_object_get(seen, "wide")), 0);
    }
    LOOK("--print");
    ck_assert_int_eq(json_integer_value(json_object_get(seen, "folded")), 0);
}

TEST(without_scripts)
{
    /* breaks when the table, its answers, or what else differs cannot be read where scripts are blocked */
    static const char *const wanted[] = {"faster",
                                         "slower by 2",
                                         "n=5",
                                         "What else differs",
                                         "<script>hurt()</script>",
                                         "Welch",
                                         "volley compare --baseline",
                                         "</script><b id=hurt>"};
    write_three();
    compare(0);
    LOOK("--plain");
    const char *text = json_string_value(json_object_get(seen, "text"));
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(strstr(text, wanted[i]) != NULL, "no %s in %s", wanted[i], text);
}

TEST(very_many_rows)
{
    /* breaks when a page of thousands of rows cannot be opened, the changes are not bounded, or it is not said what is left out */
    static char names[2100][12];
    static const char *commands[2100];
    for (size_t i = 0; i < 2100; i++) {
        snprintf(names[i], sizeof names[i], "C%zu", i);
        commands[i] = names[i];
    }
    commands[1234] = "SET";
    write_side(base, "a", false, commands, 2100);
    write_side(other, "b", true, commands, 2100);
    compare(0);
    LOOK("--width", "1280");
    ck_assert_uint_eq(changes(), 60);
    ck_assert_int_eq(json_integer_value(json_object_get(panel("forest"), "left_out")), 1940);
    ck_assert_str_eq(runs_of(), "SET P10/IO- rps");
    LOOK("--plain");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(seen, "text")), "100 of the rows are left out"));
}

TEST(what_is_no_page)
{
    /* breaks when a page takes the place of a result, or goes to standard output in the middle of a table */
    write_three();
    program_run_volley(&program, "compare", "--baseline", base, "--new", other, "--html", base,
                       NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "is no page"));
    program_free(&program);
    program_run_volley(&program, "compare", "--baseline", base, "--new", other, "--html", "-",
                       NULL);
    ck_assert_int_eq(program.exit_status, 2);
    compare(0); /* and what was there is still a result */
    compare(0); /* a page is replaced */
}

TEST_SUITE_WITH(compare_page, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 300)
