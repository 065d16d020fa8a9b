/* Who may talk to the servers that volley starts: volley, and nobody else on this host. */
#include <dirent.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/machine/port_owner.h"
#include "tests/support/check/memory_scan.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define SERVERS                                                                                    \
    "for s in valkey-server redis-server; do command -v $s >/dev/null && exec $s \"$@\"; done\n"

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    memset(&program, 0, sizeof program);
    temp_tree_make(&tree);
    ck_assert_int_eq(setenv("TMPDIR", tree.path, 1), 0);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

static const char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    return path;
}

/* NULL: there is no such file; the caller frees. */
static char *text_of(const char *name, size_t *bytes)
{
    FILE *file = fopen(path_of(name), "re");
    if (file == NULL)
        return NULL;
    char *text = support_read_file(fileno(file), bytes);
    fclose(file);
    return text;
}

/* ---- where the password stands ---- */

/* requirepass "\x41\x42" -> AB */
static void decode(char *password, const char *settings)
{
    const char *at = strstr(settings, "requirepass \"");
    ck_assert_ptr_nonnull(at);
    for (at = strchr(at, '"') + 1; strncmp(at, "\\x", 2) == 0; at += 4)
        *password++ = (char)strtol((char[]){at[2], at[3], '\0'}, NULL, 16);
    *password = '\0';
    ck_assert_int_eq(*at, '"');
}

static void expect_without(const char *name, const char *password)
{
    size_t bytes = 0;
    char *text = text_of(name, &bytes);
    ck_assert_msg(text != NULL && bytes > 0, "%s", name);
    ck_assert_msg(memmem(text, bytes, password, strlen(password)) == NULL, "%s", name);
    free(text);
}

TEST(nowhere_to_be_read)
{
    /* Breaks when the password is among a server's arguments or in any output, is the same in two runs, or
     * its file is open to others. */
    char script[900], password[2][100] = {"", ""}, run[40];
    snprintf(script, sizeof script,
             "#!/bin/sh\n[ \"$1\" = --version ] || { cp -p \"$1\" '%s/kept'; "
             "echo \"$@\" >>'%s/seen'; }\n" SERVERS,
             tree.path, tree.path);
    temp_tree_write(&tree, "/server", script, 0700);
    const char *server = strdup(path_of("server"));
    for (int i = 0; i < 2; i++) {
        struct stat status;
        size_t bytes = 0;
        snprintf(run, sizeof run, "run%d", i);
        program_run_volley(&program, "bench", "--managed",
                           i == 0 ? "replicas=1" : "cluster=1+1,tls", "--managed-program", server,
                           "-r", "100", "-n", "100", "-c", "2", "--extended-metrics",
                           "--monitoring-interval", "100ms", "--debug", "--log-level", "debug",
                           "--out", path_of(run), (char *)NULL);
        ck_assert_msg(program.exit_status == 0, "%s", program.err);
        ck_assert_int_eq(stat(path_of("kept"), &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, 0600);
        char *settings = text_of("kept", &bytes);
        decode(password[i], settings);
        free(settings);
        ck_assert_uint_eq(strlen(password[i]), 32);
        ck_assert_ptr_null(strstr(program.out, password[i]));
        ck_assert_ptr_null(strstr(program.err, password[i]));
        program_free(&program);
        memset(&program, 0, sizeof program);
        expect_without("seen", password[i]);
        static const char *const names[] = {"run.json", "journal", "volley.log", "latency.hlog",
                                            "intervals.csv"};
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            char name[60];
            snprintf(name, sizeof name, "%s/%s", run, names[n]);
            expect_without(name, password[i]);
        }
    }
    ck_assert_str_ne(password[0], password[1]);
    free((char *)(uintptr_t)server);
}

/* ---- what a neighbour is told ---- */

