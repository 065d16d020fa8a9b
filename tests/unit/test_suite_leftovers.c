/* What a suite that was killed has left in its results, and what only looks like it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/suite/suite_leftovers.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
}

TEST(only_what_is_left_goes)
{
    /* breaks when a half-written file of a killed suite stays, or anything else of that directory goes */
    static const char *const left[] = {"/.run.json",
                                       "/.run.json.a1b2c3.tmp",
                                       "/metrics.json.zzzzz0.tmp",
                                       "/.perf.data",
                                       "/run-12.hlog.abcdef.tmp",
                                       "/comparison.md.123456.tmp",
                                       "/run-1.hlog.q0q0q0.tmp",
                                       "/flamegraph-1-GET.html.abcdef.tmp",
                                       "/flamegraph-2-LRANGE_100.folded.abcdef.tmp"};
    static const char *const kept[] = {"/metrics.json",
                                       "/metrics.json.damaged-1",
                                       "/run-12.hlog",
                                       "/run-x.hlog.abcdef.tmp",
                                       "/run-1-x.hlog.abcdef.tmp",
                                       "/mine.abcdef.tmp",
                                       "/metrics.json.abcde.tmp",
                                       "/metrics.json.ABCDEF.tmp",
                                       "/run.json.abcdef.tmp",
                                       "/flamegraph-1-GET.html",
                                       "/.run.json.abcdef.tmp.gz",
                                       "/run-1.hlogs.abcdef.tmp",
                                       "/logs.txt",
                                       "/.volley-suite.lock"};
    char path[300];
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        temp_tree_write(&tree, left[i], "half", 0600);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        temp_tree_write(&tree, kept[i], "whole", 0600);
    snprintf(path, sizeof path, "%s/metrics.json.llllll.tmp", tree.path);
    ck_assert_int_eq(symlink("metrics.json", path), 0);
    snprintf(path, sizeof path, "%s/metrics.json.dddddd.tmp", tree.path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_uint_eq(suite_leftovers_remove(tree.path), sizeof left / sizeof left[0]);
    ck_assert_int_eq(temp_tree_count(&tree), (int)(sizeof kept / sizeof kept[0]) + 2);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        snprintf(path, sizeof path, "%s%s", tree.path, kept[i]);
        ck_assert_msg(access(path, F_OK) == 0, "%s is gone", kept[i]);
    }
    ck_assert_uint_eq(suite_leftovers_remove("/nowhere/at/all"), 0);
}

TEST_SUITE_WITH(suite_leftovers, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 20)
