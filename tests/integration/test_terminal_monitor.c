/* volley monitor --tui under a terminal: what stands on the screen against what its store and its endpoints say, keys, sizes, and
 * how the terminal is given back. */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/screen_reader.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MONITOR                                                                                    \
    program_volley(), "monitor", "--tui", "--interval", "500ms", "--probe-rate", "50", "--store",  \
        store_path

static struct temp_tree tree;
static struct test_server server;
static struct screen_reader *reader;
static char store_path[200], json_path[200], target[64], text[SCREEN_READER_TEXT_BYTES];

static void set_up(void)
{
    temp_tree_make(&tree);
    test_server_start(&server, NULL);
    snprintf(store_path, sizeof store_path, "%s/m.db", tree.path);
    snprintf(json_path, sizeof json_path, "%s/report.json", tree.path);
    snprintf(target, sizeof target, "127.0.0.1:%u", server.port);
    reader = calloc(1, sizeof *reader);
    ck_assert_ptr_nonnull(reader);
}

static void tear_down(void)
{
    screen_reader_free(reader);
    free(reader);
    test_server_stop(&server);
    temp_tree_remove(&tree);
}

static void start_in(const char *const *argv, const char *const *environment, unsigned lines,
                     unsigned columns)
{
    screen_reader_start(
        reader, &(struct screen_reader_options){
                    .argv = argv, .environment = environment, .lines = lines, .columns = columns});
}

static void end(int exit_status)
{
    screen_reader_end(reader);
    ck_assert_msg(WIFEXITED(reader->wait_status) && WEXITSTATUS(reader->wait_status) == exit_status,
                  "ended with %x:\n%s", (unsigned)reader->wait_status,
                  screen_reader_text(text, reader));
}

static void expect(const char *where, const char *wanted)
{
    ck_assert_msg(strstr(where, wanted) != NULL, "\"%s\" does not stand in:\n%s", wanted, where);
}

static void expect_not(const char *where, const char *unwanted)
{
    ck_assert_msg(strstr(where, unwanted) == NULL, "\"%s\" stands in:\n%s", unwanted, where);
}

