/* Requests that are asked again until they find what they look for, such as a replica what its primary has been
 * given. One that has missed waits here, in flight all the time: 0.1 ms, and as it goes on between 1/16 and 1/8 of the
 * time since it was first asked, up to 0.1 s. So it knows when it was there to that part, and a server that does not get on is
 * asked less and less. Time-outs are those of any request, since it was first asked. Private to worker/. */
#ifndef WORKER_REPEAT_H
#define WORKER_REPEAT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/interval.h"
#include "worker/slot_list.h"

struct connection;
struct pool;
struct stream;

#define REPEAT_PAUSES 11u /* each twice as long as the one before: 0.1 ms to 0.1 s */

struct repeat {
    int timer_fd;
    struct event
        *timer;        /* the first of them is due; NULL: no class asks again, and nothing waits */
    uint64_t armed_ns; /* for then; 0: not */
    struct slot_list
        waiting[REPEAT_PAUSES]; /* by their pause, so each in the order in which they are due */
};

/* callback: calls repeat_due, and sends. E_SYSTEM: no memory, no descriptor. */
MUST_USE enum err_code repeat_create(struct stream *stream, event_callback_fn callback,
                                     struct err *err);
void repeat_destroy(struct repeat *repeat);

/* Makes it wait: it has missed, or it was never sent as no replica was there for it. */
void repeat_later(struct stream *stream, const struct request_slot *slot, uint64_t now_ns);
/* The same of the oldest request of a connection, which it leaves. */
void repeat_missed(struct connection *connection, uint64_t now_ns);
/* Whether it can be asked in this pool: of what a primary was given, the primary itself tells nothing about replicas. False:
 * it waits from now on. */
bool repeat_may_ask(struct stream *stream, const struct request_slot *slot, const struct pool *pool,
                    uint64_t now_ns);
/* Those that have waited long enough go to the pools of their nodes. */
void repeat_due(struct stream *stream, uint64_t now_ns);
/* On every tick: those whose time is over time out. After the stop nothing is asked, so all are lost at once. */
void repeat_tick(struct stream *stream, uint64_t now_ns);
/* All are lost by this cause. */
void repeat_abandon(struct stream *stream, enum counter cause, uint64_t now_ns);

#endif
