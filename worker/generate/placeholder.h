/* What stands in an argument: text, and the words that are replaced. For templates, and for options that write a
 * command in braces.
 *
 * Which words are replaced, and what becomes of others, is the rule that spec.placeholders names. By volley's own,
 * backslashes in front of a placeholder are for that: each two send one, and one that is left over sends the
 * placeholder as it stands. Backslashes anywhere else are text. */
#ifndef WORKER_GENERATE_PLACEHOLDER_H
#define WORKER_GENERATE_PLACEHOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "common/spec.h"

enum placeholder {
    PLACEHOLDER_TEXT,
    PLACEHOLDER_KEY,
    PLACEHOLDER_INT,
    PLACEHOLDER_NAMED,
    PLACEHOLDER_DATA,
    PLACEHOLDER_TAG,
    PLACEHOLDER_FIELD,  /* __field:NAME__                    */
    PLACEHOLDER_UNKNOWN /* __word__, where that is refused */
};

#define PLACEHOLDER_NAMES 9u /* __rand_1st__ .. __rand_9th__ */

/* Some bytes of an argument. */
struct placeholder_piece {
    enum placeholder kind;
    uint32_t name_index; /* PLACEHOLDER_NAMED only                                 */
    size_t used_bytes;   /* of the argument                                        */
    const char *text;    /* of these, what is sent (TEXT), or how it was spelled */
    size_t text_bytes;
    const char *name; /* PLACEHOLDER_FIELD only: name_bytes of the spelling */
    size_t name_bytes;
};

/* Which words of the table are known to a rule, one bit each kind; and whether others are refused. Fields are known
 * where there is a table: | PLACEHOLDER_FIELDS. */
unsigned placeholder_known(enum placeholder_rules rules, bool cluster);
#define PLACEHOLDER_FIELDS (1u << PLACEHOLDER_FIELD)

/* The piece that an argument, or its rest, begins with; argument_bytes > 0. */
struct placeholder_piece placeholder_next(const char *argument, size_t argument_bytes,
                                          unsigned known);

#endif
