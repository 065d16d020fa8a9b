/* What a ready connection is for. What a server says to it that no request asked for is its duty's.
 *
 * A duty is one table of functions; connections that carry the load, and idle ones, have those of duty.c. */
#ifndef WORKER_DUTY_H
#define WORKER_DUTY_H

#include <stdbool.h>

#include "common/resp.h"

struct connection;

struct duty {
    const char *name;
    bool load; /* it is given requests */
    /* A message out of band has come. NULL: it is counted, and that is all. */
    void (*push)(struct connection *connection, const struct resp_reply *reply);
    /* A reply has come that no request waits for. False: the stream is out of step, and the connection ends;
     * NULL: the same. */
    bool (*unasked)(struct connection *connection, const struct resp_reply *reply);
};

extern const struct duty duty_load, duty_idle;

#endif
