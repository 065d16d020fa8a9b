/* `volley compare --graphs`: bars and single runs, drawn by gnuplot. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/rng.h"
#include "orchestrator/report/student.h"
#include "tests/support/check/picture_look.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char base[300], other[300], graphs[300];
static struct picture_look look;

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(base, sizeof base, "%s/base.json", tree.path);
    snprintf(other, sizeof other, "%s/other.json", tree.path);
    snprintf(graphs, sizeof graphs, "%s/graphs", tree.path);
}

static void tear_down(void)
{
    picture_look_free(&look);
    program_free(&program);
    temp_tree_remove(&tree);
}

#define BOTH "--baseline", base, "--new", other
#define COMPARE(...)                                                                               \
    do {                                                                                           \
        program_free(&program);                                                                    \
        program_run_volley(&program, "compare", __VA_ARGS__, NULL);                                \
    } while (0)

static json_t *record(const char *commit, const char *command, int pipeline, double rps)
{
    return json_pack("{ss ss si si si si sf sf}", "commit", commit, "command", command, "data_size",
                     16, "pipeline", pipeline, "io_threads", 1, "clients", 50, "rps", rps,
                     "p99_latency_ms", 1e5 / rps);
}

static json_t *records(const char *commit, const char *command, unsigned count, uint64_t seed)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list,
                              record(commit, command, 10,
                                     1e5 * (1 + 0.01 * normal_point(rng_unit(rng_at(seed, i))))));
    return list;
}

static void write_json(const char *path, json_t *json)
{
    ck_assert_int_eq(json_dump_file(json, path, 0), 0);
    json_decref(json);
}

static void write_pair(const char *command, unsigned count)
{
    write_json(base, records("ff7135836b5d9ccaa19d5dbaf2a0b0325755c8b4", command, count, 1));
    write_json(other, records("unstable", command, count, 2));
}

static void read_graph(const char *name)
{
    picture_look_read(&look, graphs, name);
}

TEST(names_of_the_other_tool)
{
    /* breaks when graphs have other names than scripts expect, are not listed, are no PNG, or latencies are drawn that nobody
     * asked for */
    char wanted[900];
    write_pair("SET", 5);
    COMPARE(BOTH, "--metrics", "rps", "-o", "/dev/null", "--graphs", "--graph-dir", graphs);
    program_expect_status(&program, 0);
    snprintf(wanted, sizeof wanted,
             "Generated 2 graph(s):\n%s/benchmark_comparison_consolidated.png\n"
             "%s/variance_line_graph_cmd_SET_pipeline_10_io_1_rps.png\n",
             graphs, graphs);
    ck_assert_str_eq(program.out, wanted);
    static const char *const names[] = {"benchmark_comparison_consolidated.png",
                                        "variance_line_graph_cmd_SET_pipeline_10_io_1_rps.png"};
    for (size_t i = 0; i < 2; i++) {
        picture_look_png(&look, graphs, names[i]);
    }
    COMPARE(BOTH, "--metrics", "latency", "--graphs", "--graph-dir", graphs);
    program_expect_status(&program, 0);
    program_expect_text(program.err,
                        "_io_1_p99_latency_ms.png\n"); /* the table has standard output */
    ck_assert_ptr_null(strstr(program.err, "_rps.png"));
    ck_assert_ptr_null(strstr(program.out, "Generated"));
}

TEST(what_they_show)
{
    /* breaks when a series has another name than {commit}-P{pipeline}/IO{io_threads}, a figure is missing, or runs and answer
     * are not in the graph of a row */
    write_pair("SET", 5);
    COMPARE(BOTH, "-o", "/dev/null", "--graphs", "--graph-dir", graphs, "--graph-format", "svg");
    program_expect_status(&program, 0);
    read_graph("benchmark_comparison_consolidated.svg");
    program_expect_text(look.bytes, ">ff713583-P10/IO1<");
    program_expect_text(look.bytes, ">unstable-P10/IO1<");
    program_expect_text(look.bytes, ">rps (more is better)<");
    program_expect_text(look.bytes, ">p99_latency_ms (less is better)<");
    read_graph("variance_line_graph_cmd_SET_pipeline_10_io_1_rps.svg");
    program_expect_text(look.bytes, "SET P10/IO1, rps of single runs: ");
    program_expect_text(look.bytes, ">unstable, n=5<");
    program_expect_text(look.bytes, ">unstable, mean<");
}

TEST(text_is_text)
{
    /* breaks when a name becomes a command of gnuplot, markup, or another path */
    write_pair("../it's `touch hurt` </text><script>", 3);
    COMPARE(BOTH, "-o", "/dev/null", "--graphs", "--graph-dir", graphs, "--graph-format", "svg");
    program_expect_status(&program, 0);
    read_graph(
        "variance_line_graph_cmd____it_s__touch_hurt____text__script__pipeline_10_io_1_rps.svg");
    program_expect_text(look.bytes, "`touch hurt` &lt;/text>&lt;script>");
    ck_assert_ptr_null(strstr(look.bytes, "<script>"));
    read_graph("benchmark_comparison_consolidated.svg");
    ck_assert_ptr_null(strstr(look.bytes, "<script>"));
    ck_assert_int_ne(access("hurt", F_OK), 0);
}

