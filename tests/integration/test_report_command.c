/* `volley report` as a user runs it, on the directory of a run that ended and of one that was
 * killed. The load goes to the null transport. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/check/report_fixture.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"

static char *directory;
/* The last one only when there is a second test. */
static const char *const files[] = {"run.json", "intervals.csv", "latency.hlog", "intervals-2.csv"};
#define FILE_COUNT (sizeof files / sizeof files[0])

static void set_up(void)
{
    directory = fixture_directory();
}

static void tear_down(void)
{
    fixture_remove(directory);
}

static void path_of(char *path, size_t path_bytes, const char *name)
{
    snprintf(path, path_bytes, "%s/%s", directory, name);
}

/* The journal must not exist before the run: bench makes it. */
static void run_bench(struct program *bench, const char *tests)
{
    program_run_volley(bench, "bench", "--null", "--processes", "2", "-c", "4", "-n", "200000",
                       "-t", tests, "-r", "1000", "--interval", "10ms", "--out", directory, NULL);
    ck_assert_msg(bench->exit_status == 0, "%s", bench->err);
}

TEST(lost_files_come_back_the_same)
{
    /* breaks if the journal holds less than what the outputs were made of */
    struct program bench, report;
    char *before[FILE_COUNT];
    char path[256];
    run_bench(&bench, "set,get");
    for (size_t i = 0; i < FILE_COUNT; i++) {
        before[i] = fixture_read_file(directory, files[i], NULL);
        ck_assert_msg(before[i] != NULL, "%s", files[i]);
        path_of(path, sizeof path, files[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    program_run_volley(&report, "report", directory, NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    ck_assert_str_eq(report.out, bench.out);
    ck_assert_ptr_nonnull(strstr(report.out, "\nCommand line: volley bench --null --processes 2 "));
    ck_assert_ptr_nonnull(strstr(report.out, "\nTotal Requests: 200,000\n"));
    for (size_t i = 0; i < FILE_COUNT; i++) {
        char *after = fixture_read_file(directory, files[i], NULL);
        ck_assert_msg(after != NULL, "%s", files[i]);
        ck_assert_msg(strcmp(after, before[i]) == 0, "%s", files[i]);
        free(after);
        free(before[i]);
    }
    program_free(&bench);
    program_free(&report);
}

TEST(what_is_there_is_left_alone)
{
    /* breaks if a report rewrites files, or writes some that were not asked for */
    struct program bench, report;
    char path[256];
    run_bench(&bench, "set,get");
    path_of(path, sizeof path, "run.json");
    ck_assert_int_eq(truncate(path, 0), 0);
    program_run_volley(&report, "report", directory, "-q", NULL);
    ck_assert_int_eq(report.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(report.out, "SET: "));
    ck_assert_ptr_nonnull(strstr(report.out, "\nGET: "));
    char *kept = fixture_read_file(directory, "run.json", NULL);
    ck_assert_str_eq(kept, "");
    free(kept);
    program_free(&report);

    ck_assert_int_eq(unlink(path), 0);
    program_run_volley(&report, "report", "--json", "-", directory, NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    json_t *json = json_loads(report.out, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "runs")), 2);
    json_decref(json);
    ck_assert_int_ne(access(path, F_OK), 0);
    program_free(&report);
    program_free(&bench);
}

TEST(asked_percentiles_are_shown)
{
    /* breaks if a report shows other percentiles than it is asked for, or leaves files with them */
    struct program bench, report;
    char path[256];
    run_bench(&bench, "get");
    ck_assert_ptr_nonnull(strstr(bench.out, "\n95th percentile: "));
    path_of(path, sizeof path, "run.json");
    ck_assert_int_eq(unlink(path), 0);
    program_run_volley(&report, "report", directory, "--percentiles", "99.5,10", NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    const char *first = strstr(report.out, "\n99.5th percentile: ");
    ck_assert_msg(first != NULL && strstr(first, "\n10th percentile: ") != NULL, "%s", report.out);
    ck_assert_ptr_null(strstr(report.out, "95th"));
    ck_assert_int_ne(access(path, F_OK), 0);
    program_free(&report);
    program_free(&bench);
}

LOOP_TEST(short_outputs_tell_what_failed, 4)
{
    /* breaks if a report of one line passes a run in which requests failed for a good one */
    static const char *const styles[] = {"-q", "--csv", "--csv-interval=1s", "--json=-"};
    struct program report;
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_msg(sink_journal(&sink, directory, &err) == OK, "%s", err.text);
    timeline_add(&timeline, sink);
    fixture_play(&timeline, &session);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    program_run_volley(&report, "report", directory, styles[_i], NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    static const char *const lines[] = {
        "volley: GET: 2 error replies like this: WRONGTYPE Operation against a key\n",
        "volley: GET: 1 request without a reply: timed out 1, lost 0\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(report.err, lines[i]) != NULL, "\"%s\" is not in: %s", lines[i],
                      report.err);
    program_free(&report);
}

TEST(rows_of_one_test_are_printed)
{
    /* breaks if the rows of several tests are mixed on standard output, or those of one are refused */
    struct program bench, report;
    run_bench(&bench, "get");
    program_run_volley(&report, "report", directory, "--csv-interval=50ms", NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    ck_assert_int_eq(strncmp(report.out, "timestamp,request_sec,", 22), 0);
    program_free(&report);
    program_free(&bench);
    tear_down();
    set_up();

    run_bench(&bench, "set,get");
    program_run_volley(&report, "report", directory, "--csv-interval=50ms", NULL);
    ck_assert_int_eq(report.exit_status, 2);
    ck_assert_str_eq(report.out, "");
    ck_assert_str_eq(report.err,
                     "volley: --csv-interval with 2 tests: its rows have no name column; "
                     "without it, report writes a file for each test\n");
    program_free(&report);
    program_free(&bench);
}

TEST(rows_off_the_grid_are_refused)
{
    /* breaks if rows of unequal length pass for rows of the length that was asked for */
    struct program bench, report;
    run_bench(&bench, "get");
    program_run_volley(&report, "report", directory, "--csv-interval=25ms", NULL);
    ck_assert_int_eq(report.exit_status, 2);
    ck_assert_str_eq(report.err, "volley: --csv-interval 25ms is not a whole multiple of the run's "
                                 "interval 10ms\n");
    ck_assert_str_eq(report.out, "");
    program_free(&report);
    program_free(&bench);
}

/* Waits, at most 20 s, until the journal is longer than this. */
static bool journal_grows_beyond(off_t byte_count)
{
    char path[256];
    struct stat status;
    path_of(path, sizeof path, "journal");
    for (int i = 0; i < 2000; i++) {
        if (stat(path, &status) == 0 && status.st_size > byte_count)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

TEST(a_killed_run_is_reported)
{
    /* breaks if kill -9 on the orchestrator loses more than the interval under way */
    struct program bench, report;
    char path[256];
    program_start_volley(&bench, "bench", "--null", "--processes", "1", "-c", "2", "-r", "1000",
                         "--test-duration", "50s", "--interval", "10ms", "-q", "--out", directory,
                         NULL);
    ck_assert(journal_grows_beyond(10000));

    program_run_volley(&report, "report", directory, NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    ck_assert_ptr_nonnull(strstr(report.err, "goes on"));
    path_of(path, sizeof path, "run.json");
    ck_assert_int_ne(access(path, F_OK), 0);
    program_free(&report);

    program_signal(&bench, SIGKILL);
    program_wait(&bench);
    program_run_volley(&report, "report", directory, NULL);
    ck_assert_msg(report.exit_status == 0, "%s", report.err);
    ck_assert_ptr_nonnull(strstr(report.err, "ends before the run does"));
    ck_assert_ptr_nonnull(strstr(report.out, "\nInterrupted: "));
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    json_t *run = json_array_get(json_object_get(json, "runs"), 0);
    ck_assert(json_is_true(json_object_get(run, "interrupted")));
    ck_assert_uint_gt(json_array_size(json_object_get(run, "intervals")), 1);
    json_t *ok = json_object_get(json_object_get(run, "requests"), "ok");
    ck_assert_int_gt(json_integer_value(ok), 0);
    json_decref(json);
    for (size_t i = 0; i < FILE_COUNT - 1; i++) {
        path_of(path, sizeof path, files[i]);
        ck_assert_msg(access(path, F_OK) == 0, "%s", files[i]);
    }
    program_free(&report);
    program_free(&bench);
}

TEST(a_damaged_journal_is_said)
{
    /* breaks if figures from a damaged journal pass for whole ones */
    struct program bench, report;
    char path[256];
    struct stat status;
    run_bench(&bench, "set,get");
    path_of(path, sizeof path, "journal");
    FILE *journal = fopen(path, "r+b");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(fseek(journal, status.st_size - 200, SEEK_SET), 0);
    int byte = fgetc(journal);
    ck_assert_int_eq(fseek(journal, -1, SEEK_CUR), 0);
    fputc(byte ^ 1, journal);
    fclose(journal);
    program_run_volley(&report, "report", directory, NULL);
    ck_assert_int_eq(report.exit_status, 4);
    ck_assert_ptr_nonnull(strstr(report.err, "is damaged"));
    ck_assert_ptr_nonnull(strstr(report.out, "Final Results:"));
    program_free(&report);
    program_free(&bench);
}

LOOP_TEST(bad_calls_get_a_clear_answer, 6)
{
    /* breaks if a wrong call is answered with an empty report or a wrong exit status */
    static const struct {
        const char *arguments[4];
        int exit_status;
        const char *says;
    } calls[] = {{{NULL}, 2, "name one run directory"},
                 {{"a", "b"}, 2, "name one run directory"},
                 {{"/nowhere/run"}, 4, "/nowhere/run holds no journal"},
                 {{"--jsn", "x", "/nowhere/run"}, 2, "--json"},
                 {{"/nowhere/run", "-q", "--csv"}, 2, "give one"},
                 {{"/nowhere/run", "--hdr", "-"}, 2, "needs a file of its own"}};
    struct program report;
    const char *const *arguments = calls[_i].arguments;
    const char *says = calls[_i].says;
    ck_assert_ptr_nonnull(says);
    program_run_volley(&report, "report", arguments[0], arguments[1], arguments[2], arguments[3],
                       NULL);
    ck_assert_int_eq(report.exit_status, calls[_i].exit_status);
    ck_assert_msg(strstr(report.err, says) != NULL, "%s", report.err);
    ck_assert_str_eq(report.out, "");
    const char *line_end = strchr(report.err, '\n');
    ck_assert_ptr_eq(line_end, report.err + report.err_bytes - 1); /* one line */
    program_free(&report);
}

TEST(a_label_is_shown_and_not_obeyed)
{
    /* Breaks when a terminal obeys what a label, or a directory that somebody sent, has in it. */
    static const char label[] = "\33]0;title\7\33[2J \302\233m red\177";
    struct program outputs[4];
    program_run_volley(&outputs[0], "bench", "--null", "-n", "1000", "--label", label, "--out",
                       directory, NULL);
    program_run_volley(&outputs[1], "report", directory, NULL);
    program_run_volley(&outputs[2], "bench", "--null", "--explain", "--label", label, NULL);
    program_run_volley(&outputs[3], "bench", "--explain", "--user", label, "-a", "x", NULL);
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        ck_assert_msg(outputs[i].exit_status == 0, "%s", outputs[i].err);
        ck_assert_ptr_nonnull(strstr(outputs[i].out, " ]0;title  [2J   m red "));
        ck_assert_ptr_null(strpbrk(outputs[i].out, "\33\7\177"));
        ck_assert_ptr_null(strstr(outputs[i].out, "\302\233"));
        program_free(&outputs[i]);
    }
}

TEST(files_are_completed_without_a_reader)
{
    /* breaks if `volley report DIR | head -1` leaves the directory as it was */
    struct program bench, report;
    char path[256];
    int ends[2];
    run_bench(&bench, "set,get");
    path_of(path, sizeof path, "run.json");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    const char *const argv[] = {program_volley(), "report", directory, "--debug", NULL};
    program_run(&report, &(struct program_options){.argv = argv, .stdout_fd = ends[1]});
    close(ends[1]);
    ck_assert_int_eq(report.exit_status, 0);
    ck_assert_str_eq(report.err, "");
    ck_assert_int_eq(access(path, F_OK), 0);
    program_free(&report);
    program_free(&bench);
}

TEST_SUITE_WITH(report_command, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
