/* logs.txt of a suite: lines from before there is a file, and what others have printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "orchestrator/suite/suite_log.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/suite_tree.h"

static struct temp_tree tree;
static struct suite_log logged;
static struct err err;

static void set_up(void)
{
    temp_tree_make(&tree);
    logged = (struct suite_log){.file = NULL};
    err = (struct err){.code = OK};
    log_set_level(LOG_ERROR);
}

static void tear_down(void)
{
    suite_log_close(&logged);
    temp_tree_remove(&tree);
}

TEST(lines_wait_for_the_file)
{
    /* breaks when what is said before there is a directory is not in logs.txt, has another order, or has no end */
    struct suite_log common = {.file = NULL};
    suite_log_line(&common, LOG_INFO, "first");
    suite_log_line(&logged, LOG_WARNING, "second\n\x1b[1m");
    suite_log_put_before(&logged, &common);
    suite_log_close(&common);
    ck_assert_int_eq(suite_log_open(&logged, tree.path, &err), OK);
    suite_log_line(&logged, LOG_DEBUG, "third");
    char *text = suite_tree_read(tree.path, "logs.txt");
    const char *first = strstr(text, "Z INFO first\n");
    ck_assert_ptr_nonnull(first);
    const char *second = strstr(first, "Z WARNING second  [1m\n");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_nonnull(strstr(second, "Z DEBUG third\n"));
    free(text);
    for (unsigned i = 0; i < 3000; i++)
        suite_log_line(&common, LOG_INFO, "a line that is one of many, more than are kept");
    ck_assert_uint_le(common.early_bytes, SUITE_LOG_EARLY_BYTES);
    suite_log_close(&common);
}

TEST(what_others_print_is_text)
{
    /* breaks when control characters, bytes that are no UTF-8 or NUL get into logs.txt, or all of what is too long does */
    static const char printed[] = "\x1b]0;title\x07 one\r\ntwo\0three \xff\xfe f\xc3\xbc";
    const int fd = memfd_create("load", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, printed, sizeof printed - 1), sizeof printed - 1);
    ck_assert_int_eq(suite_log_open(&logged, tree.path, &err), OK);
    suite_log_copy(&logged, fd, 1000);
    char *text = suite_tree_read(tree.path, "logs.txt");
    ck_assert_str_eq(text, " ]0;title  one \ntwo three ?? f\xc3\xbc\n");
    free(text);
    suite_log_copy(&logged, fd, 5);
    text = suite_tree_read(tree.path, "logs.txt");
    ck_assert_ptr_nonnull(strstr(text, "\n(27 bytes before are left out)\n? f\xc3\xbc\n"));
    free(text);
    close(fd);
}

TEST_SUITE_WITH(suite_log, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 20)