/* Starts a run that goes on, and returns the port of its server. */
static int start(const char *server_args)
{
    char script[700];
    snprintf(script, sizeof script,
             "#!/bin/sh\n[ \"$1\" = --version ] || echo \" $*\" >'%s/seen'\n" SERVERS, tree.path);
    temp_tree_write(&tree, "/server", script, 0700);
    program_start_volley(&program, "bench", "--managed", "--managed-program", path_of("server"),
                         "--duration", "60", "-t", "ping", "-c", "1", "--qps", "10", server_args,
                         (char *)NULL);
    for (const uint64_t end_ms = support_now_ms() + 30000;;) {
        size_t bytes = 0;
        char *seen = text_of("seen", &bytes);
        const char *port = seen != NULL ? strstr(seen, " --port ") : NULL;
        int number = port != NULL ? (int)strtol(port + 8, NULL, 10) : 0;
        free(seen);
        if (number != 0)
            return number;
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(10);
    }
}

/* Of a server that may not listen yet. */
static redisContext *connect_to(int port)
{
    const struct timeval limit = {.tv_sec = 10};
    for (const uint64_t end_ms = support_now_ms() + 30000;;) {
        redisContext *context = redisConnectWithTimeout("127.0.0.1", port, limit);
        if (context != NULL && context->err == 0)
            return context;
        redisFree(context);
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(10);
    }
}

