/* A connection to a server on the orchestrator's event loop: commands out, replies in, over the same
 * transports as the workers use. Nothing here waits, and what a server sends takes a turn of the loop only for
 * a while: 256 KB at once. */
#ifndef ORCHESTRATOR_SERVER_ASYNC_CONTROL_H
#define ORCHESTRATOR_SERVER_ASYNC_CONTROL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/transport.h"

struct redisReply;
struct async_control; /* owns a wire and a hiredis reader */

/* Each may close the connection. */
struct async_listener {
    void (*ready)(void *state);                           /* connected, and TLS agreed upon */
    void (*reply)(void *state, struct redisReply *reply); /* in the order of the commands; not the
                                                             listener's to free */
    void (*lost)(void *state); /* could not connect, broken, no RESP, or a reply without end: to be
                                  closed */
    void *state;
};

/* Begins to connect; no listener is called before the event loop runs. Target and tls (NULL: plain)
 * outlive the connection. NULL: no memory, or the system refuses at once. */
struct async_control *async_control_open(struct event_base *base,
                                         const struct target_address *target,
                                         struct tls_client *tls, struct async_listener listener);
/* Sends when it is ready, behind what was sent before. False: no memory. */
bool async_control_send(struct async_control *control, int argc, const char **argv);
/* No listener is called any more. NULL is fine. */
void async_control_close(struct async_control *control);

#endif
