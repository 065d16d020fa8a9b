/* HTTP/1.1 responses: walked without being kept. Pure functions on memory; no allocation, no I/O.
 *
 * The scanner can stop at any byte and go on with the next buffer; what it must remember is in struct http_scanner, so a
 * connection needs no buffer of its own. Bodies are passed over, by Content-Length, as chunks, or to the end of the connection;
 * interim responses (1xx) stand in front of a response and are no response. What two readers could understand in two ways ends
 * the connection: a length twice, a length beside chunks, a header without a name.
 * Protocol: RFC 9110 and RFC 9112. */
#ifndef COMMON_HTTP_RESPONSE_H
#define COMMON_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define HTTP_LINE_BYTES 256u             /* of a line that buffers cut, what is kept of it */
#define HTTP_HEAD_MAX_BYTES (256u << 10) /* status line, headers, trailers, interim responses */
#define HTTP_SEEN_BYTES 24u              /* of what is no response, what is told of it */

/* What is wrong with a response: id, and the rest of a sentence that begins "the server". Fits the struct's 8 bits. */
#define HTTP_FAULT_TABLE(ROW)                                                                      \
    ROW(NONE, "did nothing wrong")                                                                 \
    ROW(NOT_HTTP, "does not answer in HTTP/1")                                                     \
    ROW(STATUS, "sent a status line without a status")                                             \
    ROW(SWITCHED, "switched to another protocol that nobody asked for")                            \
    ROW(HEAD_ENDLESS, "sent more than 256 kB of headers")                                          \
    ROW(HEADER, "sent a header line that is none")                                                 \
    ROW(LENGTH, "sent a Content-Length that is no length")                                         \
    ROW(LENGTHS, "sent more than one length of a body")                                            \
    ROW(CODING, "sent a Transfer-Encoding that cannot be told")                                    \
    ROW(CHUNK, "sent a chunk whose size is none")                                                  \
    ROW(CHUNK_END, "sent a chunk that is longer than its size")                                    \
    ROW(CUT, "ended a response half way")

enum http_fault {
#define HTTP_FAULT_ID(id, text) HTTP_FAULT_##id,
    HTTP_FAULT_TABLE(HTTP_FAULT_ID)
#undef HTTP_FAULT_ID
        HTTP_FAULTS
};

enum http_scan_status {
    HTTP_SCAN_RESPONSE, /* one whole response ended; consumed_bytes says where             */
    HTTP_SCAN_MORE,     /* all bytes consumed, the response goes on                        */
    HTTP_SCAN_INVALID   /* the connection cannot be used any more; http_scanner_fault why  */
};

struct http_response {
    uint16_t status;     /* 200 to 999 */
    bool closes;         /* the connection carries no other one */
    uint64_t body_bytes; /* the framing of chunks left out */
    uint64_t head_bytes;
};

/* Who wants more than that. Headers come whole, of those that buffers cut only what fits HTTP_LINE_BYTES; bodies in pieces. Of
 * interim responses nothing is told. */
struct http_tap {
    void *state;
    void (*status)(void *state, uint16_t status); /* ahead of the rest; NULL: not wanted */
    void (*header)(void *state, const char *name, size_t name_bytes, const char *value,
                   size_t value_bytes);                              /* NULL: not wanted */
    void (*body)(void *state, const char *bytes, size_t byte_count); /* NULL: not wanted */
};

/* Private to http_response.c; zeroed memory is a scanner that has been reset. */
struct http_scanner {
    uint8_t state;
    uint8_t fault;
    uint8_t minor_version;
    bool line_return; /* the line's CR has been seen, its LF not */
    bool has_length, has_coding, chunked;
    bool said_close, said_keep_alive;
    bool last_matters; /* the header before this line says how the body is framed */
    uint16_t status;
    uint32_t head_bytes; /* of the response so far, and of interim ones ahead of it */
    uint32_t size_bytes; /* of the line of a chunk's size so far */
    uint32_t line_bytes; /* of a line that an earlier buffer ended in */
    uint64_t left_bytes; /* of the body, or of the chunk */
    uint64_t body_bytes;
    char line[HTTP_LINE_BYTES];
};

void http_scanner_reset(struct http_scanner *scanner);

/* Scans up to the end of one response. to_head: the request was HEAD, so that no body follows; the same for all of a response.
 * On HTTP_SCAN_RESPONSE *response is filled and *consumed_bytes tells where the next one begins; on HTTP_SCAN_MORE all of in was consumed;
 * on HTTP_SCAN_INVALID *response is not set, and every later call says the same until the scanner is reset. The result does not depend
 * on how the bytes are cut. tap NULL: nobody. */
MUST_USE enum http_scan_status http_scan(struct http_scanner *scanner, bool to_head, const char *in,
                                         size_t in_bytes, size_t *consumed_bytes,
                                         struct http_response *response,
                                         const struct http_tap *tap);

/* The connection has ended: HTTP_SCAN_RESPONSE where the body went on until then, HTTP_SCAN_MORE between responses, else HTTP_SCAN_INVALID. */
MUST_USE enum http_scan_status http_scan_end(struct http_scanner *scanner,
                                             struct http_response *response);

/* Nothing of the next response has been seen. */
bool http_scanner_idle(const struct http_scanner *scanner);
/* So many bytes at least are still to come of the body under way; UINT64_MAX: until the connection ends. */
uint64_t http_scanner_least_bytes(const struct http_scanner *scanner);

enum http_fault http_scanner_fault(const struct http_scanner *scanner);
/* The rest of a sentence that begins "the server". */
const char *http_fault_text(enum http_fault fault);
/* What bytes that are no HTTP look like, as their beginning tells: "TLS", "RESP"; NULL: like nothing that is known. */
const char *http_guess_protocol(const char *bytes, size_t byte_count);
/* The first bytes of what was no HTTP. Returns how many there are, at most HTTP_SEEN_BYTES. */
size_t http_scanner_seen(const struct http_scanner *scanner, const char **bytes);

#endif
