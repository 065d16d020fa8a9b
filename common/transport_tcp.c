#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/transport.h"

static enum io_status tcp_connect(int *fd, const struct target_address *target, int *sys_errno)
{
    *fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        *sys_errno = errno;
        return IO_FAILED;
    }
    if (target->address.ss_family != AF_UNIX) {
        int on = 1;
        /* Nagle would hold back a request until the reply to the one before it has come. */
        if (setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            goto failed;
    }
    if (connect(*fd, (const struct sockaddr *)&target->address, target->address_bytes) == 0)
        return IO_DONE;
    if (errno == EINPROGRESS)
        return IO_AGAIN;
failed:
    *sys_errno = errno;
    close(*fd);
    *fd = -1;
    return IO_FAILED;
}

static enum io_status tcp_connected(int fd, int *sys_errno)
{
    socklen_t bytes = sizeof *sys_errno;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, sys_errno, &bytes) != 0)
        *sys_errno = errno;
    return *sys_errno == 0 ? IO_DONE : IO_FAILED;
}

static enum io_status tcp_read(int fd, void *buffer, size_t buffer_bytes, size_t *read_bytes,
                               int *sys_errno)
{
    ssize_t got = recv(fd, buffer, buffer_bytes, 0);
    if (got > 0) {
        *read_bytes = (size_t)got;
        return IO_DONE;
    }
    if (got == 0)
        return IO_CLOSED;
    *sys_errno = errno;
    return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_FAILED;
}

static enum io_status tcp_write(int fd, const void *bytes, size_t byte_count, size_t *written_bytes,
                                int *sys_errno)
{
    ssize_t sent = send(fd, bytes, byte_count, MSG_NOSIGNAL);
    if (sent >= 0) {
        *written_bytes = (size_t)sent;
        return IO_DONE;
    }
    *sys_errno = errno;
    return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_FAILED;
}

static void tcp_close(int fd)
{
    close(fd);
}

const struct transport transport_tcp = {
    .name = "tcp",
    .connect = tcp_connect,
    .connected = tcp_connected,
    .read = tcp_read,
    .write = tcp_write,
    .close = tcp_close,
};
