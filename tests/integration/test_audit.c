/* `volley bench` where a stranger would not have looked: what is closed, broken or late. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/check/fake_server.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

static struct fake_server server;
static struct bench_setting at_server;
static struct bench_call call;

static void tear_down(void)
{
    fake_server_stop(&server);
    fake_server_free(&server);
}

static void serve(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&server, &(struct fake_script){.rules = rules, .rule_count = rule_count});
    at_server = (struct bench_setting){.port = server.port_text};
}

/* ---- Sequences whose replies do not come together. ---- */

TEST(test_sequence_fails_across_an_edge)
{
    /* Breaks when a failed part is counted in one interval and its request in a later one. */
    static const struct fake_rule rules[] = {
        {.command = "LPUSH", .action = FAKE_REPLY, .bytes = "-WRONGTYPE no list\r\n"},
        {.command = "GET", .action = FAKE_DEFAULT, .delay_ms = 60}};
    serve(rules, 2);
    call_expect(&call, 1, &at_server, "-n 4 -c 2 --interval 10ms -- LPUSH a b ; GET c");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 4);
    ck_assert_int_eq(run_json_count(&call, 0, "errors_by_kind.WRONGTYPE"), 4);
    call_free(&call);
}

TEST(test_sequence_breaks_behind_an_error)
{
    /* Breaks when a part's error is counted of a request that is lost in the end. */
    static const struct fake_rule rules[] = {
        {.command = "LPUSH", .action = FAKE_REPLY, .bytes = "-WRONGTYPE no list\r\n", .times = 1},
        {.command = "GET", .action = FAKE_CLOSE, .times = 1}};
    serve(rules, 2);
    call_expect(&call, 0, &at_server, "-n 4 -c 1 -- LPUSH a b ; GET c");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 3);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.lost"), 1);
    call_free(&call);
}

/* ---- A connection that does not come back. ---- */

TEST(test_tickets_of_a_dead_connection)
{
    /* Breaks when a connection that the server does not take back keeps its tickets: a run with -n
     * never ended. */
    static const struct fake_rule rules[] = {
        {.command = "SET", .action = FAKE_CLOSE, .skip = 300, .times = 1}};
    fake_server_start(&server,
                      &(struct fake_script){.rules = rules, .rule_count = 1, .accept_max = 3});
    at_server = (struct bench_setting){.port = server.port_text};
    call_expect(&call, 0, &at_server, "-c 2 --single-process -P 1000 -d 10kb -n 3000");
    ck_assert_int_eq(run_json_count(&call, 0, "connections.lost"), 1);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.sent"), 3000);
    ck_assert_int_gt(run_json_count(&call, 0, "requests.lost"), 0);
    call_free(&call);
}

/* ---- Nothing measured. ---- */

TEST(test_success_of_the_warmup_is_no_success)
{
    /* Breaks when a run whose measured part has no reply at all ends with 0. */
    static const struct fake_rule rules[] = {{.command = "SET", .action = FAKE_SILENT, .skip = 5}};
    serve(rules, 1);
    call_expect(&call, 1, &at_server,
                "-c 1 --warmup 300ms --interval 100ms --test-duration 200ms --drain-timeout 0");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 0);
    ck_assert_ptr_nonnull(strstr(call.program.err, "no request succeeded"));
    call_free(&call);
}

/* ---- Standard streams that are closed. ---- */

static void run_shell(struct program *program, const char *script, const char *directory)
{
    const char *const argv[] = {"/bin/sh", "-c", script, program_volley(), NULL};
    program_run(program, &(struct program_options){.argv = argv, .directory = directory});
}

static const struct suite_setting without_server = {.set_up = NULL};

TEST_IN(without_server, test_closed_standard_input)
{
    /* Breaks when a descriptor of volley's own takes the place of standard input. */
    struct program program;
    run_shell(&program, "exec \"$0\" --null -n 1000 -q <&-", NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "SET: "));
    program_free(&program);
}

TEST_IN(without_server, test_closed_standard_output)
{
    /* Breaks when a file of the run takes the place of standard output: the report went into it. */
    char directory[] = "/tmp/volley-audit-XXXXXX";
    struct program program;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    run_shell(&program, "exec \"$0\" --null -n 1000 --out run >&-", directory);
    ck_assert_int_eq(program.exit_status, 0);
    program_free(&program);
    run_shell(&program, "rm run/run.json && exec \"$0\" report run", directory);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_msg(strstr(program.err, "journal") == NULL, "%s", program.err);
    program_free(&program);
    run_shell(&program, "rm -r run", directory);
    program_free(&program);
    ck_assert_int_eq(rmdir(directory), 0);
}

/* ---- Signals at odd moments. ---- */

#define LOOKS 10

/* Until the process is seen in this system call again and again: it waits there. */
static void wait_in_call(pid_t pid, long number)
{
    char path[64], text[256] = "";
    uint32_t seen = 0;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
    for (uint64_t end_ms = support_now_ms() + 10000; seen < LOOKS; support_sleep_ms(5)) {
        FILE *file = fopen(path, "r");
        bool read = file != NULL && fgets(text, sizeof text, file) != NULL;
        if (file != NULL)
            fclose(file);
        seen = !read || (text[0] != 'r' && strtol(text, NULL, 10) == number) ? seen + 1 : 0;
        ck_assert_msg(support_now_ms() < end_ms, "not in system call %ld: %s", number, text);
    }
}

TEST_IN(without_server, test_interrupt_of_a_blocked_write)
{
    /* Breaks when a signal that meets a full pipe cuts what is written to it. */
    struct program program;
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    const char *const argv[] = {program_volley(),  "--null", "-c",     "1", "--interval", "10ms",
                                "--test-duration", "5s",     "--json", "-", NULL};
    program_start(&program, &(struct program_options){.argv = argv, .stdout_fd = ends[1]});
    close(ends[1]);
    wait_in_call(program.pid, SYS_write);
    program_signal(&program, SIGINT);
    FILE *reader = fdopen(ends[0], "r");
    json_error_t why;
    json_t *root = json_loadf(reader, 0, &why);
    ck_assert_msg(root != NULL, "%s", why.text);
    json_decref(root);
    fclose(reader);
    program_wait(&program);
    ck_assert_int_eq(program.exit_status, 130);
    program_free(&program);
}

TEST_IN(without_server, test_interrupt_while_reading_standard_input)
{
    /* Breaks when -x cannot be ended by Ctrl+C while it waits for its argument, or a signal before the load
     * is a raw signal and not status 130. */
    struct program program;
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    char script[128];
    snprintf(script, sizeof script, "exec \"$0\" --null -x -- set k </proc/%d/fd/%d", (int)getpid(),
             ends[0]);
    const char *const argv[] = {"/bin/sh", "-c", script, program_volley(), NULL};
    program_start(&program, &(struct program_options){.argv = argv});
    wait_in_call(program.pid, SYS_read);
    program_signal(&program, SIGINT);
    ck_assert(program_wait_at_most(&program, 10000));
    ck_assert_int_eq(program.exit_status, 130);
    program_free(&program);
    close(ends[0]);
    close(ends[1]);
}

TEST_SUITE_WITH(audit, .tear_down = tear_down)
