/* A stream whose requests were recorded: which one is next, whose it is, and when what was kept of one can be given
 * back. Every connection is a pool of its own, so that the requests of a recorded client stay in their order. In a cluster a
 * pool is a node, and a client's request waits at its gate until the one before it is settled. */
#ifndef WORKER_REPLAYING_H
#define WORKER_REPLAYING_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/slot_list.h"

struct connection;
struct pool;
struct stream;

/* Once the stream has its generator. */
void replaying_begin(struct stream *stream);
/* Whether a request can be drawn now. False: the file is at its end, or too many wait. What was drawn before has its
 * place by then: a list, or a connection. */
bool replaying_has_next(struct stream *stream);
/* A closed loop's next one. False: there is none now. */
bool replaying_draw(struct stream *stream, uint64_t *ticket);
/* The first number that is not intended for before at_ns. */
uint64_t replaying_due(struct stream *stream, uint64_t at_ns);
/* Where a slot's request belongs. */
struct pool *replaying_pool(struct stream *stream, const struct request_slot *slot);
/* In a cluster: whether a drawn request may go on to its pool. False: it waits at its client's gate. */
bool replaying_enter(struct stream *stream, const struct request_slot *slot);
/* In a cluster: the next one that waited at a gate and may go on by now. False: there is none. */
bool replaying_leave(struct stream *stream, uint64_t now_ns, struct request_slot *slot);
/* The slot is the connection's next one: whether SELECT goes out in front of it. */
void replaying_place(struct connection *connection, struct request_slot *slot);

#endif
