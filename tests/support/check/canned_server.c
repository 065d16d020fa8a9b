#include "tests/support/check/canned_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

static int listen_loopback(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_bytes), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void answer(int fd, const char *const *replies)
{
    char request[4096];
    ssize_t got;
    while ((got = read(fd, request, sizeof request)) > 0 || (got < 0 && errno == EINTR)) {
        if (send(fd, replies[0], strlen(replies[0]), MSG_NOSIGNAL) < 0)
            return;
        if (replies[1] != NULL)
            replies++;
    }
}

static void serve(int listen_fd, enum canned_kind kind, const char *const *replies)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        if (kind == CANNED_SILENT) {
            pause();
            continue;
        }
        int fd = accept(listen_fd, NULL, NULL);
        if (fd < 0)
            continue;
        if (kind == CANNED_GREETS)
            (void)!write(fd, replies[0], strlen(replies[0]));
        else
            answer(fd, replies);
        close(fd);
    }
}

void canned_server_start(struct canned_server *server, enum canned_kind kind,
                         const char *const *replies, const char *path)
{
    server->port = 0;
    int fd = path != NULL ? listen_unix(path) : listen_loopback(&server->port);
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0)
        serve(fd, kind, replies);
    close(fd);
}

void canned_server_stop(struct canned_server *server)
{
    ck_assert_int_eq(kill(server->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
}

void server_say(uint16_t port, const char *command, const char *expect)
{
    char reply[4096] = "";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(write(fd, command, strlen(command)), (ssize_t)strlen(command));
    ck_assert_int_eq(write(fd, "\r\n", 2), 2);
    ssize_t got = read(fd, reply, sizeof reply - 1);
    ck_assert_int_gt(got, 0);
    ck_assert_msg(strstr(reply, expect) != NULL, "%s: %s", command, reply);
    close(fd);
}
