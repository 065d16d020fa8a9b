#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/transport.h"

static enum io_status tcp_connect(struct wire *wire, const struct wire_setup *setup,
                                  const struct target_address *target,
                                  const struct target_address *source, int *sys_errno)
{
    int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    wire->fd = fd;
    if (fd < 0) {
        *sys_errno = errno;
        return IO_FAILED;
    }
    if (target->address.ss_family != AF_UNIX) {
        int on = 1;
        /* Nagle would hold back a request until the reply to the one before it has come. */
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            goto failed;
    }
    if (setup->reset_on_close) {
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0)
            goto failed;
    }
    if (source != NULL) {
        /* The port is chosen at connect, so that a port may serve several targets at once. */
        int on = 1;
        if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
            bind(fd, (const struct sockaddr *)&source->address, source->address_bytes) != 0)
            goto failed;
    }
    if (connect(fd, (const struct sockaddr *)&target->address, target->address_bytes) == 0)
        return IO_DONE;
    if (errno == EINPROGRESS)
        return IO_AGAIN;
failed:
    *sys_errno = errno;
    close(fd);
    wire->fd = -1;
    return IO_FAILED;
}

static enum io_status tcp_connected(struct wire *wire, int *sys_errno)
{
    socklen_t bytes = sizeof *sys_errno;
    if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, sys_errno, &bytes) != 0)
        *sys_errno = errno;
    return *sys_errno == 0 ? IO_DONE : IO_FAILED;
}

static enum io_status tcp_read(struct wire *wire, void *buffer, size_t buffer_bytes,
                               size_t *read_bytes, int *sys_errno)
{
    ssize_t got = recv(wire->fd, buffer, buffer_bytes, 0);
    if (got > 0) {
        *read_bytes = (size_t)got;
        return IO_DONE;
    }
    if (got == 0)
        return IO_CLOSED;
    *sys_errno = errno;
    return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_FAILED;
}

static enum io_status tcp_write(struct wire *wire, const void *bytes, size_t byte_count,
                                size_t *written_bytes, int *sys_errno)
{
    ssize_t sent = send(wire->fd, bytes, byte_count, MSG_NOSIGNAL);
    if (sent >= 0) {
        *written_bytes = (size_t)sent;
        return IO_DONE;
    }
    *sys_errno = errno;
    return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_FAILED;
}

static void tcp_close(struct wire *wire)
{
    close(wire->fd);
    wire->fd = -1;
}

const struct transport transport_tcp = {
    .name = "tcp",
    .connect = tcp_connect,
    .connected = tcp_connected,
    .read = tcp_read,
    .write = tcp_write,
    .close = tcp_close,
};
