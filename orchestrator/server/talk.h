/* The orchestrator's client: one connection to a server, over the same transports as the workers use. It connects,
 * agrees upon TLS, sends commands and takes replies, a step at a time; nothing here waits. control.h waits for it,
 * async_control.h has it on an event loop; only they call this. */
#ifndef ORCHESTRATOR_SERVER_TALK_H
#define ORCHESTRATOR_SERVER_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/transport.h"
#include "orchestrator/server/reply_reader.h"

enum talk_phase {
    TALK_CONNECTING, /* -> HANDSHAKE when the server has accepted                  */
    TALK_HANDSHAKE,  /* -> SPEAKING when TLS is agreed upon, at once without it     */
    TALK_SPEAKING    /* commands that were sent before it wait for it               */
};

enum talk_loss {
    TALK_LOSS_NONE,
    TALK_LOSS_CONNECT,   /* sys_errno                                              */
    TALK_LOSS_HANDSHAKE, /* why                                                    */
    TALK_LOSS_WRITE,     /* sys_errno                                              */
    TALK_LOSS_READ,      /* why, where TLS has one; or sys_errno, 0: in good order */
    TALK_LOSS_REPLY      /* why: the end of a sentence that begins with the server */
};

/* Zeroed but for wire.fd = -1: closed. */
struct talk {
    struct wire wire;
    const struct transport *transport;
    enum talk_phase phase;
    struct reply_reader *reader;
    char *out; /* formatted commands that the transport has not taken, the password among them */
    size_t out_bytes;
    bool deaf;           /* the server takes nothing any more; it may have said why */
    bool heard;          /* something has been read */
    uint64_t reads;      /* from the transport, for those who share a loop */
    short wants;         /* to wait for, when it waits: POLLIN, POLLOUT, or both */
    enum talk_loss loss; /* when it is lost */
    int sys_errno;       /* of the loss */
    const char *why;     /* of the loss; NULL: nothing is known */
    const char *advice;  /* when a TLS port seems to be there, and nobody asked for one */
    struct err handshake_err;
};

/* Begins to connect; tls NULL: plain. Target and tls outlive it. False: no memory; what else fails, the first step
 * tells. talk_close in any case. */
MUST_USE bool talk_open(struct talk *talk, const struct target_address *target,
                        struct tls_client *tls);
void talk_close(struct talk *talk);
bool talk_is_open(const struct talk *talk);

/* Puts a command behind those that were sent before. lengths NULL: all arguments are text. False: no memory. */
MUST_USE bool talk_send(struct talk *talk, int argc, const char *const *argv,
                        const size_t *lengths);

enum talk_step {
    TALK_READY, /* connected, and TLS agreed upon: once                */
    TALK_REPLY, /* *reply is the caller's (freeReplyObject)            */
    TALK_MOVED, /* bytes have come, and there may be more              */
    TALK_WAITS, /* for what `wants` says                               */
    TALK_LOST   /* for `loss`; to be closed                            */
};
/* Goes on, as far as to the next of these. At any time. */
MUST_USE enum talk_step talk_step(struct talk *talk, struct redisReply **reply);

#endif
