/* --tui under a terminal: what stands on the screen against what the run's JSON says, keys, sizes, and how the terminal is given
 * back. The reader is that of tests/support/check/screen_reader.h. */
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/screen_reader.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define LOAD                                                                                       \
    program_volley(), "bench", "-p", world.server.port_text, "-t", "get", "-r", "100", "-c", "4",  \
        "--processes", "1", "--json", json_path, "--tui"
#define LONG "--qps", "500", "--duration", "600", "--interval", "250ms"
#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct screen_reader *reader;
static char json_path[192], text[SCREEN_READER_TEXT_BYTES];
static json_t *root;

static void set_up(void)
{
    trial_set_up();
    snprintf(json_path, sizeof json_path, "%s/run.json", world.tree.path);
    reader = calloc(1, sizeof *reader);
    ck_assert_ptr_nonnull(reader);
    test_server_start(&world.server, NULL);
}

static void tear_down(void)
{
    json_decref(root);
    free(reader);
    trial_tear_down();
}

static void start_in(const char *const *argv, const char *const *environment, unsigned lines,
                     unsigned columns)
{
    screen_reader_start(
        reader, &(struct screen_reader_options){
                    .argv = argv, .environment = environment, .lines = lines, .columns = columns});
}

static void start(const char *const *argv)
{
    start_in(argv, NULL, 0, 0);
}

static void end(int exit_status)
{
    screen_reader_end(reader);
    ck_assert_msg(WIFEXITED(reader->wait_status) && WEXITSTATUS(reader->wait_status) == exit_status,
                  "ended with %x:\n%s", (unsigned)reader->wait_status,
                  screen_reader_text(text, reader));
}

static void read_json(void)
{
    json_decref(root);
    root = json_load_file(json_path, 0, NULL);
    ck_assert_ptr_nonnull(root);
    run_json_check(root);
}

static void expect(const char *where, const char *wanted)
{
    ck_assert_msg(strstr(where, wanted) != NULL, "\"%s\" does not stand in:\n%.3000s", wanted,
                  where);
}

static void expect_not(const char *where, const char *unwanted)
{
    ck_assert_msg(strstr(where, unwanted) == NULL, "\"%s\" stands in:\n%s", unwanted, where);
}

/* What was written once the screen had gone. */
static const char *behind(void)
{
    ck_assert_uint_gt(reader->left_at, 0);
    return reader->raw + reader->left_at;
}

/* The number behind a word on the screen as it was when it went: "p99 ms      1.234". */
static double shown(const char *word)
{
    const char *at = strstr(reader->left_text, word);
    ck_assert_msg(at != NULL, "no \"%s\" in:\n%s", word, reader->left_text);
    double number = 0, place = 0;
    at += strlen(word);
    for (at += strspn(at, " "); *at == ',' || *at == '.' || (*at >= '0' && *at <= '9'); at++) {
        if (*at == '.')
            place = 1;
        else if (*at != ',')
            number = number * 10 + (*at - '0');
        if (*at >= '0' && *at <= '9' && place > 0)
            place *= 10;
    }
    return place > 0 ? number / place : number;
}

TEST(the_last_interval_is_that_of_run_json)
{
    /* breaks when a figure on the screen is not the one that run.json has for the same interval, or the report does not follow */
    start(ARGUMENTS(LOAD, "--qps", "500", "--duration", "3"));
    screen_reader_wait(reader, " of 500/s (");
    end(0);
    read_json();
    const json_t *run = run_json_at(root, 0);
    const json_t *intervals = json_object_get(run, "intervals");
    const size_t count = json_array_size(intervals);
    ck_assert_uint_ge(count, 3);
    const json_t *last = json_array_get(intervals, count - 1);
    ck_assert_double_eq(shown("rate/s"), round(run_json_number(last, "rate.achieved")));
    ck_assert_double_eq_tol(shown("p50 ms"), run_json_number(last, "response_time_us.p50") / 1000,
                            0.00051);
    /* Requests that the end of the run left without a reply hide it, on a machine that stood still. */
    const json_t *p99 = json_object_get(json_object_get(last, "response_time_us"), "p99");
    if (!json_is_null(p99))
        ck_assert_double_eq_tol(shown("p99 ms"), json_number_value(p99) / 1000, 0.00051);
    ck_assert_double_eq_tol(shown("max ms"), run_json_number(last, "response_time_us.max") / 1000,
                            0.00051);
    ck_assert_double_eq(shown("1 s, "), run_json_number(last, "requests.ok"));
    ck_assert_double_eq(shown("connections"), run_json_number(last, "connections.open"));
    ck_assert_double_eq(shown("Errors"), 0);
    expect(reader->left_text,
           json_string_value(json_object_get(json_object_get(run, "verdict"), "level")));
    expect(reader->left_text, "used, "); /* of the server's memory */
    expect(behind(), "Volley Benchmark");
    expect(behind(), "Verdict: ");
    screen_reader_free(reader);
}

