/* The helpers that the other integration tests stand on: a real server, the fake one, a program. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/fake_server.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define DEADLINE_MS 10000

static void send_text(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect_text(int fd, const char *text)
{
    char got[256] = "";
    ck_assert_uint_lt(strlen(text), sizeof got);
    ck_assert_msg(support_read_exactly(fd, got, strlen(text)), "\"%s\" did not come", text);
    ck_assert_str_eq(got, text);
}

static bool readable(int fd, int wait_ms)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, wait_ms) == 1;
}

/* What a read says: the bytes, 0 at a good end, -1 at a reset or after the deadline. */
static ssize_t read_once(int fd)
{
    char bytes[4096];
    return read(fd, bytes, sizeof bytes);
}

/* ---- A real server. ---- */

TEST(test_server_answers)
{
    /* Breaks when a test's server does not start, or its helpers misread replies. */
    struct test_server server;
    const char *const args[] = {"--maxmemory", "123456789", "--databases", "4", NULL};
    test_server_start(&server, &(struct test_server_options){.args = args});
    free(test_server_text(&server, "SET %s %s", "k", "41"));
    ck_assert_int_eq(test_server_integer(&server, "INCR k"), 42);
    char *text = test_server_text(&server, "GET k");
    ck_assert_str_eq(text, "42");
    free(text);
    ck_assert_ptr_null(test_server_text(&server, "GET none"));
    ck_assert_int_eq(test_server_info(&server, "maxmemory"), 123456789);
    ck_assert_int_eq(test_server_calls(&server, "get"), 2);
    ck_assert_int_eq(test_server_calls(&server, "lpush"), 0);
    test_server_stop(&server);
}

TEST(test_server_leaves_nothing)
{
    /* Breaks when a stopped server leaves its process, its port or its directory behind. */
    struct test_server server;
    test_server_start(&server, NULL);
    const pid_t pid = server.pid;
    char directory[sizeof server.directory];
    memcpy(directory, server.directory, sizeof directory);
    struct stat status;
    ck_assert_int_eq(stat(directory, &status), 0);
    test_server_stop(&server);
    test_server_stop(&server);
    ck_assert(!support_process_alive(pid));
    ck_assert_int_lt(support_connect(server.port, DEADLINE_MS), 0);
    ck_assert_int_ne(stat(directory, &status), 0);
}

TEST(test_server_pauses)
{
    /* Breaks when a paused server answers, or a resumed one does not. */
    struct test_server server;
    test_server_start(&server, NULL);
    const int fd = support_connect(server.port, DEADLINE_MS);
    test_server_pause(&server);
    send_text(fd, "PING\r\n");
    ck_assert(!readable(fd, 50));
    test_server_resume(&server);
    expect_text(fd, "+PONG\r\n");
    close(fd);
    test_server_pause(&server);
    test_server_stop(&server);
}

TEST(test_server_restarts)
{
    /* Breaks when a killed server does not come back on its port, empty. */
    struct test_server server;
    test_server_start(&server, NULL);
    const uint16_t port = server.port;
    free(test_server_text(&server, "SET k v"));
    const int fd = support_connect(port, DEADLINE_MS);
    test_server_kill(&server);
    ck_assert_int_le(read_once(fd), 0);
    ck_assert_int_lt(support_connect(port, DEADLINE_MS), 0);
    test_server_restart(&server);
    ck_assert_uint_eq(server.port, port);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    test_server_restart(&server);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    close(fd);
    test_server_stop(&server);
}

TEST(test_server_on_a_socket)
{
    /* Breaks when a server without a TCP port cannot be used, or the password is not asked for. */
    struct test_server server;
    test_server_start(&server, &(struct test_server_options){.no_tcp = true, .password = "secret"});
    ck_assert_uint_eq(server.port, 0);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 0);
    server.options.password = NULL;
    char *text = test_server_text(&server, "PING");
    ck_assert_ptr_nonnull(strstr(text, "NOAUTH"));
    free(text);
    test_server_stop(&server);
}

TEST(test_server_dies_with_its_test)
{
    /* Breaks when a test that is killed leaves its server running. */
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t starter = support_fork();
    if (starter == 0) {
        struct test_server server;
        test_server_start(&server, NULL);
        if (write(ends[1], &server, sizeof server) != (ssize_t)sizeof server)
            _exit(1);
        pause();
        _exit(0);
    }
    struct test_server server;
    close(ends[1]);
    ck_assert(support_read_exactly(ends[0], &server, sizeof server));
    ck_assert(support_process_alive(server.pid));
    support_kill(starter);
    ck_assert(support_process_gone(server.pid, DEADLINE_MS));
    server.pid = 0;
    test_server_stop(&server);
    close(ends[0]);
}

