/* Bytes of a server -> replies, for the orchestrator's own connections. The scanner (common/resp.h) goes over
 * the bytes as they come, and hiredis gets a reply when it is whole and within limits: it would allocate what
 * is announced, and look at a line again from its beginning whenever more of it has come. So time and memory
 * grow with the bytes that were sent, and those are limited, whatever a server says. Nothing here waits. */
#ifndef ORCHESTRATOR_SERVER_REPLY_READER_H
#define ORCHESTRATOR_SERVER_REPLY_READER_H

#include <stddef.h>

#include "common/err.h"

/* No answer to what volley asks is that long; one that announces to become so is refused at once. */
#define REPLY_MAX_BYTES (16u << 20)
/* Nor has it so many lines, of which each element has one or two. */
#define REPLY_LINES_MAX (2u << 20)
#define REPLY_ROOM_BYTES 16384u

struct redisReply;
struct reply_reader;

enum reply_status {
    REPLY_WHOLE,  /* *reply is the caller's (freeReplyObject); there may be more of them */
    REPLY_MORE,   /* all bytes are used up                                               */
    REPLY_REFUSED /* no RESP, above a limit, no memory: the connection is of no more use */
};

/* NULL: no memory. */
struct reply_reader *reply_reader_create(void);
/* NULL is fine. */
void reply_reader_free(struct reply_reader *reader);

/* Room for REPLY_ROOM_BYTES; only when reply_reader_next has said REPLY_MORE, or before the first time. */
char *reply_reader_room(struct reply_reader *reader);
/* So many bytes of it have been filled. */
void reply_reader_filled(struct reply_reader *reader, size_t byte_count);
/* The next reply. why: when refused, the end of a sentence that begins with who has sent it: "does not speak
 * the Valkey/Redis protocol". */
MUST_USE enum reply_status reply_reader_next(struct reply_reader *reader, struct redisReply **reply,
                                             const char **why);

#endif
