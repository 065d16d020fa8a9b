#include <errno.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/server/certificates.h"
#include "tests/perf/compare.h"

#define START_SECONDS_MAX 30
#define START_TRIES 5
#define BATCH_BYTES (1u << 20)
#define BATCH_COMMANDS_MAX 1000

static redisContext *connect_to(const struct server *server)
{
    const struct timeval timeout = {.tv_sec = 10};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", server->port, timeout);
    if (context != NULL && context->err == 0 && redisSetTimeout(context, timeout) == REDIS_OK)
        return context;
    if (context != NULL)
        redisFree(context);
    return NULL;
}

static bool answers(const struct server *server)
{
    redisContext *context = connect_to(server);
    if (context == NULL)
        return false;
    redisReply *reply = redisCommand(context, "PING");
    bool pong = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    redisFree(context);
    return pong;
}

/* Free now; another process may take it before the server does. */
static uint16_t port_guess(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    uint16_t port = 0;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &address_bytes) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

static void add_tls_arguments(struct server *server, struct command *command)
{
    server->tls_port = port_guess();
    command_add(command, "--tls-port");
    command_add(command, "%u", (unsigned)server->tls_port);
    command_add(command, "--tls-ca-cert-file");
    command_add(command, "%s/" SERVER_AUTHORITY, server->directory);
    command_add(command, "--tls-cert-file");
    command_add(command, "%s/server.pem", server->directory);
    command_add(command, "--tls-key-file");
    command_add(command, "%s/server-key.pem", server->directory);
    command_add(command, "--tls-auth-clients");
    command_add(command, "no");
}

/* True when it answers; false, with no process left, when it ended or said nothing for too long. */
static bool launch(struct server *server, int cpu)
{
    struct command command = {0};
    char log_path[96];
    server->port = port_guess();
    snprintf(log_path, sizeof log_path, "%s/server.log", server->directory);
    command_add(&command, "%s", server->program);
    command_add(&command, "--port");
    command_add(&command, "%u", (unsigned)server->port);
    command_add(&command, "--bind");
    command_add(&command, "127.0.0.1");
    command_add(&command, "--save");
    command_add(&command, "%s", "");
    command_add(&command, "--appendonly");
    command_add(&command, "no");
    command_add(&command, "--dir");
    command_add(&command, "%s", server->directory);
    if (server->tls_port != 0)
        add_tls_arguments(server, &command);
    const struct spawn spawn = {
        .command = &command, .cpu = cpu, .log_path = log_path, .own_session = true};
    server->pid = process_spawn(&spawn);
    if (server->pid < 0) {
        server->pid = 0;
        return false;
    }
    uint64_t deadline_ns = clock_now_ns() + START_SECONDS_MAX * NS_PER_SECOND;
    while (clock_now_ns() < deadline_ns && !compare_interrupted) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return false;
        }
        if (answers(server))
            return true;
        clock_sleep_until(clock_now_ns() + 20 * NS_PER_MS);
    }
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    return false;
}

static enum err_code prepare(struct server *server, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    *server = (struct server){0};
    if (!program_find(server->program, sizeof server->program, "valkey-server") &&
        !program_find(server->program, sizeof server->program, "redis-server"))
        return err_set(err, E_CONNECT, "neither valkey-server nor redis-server is on PATH");
    snprintf(server->directory, sizeof server->directory, "%.40s/volley-perf-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    if (mkdtemp(server->directory) == NULL) {
        int sys_errno = errno;
        server->directory[0] = '\0';
        return err_set_errno(err, E_SYSTEM, sys_errno, "making a temporary directory");
    }
    return OK;
}

static enum err_code launch_somewhere(struct server *server, int cpu, struct err *err)
{
    for (int i = 0; i < START_TRIES && !compare_interrupted; i++)
        if (launch(server, cpu))
            return OK;
    return err_set(err, E_CONNECT, "%s did not come up", server->program);
}

enum err_code server_start(struct server *server, int cpu, struct err *err)
{
    enum err_code code = prepare(server, err);
    return code == OK ? launch_somewhere(server, cpu, err) : code;
}

enum err_code server_start_tls(struct server *server, int cpu, struct err *err)
{
    static const struct certificate_wish authority = {
        .name = "ca", .authority = true, .ends_seconds = 24 * 3600};
    static const struct certificate_wish certificate = {.name = "server",
                                                        .alternatives = "IP:127.0.0.1",
                                                        .signed_by = "ca",
                                                        .ends_seconds = 24 * 3600};
    enum err_code code = prepare(server, err);
    if (code == OK)
        code = certificate_make(server->directory, &authority, err);
    if (code == OK)
        code = certificate_make(server->directory, &certificate, err);
    server->tls_port = UINT16_MAX; /* any; chosen anew with each attempt */
    return code == OK ? launch_somewhere(server, cpu, err) : code;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void server_stop(struct server *server)
{
    if (server->pid > 0) {
        /* Nothing to save: no reason to wait for an orderly end. */
        kill(server->pid, SIGKILL);
        while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        server->pid = 0;
    }
    if (server->directory[0] != '\0')
        nftw(server->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    server->directory[0] = '\0';
}

/* Reads the replies of a batch; false at the first that is missing or an error. */
static bool take_replies(redisContext *context, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        void *reply = NULL;
        if (redisGetReply(context, &reply) != REDIS_OK)
            return false;
        bool good = ((const redisReply *)reply)->type != REDIS_REPLY_ERROR;
        freeReplyObject(reply);
        if (!good)
            return false;
    }
    return true;
}

/* width: digits of a key, zeros in front. */
static bool fill(redisContext *context, int width, uint64_t keys, const char *value,
                 uint64_t value_bytes)
{
    uint64_t pending = 0;
    uint64_t batch = BATCH_BYTES / (value_bytes + 64) + 1;
    if (batch > BATCH_COMMANDS_MAX)
        batch = BATCH_COMMANDS_MAX;
    for (uint64_t i = 0; i < keys && !compare_interrupted; i++) {
        char key[40];
        int key_bytes = snprintf(key, sizeof key, "key:%0*llu", width, (unsigned long long)i);
        const char *argv[] = {"SET", key, value};
        const size_t lengths[] = {3, (size_t)key_bytes, value_bytes};
        if (redisAppendCommandArgv(context, 3, argv, lengths) != REDIS_OK)
            return false;
        if (++pending < batch)
            continue;
        if (!take_replies(context, pending))
            return false;
        pending = 0;
    }
    return take_replies(context, pending);
}

enum err_code server_fill(const struct server *server, uint64_t keys, uint64_t value_bytes,
                          bool plain, struct err *err)
{
    redisContext *context = connect_to(server);
    char *value = malloc(value_bytes);
    bool filled = context != NULL && value != NULL;
    if (filled) {
        memset(value, 'x', value_bytes);
        filled = fill(context, 12, keys, value, value_bytes) &&
                 (!plain || fill(context, 0, keys, value, value_bytes));
    }
    free(value);
    if (context != NULL)
        redisFree(context);
    if (compare_interrupted)
        return err_set(err, E_INTERRUPTED, "interrupted");
    if (!filled)
        return err_set(err, E_FAILED, "writing %llu keys of %llu bytes failed",
                       (unsigned long long)keys, (unsigned long long)value_bytes);
    return OK;
}
