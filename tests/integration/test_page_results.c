/* Pages of whatever stands in a directory: runs that were interrupted, files that are missing or cut, very many intervals. What is
 * read here needs no browser: it stands in a page without a script. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/report/sinks.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char page[200], out[200], run_path[400], file[200];
static char *html;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(page, sizeof page, "%s/page.html", tree.path);
    snprintf(out, sizeof out, "%s/out", tree.path);
    snprintf(file, sizeof file, "%s/s.yaml", tree.path);
}

static void tear_down(void)
{
    free(html);
    html = NULL;
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define VOLLEY(status, ...)                                                                        \
    do {                                                                                           \
        program_free(&program);                                                                    \
        program_run_volley(&program, __VA_ARGS__, NULL);                                           \
        ck_assert_msg(program.exit_status == (status), "%d: %s%s", program.exit_status,            \
                      program.err, program.out);                                                   \
    } while (0)

static size_t size_of(const char *path)
{
    struct stat status;
    ck_assert_msg(stat(path, &status) == 0, "%s: %s", path, strerror(errno));
    return (size_t)status.st_size;
}

/* What people read: up to the data. */
static void read_page(void)
{
    const size_t bytes = size_of(page);
    FILE *in = fopen(page, "r");
    free(html);
    html = calloc(1, bytes + 1);
    ck_assert_uint_eq(fread(html, 1, bytes, in), bytes);
    fclose(in);
    char *data = strstr(html, "<script id=\"data\"");
    ck_assert_ptr_nonnull(data);
    *data = '\0';
}

static void ck_says(const char *words)
{
    const char *body = strstr(html, "<body>");
    ck_assert_msg(strstr(body, words) != NULL, "no \"%s\" in %.3000s", words, body);
}

static void ck_says_not(const char *words)
{
    const char *body = strstr(html, "<body>");
    ck_assert_msg(strstr(body, words) == NULL, "\"%s\" in %.3000s", words, body);
}

/* Its one directory below out. */
static void find_run(void)
{
    VOLLEY(0, "visualize", "list-scenarios", "--output", out);
    char *name = strstr(program.out, "seen_");
    ck_assert_ptr_nonnull(name);
    snprintf(run_path, sizeof run_path, "%s/%.*s", out, (int)strcspn(name, " "), name);
}

#define SCENARIO                                                                                   \
    "name: seen\ndescription: d\nphases:\n"                                                        \
    "  - {name: grow, type: load, keys: 5000, clients: 4, pipeline: 16}\n"                         \
    "  - {name: rest, type: idle, duration: 2}\n"                                                  \
    "checks:\n  - {metric: keys, agg: last, phase: rest, op: \"==\", value: 5000, "                \
    "severity: fail}\n"
#define AT_SERVER "-p", server.port_text, "--cpus", "none", "--output", out, "-q"

static void run_scenario(void)
{
    temp_tree_write(&tree, "/s.yaml", SCENARIO, 0644);
    VOLLEY(0, "run", "scenario", file, AT_SERVER, "--html", page);
    read_page();
    find_run();
}

static const char *path_of(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", run_path, name);
    return path;
}

/* So much of a file stays. */
static void cut(const char *name, size_t taken)
{
    const char *path = path_of(name);
    ck_assert_int_eq(truncate(path, (off_t)(size_of(path) - taken)), 0);
}

static void generate(int status)
{
    unlink(page);
    program_free(&program);
    program_run_volley(&program, "report", run_path, "--html", page, "-q", NULL);
    ck_assert_msg(program.exit_status == status, "%d: %s%s", program.exit_status, program.err,
                  program.out);
    if (access(page, R_OK) == 0)
        read_page();
}

TEST(of_a_scenario_and_of_its_directory)
{
    /* breaks when the page of a scenario needs a second command, or its directory makes another one than its run did */
    run_scenario();
    ck_says("1 of 1 checks hold");
    ck_says("<td>grow<td>load");
    ck_says("Ratios of RSS are left out below 100 MB");
    char *before = strdup(html);
    generate(0);
    ck_assert_str_eq(html, before);
    free(before);
    VOLLEY(0, "report", run_path, "--html", page, "--anonymise", "-q");
    read_page();
    ck_says_not("checks hold");
    ck_assert_ptr_nonnull(strstr(program.err, "the load alone"));
}

