/* Which tickets are this worker's, in a closed loop. */
#ifndef WORKER_TICKETS_H
#define WORKER_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

struct stream;

/* The next ticket of this worker, which counts as drawn from the next stream_publish_drawn on. False: the run has no
 * more (with -n). */
bool tickets_draw(struct stream *stream, uint64_t *ticket);

#endif
