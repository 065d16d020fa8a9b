/* Connections that only receive: subscribers, those who wait for elements of lists and sorted sets, consumers of a
 * group of a stream, caches that are told what has become invalid. They stand beside the load, carry no tickets and are
 * in none of its sums: what they get is counted in parts of their own, and timed by the stamps that the load's
 * requests carry (common/stamp.h). Called by the worker from its loop. */
#ifndef WORKER_CONSUME_H
#define WORKER_CONSUME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct stream;

/* Lanes of figures, and connections of this worker, of its stream's consumers; 0: it has none. */
uint32_t consume_lanes(const struct stream *stream);
uint32_t consume_connections(const struct stream *stream);
/* Once its connections are there, those of consumers as the last ones. */
MUST_USE enum err_code consume_create(struct stream *stream, struct err *err);
void consume_destroy(struct stream *stream);
/* The common start. */
void consume_enter(struct stream *stream);
/* Replies that do not come, consumers that ask again, slots that have moved. */
void consume_tick(struct stream *stream, uint64_t now_ns);
/* The stream sends no more: whether its consumers have nothing more to wait for. */
bool consume_is_settled(struct stream *stream, uint64_t now_ns);

#endif
