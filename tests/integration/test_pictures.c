/* PNG and SVG of real runs, drawn by gnuplot. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/picture_look.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char pictures[200];
static struct picture_look look;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(pictures, sizeof pictures, "%s/pictures", tree.path);
}

static void tear_down(void)
{
    picture_look_free(&look);
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define VOLLEY(...)                                                                                \
    do {                                                                                           \
        program_free(&program);                                                                    \
        program_run_volley(&program, __VA_ARGS__, NULL);                                           \
        ck_assert_msg(program.exit_status <= 1, "%s", program.err);                                \
    } while (0)

static void ck_png(const char *name)
{
    picture_look_png(&look, pictures, name);
}

static void ck_svg(const char *name)
{
    picture_look_svg(&look, pictures, name);
}

TEST(of_a_run)
{
    /* breaks when a run has no pictures, or its label becomes a command, markup or another path */
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set", "--qps", "500", "--test-duration",
           "2", "--interval", "100ms", "--label", "../it's `touch hurt` </text><script>", "--png",
           pictures, "--svg", pictures, "-q");
    ck_png("___it_s__touch_hurt____text__script__latency.png");
    ck_png("___it_s__touch_hurt____text__script__throughput.png");
    ck_png("___it_s__touch_hurt____text__script__percentiles.png");
    ck_svg("___it_s__touch_hurt____text__script__latency.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, "`touch hurt` &lt;/text>&lt;script>"));
    ck_assert_ptr_null(strstr(look.bytes, "<script>"));
    ck_assert_ptr_nonnull(strstr(look.bytes, ">p99<"));
    ck_svg("___it_s__touch_hurt____text__script__throughput.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, ">target<"));
    ck_svg("___it_s__touch_hurt____text__script__percentiles.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, ">service<"));
    ck_assert_int_eq(temp_tree_count(&tree), 7);
    ck_assert_int_ne(access("hurt", F_OK), 0);
}

TEST(of_a_journal)
{
    /* breaks when pictures of a run that is over cannot be had from its directory */
    char directory[200];
    snprintf(directory, sizeof directory, "%s/out", tree.path);
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set,get", "--test-duration", "1",
           "--interval", "100ms", "--out", directory, "-q");
    VOLLEY("report", directory, "--svg", pictures);
    ck_svg("run_latency.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, ">SET<"));
    ck_assert_ptr_nonnull(strstr(look.bytes, ">GET<"));
    ck_svg("run_percentiles.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, ">GET, service<"));
}

TEST(of_a_search)
{
    /* breaks when find-max or sweep has no picture, or report cannot draw it of their directories */
    char directory[200];
    snprintf(directory, sizeof directory, "%s/out", tree.path);
    /* two requests a window: no short stop of the machine at its end fails it */
    VOLLEY("find-max", "-p", server.port_text, "--cpus", "none", "--slo", "p99<10s", "--start-rate",
           "1", "--max-rate", "4", "--window", "500ms", "--windows", "1", "--warmup", "0", "-r",
           "10", "-q", "--label", "it's </text><script>", "--png", pictures, "--svg", pictures);
    ck_png("it_s___text__script__curve.png");
    ck_svg("it_s___text__script__curve.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, ">held<"));
    ck_assert_ptr_nonnull(strstr(look.bytes, "sustainable: 4"));
    ck_assert_ptr_null(strstr(look.bytes, "<script>"));
    VOLLEY("sweep", "-p", server.port_text, "--cpus", "none", "-t", "set", "--clients", "1,2",
           "--step-duration", "200ms", "--interval", "100ms", "--warmup", "0", "--out", directory);
    VOLLEY("report", directory, "--svg", pictures);
    ck_svg("run_curve.svg");
    ck_assert_ptr_nonnull(strstr(look.bytes, "SET, sweep of clients"));
    ck_assert_ptr_nonnull(strstr(look.bytes, ">measured<"));
}

static void run_scenario(char out[200])
{
    char file[200];
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
    snprintf(out, 200, "%s/out", tree.path);
    temp_tree_write(
        &tree, "/s.yaml",
        "name: seen\ndescription: d\nphases:\n"
        "  - {name: grow, type: load, keys: 20000, clients: 4, pipeline: 16}\n"
        "  - {name: use, type: hold, duration: 3, clients: 4, qps: 1000, mix: {get: 1}}\n"
        "  - {name: shrink, type: delete-fraction, fraction: 0.5, clients: 4}\n",
        0644);
    VOLLEY("run", "scenario", file, "-p", server.port_text, "--cpus", "none", "--output", out,
           "-q");
}

TEST(of_a_scenario)
{
    /* breaks when a scenario has not all pictures under the names that scripts expect, or phases are missing in them */
    static const char *const names[] = {"memory_analysis", "performance_correlation",
                                        "phase_heatmap"};
    char out[200], name[100];
    run_scenario(out);
    VOLLEY("visualize", "generate", "seen", "--output", out, "--output-dir", pictures, "--format",
           "all");
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "seen_%s.png", names[i]);
        ck_assert_ptr_nonnull(strstr(program.out, name));
        ck_png(name);
        snprintf(name, sizeof name, "seen_%s.svg", names[i]);
        ck_svg(name);
        ck_assert_ptr_nonnull(strstr(look.bytes, ">grow<"));
        ck_assert_ptr_nonnull(strstr(look.bytes, ">use<"));
        ck_assert_ptr_nonnull(strstr(look.bytes, ">shrink<"));
    }
    ck_assert_ptr_nonnull(strstr(program.out, "seen_dashboard.html"));
    VOLLEY("visualize", "generate", "seen", "--output", out, "--output-dir", tree.path, "--type",
           "phase_heatmap");
    ck_assert_ptr_nonnull(strstr(program.out, "/seen_phase_heatmap.png\n"));
    ck_assert_ptr_null(strstr(program.out, "dashboard"));
}

static void run_without_gnuplot(const char *const *argv)
{
    program_free(&program);
    program_run(&program,
                &(const struct program_options){
                    .argv = argv, .environment = (const char *const[]){"PATH=/nowhere", NULL}});
}
#define WITHOUT(...) run_without_gnuplot((const char *const[]){program_volley(), __VA_ARGS__, NULL})

TEST(without_gnuplot)
{
    /* breaks when a load is run for pictures that cannot be drawn, or nobody is told what to install; or a page waits for it */
    char out[200], path[400];
    WITHOUT("-p", server.port_text, "-n", "10", "--png", pictures);
    ck_assert_int_eq(program.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(program.err, "gnuplot-nox"));
    ck_assert_ptr_nonnull(strstr(program.err, "fonts-dejavu-core"));
    ck_assert_str_eq(program.out, "");
    WITHOUT("find-max", "--slo", "p99<1s", "-p", server.port_text, "--svg", pictures);
    ck_assert_int_eq(program.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(program.err, "gnuplot-nox"));
    program_free(&program);
    WITHOUT("run", "quick", "-p", "1", "--scale", "0.01", "--output", pictures, "--svg", pictures);
    ck_assert_int_eq(program.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(program.err, "gnuplot-nox"));
    ck_assert_ptr_null(strstr(program.err, "cannot connect"));
    run_scenario(out);
    WITHOUT("visualize", "generate", "seen", "--output", out, "--format", "png");
    ck_assert_int_eq(program.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(program.err, "gnuplot-nox"));
    WITHOUT("visualize", "generate", "seen", "--output", out, "--output-dir", pictures);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(program.err, "only the page"));
    ck_assert_ptr_nonnull(strstr(program.out, "seen_dashboard.html"));
    snprintf(path, sizeof path, "%s/seen_memory_analysis.png", pictures);
    ck_assert_int_ne(access(path, F_OK), 0);
}

TEST(a_gnuplot_that_fails)
{
    /* breaks when a picture that could not be drawn leaves half a file, or is told as drawn */
    char directory[200], out[200];
    static char path[400];
    snprintf(directory, sizeof directory, "%s/bin", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
    snprintf(path, sizeof path, "PATH=%s", directory);
    VOLLEY("-p", server.port_text, "--cpus", "none", "-t", "set", "-n", "2000", "--out", out, "-q");
    temp_tree_write(&tree, "/bin/gnuplot", "#!/bin/sh\necho 'cannot find a font' >&2\nexit 3\n",
                    0755);
    program_free(&program);
    program_run(&program, &(const struct program_options){
                              .argv = (const char *const[]){program_volley(), "report", out,
                                                            "--png", pictures, NULL},
                              .environment = (const char *const[]){path, NULL}});
    ck_assert_int_ne(program.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(program.err, "cannot find a font"));
    char picture[400];
    snprintf(picture, sizeof picture, "%s/run_latency.png", pictures);
    ck_assert_int_ne(access(picture, F_OK), 0);
    ck_assert_int_eq(rmdir(pictures), 0);
}

TEST(what_cannot_be)
{
    /* breaks when a type or format that does not exist is taken for another, or a load is run for a place that cannot be */
    static const char *const bad[][2] = {{"--type", "pie"}, {"--format", "jpg"}};
    for (size_t i = 0; i < 2; i++) {
        program_free(&program);
        program_run_volley(&program, "visualize", "generate", "x", bad[i][0], bad[i][1], NULL);
        ck_assert_int_eq(program.exit_status, 2);
        ck_assert_ptr_nonnull(strstr(program.err, bad[i][1]));
    }
    program_free(&program);
    program_run_volley(&program, "visualize", "generate", "x", "--type", "dashboard", "--format",
                       "png", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    program_free(&program);
    program_run_volley(&program, "-p", server.port_text, "-n", "10", "--png", "/nowhere/x/y", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_str_eq(program.out, "");
}

/* A gnuplot that is a shell, and waits for what it has started; a report of a run with it begins. */
static void begin_with_wrapper(char started[300])
{
    static char run[300], path[400], script[700];
    snprintf(run, sizeof run, "%s/run", tree.path);
    snprintf(started, 300, "%s/started", tree.path);
    snprintf(script, sizeof script,
             "#!/bin/sh\nsleep 600 &\necho $! >%s.part\nmv %s.part %s\nwait\n", started, started,
             started);
    temp_tree_write(&tree, "/bin/gnuplot", script, 0700);
    snprintf(path, sizeof path, "PATH=%s/bin:/usr/bin:/bin", tree.path);
    VOLLEY("-p", server.port_text, "-n", "100", "--out", run);
    program_free(&program);
    program_start(&program, &(const struct program_options){
                                .argv = (const char *const[]){program_volley(), "report", run,
                                                              "--svg", pictures, NULL},
                                .environment = (const char *const[]){path, NULL},
                                .deadline_ms = 50000});
    const uint64_t end_ns = clock_now_ns() + 20 * NS_PER_SECOND;
    while (access(started, F_OK) != 0 && clock_now_ns() < end_ns)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    ck_assert_int_eq(access(started, F_OK), 0);
}

/* Gone, or dead and not yet reaped by whoever reaps orphans here. */
static bool has_ended(const char *started)
{
    char path[64], state = 'Z';
    int pid = 0;
    FILE *file = fopen(started, "r");
    ck_assert(file != NULL && fscanf(file, "%d", &pid) == 1 && pid > 1);
    fclose(file);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    if (file != NULL && fscanf(file, "%*d %*s %c", &state) != 1)
        state = 'Z';
    if (file != NULL)
        fclose(file);
    return state == 'Z' || state == 'X';
}

static void expect_ended(const char *started)
{
    const uint64_t end_ns = clock_now_ns() + 5 * NS_PER_SECOND;
    while (!has_ended(started) && clock_now_ns() < end_ns)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    ck_assert(has_ended(started));
}

TEST(a_gnuplot_that_hangs)
{
    /* breaks when a gnuplot that waits for ever costs more than some seconds, or what it has started is left */
    char started[300];
    begin_with_wrapper(started);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 1);
    ck_assert_msg(strstr(program.err, "gnuplot does not draw the picture within 15 s") != NULL,
                  "%s", program.err);
    expect_ended(started);
}

TEST(interrupted_while_it_draws)
{
    /* breaks when Ctrl+C while gnuplot draws leaves files of names that nobody has asked for, or what a wrapper of gnuplot has
     * started */
    char started[300];
    begin_with_wrapper(started);
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 130);
    expect_ended(started);
    DIR *listing = opendir(pictures);
    ck_assert_ptr_nonnull(listing);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        ck_assert_msg(entry->d_name[0] == '.', "%s is left", entry->d_name);
    closedir(listing);
}

TEST_SUITE_WITH(pictures, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 200)