/* ---- The fake server. ---- */

static struct fake_server fake;

static int start_fake(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&fake, &(struct fake_script){.rules = rules, .rule_count = rule_count});
    const int fd = support_connect(fake.port, DEADLINE_MS);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void end_fake(int fd)
{
    close(fd);
    fake_server_free(&fake);
}

TEST(test_fake_is_friendly)
{
    /* Breaks when a command of either form, whole or cut, does not get its answer. */
    fake_server_start(&fake, NULL);
    const int fd = support_connect(fake.port, DEADLINE_MS);
    send_text(fd, "PING\r\n*1\r\n$4\r\nping\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    expect_text(fd, "+PONG\r\n+PONG\r\n$3\r\nabc\r\n");
    send_text(fd, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n");
    fake_server_wait(&fake.counters->received_bytes, 40 + 26);
    ck_assert_uint_eq(fake.counters->commands, 3);
    send_text(fd, "ab\r\n");
    expect_text(fd, "+OK\r\n");
    ck_assert_uint_eq(fake.counters->commands, 4);
    ck_assert_uint_eq(fake.counters->accepted, 1);
    end_fake(fd);
}

TEST(test_fake_counts_matches)
{
    /* Breaks when skip and times do not say which matches a rule is for: LOADING twice, then well. */
    const struct fake_rule rules[] = {
        {.command = NULL, .action = FAKE_REPLY, .bytes = "-LOADING wait\r\n", .times = 2},
        {.command = "get", .action = FAKE_REPLY, .bytes = "-ERR late\r\n", .skip = 1, .times = 1}};
    const int fd = start_fake(rules, 2);
    send_text(fd, "PING\r\nPING\r\nPING\r\nGET k\r\nGET k\r\nGET k\r\n");
    expect_text(fd, "-LOADING wait\r\n-LOADING wait\r\n+PONG\r\n$3\r\nabc\r\n-ERR late\r\n"
                    "$3\r\nabc\r\n");
    end_fake(fd);
}

TEST(test_fake_counts_per_connection)
{
    /* Breaks when a rule for every connection is used up by the first one. */
    const struct fake_rule rules[] = {{.command = "PING",
                                       .action = FAKE_REPLY,
                                       .bytes = "-ERR first\r\n",
                                       .times = 1,
                                       .per_connection = true}};
    const int first = start_fake(rules, 1);
    const int second = support_connect(fake.port, DEADLINE_MS);
    send_text(first, "PING\r\nPING\r\n");
    expect_text(first, "-ERR first\r\n+PONG\r\n");
    send_text(second, "PING\r\nPING\r\n");
    expect_text(second, "-ERR first\r\n+PONG\r\n");
    close(second);
    end_fake(first);
}

TEST(test_fake_bytewise_and_late)
{
    /* Breaks when a slow reply is not the reply, or comes before its time. */
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY_BYTEWISE,
                                       .bytes = "$5\r\na\0b\r\n\r\n",
                                       .byte_count = 11,
                                       .delay_ms = 2},
                                      {.command = "PING", .action = FAKE_DEFAULT, .delay_ms = 60}};
    const int fd = start_fake(rules, 2);
    char reply[11];
    send_text(fd, "GET k\r\n");
    ck_assert(support_read_exactly(fd, reply, sizeof reply));
    ck_assert_mem_eq(reply, rules[0].bytes, sizeof reply);
    const uint64_t sent_ms = support_now_ms();
    send_text(fd, "PING\r\nSET\r\n");
    expect_text(fd, "+PONG\r\n+OK\r\n");
    ck_assert_uint_ge(support_now_ms() - sent_ms, 59);
    end_fake(fd);
}

TEST(test_fake_closes)
{
    /* Breaks when a close does not follow its bytes, or looks like a reset. */
    const struct fake_rule rules[] = {{.command = "GET", .action = FAKE_CLOSE, .bytes = "$3\r\na"}};
    const int fd = start_fake(rules, 1);
    send_text(fd, "GET k\r\nGET k\r\n");
    expect_text(fd, "$3\r\na");
    ck_assert_int_eq(read_once(fd), 0);
    fake_server_wait(&fake.counters->closed, 1);
    end_fake(fd);
}

