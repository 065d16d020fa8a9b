/* How bytes reach the target: one table of functions, chosen once per run. Sockets are non-blocking.
 * Called by the process that owns the wire; none of the functions waits, and none but connect,
 * handshake and close allocates. */
#ifndef COMMON_TRANSPORT_H
#define COMMON_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"

struct target_address {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    char host[256]; /* as it was named: for certificates; "" with a Unix socket   */
    char text[160]; /* for messages: "127.0.0.1:6379" or the socket's path */
};

/* Whatever they are called. */
static inline bool target_address_same(const struct target_address *a,
                                       const struct target_address *b)
{
    return a->address_bytes == b->address_bytes &&
           memcmp(&a->address, &b->address, a->address_bytes) == 0;
}

enum io_status {
    IO_DONE,   /* some bytes moved, or the step is complete              */
    IO_AGAIN,  /* nothing possible now; wait for the event               */
    IO_CLOSED, /* the peer ended the stream                              */
    IO_FAILED  /* *sys_errno tells                                       */
};

struct tls_client; /* transport_tls.h: what all connections of a run have in common  */
struct tls_stream; /* one connection's                                               */

/* One connection's end of the wire. Zeroed but for fd = -1 before connect, and after close again. */
struct wire {
    int fd;                 /* -1: none; with the null transport its number               */
    struct tls_stream *tls; /* owned by transport_tls                                     */
    bool unflushed;         /* write took bytes that the socket has no room for yet: wait until
                             * it is writable, then flush                                      */
};

/* How sockets are made; constant for the run. */
struct wire_setup {
    struct tls_client *tls;               /* NULL: plain                                  */
    const struct target_address *sources; /* local addresses to connect from, in turn     */
    unsigned source_count;                /* 0: the kernel chooses                        */
    bool reset_on_close;                  /* close sends RST: the port is free at once    */
};

struct transport {
    const char *name;
    /* Begins a connection, from source (NULL: any). IO_DONE: connected, IO_AGAIN: wait for writable,
     * then call connected. wire->fd is -1 on failure. */
    enum io_status (*connect)(struct wire *wire, const struct wire_setup *setup,
                              const struct target_address *target,
                              const struct target_address *source, int *sys_errno);
    /* The outcome of a connect that said IO_AGAIN, once the socket is writable. */
    enum io_status (*connected)(struct wire *wire, int *sys_errno);
    /* Goes on with the handshake whenever the socket is readable or writable, until it is IO_DONE.
     * IO_AGAIN: *wants_write tells which to wait for. IO_FAILED: err says why. NULL: none needed. */
    enum io_status (*handshake)(struct wire *wire, bool *wants_write, struct err *err);
    enum io_status (*read)(struct wire *wire, void *buffer, size_t buffer_bytes, size_t *read_bytes,
                           int *sys_errno);
    enum io_status (*write)(struct wire *wire, const void *bytes, size_t byte_count,
                            size_t *written_bytes, int *sys_errno);
    /* Sends what write has taken and the socket had no room for. NULL: write never does that. */
    enum io_status (*flush)(struct wire *wire, int *sys_errno);
    void (*close)(struct wire *wire);
    /* No descriptors and no waiting: a reply can be read as soon as its request was written, and
     * connections are ready without a handshake (the null transport). */
    bool answers_at_once;
};

extern const struct transport transport_tcp; /* TCP and Unix sockets */

#endif
