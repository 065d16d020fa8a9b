/* The page of a suite under way in a real browser. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check/live_look.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/suite_tree.h"

#define HOSTILE "<b id=hurt>x</b>"
#define BROWSE(...) LIVE_LOOK_BEGIN(&look, &suite.tree, __VA_ARGS__)

static struct suite_tree suite;
static struct live_look look;

static void set_up(void)
{
    suite_tree_make(&suite);
}

static void tear_down(void)
{
    live_look_free(&look);
    suite_tree_remove(&suite);
}

static void begin(const char *linger)
{
    suite_tree_start(&suite, "--runs", "2", "--listen", "0", "--listen-linger", linger, NULL);
    live_look_open(&look, &suite.tree, &suite.program);
}

TEST(a_page_grows_with_the_suite)
{
    /* breaks when combinations are not seen as they are measured, a result is missing, there twice or not as in metrics.json, a name
     * becomes markup, the end is not told, or the page is asked for anew at each result */
    BROWSE("--until", "live && live.results >= 1 && !live.over && live.now.includes(', run ')",
           "--until", "live.results >= 2 && !live.over", "--until", "live.over");
    suite_tree_configure(&suite, "[{\"duration\": 1, \"commands\": [\"SET\", \"GET\"], "
                                 "\"scenario\": \"" HOSTILE "\", " SUITE_TREE_NEEDED "}]");
    begin("60");
    live_look_end(&look);
    const char *text = live_look_text(&look, "text");
    json_t *records = suite_tree_records(&suite);
    ck_assert_uint_eq(json_array_size(records), 4);
    ck_assert_double_eq(run_json_number(look.seen, "live.results"), 4);
    ck_assert_double_eq(run_json_number(look.seen, "live.snapshots"), 1);
    program_expect_text(live_look_text(&look, "said"), "The suite has ended (");
    program_expect_text(text, "4 of 4 runs: 4 measured, 0 failed, 0 there already; ");
    program_expect_text(text, "scenario=" HOSTILE);
    program_expect_text(text, suite_tree_text(json_array_get(records, 0), "verdict"));
    ck_assert_str_eq(live_look_text(&look, "now"), "");
    json_decref(records);
}

TEST(a_page_that_was_away_catches_up)
{
    /* breaks when results are missing, or there twice, after the connection was lost for a while, or nobody is told; or when something
     * stands out at the width of a phone, or the token is not asked for */
    char token_path[200];
    snprintf(token_path, sizeof token_path, "%s/token", suite.tree.path);
    temp_tree_write(&suite.tree, "/token", "0123456789abcdef\n", 0600);
    BROWSE("--width", "375", "--dark", "--type", "input[name=token]", "0123456789abcdef", "--until",
           "live && live.results >= 1 && !live.over", "--offline", "--until", "live.lost", "--say",
           "lost", "--online", "--until", "live.said.includes('it was lost for')", "--until",
           "live.over");
    suite_tree_configure(&suite, "[{\"duration\": 1, \"commands\": [\"SET\", \"GET\"], "
                                 "" SUITE_TREE_NEEDED "}]");
    suite_tree_start(&suite, "--runs", "3", "--listen", "0", "--listen-linger", "60",
                     "--listen-token", token_path, NULL);
    live_look_open(&look, &suite.tree, &suite.program);
    live_look_end(&look);
    ck_assert_double_eq(run_json_number(look.seen, "live.results"), 6);
    ck_assert_double_eq(run_json_number(look.seen, "live.snapshots"), 1);
}

TEST(a_page_says_what_has_failed)
{
    /* breaks when a failure or its cause is not seen, or the page takes the suite's death for its end */
    BROWSE("--until", "live && live.over", "--say", "over");
    suite_tree_configure(
        &suite, "[{\"requests\": 500, \"commands\": [\"SET\"], "
                "\"custom-server-configs\": {\"save\": \"<b id=hurt>\"}, " SUITE_TREE_NEEDED "}]");
    begin("60");
    live_look_end(&look);
    program_expect_text(live_look_text(&look, "said"), "The suite has failed: 2 of 2 runs failed");
    program_expect_text(live_look_text(&look, "text"), "<b id=hurt>");
}

TEST(a_page_outlives_its_suite)
{
    /* breaks when the page does not say that nobody answers any more, or loses what it has */
    BROWSE("--until", "live && live.results >= 1", "--say", "grown", "--until", "live.lost");
    suite_tree_configure(&suite, "[{\"duration\": 1, \"commands\": [\"SET\", \"GET\"], "
                                 "" SUITE_TREE_NEEDED "}]");
    begin("0");
    program_wait_text(&look.browser, PROGRAM_OUT, "grown\n");
    program_signal(&suite.program, SIGKILL);
    live_look_end(&look);
    ck_assert_double_ge(run_json_number(look.seen, "live.results"), 1);
    program_expect_text(live_look_text(&look, "said"), "The connection was lost at ");
}

TEST_SUITE_WITH(suite_page, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 180)