TEST(test_fake_resets)
{
    /* Breaks when a reset looks like a good end. */
    const struct fake_rule rules[] = {{.command = "GET", .action = FAKE_RESET}};
    const int fd = start_fake(rules, 1);
    send_text(fd, "GET k\r\n");
    ck_assert_int_eq(read_once(fd), -1);
    end_fake(fd);
}

TEST(test_fake_is_silent)
{
    /* Breaks when silence ends, or spreads to a connection that it was not meant for. */
    const struct fake_rule rules[] = {{.command = "GET", .action = FAKE_SILENT, .times = 1}};
    const int fd = start_fake(rules, 1);
    send_text(fd, "GET k\r\nPING\r\n");
    fake_server_wait(&fake.counters->received_bytes, 13);
    const int second = support_connect(fake.port, DEADLINE_MS);
    send_text(second, "GET k\r\n");
    expect_text(second, "$3\r\nabc\r\n");
    ck_assert(!readable(fd, 0));
    close(second);
    end_fake(fd);
}

TEST(test_fake_never_ends)
{
    /* Breaks when the endless bulk ends early. */
    const struct fake_rule rules[] = {{.command = "GET", .action = FAKE_ENDLESS_BULK}};
    const int fd = start_fake(rules, 1);
    send_text(fd, "GET k\r\n");
    expect_text(fd, "$4294967296\r\n");
    size_t seen_bytes = 0;
    while (seen_bytes < 20u << 20) {
        const ssize_t got = read_once(fd);
        ck_assert_int_gt(got, 0);
        seen_bytes += (size_t)got;
    }
    end_fake(fd);
}

TEST(test_fake_speaks_unasked)
{
    /* Breaks when a connection does not get the reply that nobody asked for. */
    const struct fake_rule rules[] = {
        {.command = FAKE_ON_CONNECT, .action = FAKE_REPLY, .bytes = "+HELLO\r\n"},
        {.command = "PING", .action = FAKE_REPLY, .bytes = "+PONG\r\n+PONG\r\n"}};
    const int fd = start_fake(rules, 2);
    expect_text(fd, "+HELLO\r\n");
    send_text(fd, "PING\r\n");
    expect_text(fd, "+PONG\r\n+PONG\r\n");
    end_fake(fd);
}

TEST(test_fake_cuts_at_bytes)
{
    /* Breaks when the bytes before the cut are not answered, or more than those are read. */
    fake_server_start(&fake, &(struct fake_script){.close_at_bytes = 10});
    const int fd = support_connect(fake.port, DEADLINE_MS);
    send_text(fd, "PING\r\nPING\r\n");
    expect_text(fd, "+PONG\r\n");
    ck_assert_int_eq(read_once(fd), 0);
    ck_assert_uint_eq(fake.counters->received_bytes, 10);
    end_fake(fd);
    fake_server_start(&fake, &(struct fake_script){.reset_at_bytes = 3});
    const int reset = support_connect(fake.port, DEADLINE_MS);
    send_text(reset, "PING\r\n");
    ck_assert_int_eq(read_once(reset), -1);
    end_fake(reset);
}

TEST(test_fake_refuses)
{
    /* Breaks when connections are taken behind the last one allowed, or earlier ones break. */
    const struct fake_rule rules[] = {{.command = "QUIT", .action = FAKE_CLOSE_LISTENER}};
    fake_server_start(&fake, &(struct fake_script){rules, 1, .accept_max = 2});
    const int first = support_connect(fake.port, DEADLINE_MS);
    const int second = support_connect(fake.port, DEADLINE_MS);
    fake_server_wait(&fake.counters->accepted, 2);
    send_text(second, "PING\r\n");
    expect_text(second, "+PONG\r\n");
    ck_assert_int_lt(support_connect(fake.port, DEADLINE_MS), 0);
    send_text(first, "PING\r\n");
    expect_text(first, "+PONG\r\n");
    close(second);
    end_fake(first);

    const int fd = start_fake(rules, 1);
    send_text(fd, "QUIT\r\n");
    expect_text(fd, "+OK\r\n");
    ck_assert_int_lt(support_connect(fake.port, DEADLINE_MS), 0);
    end_fake(fd);
}

TEST(test_fake_never_accepts)
{
    /* Breaks when a connection in the backlog is served. */
    fake_server_start(&fake, &(struct fake_script){.never_accept = true});
    const int fd = support_connect(fake.port, DEADLINE_MS);
    ck_assert_int_ge(fd, 0);
    send_text(fd, "PING\r\n");
    ck_assert(!readable(fd, 50));
    ck_assert_uint_eq(fake.counters->accepted, 0);
    fake_server_stop(&fake);
    ck_assert_int_eq(read_once(fd), -1);
    end_fake(fd);
}

