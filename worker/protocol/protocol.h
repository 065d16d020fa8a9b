/* Bytes <-> replies. A protocol is one table of functions; RESP is the first (protocol_resp.c), tests have
 * another.
 *
 * Called for a connection that is ready. The bytes of its requests are the generator's. */
#ifndef WORKER_PROTOCOL_PROTOCOL_H
#define WORKER_PROTOCOL_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/exchange.h"

struct protocol {
    const char *name;
    bool
        greets; /* a connection is ready when it has answered the greeting; false: once it stands */
    /* The stream begins anew. */
    void (*reset)(struct connection *connection);
    /* Walks what one read has brought, and writes the replies down (replies.h). One call a read. EXCHANGE_DONE:
     * all of it was walked. EXCHANGE_REDIRECTED and its like: up to what it puts into exchange.reading.at; it is called again
     * with the rest. EXCHANGE_LOST: it is no reply to what was asked. */
    enum exchange_result (*take)(struct connection *connection, const char *from, const char *to,
                                 uint64_t done_ns);
    /* Takes one whole reply that did not come over the connection, to its only request (near_reads.h). NULL: it cannot. */
    void (*answer)(struct connection *connection, const char *from, const char *to,
                   uint64_t done_ns);
    /* Whether the last byte that was read was the last one of a reply. */
    bool (*between_replies)(const struct connection *connection);
};

/* The second one where generation.usual_classes says that there are several: apart, since the loop of one class costs
 * more with the other one in it. The third one where replies are kept (near_reads.h). */
extern const struct protocol protocol_resp, protocol_resp_mixed, protocol_resp_near;

#endif
