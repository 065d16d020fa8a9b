/* The time that a connection of a closed loop takes between the last reply to what it sent and what it sends next, as
 * a user does who reads before the next click. Those that think stand in a list in the order in which they end; where all
 * take as long each goes to its end. One that ends before the last of these goes into a heap, so that times that differ
 * cost no walk. With several requests in flight a connection waits for all replies, thinks, and sends as many again.
 * Private to worker/. */
#ifndef WORKER_THINK_H
#define WORKER_THINK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/err.h"
#include "worker/deadline_heap.h"

struct connection;
struct stream;

struct think {
    bool waits;          /* false: nobody thinks, and the rest is without meaning */
    uint64_t time_ns;    /* all as long; 0: the generator says, each time */
    struct event *timer; /* the first one of these ends */
    TAILQ_HEAD(thinking_list, connection) connections;
    struct deadline_heap earlier; /* by their places in the stream */
};

/* Whether connections of this stream wait at all; its generator is open. */
bool think_is_wanted(const struct stream *stream);
/* callback: calls think_expire, and sends. E_SYSTEM: no memory. */
MUST_USE enum err_code think_create(struct stream *stream, event_callback_fn callback,
                                    struct err *err);
void think_destroy(struct think *think);

/* It has been answered (stream_holds_back tells until when it sends nothing). True: it thinks from now on, or waits for its other replies. */
bool think_begin(struct connection *connection, uint64_t now_ns);
/* It has been closed. */
void think_forget(struct connection *connection);
/* Those that have thought long enough can take requests again. */
void think_expire(struct stream *stream, uint64_t now_ns);

#endif
