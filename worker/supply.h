/* Whom to blame for a late request of an open loop: the target, which had no connection free for it, or
 * volley, which had one and did not use it. Pure.
 *
 * A supply is something that tickets need one of, and that may run out: the free connections of a pool, or
 * the right to draw. Of the time from a ticket's intended instant to its sending, the ticket waited for the
 * supply while there was none, up to the moment from which on there was one for it; the rest is volley's
 * own. A supply that ran out because volley was late itself, and tickets piled up, is waited for from the
 * moment on at which it ran out. Tickets take in the order of their intended times. */
#ifndef WORKER_SUPPLY_H
#define WORKER_SUPPLY_H

#include <stdint.h>

struct supply {
    uint64_t since_ns;    /* clock reading: until then there was none, since then there is */
    uint64_t unwaited_ns; /* clock reading: the newest ticket that found one at its time got it */
};

/* A ticket takes one now. waited_ns: how long it has waited until now for this or another supply. Returns
 * what that comes to. */
static inline uint64_t supply_take(struct supply *supply, uint64_t intended_ns, uint64_t waited_ns,
                                   uint64_t now_ns)
{
    uint64_t from_ns = intended_ns + waited_ns;
    if (from_ns >= supply->since_ns) {
        supply->unwaited_ns = now_ns;
        return waited_ns;
    }
    if (from_ns < supply->unwaited_ns)
        from_ns = supply->unwaited_ns;
    return supply->since_ns > from_ns ? waited_ns + supply->since_ns - from_ns : waited_ns;
}

#endif