static void expect_answer(redisContext *context, const char *command, const char *answer)
{
    redisReply *reply = redisCommand(context, command);
    ck_assert_msg(reply != NULL && reply->str != NULL, "%s", command);
    ck_assert_msg(strncmp(reply->str, answer, strlen(answer)) == 0, "%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static void expect_end(redisContext *context)
{
    redisFree(context);
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_msg(program.exit_status == 130, "%d: %s", program.exit_status, program.err);
}

TEST(nobody_else)
{
    /* Breaks when somebody without the password can use a managed server. */
    redisContext *context = connect_to(start("--managed-args=--maxmemory 1gb"));
    expect_answer(context, "PING", "NOAUTH ");
    expect_answer(context, "CONFIG GET dir", "NOAUTH ");
    expect_answer(context, "AUTH wrong", "WRONGPASS ");
    expect_end(context);
}

TEST(chosen_by_the_user)
{
    /* Breaks when a password with odd bytes does not reach the server, or stands among its arguments. */
    size_t bytes = 0;
    redisContext *context =
        connect_to(start("--managed-args=--requirepass 'x \"\\\\n# y' --maxmemory 1gb"));
    expect_answer(context, "PING", "NOAUTH ");
    redisReply *reply = redisCommand(context, "AUTH %s", "x \"\\\\n# y");
    ck_assert_msg(reply != NULL && reply->type == REDIS_REPLY_STATUS, "%s",
                  reply != NULL ? reply->str : "");
    freeReplyObject(reply);
    expect_answer(context, "PING", "PONG");
    char *seen = text_of("seen", &bytes);
    ck_assert_ptr_null(strstr(seen, "requirepass"));
    ck_assert_ptr_null(strstr(seen, "# y"));
    free(seen);
    expect_end(context);
}

TEST(turned_off)
{
    /* Breaks when a user cannot have a server without a password. */
    redisContext *context = connect_to(start("--managed-args=--requirepass ''"));
    expect_answer(context, "PING", "PONG");
    expect_end(context);
}

TEST(in_no_dump)
{
    /* Breaks when a core dump of volley holds what it has written for its servers: a key, or a password. */
    if (getenv("VOLLEY_SANITIZED") != NULL) /* keeps what was freed */
        return;
    program_start_volley(&program, "bench", "--managed", "replicas=1,tls", "--duration", "60", "-t",
                         "ping", "-c", "1", "--qps", "10", "--log-level", "info", (char *)NULL);
    program_wait_text(&program, PROGRAM_ERR, " answers");
    ck_assert(!memory_scan_finds(program.pid, "-----END PRIVATE KEY-----"));
    ck_assert(!memory_scan_finds(program.pid, "masterauth \"\\x"));
}

/* ---- somebody else at the port ---- */

#define STRANGER 12345

/* Takes the port as soon as the script has said which it is, and passes on what it is told there. */
static pid_t start_stranger(int *heard_fd)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = support_fork();
    if (pid == 0) {
        char bytes[256];
        size_t count = 0;
        char *text;
        while ((text = text_of("port", &count)) == NULL)
            support_sleep_ms(1);
        uint16_t port = (uint16_t)strtol(text, NULL, 10);
        if (setuid(STRANGER) != 0)
            _exit(1);
        int fd = support_listen(&port);
        if (fd < 0)
            _exit(1);
        for (;;) {
            int peer = accept(fd, NULL, NULL);
            if (peer < 0)
                _exit(1);
            ssize_t got;
            while ((got = read(peer, bytes, sizeof bytes)) > 0)
                (void)!write(ends[1], bytes, (size_t)got);
            close(peer);
        }
    }
    close(ends[1]);
    *heard_fd = ends[0];
    return pid;
}

TEST(stranger_at_the_port)
{
    /* Breaks when another user who takes the port of a server before the server does is given the password. */
    char script[600], path[400], heard[256];
    int heard_fd;
    if (geteuid() != 0) /* who cannot be another user */
        return;
    snprintf(
        script, sizeof script,
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" != --port ] || echo \"$2\" >'%s/new'; shift; "
        "done\nmv '%s/new' '%s/port'\nsleep 1\n",
        tree.path, tree.path, tree.path);
    temp_tree_write(&tree, "/valkey-server", script, 0700);
    snprintf(path, sizeof path, "PATH=%s:/usr/bin:/bin", tree.path);
    const char *const argv[] = {program_volley(), "bench", "--managed", "-n", "10", NULL};
    const char *const environment[] = {path, NULL};
    pid_t stranger = start_stranger(&heard_fd);
    program_run(&program, &(struct program_options){.argv = argv, .environment = environment});
    ck_assert_msg(program.exit_status == 5, "%d: %s", program.exit_status, program.err);
    support_kill(stranger);
    ssize_t got = read(heard_fd, heard, sizeof heard - 1);
    ck_assert_msg(got == 0, "%.*s", (int)got, heard);
    close(heard_fd);
}

static int64_t stranger;

static bool owned(const char *tcp, const char *tcp6)
{
    temp_tree_write(&tree, "/proc/net/tcp", tcp, 0600);
    temp_tree_write(&tree, "/proc/net/tcp6", tcp6, 0600);
    return port_is_ours(7001, tree.path, &stranger);
}

TEST(owner_of_a_port)
{
    /* Breaks when a listener is not seen, or one at another port or address, or a mere connection, is taken for
     * it. */
#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define LINE(address, state, user)                                                                 \
    "   0: " address ":1B59 00000000:0000 " state " 00000000:00000000 00:00000000 00000000 " user  \
    "        0 66 1 0000000000000000 100 0 0 10 0\n"
#define OTHER_PORT                                                                                 \
    "   1: 0100007F:1B5A 00000000:0000 0A 00000000:00000000 00:00000000 00000000 12345 0 66\n"
    ck_assert(port_is_ours(7001, "/nowhere", &stranger));
    ck_assert(!owned(HEAD, HEAD));
    ck_assert(owned(HEAD OTHER_PORT LINE("0100007F", "0A", "    0"), HEAD));
    ck_assert(!owned(HEAD LINE("0100007F", "0A", "12345"), HEAD));
    ck_assert(!owned(HEAD LINE("0100007F", "0A", "    0") LINE("00000000", "0A", "12345"), HEAD));
    ck_assert(!owned(HEAD LINE("0100007F", "0A", "    0"),
                     HEAD LINE("00000000000000000000000000000000", "0A", "12345")));
    ck_assert_int_eq(stranger, 12345);
    ck_assert(owned(HEAD LINE("0100007F", "0A", "    0") LINE("0200007F", "0A", "12345"),
                    HEAD LINE("00000000000000000000000001000000", "0A", "12345")));
    ck_assert_int_eq(stranger, -1);
    ck_assert(!owned(HEAD LINE("0200007F", "0A", "    0"), HEAD));
    ck_assert(!owned(HEAD LINE("0100007F", "0A", "    0"),
                     HEAD LINE("0000000000000000FFFF00000100007F", "0A", "12345")));
    ck_assert(owned(HEAD, HEAD LINE("0000000000000000FFFF00000100007F", "0A", "    0")));
    ck_assert(!owned(HEAD LINE("0100007F", "01", "    0"), HEAD));
    ck_assert(!owned("", "rubbish"));
}

TEST_SUITE_WITH(managed_password, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
