/* Who sends the next ticket. Called from the loop only: what a connection does next, once something has
 * happened to it, is decided here. */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/interval.h"
#include "worker/connection.h"
#include "worker/supply.h"

struct stream;

struct dispatch {
    bool
        straight; /* a closed loop and one pool: a ticket goes straight to the connection with room */
    struct request_slot drawn; /* a ticket whose node's list is full ...          */
    bool has_drawn;            /* ... there is one                                */
    bool stopped;          /* tickets of an open loop are not drawn: a list is full, or too ... */
    struct supply drawing; /* ... many are in flight; and since when they are again           */
};

/* The event loop's: something has happened to a connection's descriptor. */
/* Connections have thought long enough: timer of think.h. */
void dispatch_thought(evutil_socket_t fd, short what, void *stream);
/* Requests have waited long enough to be asked again: timer of repeat.h. */
void dispatch_repeat(evutil_socket_t fd, short what, void *stream);
/* A round has waited long enough: timer of buffer.h. */
void dispatch_buffer(evutil_socket_t fd, short what, void *stream);
void dispatch_io(evutil_socket_t fd, short what, void *connection);
/* The same of a client that buffers: with the stages of what was answered. */
void dispatch_io_buffered(evutil_socket_t fd, short what, void *connection);
/* Opens a connection, and gives it work where it is ready at once. */
void dispatch_open(struct connection *connection);
/* Sends what waits, and what is due, as far as connections are free. */
void dispatch_send(struct stream *stream, uint64_t now_ns);
/* The same on every tick of the loop's timer. */
void dispatch_tick(struct stream *stream, uint64_t now_ns);
/* The load of a client that buffers has stopped: what it had goes out, now and as replies come (buffer_drains). */
void dispatch_drain(struct stream *stream, uint64_t now_ns);
/* Open loop: whether a ticket that is due could go somewhere now. */
bool dispatch_can_take(struct stream *stream);

#endif
