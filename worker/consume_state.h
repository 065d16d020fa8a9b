/* Connections of a stream that only receive: what is kept of them. Private to worker/. */
#ifndef WORKER_CONSUME_STATE_H
#define WORKER_CONSUME_STATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/greeting.h"
#include "worker/consume_watch.h"
#include "worker/generate/consume_plan.h"

struct connection;

/* A string is looked at as far as that: a prefix of a key, and the stamp behind it. */
#define CONSUMER_TEXT_BYTES 256u
#define CONSUMER_WORD_BYTES 24u /* the first string of a message: "smessage" */
#define CONSUMER_ID_BYTES 48u   /* of an entry of a stream, with its end      */

enum consumer_state {
    CONSUMER_SILENT,   /* its connection is not ready                                        */
    CONSUMER_ASKING,   /* has asked to be told, and waits for the word that it is             */
    CONSUMER_LISTENING /* messages come: by themselves, or it waits for the reply that has one */
};

struct consumer {
    struct connection *connection;
    const struct consume_lane *lane;
    const struct consume_target *target;
    uint32_t part;   /* of the interval: its figures                   */
    uint32_t number; /* of the lane's connections in all workers       */
    enum consumer_state state;
    /* What is to be written; the rest of it when the socket is full. */
    char *out;
    size_t out_room, out_bytes, sent_bytes;
    uint64_t deadline_ns;   /* of the reply that it waits for; UINT64_MAX: none */
    uint64_t again_ns;      /* asks again then; UINT64_MAX: it does not         */
    uint64_t next_claim_ns; /* of a group                                       */
    bool awaits;            /* a reply to what it said last                     */
    bool claims;            /* the reply that it waits for is to XAUTOCLAIM     */
    bool acknowledges;      /* ... and one to XACK comes before it              */
    bool regroups;          /* it makes the group anew, or is about to          */
    /* The reply under way. */
    uint32_t strings;    /* so far */
    uint32_t depth;      /* of levels around the newest           */
    int64_t string_left; /* bytes of the newest that are still to come */
    char text[CONSUMER_TEXT_BYTES];
    size_t text_bytes;
    char word[CONSUMER_WORD_BYTES];
    uint32_t stamps, entries; /* found in it */
    char *ids;                /* of entries, each terminated, of CONSUMER_ID_BYTES */
    struct consume_watch watch;
};

struct consume {
    const struct consume_plan *plan; /* NULL: the stream has no consumers */
    struct consumer *each;
    uint32_t count;
    uint32_t waiting;    /* of these, those that do not listen yet, before the start */
    uint32_t first_part; /* of the interval, of all lanes                            */
    uint32_t run;        /* of stamps                                                */
    uint32_t senders;    /* connections of workers that this one replaces: its own are others */
    struct greeting greeting;
    event_callback_fn on_io;
    uint64_t done_ns;      /* of the newest read              */
    uint64_t last_ns;      /* of the newest message            */
    uint64_t last_sent_ns; /* since when the stream sends nothing more; 0: it does */
};

#endif
