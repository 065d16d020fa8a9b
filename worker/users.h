/* Users in place of a schedule: each has one request under way, and the next one as soon as that one has its fate. What
 * a user wants to send is due from that moment on, whether or not there is room for it, so that its latency counts the
 * time for which the user was held up. The pacer asks here where a load has users; nothing is kept for a
 * request, but for each user the time since which it has one. Private to worker/. */
#ifndef WORKER_USERS_H
#define WORKER_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/schedule.h"

struct stream;

struct users {
    uint32_t count; /* of this worker; 0: a schedule says what is due */
    uint64_t
        *since_ns; /* of those whose request is not drawn yet, in their order: a ring of count */
    uint32_t first, waiting;
    uint64_t settled; /* requests that have their fate, as far as seen */
};

/* The worker's share; none where the run has no users. E_SYSTEM: no memory. */
MUST_USE enum err_code users_create(struct stream *stream, struct err *err);
void users_destroy(struct users *users);
/* All whose request is not in flight have one from at_ns on: the common start, the end of the warm-up, or the start of a
 * replacement. */
void users_begin(struct stream *stream, uint64_t at_ns);
/* Requests have their fate since the last call: their users have the next ones. */
void users_look(struct stream *stream, uint64_t now_ns);
/* The numbers of the worker's tickets, from `number` on; their times are the users'. */
void users_number(struct stream *stream, struct arrivals *draw, uint64_t number);
/* The user that has waited longest has its request drawn. */
void users_drawn(struct stream *stream);
/* When the next one is due; SCHEDULE_NEVER: none is. Since the pacer's origin. */
uint64_t users_next_ns(const struct stream *stream);
/* Those that wait will never be sent: records since when, for the open loop's unanswered. */
void users_record_waiting(struct stream *stream, uint64_t until_ns);

#endif
