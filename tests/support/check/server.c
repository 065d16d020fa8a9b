#include "tests/support/check/server.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/support.h"

#define START_DEADLINE_MS 20000
#define STOP_DEADLINE_MS 10000
#define PORT_ATTEMPTS 5
#define LOG_TAIL_BYTES 2000
#define BUS_PORT_ABOVE 10000
#define INFO_ATTEMPTS 5

static bool on_path(const char *program, char *path, size_t path_bytes)
{
    const char *list = getenv("PATH");
    while (list != NULL && *list != '\0') {
        const size_t folder_bytes = strcspn(list, ":");
        snprintf(path, path_bytes, "%.*s/%s", (int)folder_bytes, list, program);
        if (access(path, X_OK) == 0)
            return true;
        list += folder_bytes;
        list += *list == ':';
    }
    return false;
}

static void find_program(char *path, size_t path_bytes)
{
    if (!on_path("valkey-server", path, path_bytes) && !on_path("redis-server", path, path_bytes))
        ck_abort_msg("neither valkey-server nor redis-server is on PATH");
}

static void log_path(const struct test_server *server, char *path, size_t path_bytes)
{
    snprintf(path, path_bytes, "%s/log", server->directory);
}

/* The last lines that the server printed; lives until the next call. */
static const char *log_tail(const struct test_server *server)
{
    static char tail[LOG_TAIL_BYTES];
    char path[96];
    log_path(server, path, sizeof path);
    tail[0] = '\0';
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tail;
    size_t byte_count = 0;
    char *text = support_read_file(fd, &byte_count);
    close(fd);
    const size_t skip = byte_count >= sizeof tail ? byte_count - sizeof tail + 1 : 0;
    snprintf(tail, sizeof tail, "%s", text + skip);
    free(text);
    return tail;
}

/* Returns how many they are; the paths live until the next call. */
static size_t tls_arguments(const char **argv, const struct test_server *server)
{
    static char authority[192], certificate[192], key[192];
    const struct test_certificates *made = server->options.certificates;
    const char *name = server->options.certificate;
    name = name != NULL ? name : "server";
    size_t argc = 0;
    argv[argc++] = "--tls-port";
    argv[argc++] = server->tls_port_text;
    argv[argc++] = "--tls-ca-cert-file";
    argv[argc++] = test_certificate(authority, sizeof authority, made, "ca");
    argv[argc++] = "--tls-cert-file";
    argv[argc++] = test_certificate(certificate, sizeof certificate, made, name);
    argv[argc++] = "--tls-key-file";
    argv[argc++] = test_certificate_key(key, sizeof key, made, name);
    argv[argc++] = "--tls-auth-clients";
    argv[argc++] = server->options.asks_for_certificate ? "yes" : "no";
    return argc;
}

static void spawn(struct test_server *server)
{
    char program[256];
    char log[96];
    find_program(program, sizeof program);
    log_path(server, log, sizeof log);
    const char *argv[TEST_SERVER_ARGS_MAX] = {program};
    static const char *const always[] = {"--bind",       "127.0.0.1", "--save",      "",
                                         "--appendonly", "no",        "--daemonize", "no"};
    size_t argc = 1;
    if (server->options.config_path != NULL) /* must come first */
        argv[argc++] = server->options.config_path;
    argv[argc++] = "--port";
    argv[argc++] = server->port_text;
    argv[argc++] = "--dir";
    argv[argc++] = server->directory;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        argv[argc++] = always[i];
    if (server->options.cluster) {
        argv[argc++] = "--cluster-enabled";
        argv[argc++] = "yes";
    }
    if (server->socket_path[0] != '\0') {
        argv[argc++] = "--unixsocket";
        argv[argc++] = server->socket_path;
    }
    if (server->options.certificates != NULL)
        argc += tls_arguments(argv + argc, server);
    if (server->options.password != NULL) {
        argv[argc++] = "--requirepass";
        argv[argc++] = server->options.password;
    }
    for (const char *const *arg = server->options.args; arg != NULL && *arg != NULL; arg++) {
        ck_assert_uint_lt(argc, TEST_SERVER_ARGS_MAX - 1);
        argv[argc++] = *arg;
    }
    server->pid = support_fork();
    if (server->pid != 0)
        return;
    support_close_all_but(-1);
    const int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(program, (char *const *)(uintptr_t)argv);
    _exit(127);
}