static json_t *report(void)
{
    struct program run;
    program_run_volley(&run, "monitor", "report", "--store", store_path, "--json", json_path, NULL);
    program_expect_status(&run, 0);
    program_free(&run);
    json_t *json = json_load_file(json_path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

/* The number behind the first of these on the screen in text. */
static double number_behind(const char *word)
{
    const char *at = strstr(text, word);
    ck_assert_msg(at != NULL, "no \"%s\" in:\n%s", word, text);
    return strtod(at + strlen(word), NULL);
}

static int near(double one, double other)
{
    return fabs(one - other) < 0.00051;
}

/* Whether the store has the newest interval of the screen in text as a row, and the highest of its table. */
static void expect_in_store(void)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *rows = NULL;
    bool interval = false, highest = false;
    const double p50 = number_behind("\np50 ms"), p99 = number_behind("\np99 ms"),
                 most = number_behind("\nmax ms");
    const char *line = strstr(text, "up since");
    ck_assert_ptr_nonnull(line);
    line += strcspn(line, "\n");
    double shown[3];
    ck_assert_int_eq(sscanf(line, "%lf %lf %lf", &shown[0], &shown[1], &shown[2]), 3);
    ck_assert(shown[0] > 0 && shown[0] <= shown[1] && shown[1] <= shown[2]);
    ck_assert_int_eq(sqlite3_open_v2(store_path, &database, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(database, "SELECT p50_us, p99_us, max_us FROM samples", -1, &rows, NULL),
        SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        const double row_max = sqlite3_column_double(rows, 2) / 1000;
        interval |= near(p50, sqlite3_column_double(rows, 0) / 1000) &&
                    near(p99, sqlite3_column_double(rows, 1) / 1000) && near(most, row_max);
        highest |= near(shown[2], row_max);
    }
    sqlite3_finalize(rows);
    sqlite3_close(database);
    ck_assert_msg(interval && highest, "not in the store: %s", text);
}

TEST(figures_are_those_of_the_store)
{
    /* breaks when a number on the screen is another one than the store's, or what a load alone has is shown */
    start_in(ARGUMENTS(MONITOR, "--window", "1h", target), NULL, 30, 80);
    screen_reader_wait(reader, "watching  1 of 1 server up");
    screen_reader_wait(reader, "Latency (ms) of the last 0.5");
    screen_reader_wait(reader, "B\n");
    screen_reader_text(text, reader);
    screen_reader_type(reader, "q");
    end(0);
    expect_not(text, "Verdict");
    expect_not(text, "Rate ");
    expect_not(text, "pause");
    expect_not(text, "n note");
    expect(text, "tab more servers  q stop");
    expect_in_store();
    expect(reader->raw + reader->left_at, " answered");
}

TEST(a_restart_is_seen)
{
    /* breaks when a server that ends is not shown as down, or its restart is counted otherwise than the report does */
    start_in(ARGUMENTS(MONITOR, target), NULL, 0, 0);
    screen_reader_wait(reader, "1 of 1 server up");
    screen_reader_wait(reader, "B\n"); /* its INFO was answered */
    test_server_kill(&server);
    screen_reader_wait(reader, "down since 2");
    screen_reader_wait(reader, "0 of 1 server up");
    screen_reader_wait(reader, "it is tried again until it answers");
    test_server_restart(&server);
    screen_reader_wait(reader, "1 of 1 server up");
    do {
        screen_reader_pump(reader, 50);
        screen_reader_text(text, reader);
        const char *line = strstr(text, "up since 2");
        if (line != NULL && line[strcspn(line, "\n") - 1] == '1' &&
            line[strcspn(line, "\n") - 2] == ' ')
            break;
    } while (reader->left_at == 0);
    ck_assert_uint_eq(reader->left_at, 0);
    screen_reader_type(reader, "q");
    end(0);
    json_t *reviewed = report();
    const json_t *one = json_array_get(json_object_get(reviewed, "targets"), 0);
    ck_assert_double_eq(run_json_number(one, "restarts.count"), 1);
    json_decref(reviewed);
}

TEST(alerts_and_notes)
{
    /* breaks when an alert that fires is not on its line, a note does not reach the page, or a key for loads does something */
    char rules[200];
    snprintf(rules, sizeof rules, "%s/rules.yaml", tree.path);
    temp_tree_write(&tree, "/rules.yaml",
                    "alerts:\n- alert: Answers\n  expr: volley_rate > 0\n"
                    "  labels:\n    severity: critical\n"
                    "- alert: Never\n  expr: volley_rate > 1000000\n",
                    0644);
    start_in(ARGUMENTS(MONITOR, "--alerts", rules, "--listen", "0", target), NULL, 24, 100);
    screen_reader_wait(reader, "Alerts  1 firing: Answers (critical)");
    screen_reader_wait(reader, "n note  tab more servers  q stop");
    screen_reader_type(reader, " +-p");
    screen_reader_type(reader, "n");
    screen_reader_wait(reader, "Note:");
    screen_reader_type(reader, "new disk\r");
    screen_reader_wait(reader, "note: new disk");
    expect(screen_reader_text(text, reader), "watching");
    expect_not(text, "paused");
    screen_reader_type(reader, "q");
    end(0);
    expect(reader->raw + reader->left_at, "alert Answers (critical) firing");
}

TEST(it_follows_its_terminal)
{
    /* breaks when a new size is not followed, the smallest one lacks a figure, or tab does not come to every server */
    static const char *const all[] = {"watching", "p50 ms",       "p99 ms",     "max ms",
                                      "Errors",   "Alerts",       "hits",       "memory",
                                      "restarts", "Latency (ms)", "commands/s", "q stop"};
    start_in(ARGUMENTS(MONITOR, target), NULL, 15, 60);
    screen_reader_wait(reader, "up since 2");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        screen_reader_wait(reader, all[i]);
    screen_reader_resize(reader, 40, 140);
    screen_reader_wait(reader, "commands/s     memory  restarts");
    screen_reader_resize(reader, 3, 10);
    screen_reader_resize(reader, 24, 80);
    screen_reader_wait(reader, "Latency (ms) of");
    screen_reader_type(reader, "q");
    end(0);
}

TEST(tab_turns_the_page)
{
    /* breaks when servers that find no room cannot be come to */
    start_in(ARGUMENTS(MONITOR, "--no-store", target, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"),
             NULL, 15, 60);
    /* the store's own option contradicts --no-store */
    end(2);
    screen_reader_free(reader);
    start_in(ARGUMENTS(MONITOR, target, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"), NULL, 15, 60);
    screen_reader_wait(reader, "1 to 2 of 4");
    screen_reader_wait(reader, "\n127.0.0.1:1 ");
    screen_reader_type(reader, "\t");
    screen_reader_wait(reader, "3 to 4 of 4");
    screen_reader_wait(reader, "\n127.0.0.1:3 ");
    screen_reader_type(reader, "\t");
    screen_reader_wait(reader, "1 to 2 of 4");
    screen_reader_type(reader, "q");
    end(0);
}

LOOP_TEST(without_utf8_and_colour, 2)
{
    /* breaks when a terminal that shows no UTF-8 or no colour gets some */
    static const char *const environments[][3] = {{"LC_ALL=C", "TERM=vt100", NULL},
                                                  {"TERM=xterm-256color", "NO_COLOR=1", NULL}};
    start_in(ARGUMENTS(MONITOR, target), environments[_i], 0, 0);
    screen_reader_wait(reader, _i == 0 ? "<= " : "\u2264 ");
    screen_reader_type(reader, "q");
    end(0);
    for (size_t i = 0; i < reader->raw_bytes && _i == 0; i++)
        ck_assert((unsigned char)reader->raw[i] < 0x80);
    expect_not(reader->raw, "\033[38;5;");
    expect_not(reader->raw, "\033[32m");
}

LOOP_TEST(the_terminal_comes_back, 4)
{
    /* breaks when a signal or a crash leaves the terminal in the other screen, or keeps what was logged */
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGABRT};
    start_in(ARGUMENTS(MONITOR, target, "127.0.0.1:1"), ARGUMENTS("TERM=xterm-256color"), 0, 0);
    screen_reader_wait(reader, "1 of 2 servers up");
    ck_assert_int_eq(kill(reader->pid, signals[_i]), 0);
    if (_i < 3) {
        end(0);
    } else {
        screen_reader_end(reader);
        ck_assert(WIFSIGNALED(reader->wait_status) && WTERMSIG(reader->wait_status) == SIGABRT);
    }
    expect(reader->raw, "\033[?1049l");
    expect(reader->raw + reader->left_at, "it is tried again until it answers");
}

TEST(a_store_that_breaks_does_not_tear_the_screen)
{
    /* breaks when the process that writes the store prints onto the screen */
    char command[300];
    start_in(ARGUMENTS(MONITOR, target), NULL, 0, 0);
    screen_reader_wait(reader, "1 of 1 server up");
    snprintf(command, sizeof command, "dd if=/dev/zero of='%s' bs=4096 count=4 2>/dev/null",
             store_path);
    ck_assert_int_eq(system(command), 0);
    screen_reader_wait(reader, "B\n");
    support_sleep_ms(1500); /* some intervals, each of which it is tried to write */
    screen_reader_pump(reader, 100);
    screen_reader_type(reader, "q");
    screen_reader_end(reader);
    const char *leaves = reader->raw + reader->left_at;
    expect(leaves, "cannot be written to");
}

TEST(refused_before_anything_connects)
{
    /* breaks when a terminal that cannot be used is found out once servers are watched */
    struct program program;
    program_run_volley(&program, "monitor", "--tui", "--no-store", target, NULL);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "a monitor tells by line");
    program_free(&program);
    start_in(ARGUMENTS(MONITOR, target), ARGUMENTS("TERM=dumb"), 0, 0);
    end(2);
    expect(reader->raw, "cannot move its cursor");
    ck_assert_int_ne(access(store_path, F_OK), 0);
}

TEST_SUITE_WITH(terminal_monitor, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
