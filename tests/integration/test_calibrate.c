/* volley calibrate on directories of runs, and on a run.json alone. */
#include <stdio.h>
#include <string.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define KPIS                                                                                       \
    "printf '# mine\\nkpis:\\n  rate:\\n    metric: volley_rate  # a second\\n    warning: TBD\\n" \
    "    critical: TBD\\n  memory:\\n    metric: memory_mb\\n    warning: TBD\\n    critical: "    \
    "TBD\\n' > kpis.yaml; "
#define LOAD "$volley bench --null -r 10 --processes 1 --duration 0.2 -q "

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

static void shell(const char *line, int status)
{
    program_free(&program);
    program_run_shell(&program, tree.path, line, status);
}

TEST(test_limits_come_from_runs)
{
    /* Breaks when a run is counted twice or not at all, a figure that no run knows gets limits, or the file loses what a
     * person wrote. */
    shell(KPIS LOAD "--runs 3 --out a >/dev/null; " LOAD "--runs 2 --out b >/dev/null; "
                    "$volley calibrate --from a kpis.yaml",
          4);
    program_expect_text(program.err, "3 runs: limits from fewer than 5");
    shell("cp kpis.yaml before; $volley calibrate --from a b --dry-run kpis.yaml && cmp kpis.yaml "
          "before",
          0);
    program_expect_text(program.out, "5 runs of ");
    program_expect_text(program.out, "kpis.yaml: would be\n# mine\n");
    shell("$volley calibrate --from a b/run.json kpis.yaml && cat kpis.yaml && $volley validate "
          "kpis kpis.yaml",
          0);
    program_expect_text(program.out, "too few runs know it: it stays as it is");
    program_expect_text(program.out,
                        "# mine\nkpis:\n  rate:\n    metric: volley_rate  # a second\n");
    ck_assert_ptr_null(
        strstr(strstr(program.out, "# a second"), "warning: TBD\n    critical: TBD\n  memory"));
    program_expect_text(program.out, "metric: memory_mb\n    warning: TBD\n    critical: TBD\n");
    shell("$volley calibrate --from a b kpis.yaml", 0);
    program_expect_text(program.out, "nothing is left to fill in; --again replaces numbers, too");
    shell("mkdir c; cp a/run.json c/one.json; cp b/run.json c/two.json; $volley calibrate --from "
          "c/one.json c/two.json --again kpis.yaml",
          0);
    program_expect_text(program.out, "kpis.yaml: written");
}

TEST(test_the_same_value_makes_no_limits)
{
    /* Breaks when runs that do not vary make limits that the next interval breaks. */
    shell("for i in 1 2 3 4 5; do echo '{\"runs\": [{\"name\": \"a\", \"rate\": {\"achieved\": "
          "1000}}]}' > "
          "$i.json; done; " KPIS "cp kpis.yaml before; $volley calibrate --from 1.json 2.json "
          "3.json 4.json 5.json kpis.yaml && cmp kpis.yaml before",
          0);
    program_expect_text(program.out, "all runs had the same value");
    program_expect_text(program.out, "run without --qps, or write its limits by hand");
    program_expect_text(program.out, "nothing is left to fill in");
}

static const struct {
    const char *line;
    int status;
    const char *says;
} bad[] = {
    {"$volley calibrate kpis.yaml", 2, "name runs and a file of KPIs"},
    {"$volley calibrate --from none kpis.yaml", 4, "the run none cannot be read"},
    {"mkdir d; $volley calibrate --from d kpis.yaml", 4, "cannot read d/journal"},
    {"echo 5 > x.json; $volley calibrate --from x.json kpis.yaml", 4, "is no run.json"},
    {"echo 'kpis: {a: {metric: b}}' > bad; $volley calibrate --from d bad", 3,
     "no figure is called b"},
    {"$volley alerts", 2, "say what to do"},
    {"$volley alerts export kpis.yaml", 2, "export needs --prometheus"},
    {"$volley alerts check none", 3, "none"},
};

LOOP_TEST(test_bad_lines, sizeof bad / sizeof bad[0])
{
    /* Breaks when a mistake is answered with limits, or without a sentence. */
    char line[1000];
    snprintf(line, sizeof line, "%s%s", KPIS, bad[_i].line);
    shell(line, bad[_i].status);
    program_expect_text(program.err, bad[_i].says);
}

TEST_SUITE_WITH(calibrate, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