static redisContext *connect_to(const struct test_server *server)
{
    const struct timeval deadline = {.tv_sec = 5};
    redisContext *context = server->port == 0
                                ? redisConnectUnixWithTimeout(server->socket_path, deadline)
                                : redisConnectWithTimeout("127.0.0.1", server->port, deadline);
    if (context != NULL && context->err == 0 && redisSetTimeout(context, deadline) == REDIS_OK)
        return context;
    if (context != NULL)
        redisFree(context);
    return NULL;
}

static bool log_in(const struct test_server *server, redisContext *context)
{
    if (server->options.password == NULL)
        return true;
    redisReply *reply = redisCommand(context, "AUTH %s", server->options.password);
    const bool accepted = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL)
        freeReplyObject(reply);
    return accepted;
}

static bool answers(const struct test_server *server)
{
    redisContext *context = connect_to(server);
    if (context == NULL)
        return false;
    redisReply *reply = log_in(server, context) ? redisCommand(context, "PING") : NULL;
    /* It may have been given another name. */
    const bool pong =
        reply != NULL &&
        (reply->type == REDIS_REPLY_STATUS ||
         (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR unknown command", 19) == 0));
    if (reply != NULL)
        freeReplyObject(reply);
    redisFree(context);
    return pong;
}

/* False when it ended instead: most likely its port was taken meanwhile. */
static bool await_ping(struct test_server *server)
{
    const uint64_t end_ms = support_now_ms() + START_DEADLINE_MS;
    for (;;) {
        int wait_status;
        if (support_reap(server->pid, 0, &wait_status)) {
            server->pid = 0;
            return false;
        }
        if (answers(server))
            return true;
        if (support_now_ms() >= end_ms) {
            support_kill(server->pid);
            ck_abort_msg("the server did not answer PING:\n%s", log_tail(server));
        }
        support_sleep_ms(5);
    }
}

/* The nodes of a cluster talk to each other on the port plus 10000. */
static uint16_t free_cluster_port(void)
{
    for (int attempt = 0; attempt < 1000; attempt++) {
        const uint16_t port = support_free_port();
        if (port > UINT16_MAX - BUS_PORT_ABOVE)
            continue;
        uint16_t bus_port = (uint16_t)(port + BUS_PORT_ABOVE);
        const int fd = support_listen(&bus_port);
        if (fd < 0)
            continue;
        close(fd);
        return port;
    }
    ck_abort_msg("no port is free together with the port 10000 above it");
}

void test_server_start(struct test_server *server, const struct test_server_options *options)
{
    memset(server, 0, sizeof *server);
    if (options != NULL)
        server->options = *options;
    snprintf(server->directory, sizeof server->directory, "/tmp/volley-server-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server->directory));
    if (server->options.unix_socket || server->options.no_tcp)
        snprintf(server->socket_path, sizeof server->socket_path, "%s/s", server->directory);
    for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
        server->port = server->options.no_tcp    ? 0
                       : server->options.cluster ? free_cluster_port()
                                                 : support_free_port();
        snprintf(server->port_text, sizeof server->port_text, "%u", (unsigned)server->port);
        server->tls_port = server->options.certificates == NULL ? 0
                           : server->options.cluster            ? free_cluster_port()
                                                                : support_free_port();
        snprintf(server->tls_port_text, sizeof server->tls_port_text, "%u",
                 (unsigned)server->tls_port);
        spawn(server);
        if (await_ping(server))
            return;
    }
    ck_abort_msg("the server does not start:\n%s", log_tail(server));
}

static void end_process(struct test_server *server)
{
    int wait_status;
    if (server->pid == 0)
        return;
    kill(server->pid, SIGTERM);
    kill(server->pid, SIGCONT);
    if (!support_reap(server->pid, STOP_DEADLINE_MS, &wait_status))
        support_kill(server->pid);
    server->pid = 0;
    server->stopped = false;
}

static void remove_directory(const char *directory)
{
    DIR *folder = opendir(directory);
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(directory);
}

/* A bound socket that does not listen. SO_REUSEADDR until it is bound, or what the server's connections left would stand in the way;
 * then not, or others with it could bind the port, too. */
static void keep_port(struct test_server *server)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server->port),
                                        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (server->port == 0)
        return;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_gt(fd, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd); /* somebody was faster: the test will tell */
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){0}, sizeof(int));
    server->kept_fd = fd;
}