TEST(names_that_clash)
{
    /* breaks when the graph of one configuration replaces that of another whose name is spelt alike */
    json_t *lists[2] = {json_array(), json_array()};
    static const char *const commands[] = {"A B", "A_B", "A?B"};
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < 6; i++)
            json_array_append_new(lists[side],
                                  record(side == 0 ? "a" : "b", commands[i % 3], 1, 100 + i));
    write_json(base, lists[0]);
    write_json(other, lists[1]);
    COMPARE(BOTH, "--metrics", "rps", "-o", "/dev/null", "--graphs", "--graph-dir", graphs);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "Generated 4 graph(s):");
    read_graph("variance_line_graph_cmd_A_B_pipeline_1_io_1_rps.png");
    read_graph("variance_line_graph_cmd_A_B_pipeline_1_io_1_rps_2.png");
    read_graph("variance_line_graph_cmd_A_B_pipeline_1_io_1_rps_3.png");
}

TEST(odd_values)
{
    /* breaks when a configuration of one side, single runs, or figures that are all 0 cannot be drawn */
    write_json(base,
               json_pack("[o o o]", record("a", "SET", 1, 5), record("a", "ONLY", 1, 7),
                         json_pack("{ss ss sf}", "commit", "a", "command", "ZERO", "rps", 0.0)));
    write_json(other,
               json_pack("[o o o]", record("b", "SET", 1, 5),
                         json_pack("{ss ss sf}", "commit", "b", "command", "ZERO", "rps", 0.0),
                         json_pack("{ss ss sf}", "commit", "b", "command", "ZERO", "rps", 0.0)));
    COMPARE(BOTH, "-o", "/dev/null", "--graphs", "--graph-dir", graphs, "--graph-format", "svg");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "Generated 2 graph(s):");
    read_graph("variance_line_graph_cmd_ZERO_rps.svg");
    program_expect_text(look.bytes, "</svg>");
    read_graph("benchmark_comparison_consolidated.svg");
    program_expect_text(look.bytes, ">ONLY 50 16<");
}

TEST(many_configurations)
{
    /* breaks when ten thousand configurations make as many files, or it is not said what is left out */
    json_t *lists[2] = {json_array(), json_array()};
    for (int side = 0; side < 2; side++)
        for (unsigned i = 0; i < 300 * 2; i++) {
            char command[20];
            snprintf(command, sizeof command, "C%u", i % 300);
            json_array_append_new(
                lists[side], record(side == 0 ? "a" : "b", command, (int)(i % 300) % 7, 100 + i));
        }
    write_json(base, lists[0]);
    write_json(other, lists[1]);
    COMPARE(BOTH, "--metrics", "rps", "-o", "/dev/null", "--graphs", "--graph-dir", graphs,
            "--graph-format", "svg");
    program_expect_status(&program, 0);
    program_expect_text(program.out, "Generated 72 graph(s):");
    program_expect_text(program.out, "/benchmark_comparison_consolidated_8.svg\n");
    program_expect_text(program.err, "configurations are left out of the graphs of bars: 8 sheets");
    program_expect_text(program.err,
                        "the single runs of 236 rows are left out: 64 graphs are the most");
    ck_assert_int_eq(temp_tree_count(&tree), 2 + 1 + 72);
}

TEST(without_gnuplot)
{
    /* breaks when graphs that cannot be drawn are no failure, nobody is told what to install, or the option where they go is
     * taken alone */
    write_pair("SET", 2);
    program_run(&program,
                &(const struct program_options){
                    .argv = (const char *const[]){program_volley(), "compare", BOTH, "--graphs",
                                                  "--graph-dir", graphs, NULL},
                    .environment = (const char *const[]){"PATH=/nowhere", NULL}});
    program_expect_status(&program, 1);
    program_expect_text(program.err, "--graphs: gnuplot draws PNG and SVG, and is not in PATH");
    ck_assert_str_eq(program.out, "");
    ck_assert_int_ne(access(graphs, F_OK), 0);
    COMPARE(BOTH, "--graph-dir", graphs);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "--graphs is missing");
    COMPARE(BOTH, "-o", "/dev/null", "--graphs", "--graph-dir", "/nowhere/x/y");
    program_expect_status(&program, 2);
    COMPARE(BOTH, "--graphs", "--graph-format", "jpg");
    program_expect_status(&program, 2);
    program_expect_text(program.err, "jpg");
}

TEST_SUITE_WITH(compare_graphs, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