/* Whether there is an event of this source whose text begins so. */
/* Of a source, from the terminal. */
static bool has_event(const char *source, const char *begins)
{
    size_t i;
    const json_t *event;
    json_array_foreach(json_object_get(run_json_at(root, 0), "events"), i, event)
    {
        const char *told = json_string_value(json_object_get(event, "text"));
        const char *by = json_string_value(json_object_get(event, "by"));
        if (strcmp(json_string_value(json_object_get(event, "source")), source) == 0 &&
            by != NULL && strcmp(by, "terminal") == 0 && strncmp(told, begins, strlen(begins)) == 0)
            return true;
    }
    return false;
}

TEST(keys_steer)
{
    /* breaks when a key does not do what the foot of the screen says, or what it did is not in run.json */
    start(ARGUMENTS(LOAD, LONG));
    screen_reader_wait(reader, "running");
    screen_reader_type(reader, "+");
    screen_reader_wait(reader, "terminal: rate 550/s");
    screen_reader_type(reader, "-");
    screen_reader_wait(reader, "terminal: rate 500/s");
    screen_reader_type(reader, " ");
    screen_reader_wait(reader, "\npaused"); /* the state, and not a message */
    screen_reader_wait(reader, "terminal: pause");
    screen_reader_type(reader, "+");
    screen_reader_wait(reader, "the load is paused: space resumes it");
    screen_reader_type(reader, "p");
    screen_reader_wait(reader, "terminal: resume, rate 500/s");
    screen_reader_wait(reader, "\nrunning");
    screen_reader_type(reader, "n");
    screen_reader_wait(reader, "Note:");
    screen_reader_type(reader, "cache q\x7f\u4e16\u754cx\x7f");
    screen_reader_wait(reader, "Note: cache \u4e16\u754c\n");
    screen_reader_type(reader, "\r");
    screen_reader_wait(reader, "note: cache \u4e16\u754c");
    screen_reader_type(reader, "nnever\033");
    screen_reader_wait(reader, "n note");
    screen_reader_type(reader, "q");
    end(130);
    read_json();
    ck_assert(has_event("ctl", "rate 550/s"));
    ck_assert(has_event("ctl", "rate 500/s"));
    ck_assert(has_event("ctl", "pause"));
    ck_assert(has_event("ctl", "resume, rate 500/s"));
    ck_assert(has_event("note", "cache \u4e16\u754c"));
    ck_assert(!has_event("note", "never"));
    ck_assert(json_is_true(json_object_get(run_json_at(root, 0), "interrupted")));
    expect(behind(), "Interrupted: the run was stopped before its end");
    screen_reader_free(reader);
}

TEST(a_refused_key_says_why)
{
    /* breaks when a key that cannot be obeyed is silent, or a closed loop claims a rate */
    start(ARGUMENTS(LOAD, "--duration", "600"));
    screen_reader_wait(reader, "as fast as replies come");
    screen_reader_type(reader, " ");
    screen_reader_wait(reader, "GET runs without a rate: there is none to change");
    screen_reader_type(reader, "\t");
    screen_reader_wait(reader, "There is no other table");
    screen_reader_type(reader, "+");
    screen_reader_wait(reader, "GET runs without a rate: there is none to change");
    screen_reader_type(reader, "q");
    end(130);
    screen_reader_free(reader);
}

TEST(the_second_q_does_not_wait)
{
    /* breaks when q waits for a reply that never comes, whatever is pressed */
    start(
        ARGUMENTS(LOAD, "--duration", "600", "--drain-timeout", "60", "--request-timeout", "120"));
    screen_reader_wait(reader, "rate/s ");
    test_server_pause(&world.server);
    screen_reader_type(reader, "q");
    screen_reader_wait(reader, "q once more does not wait");
    screen_reader_type(reader, "q");
    screen_reader_end(reader);
    test_server_resume(&world.server);
    screen_reader_free(reader);
}

static unsigned widest_line(void)
{
    unsigned widest = 0;
    screen_reader_text(text, reader);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        unsigned width = 0;
        for (const char *at = line; *at != '\n'; at++)
            width += ((unsigned char)*at & 0xc0) != 0x80;
        widest = width > widest ? width : widest;
    }
    return widest;
}