static void let_port_go(struct test_server *server)
{
    if (server->kept_fd > 0)
        close(server->kept_fd);
    server->kept_fd = 0;
}

void test_server_stop(struct test_server *server)
{
    let_port_go(server);
    end_process(server);
    if (server->directory[0] != '\0')
        remove_directory(server->directory);
    server->directory[0] = '\0';
}

void test_server_kill(struct test_server *server)
{
    ck_assert_int_ne(server->pid, 0);
    support_kill(server->pid);
    server->pid = 0;
    server->stopped = false;
    keep_port(server);
}

void test_server_restart(struct test_server *server)
{
    let_port_go(server);
    end_process(server);
    spawn(server);
    if (!await_ping(server))
        ck_abort_msg("the server does not start again:\n%s", log_tail(server));
}

void test_server_pause(struct test_server *server)
{
    int wait_status = 0;
    ck_assert_int_eq(kill(server->pid, SIGSTOP), 0);
    const uint64_t end_ms = support_now_ms() + STOP_DEADLINE_MS;
    while (waitpid(server->pid, &wait_status, WUNTRACED | WNOHANG) == 0) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(1);
    }
    ck_assert(WIFSTOPPED(wait_status));
    server->stopped = true;
}

void test_server_resume(struct test_server *server)
{
    ck_assert_int_eq(kill(server->pid, SIGCONT), 0);
    server->stopped = false;
}

/* Never NULL; the caller frees it. */
static redisReply *command(const struct test_server *server, const char *format, va_list args)
{
    ck_assert_msg(!server->stopped, "a command for a stopped server: %s", format);
    redisContext *context = connect_to(server);
    ck_assert_msg(context != NULL, "the server cannot be reached for %s", format);
    ck_assert(log_in(server, context));
    redisReply *reply = redisvCommand(context, format, args);
    ck_assert_msg(reply != NULL, "%s: %s", format, context->errstr);
    redisFree(context);
    return reply;
}

long long test_server_integer(const struct test_server *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = command(server, format, args);
    va_end(args);
    ck_assert_msg(reply->type == REDIS_REPLY_INTEGER, "%s: no integer but \"%s\"", format,
                  reply->str != NULL ? reply->str : "");
    const long long integer = reply->integer;
    freeReplyObject(reply);
    return integer;
}

char *test_server_text(const struct test_server *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = command(server, format, args);
    va_end(args);
    char *text = reply->str != NULL ? strdup(reply->str) : NULL;
    freeReplyObject(reply);
    return text;
}

/* The value behind "\nname:prefix" in INFO text; -1 when it is not there. */
static long long info_number(const char *info, const char *name, const char *prefix)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "\n%s:%s", name, prefix);
    const char *line = strstr(info, wanted);
    return line == NULL ? -1 : strtoll(line + strlen(wanted), NULL, 10);
}

/* INFO of a section; the caller frees. Asked again when the connection breaks: a sentinel kills all
 * clients of a server whose role it changes. */
static char *info_text(const struct test_server *server, const char *section)
{
    char *text = NULL;
    ck_assert_msg(!server->stopped, "INFO %s for a stopped server", section);
    for (int attempt = 0; attempt < INFO_ATTEMPTS && text == NULL; attempt++) {
        redisContext *context = connect_to(server);
        ck_assert_msg(context != NULL, "the server cannot be reached for INFO %s", section);
        redisReply *reply =
            log_in(server, context) ? redisCommand(context, "INFO %s", section) : NULL;
        if (reply != NULL && reply->str != NULL)
            text = strdup(reply->str);
        if (reply != NULL)
            freeReplyObject(reply);
        redisFree(context);
    }
    ck_assert_msg(text != NULL, "no answer to INFO %s", section);
    return text;
}

long long test_server_info(const struct test_server *server, const char *field)
{
    char *info = info_text(server, "default");
    const long long number = info_number(info, field, "");
    free(info);
    ck_assert_msg(number >= 0, "INFO has no number %s", field);
    return number;
}

long long test_server_calls(const struct test_server *server, const char *command_name)
{
    char name[64];
    snprintf(name, sizeof name, "cmdstat_%s", command_name);
    char *info = info_text(server, "commandstats");
    const long long number = info_number(info, name, "calls=");
    free(info);
    return number < 0 ? 0 : number;
}
