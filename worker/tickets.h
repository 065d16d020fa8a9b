/* Which tickets are this worker's, in a closed loop. */
#ifndef WORKER_TICKETS_H
#define WORKER_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

struct stream;

/* The next ticket of this worker. False: the run has no more (with -n). */
bool tickets_draw(struct stream *stream, uint64_t *ticket);

#endif
