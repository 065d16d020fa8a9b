/* Whether messages come twice, or out of their order: a server promises an order along the connection that sent them,
 * whose stamps count its requests. What is kept of each such connection is the newest place, and which of the 64 before
 * it came. Pure but for its memory. */
#ifndef WORKER_CONSUME_WATCH_H
#define WORKER_CONSUME_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct consume_seen {
    uint32_t sender; /* worker and connection, plus 1; 0: nobody */
    uint32_t newest;
    uint64_t before; /* bit i: newest - i has come */
};

struct consume_watch {
    struct consume_seen *seen; /* mask + 1; owned by the caller */
    uint32_t mask;
};

enum consume_order { CONSUME_NEW, CONSUME_LATE /* behind a newer one */, CONSUME_AGAIN };

#define CONSUME_PROBES 8u

/* The place of a sender; of those that find no room the one that was met first is forgotten. */
static inline struct consume_seen *consume_watch_find(struct consume_watch *watch, uint32_t sender)
{
    uint32_t at = (sender * 0x9e3779b1u) >> 8;
    for (uint32_t i = 0; i < CONSUME_PROBES; i++) {
        struct consume_seen *seen = &watch->seen[(at + i) & watch->mask];
        if (seen->sender == sender || seen->sender == 0)
            return seen;
    }
    struct consume_seen *seen = &watch->seen[at & watch->mask];
    seen->sender = 0;
    return seen;
}

/* A message of this place has come. */
static inline enum consume_order consume_watch_take(struct consume_watch *watch, uint32_t sender,
                                                    uint32_t place)
{
    struct consume_seen *seen = consume_watch_find(watch, sender);
    if (seen->sender == 0) {
        *seen = (struct consume_seen){.sender = sender, .newest = place, .before = 1};
        return CONSUME_NEW;
    }
    const int32_t ahead = (int32_t)(place - seen->newest);
    if (ahead > 0) {
        seen->before = ahead < 64 ? seen->before << ahead | 1 : 1;
        seen->newest = place;
        return CONSUME_NEW;
    }
    const uint32_t behind = (uint32_t)-ahead;
    if (behind < 64 && (seen->before >> behind & 1) != 0)
        return CONSUME_AGAIN;
    if (behind < 64)
        seen->before |= 1ull << behind;
    return CONSUME_LATE;
}

#endif
