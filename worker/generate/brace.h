/* Commands as workload files have them: words, and placeholders in braces. Pure; private to worker/ and the reader
 * of workload files. */
#ifndef WORKER_GENERATE_BRACE_H
#define WORKER_GENERATE_BRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum brace_kind {
    BRACE_TEXT, /* sent as it is                                              */
    BRACE_KEY,  /* {key}, {key:NAME}, {key:NAME#1}                            */
    BRACE_NEW,  /* {new}, {new:NAME}: a key that is added to the space         */
    BRACE_VALUE,
    BRACE_INT,   /* {int A B}, both among them                                 */
    BRACE_FLOAT, /* {float}: 0 <= x < 1, {float A B}                           */
    BRACE_ZIPF,  /* {zipf N}, {zipf N EXPONENT}: a rank, 0 the most frequent   */
    BRACE_SEQ,   /* counts the requests of the class                           */
    BRACE_TICKET,
    BRACE_WORKER,
    BRACE_RUN, /* microseconds since 1970 when its process began; one less in the warm-up */
    BRACE_NOW, /* milliseconds since 1970                                    */
    BRACE_UUID,
    BRACE_SCRIPT, /* {script NAME}: its SHA1 */
    BRACE_CURSOR, /* of SCAN and the like: what the reply before said          */
    BRACE_FIELD,  /* {field NAME} of the workload's data                        */
    BRACE_VECTOR, /* {vector N}: N floats of 32 bits, little endian, -1 <= x < 1 */
    BRACE_STAMP /* {stamp}, {stamp N}: who sent it and when, filled up to N bytes (common/stamp.h) */
};

#define BRACE_NAME_BYTES 64u
#define BRACE_LABEL_MAX 9u
#define BRACE_DIMENSIONS_MAX 65536u
#define BRACE_STAMP_BYTES_MAX (1024u * 1024)
#define BRACE_FLOAT_MAX 1e12 /* millionths of it fit into 63 bits */

struct brace_piece {
    enum brace_kind kind;
    size_t used_bytes; /* of the word             */
    const char *text;  /* TEXT: what is sent      */
    size_t text_bytes;
    char name[BRACE_NAME_BYTES]; /* FIELD, SCRIPT; KEY, NEW, VALUE; "": the only one */
    uint32_t label;              /* KEY: the same again within a unit; 0: a new one each time */
    int64_t from, to;            /* INT; ZIPF and VECTOR: from = N */
    double low, high;            /* FLOAT; ZIPF: low = the exponent */
};

/* The piece that a word, or its rest, begins with; word_bytes > 0. "\{" is a brace, and so is one that no letter
 * follows. E_CONFIG: no such placeholder, or not what it takes; the reason alone. */
MUST_USE enum err_code brace_next(struct brace_piece *piece, const char *word, size_t word_bytes,
                                  struct err *err);

/* The next word of a command that is one text: *at moves behind it. Blanks separate, but for those in a placeholder
 * and between quotes ('...' or "...") that begin a word and end it. word: room for the text's length and one byte
 * more, terminated. *found false: there is none. E_CONFIG: a quote or placeholder without an end; the reason alone. */
MUST_USE enum err_code brace_word(char *word, bool *found, const char **at, struct err *err);

#endif