TEST(it_follows_its_terminal)
{
    /* breaks when a new size is not followed, in either direction, or the smallest one lacks a figure */
    static const char *const all[] = {"Rate ",  "rate/s", "p50 ms",  "p99 ms",      "max ms",
                                      "Errors", "Server", "Verdict", "Latency (ms)"};
    start(ARGUMENTS(LOAD, LONG));
    screen_reader_wait(reader, "Latency (ms) of");
    screen_reader_resize(reader, 15, 60);
    screen_reader_wait(reader, "of 10:00\nrunning"); /* the title's end is at the edge again */
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        screen_reader_wait(reader, all[i]);
    ck_assert_uint_le(widest_line(), 60);
    screen_reader_resize(reader, 50, 200);
    for (;;) {
        screen_reader_wait(reader, "q stop");
        if (widest_line() > 190 && strncmp(strrchr(text, 'q'), "q stop\n", 8) == 0)
            break;
    }
    screen_reader_resize(reader, 3, 10);
    screen_reader_resize(reader, 24, 80);
    screen_reader_wait(reader, "Latency (ms) of");
    screen_reader_type(reader, "q");
    end(130);
    screen_reader_free(reader);
}

TEST(without_utf8)
{
    /* breaks when a terminal that shows no UTF-8 gets some, before the report or in it */
    start_in(ARGUMENTS(LOAD, LONG), ARGUMENTS("LC_ALL=C"), 0, 0);
    screen_reader_wait(reader, "<= ");
    screen_reader_type(reader, "q");
    end(130);
    for (size_t i = 0; i < reader->raw_bytes; i++)
        ck_assert_msg((unsigned char)reader->raw[i] < 0x80, "a byte %02x at %zu",
                      (unsigned char)reader->raw[i], i);
    expect(reader->left_text, "Latency (ms) of the last");
    expect(behind(), "Verdict: ");
    screen_reader_free(reader);
}

LOOP_TEST(colour_only_where_it_is_welcome, 3)
{
    /* breaks when NO_COLOR is not heeded, a terminal without colours gets some, or one with them gets none */
    static const char *const environments[][3] = {
        {"TERM=xterm-256color", NULL}, {"TERM=xterm-256color", "NO_COLOR=1", NULL}, {"TERM=vt100"}};
    start_in(ARGUMENTS(LOAD, LONG), environments[_i], 0, 0);
    screen_reader_wait(reader, "Latency (ms) of");
    screen_reader_type(reader, "q");
    end(130);
    *(char *)(reader->raw + reader->left_at) = '\0';
    const bool coloured =
        strstr(reader->raw, "\033[38;5;") != NULL || strstr(reader->raw, "\033[32m") != NULL;
    ck_assert(coloured == (_i == 0));
    screen_reader_free(reader);
}

/* Ends ----------------------------------------------------------------------------------------- */

static void crash(int number)
{
    ck_assert_int_eq(kill(reader->pid, number), 0);
    screen_reader_end(reader);
    if (number == SIGSEGV && getenv("VOLLEY_SANITIZED") != NULL)
        return; /* which the sanitizer takes for itself, and exits */
    ck_assert_msg(WIFSIGNALED(reader->wait_status) && WTERMSIG(reader->wait_status) == number, "%x",
                  (unsigned)reader->wait_status);
}

LOOP_TEST(the_terminal_comes_back, 6)
{
    /* breaks when a signal, a crash or a key leaves the terminal without its settings, in the other screen, or without a cursor */
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGSEGV, SIGABRT, SIGQUIT};
    start_in(ARGUMENTS(LOAD, LONG, "--log-level", "info"), ARGUMENTS("TERM=xterm-256color"), 0, 0);
    screen_reader_wait(reader, "Latency (ms) of");
    expect(reader->raw, "\033[?1049h");
    expect(reader->raw, "\033[?25l");
    if (_i == 0)
        screen_reader_type(reader, "\x03"); /* Ctrl+C, as people press it */
    else if (_i < 3)
        ck_assert_int_eq(kill(reader->pid, signals[_i]), 0);
    else
        crash(signals[_i]);
    if (_i < 3)
        end(130);
    char *leaves = strstr(reader->raw, "\033[?1049l");
    ck_assert_ptr_nonnull(leaves);
    expect(leaves - 40, "\033[?25h");
    expect(leaves, "volley: "); /* what was logged meanwhile */
    *leaves = '\0';
    expect_not(strstr(reader->raw, "\033[?1049h"), "volley: ");
    screen_reader_free(reader);
}

