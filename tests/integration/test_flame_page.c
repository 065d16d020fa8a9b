/* A flame graph's page, in a real browser: headless Chromium, by tests/support/page/check_page.js. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "orchestrator/page/page_flame.h"
#include "tests/support/check/page_look.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define HURT "</script><b id=hurt>\"'&"

static struct temp_tree tree;
static struct program program;
static char page[300];
static json_t *seen; /* what check_page.js tells */

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(page, sizeof page, "%s/flame.html", tree.path);
}

static void tear_down(void)
{
    json_decref(seen);
    seen = NULL;
    program_free(&program);
    temp_tree_remove(&tree);
}

static enum err_code write_page(const char *folded, size_t bytes, struct err *err)
{
    static const char *const facts[] = {"command",  "SET <i>16</i> bytes",    "commit",
                                        "0123abcd", "instructions a request", "21,345",
                                        NULL};
    const struct page_flame_facts of = {
        .title = "SET <i>one", .facts = facts, .folded_name = "set.folded"};
    FILE *file = fmemopen((char *)(uintptr_t)folded, bytes, "r");
    ck_assert_ptr_nonnull(file);
    const enum err_code code = page_flame_write(page, &of, file, err);
    ck_assert_int_eq(fclose(file), 0);
    return code;
}

static void write_text(const char *folded)
{
    struct err err = {.code = OK};
    ck_assert_msg(write_page(folded, strlen(folded), &err) == OK, "%s", err.text);
}

/* 1,000 samples, 700 of them below the loop. */
static const char usual[] =
    "valkey-server;main;aeMain;processCommand;setCommand 300\n"
    "valkey-server;main;aeMain;processCommand;lookupKey 100\n"
    "valkey-server;main;aeMain;[libc.so.6];entry_SYSCALL_64_after_hwframe;tcp_sendmsg 250\n"
    "valkey-server;main;aeMain 50\n"
    "valkey-server;main;serverCron;lookupKey 100\n"
    "bio_lazy_free;" HURT ";[unknown] 200\n";

static void look(const char *const *words)
{
    json_decref(seen);
    seen = page_look(page, words);
}
#define LOOK(...) look((const char *const[]){__VA_ARGS__, NULL})

static const json_t *flame(void)
{
    const json_t *panels = json_object_get(seen, "panels");
    ck_assert_uint_eq(json_array_size(panels), 1);
    return json_array_get(panels, 0);
}

static json_int_t count_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The first one of this name, in the order of the drawing. */
static const json_t *frame(const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(flame(), "drawn"), i, one)
    {
        if (strcmp(text_of(one, "name"), name) == 0)
            return one;
    }
    ck_abort_msg("no frame %s", name);
}

static void check_frame(const char *name, json_int_t row, json_int_t samples, json_int_t self,
                        const char *kind)
{
    const json_t *one = frame(name);
    ck_assert_int_eq(count_of(one, "row"), row);
    ck_assert_int_eq(count_of(one, "samples"), samples);
    ck_assert_int_eq(count_of(one, "self"), self);
    ck_assert_str_eq(text_of(one, "kind"), kind);
}

TEST(what_is_drawn)
{
    /* breaks when frames have other samples than the folded stacks, widths are no shares, or a name becomes markup */
    write_text(usual);
    LOOK("--width", "1280");
    ck_assert_str_eq(text_of(seen, "title"), "SET <i>one");
    ck_assert_int_eq(count_of(flame(), "samples"), 1000);
    ck_assert_int_eq(count_of(flame(), "frames"), 14);
    check_frame("all", 0, 1000, 0, "unknown");
    check_frame("aeMain", 3, 700, 50, "server");
    check_frame("setCommand", 5, 300, 300, "server");
    check_frame("[libc.so.6]", 4, 250, 0, "library");
    check_frame("tcp_sendmsg", 6, 250, 250, "kernel");
    check_frame(HURT, 2, 200, 0, "server");
    const double all = json_number_value(json_object_get(frame("all"), "width"));
    const double loop = json_number_value(json_object_get(frame("aeMain"), "width"));
    ck_assert(fabs(loop / all - 0.7) < 1e-6);
}

TEST(zoom_and_back)
{
    /* breaks when keys or a click do not go to a frame, show it alone, or come back */
    write_text(usual);
    LOOK("--keys", "flame", "ArrowDown,ArrowDown,ArrowDown,ArrowDown,ArrowRight");
    ck_assert_str_eq(text_of(flame(), "at"), "[libc.so.6]");
    ck_assert_ptr_nonnull(strstr(text_of(seen, "tooltip"), "[libc.so.6]"));
    ck_assert_ptr_nonnull(strstr(text_of(seen, "tooltip"), "35.71 %")); /* of its caller */
    LOOK("--keys", "flame", "ArrowDown,ArrowDown,Enter");
    ck_assert_str_eq(text_of(flame(), "shown"), "main");
    check_frame("main", 0, 800, 0, "server");
    LOOK("--keys", "flame", "ArrowDown,ArrowDown,Enter,ArrowDown,Enter,Escape");
    ck_assert_str_eq(text_of(flame(), "shown"), "main");
    LOOK("--keys", "flame", "ArrowDown,ArrowDown,Enter,ArrowDown,Enter", "--press",
         ".crumbs button:first-child");
    ck_assert_str_eq(text_of(flame(), "shown"), "all");
    LOOK("--press", ".flame-plot canvas"); /* its middle: row 3 */
    ck_assert_str_eq(text_of(flame(), "shown"), "aeMain");
}

