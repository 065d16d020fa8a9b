/* Where intervals begin and end. A record is cut by the stamp of what happened, not by the moment of processing:
 * edges_cut runs before anything at or after the edge is counted. */
#ifndef WORKER_EDGES_H
#define WORKER_EDGES_H

#include <stdint.h>

#include "common/err.h"

struct stream;

/* Starts the first interval, at the common start; a replacement's is the one that contains now_ns. */
void edges_start(struct stream *stream, uint64_t now_ns);
/* Publishes every interval that ended at or before now_ns. Without room in the ring the interval is merged with
 * the next one; at the end of the warm-up its record is held instead, and pushed before any other. */
void edges_cut(struct stream *stream, uint64_t now_ns);
/* Publishes what is left as the last record, waiting for room in the ring at most 10 s. */
enum err_code edges_finish(struct stream *stream, uint64_t now_ns, struct err *err);

#endif