TEST(a_terminal_that_goes_away)
{
    /* breaks when a run outlives the window that it was started in, or does not end where it is to outlive it */
    char line[1024];
    snprintf(line, sizeof line,
             "trap '' HUP; exec %s bench -p %s -t get -r 100 -c 4 --processes 1 --json %s --tui "
             "--qps 500 --duration 2 --interval 250ms",
             program_volley(), world.server.port_text, json_path);
    start(ARGUMENTS(LOAD, LONG));
    screen_reader_wait(reader, "Latency (ms) of");
    close(reader->master);
    ck_assert(support_reap(reader->pid, 20000, &reader->wait_status));
    ck_assert(WIFEXITED(reader->wait_status) && WEXITSTATUS(reader->wait_status) == 130);
    reader->master = open("/dev/null", O_RDWR | O_CLOEXEC);
    reader->pid = 0;
    read_json();
    screen_reader_free(reader);
    start(ARGUMENTS("sh", "-c", line));
    screen_reader_wait(reader, "Latency (ms) of");
    close(reader->master);
    reader->master = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert(support_reap(reader->pid, 20000, &reader->wait_status));
    ck_assert(WIFEXITED(reader->wait_status));
    reader->pid = 0;
    read_json();
    ck_assert(!json_is_true(json_object_get(run_json_at(root, 0), "interrupted")));
    screen_reader_free(reader);
}

TEST(a_worker_that_is_killed)
{
    /* breaks when the end of a worker gives the terminal back, or what is said of it tears the screen */
    pid_t workers[4];
    start(ARGUMENTS(LOAD, LONG));
    screen_reader_wait(reader, "Latency (ms) of");
    const size_t count = support_children(reader->pid, workers, 4);
    ck_assert_uint_ge(count, 1);
    for (size_t i = 0; i < count && i < 4; i++)
        ck_assert_int_eq(kill(workers[i], SIGSEGV), 0);
    screen_reader_wait(reader, "worker 0"); /* the newest warning, on its line */
    ck_assert_uint_eq(reader->left_at, 0);
    screen_reader_type(reader, "q"); /* where it has not ended by itself */
    screen_reader_end(reader);
    expect(behind(), "volley: ");
    expect(behind(), "Verdict: RED");
    screen_reader_free(reader);
}

TEST(a_server_that_goes_away)
{
    /* breaks when a run that fails does not give the terminal back, or its error is not to be seen */
    start(ARGUMENTS(LOAD, "--qps", "500", "--duration", "2", "--interval", "250ms"));
    screen_reader_wait(reader, "Latency (ms) of");
    test_server_kill(&world.server);
    end(1);
    expect(behind(), "volley: ");
    screen_reader_free(reader);
}

TEST(it_can_be_stopped_and_go_on)
{
    /* breaks when Ctrl+Z leaves the shell a terminal without echo, or the screen does not come back */
    char line[1024];
    snprintf(line, sizeof line,
             "set -m; %s bench -p %s -t get -r 100 -c 4 --processes 1 --json %s --tui --qps 500 "
             "--duration 600; echo now-the-shell; stty -a; read line; fg >/dev/null; echo $? is it",
             program_volley(), world.server.port_text, json_path);
    start(ARGUMENTS("bash", "--norc", "-c", line));
    screen_reader_wait(reader, "Latency (ms) of");
    screen_reader_type(reader, "\x1a");
    screen_reader_wait(reader, "now-the-shell");
    screen_reader_wait_raw(reader, " icanon ");
    expect_not(reader->raw, "-icanon");
    expect_not(reader->raw, "-echo ");
    screen_reader_type(reader, "\n");
    memset(reader->left_text, 0, sizeof reader->left_text);
    for (unsigned i = 0; i < reader->lines;
         i++) /* what comes now is the screen, and no rest of it */
        for (unsigned k = 0; k < reader->columns; k++)
            reader->cells[i][k] = ' ';
    screen_reader_wait(reader, "Latency (ms) of");
    screen_reader_wait(reader, "running");
    screen_reader_type(reader, "q");
    screen_reader_wait_raw(reader, "130 is it");
    screen_reader_end(reader);
    screen_reader_free(reader);
}

/* Refusals ------------------------------------------------------------------------------------- */