TEST(of_a_quick_run)
{
    /* breaks when run quick, which makes its scenario on the spot, takes --html and writes no page */
    VOLLEY(0, "run", "quick", "-p", server.port_text, "--cpus", "none", "--output", out, "-q", "-t",
           "2", "--scale", "0.01", "--html", page);
    read_page();
    ck_says("<h2>Phases</h2>");
}

TEST(of_an_interrupted_run)
{
    /* breaks when Ctrl+C takes the page of what was measured until then, or it looks like that of a whole run */
    temp_tree_write(&tree, "/s.yaml",
                    "name: seen\ndescription: d\nphases:\n"
                    "  - {name: grow, type: load, keys: 5000, clients: 4, pipeline: 16}\n"
                    "  - {name: rest, type: idle, duration: 300}\n",
                    0644);
    program_start_volley(&program, "run", "scenario", file, "-p", server.port_text, "--cpus",
                         "none", "--output", out, "--progress", "--html", page, NULL);
    program_wait_text(&program, PROGRAM_ERR, "rest");
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 130);
    read_page();
    ck_says("The run was interrupted");
    ck_says("<td>grow<td>load");
}

static const struct {
    const char *option, *value, *said;
    int status;
} refused[] = {{"--html", "-", "a file of its own", 2},
               {"--html", "/nowhere/x.html", "/nowhere/x.html", 2},
               {"--png", "/proc/nowhere", "/proc/nowhere", 2},
               {"--svg", "/proc/nowhere", "/proc/nowhere", 2}};

LOOP_TEST(refused_before_anything_connects, sizeof refused / sizeof refused[0])
{
    /* breaks when a scenario is run for a page or pictures that cannot be written */
    temp_tree_write(&tree, "/s.yaml", SCENARIO, 0644);
    VOLLEY(refused[_i].status, "run", "scenario", file, AT_SERVER, refused[_i].option,
           refused[_i].value);
    ck_assert_msg(strstr(program.err, refused[_i].said) != NULL, "%s", program.err);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    ck_assert_int_ne(access(out, F_OK), 0);
}

TEST(a_run_that_cannot_begin_leaves_no_page)
{
    /* breaks when a server that is not there leaves an empty page, or half of one under another name */
    temp_tree_write(&tree, "/s.yaml", SCENARIO, 0644);
    VOLLEY(5, "run", "scenario", file, "-p", "1", "--cpus", "none", "--output", out, "-q", "--html",
           page);
    ck_assert_int_ne(access(page, F_OK), 0);
    ck_assert_int_eq(temp_tree_count(&tree), 2); /* the scenario's file, and out */
}

static const struct {
    const char *name;
    size_t taken; /* bytes off its end; 0: the file */
    const char *said, *kept;
    int status;
} damages[] = {
    {"run.json", 0, "1 of 1 checks hold", "<td>grow<td>load", 0},
    {"seen_phases.json", 0, "There are no phases", "1 of 1 checks hold", 0},
    {"seen_phases.json", 40, "There are no phases", "1 of 1 checks hold", 0},
    {"checks.json", 0, "There are no checks", "<td>grow<td>load", 0},
    {"seen_metrics.csv", 0, "Not all samples of the server are shown", "<td>grow<td>load", 0},
    {"seen_metrics.csv", 30, "Not all samples of the server are shown", "1 of 1 checks hold", 0},
    {"journal", 200, "The record ends before the run does", "1 of 1 checks hold", 0},
};

LOOP_TEST(what_is_left_of_a_directory, sizeof damages / sizeof damages[0])
{
    /* breaks when one file that is missing, or was cut in the middle, takes the page from all others, or is not told on it */
    run_scenario();
    if (damages[_i].taken == 0)
        ck_assert_int_eq(unlink(path_of(damages[_i].name)), 0);
    else
        cut(damages[_i].name, damages[_i].taken);
    generate(damages[_i].status);
    ck_says(damages[_i].said);
    ck_says(damages[_i].kept);
    VOLLEY(0, "visualize", "generate", run_path, "--format", "html", "--output-dir", tree.path);
    snprintf(page, sizeof page, "%s/seen_dashboard.html", tree.path);
    read_page();
    ck_says(damages[_i].said);
}

TEST(a_journal_of_a_newer_version)
{
    /* breaks when a journal that cannot be read is no reason that is told, or takes the samples with it */
    run_scenario();
    const int fd = open(path_of("journal"), O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, "9", 1, 15), 1);
    close(fd);
    VOLLEY(0, "visualize", "generate", run_path, "--format", "html", "--output-dir", tree.path);
    snprintf(page, sizeof page, "%s/seen_dashboard.html", tree.path);
    read_page();
    ck_says("Not all of the load is shown");
    ck_says("newer volley");
    ck_says("1 of 1 checks hold");
    VOLLEY(4, "report", run_path, "--html", page);
    ck_assert_ptr_nonnull(strstr(program.err, "newer volley"));
}

