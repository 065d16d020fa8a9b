/* RESP2 and RESP3: commands out, replies in. Pure functions on memory; no allocation, no I/O.
 *
 * The scanner walks replies without keeping them: value bytes are skipped. It can stop at any byte
 * and go on with the next buffer, so a connection needs no reply buffer of its own; what it must
 * remember is in struct resp_scanner. Aggregates may nest to RESP_DEPTH_MAX levels. Streamed
 * aggregates and strings ("$?", "*?") are not sent by any server for plain commands and are refused.
 * Protocol: the RESP specification of the Valkey and Redis projects. */
#ifndef COMMON_RESP_H
#define COMMON_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define RESP_DEPTH_MAX 16   /* levels of aggregates inside each other */
#define RESP_LINE_BYTES 160 /* of a simple string or error text, what is kept of it */
#define RESP_BULK_MAX_BYTES (512ll * 1024 * 1024 * 8) /* a longer announced length is rubbish */

#define RESP_INTEGERS 2 /* at the head of an array, so many are kept */

enum resp_status {
    RESP_REPLY,  /* one whole top-level reply ended; consumed_bytes says where       */
    RESP_MORE,   /* all bytes consumed, the reply goes on                            */
    RESP_INVALID /* not RESP; the connection cannot be used any more                 */
};

struct resp_reply {
    char type;       /* first byte: + - : $ * _ # , ( ! = % ~ or > (a push, which is no reply)  */
    bool is_error;   /* - or !                                                                 */
    bool is_null;    /* $-1 *-1 _ ($ and * have the integer -1 then)                           */
    int64_t integer; /* ':' value; '$' '!' '=' length; '*' '~' '>' elements; '%' pairs; '#' 0/1 */
    uint32_t nulls;  /* nulls at any depth inside an aggregate                                 */
    uint32_t errors; /* errors inside an aggregate (EXEC)                                      */
    uint64_t failed; /* bit i: element i of an array, of its first 64, is an error or holds one */
    uint32_t
        text_bytes; /* of '+' '-' ':' ',' '(' or a '!' body: what text holds, cut at RESP_LINE_BYTES */
    const char *
        text; /* not terminated; points into the buffer or the scanner; valid until the next call */
};

/* Who wants the strings that a reply consists of ('$', at any depth), and the nulls in their places: each is
 * announced, and then comes in pieces, as the buffers have it. Not those of attributes; those of pushes when asked for. */
struct resp_tap {
    void *state;
    void (*string)(void *state, int64_t byte_count); /* -1: a null */
    void (*bytes)(void *state, const char *bytes, size_t byte_count);
    bool pushes;
};

/* Private to resp.c; zeroed memory is a scanner that has been reset. */
struct resp_scanner {
    uint8_t state;
    char element;               /* type byte of the element under way                      */
    bool line_return;           /* the line's CR has been seen, its LF not                 */
    uint32_t depth;             /* open levels                                             */
    uint32_t attributes;        /* open levels that are attributes                         */
    uint32_t line_bytes;        /* of a line, or error body, that an earlier buffer ended in */
    int64_t skip_bytes;         /* of a bulk body and its CRLF, still to come              */
    const struct resp_tap *tap; /* of the call under way; NULL: values are passed over */
    struct resp_reply reply;
    int64_t integers[RESP_INTEGERS];
    int64_t remaining[RESP_DEPTH_MAX]; /* elements still to come at each open level */
    bool attribute[RESP_DEPTH_MAX];    /* the level is an attribute: what follows it is the reply */
    char line[RESP_LINE_BYTES];
};

void resp_scanner_reset(struct resp_scanner *scanner);

/* Scans up to the end of one top-level reply. On RESP_REPLY *reply is filled and *consumed_bytes
 * tells where the next reply begins; on RESP_MORE all of in was consumed; on RESP_INVALID *reply is
 * not set, and every later call says the same until the scanner is reset. An attribute ('|') is
 * skipped together with what it holds. The result does not depend on how the bytes are cut.
 *
 * Strict: a number is written as servers write it (no leading zero, no space, "+" only in ':'), a
 * line ends in CRLF and holds neither CR nor LF, a length is 0 to RESP_BULK_MAX_BYTES or, for '$' and
 * '*', -1; a push stands at the top level only. */
MUST_USE enum resp_status resp_scan(struct resp_scanner *scanner, const char *in, size_t in_bytes,
                                    size_t *consumed_bytes, struct resp_reply *reply);

/* The same, and hands the strings over. Costs more, also where there are none. */
MUST_USE enum resp_status resp_scan_tapped(struct resp_scanner *scanner, const char *in,
                                           size_t in_bytes, size_t *consumed_bytes,
                                           struct resp_reply *reply, const struct resp_tap *tap);

/* True between replies: nothing of the next reply has been seen. */
bool resp_scanner_idle(const struct resp_scanner *scanner);

/* The integer at place `index` (below RESP_INTEGERS) of the array that came last; 0: none stands there. */
int64_t resp_scanner_integer(const struct resp_scanner *scanner, unsigned index);

/* So many bytes at least are still to come of the reply under way: of a value, and of elements that have
 * been announced. 0 between replies. */
uint64_t resp_scanner_least_bytes(const struct resp_scanner *scanner);

/* Encodes a command as an array of bulk strings. Returns the bytes it needs, whether they fitted
 * or not; writes only when out_bytes is enough. out may be NULL with out_bytes 0;
 * arg_bytes NULL: the arguments are terminated strings. */
size_t resp_encode_command(char *out, size_t out_bytes, size_t argc, const char *const *argv,
                           const size_t *arg_bytes);

#endif
