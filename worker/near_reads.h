/* Reads that a client answers itself: the near cache of a buffered load (buffer.h, near_cache.h), joined to its stream.
 *
 * What is kept is the reply to one command that reads one key, its first argument. It goes when the server says that the key
 * has changed (CLIENT TRACKING: an invalidation, on the connection that read it, behind the reply), when this worker writes the key, when
 * it is too old, or has not been asked for longest. With a connection go the promises that the server made on it: everything is
 * forgotten. So no answer is staler than the invalidations that have been read, nor than the worker's own acknowledged writes.
 *
 * An answer is a request like others: sent, with its time, and answered, by the same code that takes the server's replies;
 * COUNTER_CACHE_HITS says how many never went to the server. From the loop of the worker; nothing allocates after
 * near_reads_create. Private to worker/. */
#ifndef WORKER_NEAR_READS_H
#define WORKER_NEAR_READS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/lane.h"
#include "worker/near_cache.h"
#include "worker/slot_list.h"

struct connection;
struct stream;

#define NEAR_WRITTEN_PLACES 1024u

enum near_class { NEAR_UNKNOWN, NEAR_KEPT, NEAR_NOT_KEPT, NEAR_WRITES };

struct near_reads {
    struct near_cache *cache;     /* NULL: there is none, and the rest is without meaning */
    struct connection *reader;    /* goes nowhere: holds the one request that is being answered */
    char *request;                /* the one at hand, as it is sent */
    uint8_t classes[CLASSES_MAX]; /* enum near_class */
    uint64_t written_ns
        [NEAR_WRITTEN_PLACES]; /* by hash of the key: when a write was last acknowledged */
    uint64_t cleared;          /* so often on command */
    uint64_t accounted_ns;     /* what COUNTER_CACHE_REPLIES_US and ..._BYTES_MS reach */
    uint64_t left_byte_us;     /* ... and of the latter not yet counted, below a millisecond */
};

/* What is known of the oldest request of a connection ahead of its reply. */
struct near_look {
    enum near_class class;
    struct near_request request; /* of what is kept */
    uint64_t sent_ns;
};

/* E_SYSTEM: no memory. */
MUST_USE enum err_code near_reads_create(struct stream *stream, struct err *err);
void near_reads_destroy(struct near_reads *near);

/* A request that was drawn, at *clock_ns. True: it has been answered, at what the clock says now. */
bool near_reads_answer(struct stream *stream, const struct request_slot *drawn, uint64_t *clock_ns);
/* All that is kept goes. */
void near_reads_clear(struct stream *stream, uint64_t now_ns);
/* When the orchestrator wants that. */
void near_reads_look_for_clear(struct stream *stream, uint64_t now_ns);
/* Brings how much is kept, times how long, up to this moment: ahead of what changes it, and where an interval ends. */
void near_reads_account(struct stream *stream, uint64_t at_ns);

/* For the protocol: ahead of a reply, and behind it; from NULL: it is not whole in one read, or is an error. */
void near_reads_look(struct near_look *look, const struct connection *connection, uint64_t done_ns);
void near_reads_replied(struct stream *stream, const struct near_look *look, const char *from,
                        const char *to, uint64_t done_ns);
/* What the server says out of band begins at `at`. */
void near_reads_pushed(struct stream *stream, const char *at, const char *end, uint64_t done_ns);

#endif