/* ---- A program. ---- */

static void shell(struct program *program, struct program_options options, const char *script)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    options.argv = argv;
    program_start(program, &options);
}

TEST(test_program_results)
{
    /* Breaks when output, input, environment, directory or exit status are not the program's. */
    struct program program;
    const char *const environment[] = {"COLOUR=a=b", NULL};
    shell(&program,
          (struct program_options){
              .stdin_text = "in\n", .environment = environment, .directory = "/proc"},
          "cat; echo \"$COLOUR\"; pwd; echo err >&2; exit 3");
    program_wait(&program);
    ck_assert_str_eq(program.out, "in\na=b\n/proc\n");
    ck_assert_str_eq(program.err, "err\n");
    ck_assert_int_eq(program.exit_status, 3);
    ck_assert_int_eq(program.exit_signal, 0);
    program_free(&program);
}

TEST(test_program_much_output)
{
    /* Breaks when a program waits because nobody reads what it prints. */
    struct program program;
    shell(&program, (struct program_options){0}, "head -c 3000000 /dev/zero; cat");
    program_wait(&program);
    ck_assert_uint_eq(program.out_bytes, 3000000);
    ck_assert_int_eq(program.exit_status, 0);
    program_free(&program);
}

TEST(test_program_signalled)
{
    /* Breaks when a program's text, signal or death by it is missed. */
    struct program program;
    shell(&program, (struct program_options){0},
          "trap 'echo caught >&2' INT; echo ready; while :; do sleep 0.01; done");
    program_wait_text(&program, PROGRAM_OUT, "ready");
    program_signal(&program, SIGINT);
    program_wait_text(&program, PROGRAM_ERR, "caught");
    ck_assert(!program_wait_at_most(&program, 0));
    program_signal(&program, SIGTERM);
    program_wait(&program);
    ck_assert_int_eq(program.exit_signal, SIGTERM);
    ck_assert_int_eq(program.exit_status, -1);
    program_free(&program);
}

TEST(test_program_children)
{
    /* Breaks when a program's children are not found, or a zombie counts as one. */
    struct program program;
    pid_t children[2] = {0};
    shell(&program, (struct program_options){0},
          "trap 'kill -9 $a $b' TERM; sleep 100 & a=$!; sleep 100 & b=$!; echo up; wait; wait");
    program_wait_text(&program, PROGRAM_OUT, "up"); /* before that the trap knows no $b */
    program_wait_children(&program, children, 2);
    ck_assert(support_process_alive(children[0]));
    ck_assert_int_ne(children[0], children[1]);
    program_signal(&program, SIGTERM);
    program_wait(&program);
    ck_assert(support_process_gone(children[0], DEADLINE_MS));
    ck_assert(support_process_gone(children[1], DEADLINE_MS));
    program_free(&program);

    const pid_t zombie = support_fork();
    if (zombie == 0)
        _exit(0);
    ck_assert(support_process_gone(zombie, DEADLINE_MS));
    ck_assert_uint_eq(support_children(getpid(), children, 2), 0);
    int wait_status;
    ck_assert(support_reap(zombie, DEADLINE_MS, &wait_status));
}

TEST(test_program_stdout_elsewhere)
{
    /* Breaks when a program cannot be given a pipe of the test's own, or keeps it open. */
    int ends[2];
    struct program program;
    ck_assert_int_eq(pipe(ends), 0);
    shell(&program, (struct program_options){.stdout_fd = ends[1]}, "echo piped");
    close(ends[1]);
    expect_text(ends[0], "piped\n");
    program_wait(&program);
    ck_assert_int_eq(read_once(ends[0]), 0);
    ck_assert_uint_eq(program.out_bytes, 0);
    program_free(&program);
    close(ends[0]);
}

TEST(test_program_released)
{
    /* Breaks when a program outlives its release, or one that does not exist looks like a success. */
    struct program program;
    shell(&program, (struct program_options){0}, "echo up; exec sleep 100");
    program_wait_text(&program, PROGRAM_OUT, "up");
    const pid_t pid = program.pid;
    program_free(&program);
    ck_assert(!support_process_alive(pid));
    const char *const none[] = {"/nonexistent/program", NULL};
    program_run(&program, &(struct program_options){.argv = none});
    ck_assert_int_eq(program.exit_status, 127);
    program_free(&program);
}

TEST_SUITE(support)
