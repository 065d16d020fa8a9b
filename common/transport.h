/* How bytes reach the target: one table of functions, chosen once per run. Sockets are non-blocking.
 * Called by the worker that owns the connection; none of the functions waits or allocates. */
#ifndef COMMON_TRANSPORT_H
#define COMMON_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"

struct target_address {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    char text[160]; /* for messages: "127.0.0.1:6379" or the socket's path */
};

enum io_status {
    IO_DONE,   /* some bytes moved, or the step is complete              */
    IO_AGAIN,  /* nothing possible now; wait for the event               */
    IO_CLOSED, /* the peer ended the stream                              */
    IO_FAILED  /* *sys_errno tells                                       */
};

struct transport {
    const char *name;
    /* Begins a connection. IO_DONE: connected, IO_AGAIN: wait for writable, then call connected.
     * *fd is -1 on failure. */
    enum io_status (*connect)(int *fd, const struct target_address *target, int *sys_errno);
    /* The outcome of a connect that said IO_AGAIN, once the socket is writable. */
    enum io_status (*connected)(int fd, int *sys_errno);
    enum io_status (*read)(int fd, void *buffer, size_t buffer_bytes, size_t *read_bytes,
                           int *sys_errno);
    enum io_status (*write)(int fd, const void *bytes, size_t byte_count, size_t *written_bytes,
                            int *sys_errno);
    void (*close)(int fd);
    /* No descriptors and no waiting: a reply can be read as soon as its request was written, and
     * connections are ready without a handshake (the null transport). */
    bool answers_at_once;
};

extern const struct transport transport_tcp; /* TCP and Unix sockets */

#endif
