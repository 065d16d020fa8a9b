/* What the scanner must say: two oracles and a generator for tests/unit and tests/fuzz. Needs no
 * Check: aborts when it is used wrongly. */
#ifndef TESTS_SUPPORT_RESP_ORACLE_H
#define TESTS_SUPPORT_RESP_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/resp.h"

/* What came out of a stream of replies. Two ways to read the same bytes agree when these do. */
struct resp_outcome {
    enum resp_status status; /* of the last scan: RESP_MORE at the end of a good stream         */
    bool idle;               /* the stream ended between two replies                            */
    size_t replies;
    size_t end_bytes;       /* where the last whole reply ended                                 */
    uint64_t digest;        /* of every field of every reply and where it ended                 */
    struct resp_reply last; /* the last whole reply; its text is in last_text                   */
    char last_text[RESP_LINE_BYTES];
};

/* Scans in, handed over in pieces that end at cuts[0] < cuts[1] < ...; every piece is in memory of
 * its own size, so that a sanitizer sees a read beyond it, and is overwritten before the next one. */
void resp_outcome_scan(struct resp_outcome *outcome, const char *in, size_t in_bytes,
                       const size_t *cuts, size_t cut_count);
/* Every piece is one byte. */
void resp_outcome_scan_bytes(struct resp_outcome *outcome, const char *in, size_t in_bytes);
bool resp_outcome_same(const struct resp_outcome *a, const struct resp_outcome *b);

/* hiredis's reader on the first reply of in (RESP2). */
void resp_outcome_hiredis(struct resp_outcome *outcome, const char *in, size_t in_bytes);
/* The scanner on the first reply of in, whole; with what hiredis does not tell left out. */
void resp_outcome_first(struct resp_outcome *outcome, const char *in, size_t in_bytes);

/* Where the scanner and hiredis may differ on the first reply of in. Every other input must give the
 * same outcome. */
enum resp_comparison {
    RESP_SAME, /* both must say the same */
    /* hiredis is laxer or finds out later: a bulk body that does not end in CRLF, a line with a lone
     * CR or LF in it, a number line of more than RESP_LINE_BYTES, a bulk length above
     * RESP_BULK_MAX_BYTES. The scanner must say RESP_INVALID. */
    RESP_REFUSED,
    /* Outside the common ground: a RESP3 type, "+" before an integer, an aggregate inside
     * RESP_HIREDIS_DEPTH others, more than INT_MAX elements. */
    RESP_INCOMPARABLE
};
#define RESP_HIREDIS_DEPTH 8
enum resp_comparison resp_hiredis_compare(const char *in, size_t in_bytes);

/* A random reply and what the scanner must say about it. */
struct resp_sample {
    char *bytes;
    size_t byte_count, capacity_bytes;
    uint64_t seed, draws;
    uint32_t depth_max;       /* aggregates inside each other */
    bool resp3;               /* RESP3 types and attributes too */
    struct resp_reply expect; /* text in expect_text */
    char expect_text[RESP_LINE_BYTES];
};

/* Writes the sample of this seed; free with resp_sample_free. */
void resp_sample_make(struct resp_sample *sample, uint64_t seed, uint32_t depth_max, bool resp3);
void resp_sample_free(struct resp_sample *sample);
/* The next number of the sample's own stream, below bound. */
uint64_t resp_sample_draw(struct resp_sample *sample, uint64_t bound);

#endif