TEST(a_name_that_has_nothing)
{
    /* breaks when somebody who mistypes a name is not told which there are, or how to see a run that was killed */
    run_scenario();
    VOLLEY(4, "visualize", "generate", "sen", "--output", out);
    ck_assert_msg(strstr(program.err, "but seen_") != NULL, "%s", program.err);
    VOLLEY(4, "visualize", "generate", "sen", "--output", tree.path);
    ck_assert_msg(strstr(program.err, "there are none in") != NULL, "%s", program.err);
    unlink(path_of("seen_phases.json"));
    unlink(path_of("seen_metrics.csv"));
    VOLLEY(4, "visualize", "generate", run_path, "--output", out);
    ck_assert_msg(strstr(program.err, "report") != NULL && strstr(program.err, "--html") != NULL,
                  "%s", program.err);
    generate(0);
    ck_says("requests/s");
}

TEST(a_path_that_is_no_run)
{
    /* breaks when somebody who names a path is told of the directory of runs, which there is not, and not what is wrong with
     * the path */
    char nowhere[200], plain[200], elsewhere[200];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", tree.path);
    snprintf(plain, sizeof plain, "%s/file", tree.path);
    snprintf(elsewhere, sizeof elsewhere, "%s/runs", tree.path); /* which is not there */
    temp_tree_write(&tree, "/file", "", 0644);
    VOLLEY(4, "visualize", "generate", nowhere, "--output", elsewhere);
    ck_assert_msg(strstr(program.err, "/nowhere: No such file or directory") != NULL, "%s",
                  program.err);
    VOLLEY(4, "visualize", "export-data", plain, "--output", elsewhere);
    ck_assert_msg(strstr(program.err, "/file is a file: name the directory") != NULL, "%s",
                  program.err);
    VOLLEY(4, "visualize", "generate", tree.path, "--output", elsewhere);
    ck_assert_msg(strstr(program.err, "neither *_metrics.csv nor *_phases.json") != NULL, "%s",
                  program.err);
    VOLLEY(4, "visualize", "generate", "seen", "--output", elsewhere);
    ck_assert_msg(strstr(program.err, "no run seen: cannot read ") != NULL &&
                      strstr(program.err, "(--output)") != NULL,
                  "%s", program.err);
}

TEST(samples_without_a_journal)
{
    /* breaks when somebody who has lost the journal is not told that the samples can be seen, or they cannot */
    run_scenario();
    unlink(path_of("journal"));
    VOLLEY(4, "report", run_path, "--html", page);
    ck_assert_ptr_nonnull(strstr(program.err, "visualize generate"));
    VOLLEY(0, "visualize", "generate", run_path, "--format", "html");
    VOLLEY(4, "report", out, "--html", page);
    ck_assert_ptr_nonnull(strstr(program.err, "bench --out DIR"));
}

/* ---- very many intervals ---- */

#define INTERVALS 360000u /* of 10 ms: an hour */
#define INTERVAL_NS (10 * NS_PER_MS)

static void write_hour(const char *directory)
{
    static struct timeline timeline; /* too large for a stack */
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    struct run_result *result = fixture_result();
    facts.interval_ns = INTERVAL_NS;
    facts.requests = 0;
    facts.duration_ns = INTERVALS * INTERVAL_NS;
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_msg(sink_journal(&sink, directory, &err) == OK, "%s", err.text);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    fixture_answer(row, 150000, 10);
    for (uint32_t i = 0; i < INTERVALS; i++) {
        row->header.first = row->header.last = i;
        row->header.start_ns = i * INTERVAL_NS;
        row->header.end_ns = (i + 1) * INTERVAL_NS;
        ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    }
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(row);
    free(result);
}

TEST(an_hour_of_10_ms)
{
    /* breaks when a page grows with the intervals of its run, or cannot be made of very many */
    char directory[200];
    snprintf(directory, sizeof directory, "%s/hour", tree.path);
    write_hour(directory);
    VOLLEY(0, "report", directory, "--html", page, "-q");
    ck_assert_uint_lt(size_of(page), 6u << 20);
    read_page();
    ck_says("requests/s");
    ck_says_not("The record ends");
}

TEST_SUITE_WITH(page_results, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 300)
