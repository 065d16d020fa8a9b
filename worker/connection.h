/* A connection: its state, the requests that it holds, and its life. */
#ifndef WORKER_CONNECTION_H
#define WORKER_CONNECTION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/greeting.h"
#include "common/interval.h"
#include "common/redirect.h"
#include "common/resp.h"
#include "common/transport.h"
#include "worker/slot_list.h"

struct stream;

enum connection_state {
    CONNECTION_CONNECTING, /* -> HANDSHAKE on writable, -> BACKOFF on failure or connection timeout  */
    CONNECTION_HANDSHAKE, /* TLS. -> GREETING, -> BACKOFF                                          */
    CONNECTION_GREETING, /* AUTH, SELECT, PING under way. -> READY on the last reply, -> BACKOFF   */
    CONNECTION_READY, /* carries requests; -> BACKOFF when it breaks, -> WAITING when recycled   */
    CONNECTION_BACKOFF, /* no descriptor; -> CONNECTING at deadline_ns, -> GIVEN_UP               */
    CONNECTION_WAITING, /* not tried yet, or ended by plan. -> CONNECTING at deadline_ns          */
    CONNECTION_GIVEN_UP /* --max-reconnects attempts in a row have failed; stays so               */
};

#define CONNECTION_UNLISTED UINT32_MAX

/* Slots form a ring: `in_flight` requests from head_index on have been sent (the last of them maybe
 * only in part), `unsent` ones behind them have a ticket but no byte on the wire yet. */
struct connection {
    struct stream *stream;
    struct request_slot *slots; /* slot_mask + 1 of them, at least pipeline */
    struct wire wire;
    enum connection_state state;
    struct pool *pool;
    uint16_t node;     /* of the topology                                            */
    bool carries_load; /* it is given requests; false: an idle one                   */
    bool retiring;     /* takes no more: ends when nothing is in flight, goes to next_node */
    uint16_t next_node;
    uint32_t again_in_flight;  /* requests among those in flight that were sent before  */
    uint32_t asking_in_flight; /* ... that have a reply to ASKING in front              */
    uint32_t database;         /* behind the last of its requests; of a replay        */
    /* 0 while retiring */
    uint64_t quota; /* requests that it may still take before it is opened anew   */
    uint32_t slot_mask;
    uint32_t head_index;
    uint32_t in_flight;
    uint32_t unsent;
    uint32_t head_replies;           /* of the oldest request, already here (sequences)           */
    bool head_failed;                /* one of them was an error ...                              */
    uint32_t head_kind;              /* ... and the first of those was of this kind               */
    uint32_t head_redirects;         /* so many of them sent the request elsewhere ...          */
    struct redirect head_redirect;   /* ... the last one there                            */
    uint32_t head_ahead;             /* replies to its ASKING, or what else went ahead, are here  */
    bool write_waiting;              /* the write event is pending                                */
    bool read_cut;                   /* the rest is read in the next turn of the loop             */
    bool write_failed;               /* the server has closed: read what it said, and end         */
    const struct greeting *greeting; /* the one under way */
    uint32_t greeting_replies;
    uint32_t attempts;    /* since it was last ready */
    size_t partial_bytes; /* written of the newest in-flight request; 0: all of it */
    size_t greeting_sent_bytes;
    uint64_t deadline_ns;   /* of connecting and greeting, or end of the back-off  */
    uint64_t connect_ns;    /* when this attempt to connect began                  */
    uint64_t handshake_ns;  /* when its TLS handshake began                       */
    uint64_t unwritable_ns; /* when it began to wait for room in its socket       */
    /* Open loop: the list of connections with so many requests, while it can take one more. */
    TAILQ_ENTRY(connection) by_load;
    uint32_t listed_load; /* CONNECTION_UNLISTED: in no list */
    /* See think.h. */
    TAILQ_ENTRY(connection) by_think;
    uint64_t thinks_until_ns; /* 0: it does not think */
    uint32_t thought_at_head; /* head_index when it last began to */
    bool touched;             /* has been given tickets that are about to be written */
    union {
        struct resp_scanner resp;
        uint64_t words[4]; /* of another protocol */
    } walk;                /* how far the walk over what was read has come */
    struct event read_event;
    struct event write_event;
    struct consumer *consumer; /* it only receives; NULL: it does not */
    uint64_t stamp_ns;         /* when what it wrote last was stamped */
};

/* The slot `place` behind the oldest request. */
static inline struct request_slot *connection_slot(const struct connection *connection,
                                                   uint32_t place)
{
    return &connection->slots[(connection->head_index + place) & connection->slot_mask];
}

/* The next reply is the first one to the oldest request. */
static inline void connection_reset_head(struct connection *connection)
{
    connection->head_replies = 0;
    connection->head_redirects = 0;
    connection->head_failed = false;
    connection->head_ahead = 0;
}

/* A ready connection has ended: its requests in flight are lost by this cause, and it is counted by this
 * event; it will come back. What it had not sent waits in its pool. */
void connection_lost(struct connection *connection, enum counter cause, enum counter event,
                     uint64_t now_ns);
/* A ready connection with nothing in flight ends by plan, and is opened anew: to its next node when it
 * is retiring. */
void connection_recycle(struct connection *connection, uint64_t now_ns);
/* Whether it has nothing left to do before it is recycled. */
bool connection_is_spent(const struct connection *connection);
/* Sends it to another node: at once, or when nothing is in flight any more. */
void connection_move(struct connection *connection, uint32_t node, uint64_t now_ns);
/* Begins to open a connection that has no descriptor. One whose transport answers at once is ready then. */
void connection_open(struct connection *connection);
/* Its socket can be read or written, before it is ready. */
void connection_go_on(struct connection *connection, short what);
/* An attempt to open it has failed, counted by `failure` beside COUNTER_CONNECT_FAILURES: for good while
 * the worker opens its connections for the first time, unless try_again; until the next try later. */
void connection_attempt_failed(struct connection *connection, bool try_again, enum counter failure,
                               const char *why);
/* Closes the descriptor, if there is one; nothing else. */
void connection_close(struct connection *connection);
/* Takes what is in flight out of the accounts, lost by this cause. */
void connection_drop_in_flight(struct connection *connection, enum counter cause, uint64_t now_ns);
/* What a user of the server saw fail, for its node's figures. */
void connection_note_failure(struct connection *connection, enum node_counter counter,
                             uint64_t count, uint64_t now_ns);

#endif