static void expect_refused(const char *const *argv, const char *const *environment, int status,
                           const char *words)
{
    start_in(argv, environment, 0, 0);
    end(status);
    ck_assert_uint_eq(reader->left_at, 0);
    expect(reader->raw, words);
    screen_reader_free(reader);
    ck_assert_int_ne(access(json_path, F_OK), 0);
}

#define NOBODY "bench", "-p", "1", "-t", "get", "-n", "10", "--json", json_path, "--tui"

/* Both streams into a pipe, and what comes out of it to the terminal; the status is the program's. */
static const char piped[] =
    "exec 3>&2; status=$(exec 4>&1; { \"$0\" \"$@\" 2>&1; echo $? >&4; } | cat >&3); "
    "exit \"$status\"";

TEST(refused_before_anything_connects)
{
    /* breaks when a terminal that cannot be used is found out after the load, with a status of its own, or without a hint */
    expect_refused(ARGUMENTS(program_volley(), NOBODY), ARGUMENTS("TERM=dumb"), 2,
                   "cannot move its cursor");
    expect_refused(ARGUMENTS(program_volley(), NOBODY), ARGUMENTS("TERM=nonsense"), 2,
                   "TERM is \"nonsense\"");
    expect_refused(ARGUMENTS(program_volley(), NOBODY, "--progress"), NULL, 2, "--progress");
    expect_refused(ARGUMENTS("sh", "-c", "exec \"$0\" \"$@\" </dev/null", program_volley(), NOBODY),
                   NULL, 2, "standard input is no terminal");
    expect_refused(ARGUMENTS("sh", "-c", piped, program_volley(), NOBODY), NULL, 2,
                   "neither is a terminal");
    expect_refused(ARGUMENTS(program_volley(), NOBODY), NULL, 5, "cannot connect to");
    struct program program;
    program_run_volley(&program, NOBODY, NULL);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "no terminal");
    program_free(&program);
}

TEST(without_its_module)
{
    /* breaks when a volley without ncurses does not say what to install */
    char path[256], command[512];
    snprintf(path, sizeof path, "%s/volley", world.tree.path);
    snprintf(command, sizeof command, "cp %s %s", program_volley(), path);
    ck_assert_int_eq(system(command), 0);
    expect_refused(ARGUMENTS(path, NOBODY), NULL, 1, "libncurses-dev");
}

TEST(results_on_standard_output_go_where_they_should)
{
    /* breaks when a result that goes into a pipe is mixed with the screen, or the screen is not drawn on standard error */
    char line[1024], file[192];
    snprintf(file, sizeof file, "%s/piped.json", world.tree.path);
    snprintf(line, sizeof line,
             "exec %s bench -p %s -t get -r 100 -c 4 --processes 1 --json - --tui --qps 500 "
             "--duration 2 >%s",
             program_volley(), world.server.port_text, file);
    start(ARGUMENTS("sh", "-c", line));
    screen_reader_wait(reader, "Latency (ms) of");
    end(0);
    root = json_load_file(file, 0, NULL);
    ck_assert_ptr_nonnull(root);
    run_json_check(root);
    screen_reader_free(reader);
}

/* Other commands ------------------------------------------------------------------------------- */

TEST(steps_of_a_sweep_and_probes)
{
    /* breaks when the runs that have ended are not to be seen, or the table does not follow */
    start(ARGUMENTS(program_volley(), "sweep", "-p", world.server.port_text, "-t", "get", "-r",
                    "100", "--processes", "1", "--clients", "2,4", "--step-duration", "1",
                    "--warmup", "0", "--tui"));
    screen_reader_wait(reader, "volley sweep  GET");
    screen_reader_wait(reader, "Run   ");
    end(0);
    expect(behind(), "clients");
    screen_reader_free(reader);
}

TEST(phases_of_a_scenario)
{
    /* breaks when a scenario's phase is not on the screen, or its report does not follow */
    temp_tree_write(&world.tree, "/phases.yaml",
                    "name: phases\nduration: 60\nsample_interval: 1\nphases:\n"
                    "  - {name: fill, type: load, keys: 3000, value_size: 100, duration: 3}\n",
                    0644);
    char file[192];
    snprintf(file, sizeof file, "%s/phases.yaml", world.tree.path);
    start(ARGUMENTS(program_volley(), "run", "scenario", file, "-p", world.server.port_text,
                    "--output", world.tree.path, "--tui"));
    screen_reader_wait(reader, "phase 1 of 1, fill");
    screen_reader_end(reader);
    ck_assert_uint_gt(reader->left_at, 0);
    screen_reader_free(reader);
}

TEST_SUITE_WITH(terminal, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
