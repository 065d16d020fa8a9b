/* What a ready connection carries: requests out, replies in. The hot path. Moves bytes, and says what
 * happened; whoever called decides what follows from it. */
#ifndef WORKER_EXCHANGE_H
#define WORKER_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/interval.h"
#include "common/stamp.h"
#include "worker/connection.h"
#include "worker/generate/workload.h"

enum exchange_result {
    EXCHANGE_DONE,  /* written as far as possible; nothing more to read                    */
    EXCHANGE_FREED, /* requests have been answered: there is room for others               */
    EXCHANGE_FOLLOWED, /* a request was answered that another one follows: that one is to be sent (exchange.answered,
                          * follow_up), and then exchange_go_on with what was read */
    EXCHANGE_UNSEEN, /* the oldest request has missed, and is to be asked again: repeat_missed, and then
                          * exchange_go_on with what was read */
    EXCHANGE_REDIRECTED, /* the oldest request is to go elsewhere: router_redirected, and then
                          * exchange_go_on with what was read                                  */
    EXCHANGE_STALE,      /* tickets of a warm-up that is over stand among what is to be sent:
                          * they are to be dropped, and exchange_flush called again            */
    EXCHANGE_LOST,       /* the connection has ended: connection_lost, with what loss says      */
};
struct exchange_loss {
    enum counter cause, event;
    uint64_t at_ns;
};

/* How far the reading of a connection has come. */
struct reading {
    const char *at, *end; /* of `in`: not yet looked at */
    uint32_t reads, head_before;
    bool closed_by_peer, more;
};

/* Memory for both ways, shared by all connections, and what the reading of one is at. */
struct exchange {
    char *in;  /* WORKER_READ_BYTES */
    char *out; /* out_bytes */
    size_t out_bytes;
    uint32_t alike_requests; /* of one length, so many whole ones fit into out; 0: see generation */
    uint64_t done_ns;        /* clock reading behind the newest read            */
    struct reading reading;  /* with what is gone on with                       */
    struct request_slot answered; /* with EXCHANGE_FOLLOWED: the request ...       */
    uint32_t follow_up;           /* ... and the class of what follows             */
    struct exchange_loss loss;    /* with EXCHANGE_LOST                           */
    bool stamps;                  /* requests carry ...                           */
    struct stamp stamp;           /* ... this one                                 */
    uint64_t stamp_ns;            /* of what begins with the batch at hand        */
};

/* Writes what is waiting, until nothing is left, the socket is full, or the connection is gone. */
enum exchange_result exchange_flush(struct connection *connection);
/* Reads and counts replies. closed_by_peer: reads to the end. */
enum exchange_result exchange_receive(struct connection *connection, bool closed_by_peer);
enum exchange_result exchange_go_on(struct connection *connection);

/* Asks for the write event, once, and takes that back. */
void exchange_wait_writable(struct connection *connection);
void exchange_writable(struct connection *connection);
/* Marks that reading was cut short and goes on in the next turn of the loop. */
void exchange_set_read_cut(struct connection *connection, bool cut);

#endif