TEST(search)
{
    /* breaks when frames that are called so are not found, or what is below another match counts twice */
    write_text(usual);
    LOOK("--type", "#flame-search", "LOOKUPKEY");
    const json_t *matched = json_object_get(flame(), "matched");
    ck_assert_int_eq(count_of(matched, "frames"), 2);
    ck_assert_int_eq(count_of(matched, "samples"), 200);
    LOOK("--type", "#flame-search", "main");
    matched = json_object_get(flame(), "matched");
    ck_assert_int_eq(count_of(matched, "frames"), 2); /* main and aeMain */
    ck_assert_int_eq(count_of(matched, "samples"), 800);
    LOOK("--type", "#flame-search", "\"main\"");
    ck_assert_int_eq(count_of(json_object_get(flame(), "matched"), "frames"), 1);
    LOOK("--press", "#functions tbody tr:nth-child(4) button");
    matched = json_object_get(flame(), "matched");
    ck_assert_int_eq(count_of(matched, "frames"), 1); /* [unknown], the last */
    ck_assert_int_eq(count_of(matched, "samples"), 200);
}

TEST(widths_and_paper)
{
    /* breaks when something stands out at the width of a phone, in the dark, or on paper */
    static const char *const widths[] = {"375", "800", "1600"};
    write_text(usual);
    for (size_t i = 0; i < 3; i++) {
        LOOK("--width", widths[i], "--dark");
        ck_assert_double_eq(json_number_value(json_object_get(seen, "wide")), 0);
    }
    LOOK("--print");
}

TEST(without_scripts)
{
    /* breaks when facts or the table cannot be read where scripts are blocked, or a function that calls itself counts twice */
    static const char *const wanted[] = {
        "SET <i>16</i> bytes", "0123abcd",   "21,345",    "set.folded", "1,050",
        "are ignored: 1.",     "setCommand", "[unknown]", "Most self",  HURT};
    char text[sizeof usual + 64];
    snprintf(text, sizeof text, "%srubbish\nturn;turn;turn 50\n", usual);
    write_text(text);
    LOOK("--plain");
    const char *body = text_of(seen, "text");
    for (size_t i = 0; i + 1 < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(strstr(body, wanted[i]) != NULL, "no %s in %s", wanted[i], body);
    ck_assert_ptr_nonnull(strstr(body, "turn\tserver\t50\t4.76 %\t50\t4.76 %"));
    ck_assert_ptr_nonnull(strstr(body, "lookupKey\tserver\t200\t19.05 %\t200\t19.05 %"));
}

TEST(very_many_frames)
{
    /* breaks when a page of 100,000 frames has 4 MB, cannot be opened, or draws what nobody can see */
    struct err err = {.code = OK};
    struct stat about;
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    for (size_t i = 0; i < 100000; i++)
        fprintf(file, "main;group_%zu;function_number_%zu %zu\n", i % 1000, i, 1 + i % 7);
    for (size_t i = 0; i < 600; i++)
        fprintf(file, "%sturn", i > 0 ? ";" : "");
    fprintf(file, " 30000\n");
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(write_page(text, bytes, &err) == OK, "%s", err.text);
    free(text);
    ck_assert_int_eq(stat(page, &about), 0);
    ck_assert_int_lt(about.st_size, 4000000);
    LOOK("--width", "800");
    ck_assert_int_gt(count_of(flame(), "frames"), 101000);
    ck_assert_int_lt(count_of(flame(), "boxes"), 2000);
    ck_assert_double_eq(json_number_value(json_object_get(seen, "wide")), 0);
}

TEST(what_is_no_page)
{
    /* breaks when a page takes the place of a result, or a file without stacks becomes a page */
    struct err err = {.code = OK};
    struct stat about;
    ck_assert_int_eq(write_page("nothing\n", 8, &err), E_DATA);
    ck_assert_int_ne(stat(page, &about), 0);
    FILE *file = fopen(page, "w");
    ck_assert_ptr_nonnull(file);
    fputs("{\"a\": 1}\n", file);
    ck_assert_int_eq(fclose(file), 0);
    err = (struct err){.code = OK};
    ck_assert_int_eq(write_page(usual, sizeof usual - 1, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "is no page"));
    ck_assert_int_eq(stat(page, &about), 0);
    ck_assert_int_eq(about.st_size, 9);
    ck_assert_int_eq(remove(page), 0);
    write_text(usual);
    write_text(usual); /* a page is replaced */
}

TEST_SUITE_WITH(flame_page, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 300)
