/* What the scanner of HTTP responses must say: a digest of a stream, however it is cut, and Debian's http-parser as a second opinion.
 * For tests/unit and tests/fuzz; needs no Check: aborts when it is used wrongly. */
#ifndef TESTS_SUPPORT_HTTP_ORACLE_H
#define TESTS_SUPPORT_HTTP_ORACLE_H

#include "common/http_response.h"

/* What came out of a stream of responses. Two ways to cut the same bytes agree when these do. */
struct http_outcome {
    enum http_scan_status status; /* of the last scan, or of the end of the connection */
    enum http_fault fault;
    bool idle; /* the stream ended between two responses */
    size_t responses, end_bytes;
    uint64_t
        digest; /* of every field of every response, where it ended, and the bytes of its body */
    struct http_response last;
};

/* Scans in, handed over in pieces that end at cuts[0] < cuts[1] < ...; every piece is in memory of its own size, so that a
 * sanitizer sees a read beyond it, and is overwritten before the next one. closed: the connection ends behind it. */
void http_outcome_scan(struct http_outcome *outcome, const char *in, size_t in_bytes, bool to_head,
                       bool closed, const size_t *cuts, size_t cut_count);
/* Every piece is one byte. */
void http_outcome_scan_bytes(struct http_outcome *outcome, const char *in, size_t in_bytes,
                             bool to_head, bool closed);
bool http_outcome_same(const struct http_outcome *a, const struct http_outcome *b);

/* What is the first response for the scanner is the same one for http-parser. True also where the scanner has none. */
bool http_oracle_agrees(const char *in, size_t in_bytes, bool to_head);

#endif
