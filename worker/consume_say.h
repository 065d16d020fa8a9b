/* What a consumer says: to be told, or to get the next element or entries, with what it acknowledges. */
#ifndef WORKER_CONSUME_SAY_H
#define WORKER_CONSUME_SAY_H

#include <stdint.h>

#include "worker/consume_state.h"

/* Where its lane counts (enum class_counter), in the interval under way. */
uint64_t *consume_figures(const struct consumer *consumer);
/* Puts it behind what is to be written, which has room for it. Returns how long the server may wait before it
 * answers, in nanoseconds. */
uint64_t consume_say(struct consumer *consumer, uint64_t now_ns);

#endif
