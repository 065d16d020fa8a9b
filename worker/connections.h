/* All connections of a worker: set up, opened in their turn, timed out, given up. */
#ifndef WORKER_CONNECTIONS_H
#define WORKER_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct stream;

/* Sets the times at which the connections of a client ramp are opened, as soon as measuring has a start. */
void connections_plan_ramp(struct stream *stream);
/* Connections that are open before the start. */
uint32_t connections_at_start(const struct stream *stream);
/* Sets up all connections of the worker; nothing is opened yet. */
enum err_code connections_create(struct stream *stream, struct err *err);
void connections_destroy(struct stream *stream);
/* Opens connections that are due, gives up those whose time is over, times requests out. Called on
 * every tick. */
void connections_tick(struct stream *stream, uint64_t now_ns);
/* Listens for room to write on all that are open before the start, or no more. */
void connections_make_writable(struct stream *stream, bool on);
/* Makes every connection with a request in flight ready to read, as a wait does for sockets: for a
 * transport that answers at once, once a turn of the loop. */
void connections_activate(struct stream *stream);
/* Makes every connection ready to read whose reading was cut short: no edge will say so again. */
void connections_resume(struct stream *stream);
/* Counts what is in flight as lost by the end of draining and closes everything. */
void connections_abandon(struct stream *stream);

#endif
