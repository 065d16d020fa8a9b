/* Words of a user's, a server's or a file's that a terminal is to show, and not to obey: control characters,
 * and those that turn the direction of text, become blanks, bytes that are no UTF-8 question marks. The length stays. Callable from anywhere. */
#ifndef COMMON_PRINTABLE_H
#define COMMON_PRINTABLE_H

#include <stddef.h>

/* What stands in one line, in place; returns text. */
char *printable_line(char *text);
/* The same, but line breaks and tabs stay. */
char *printable_lines(char *text);

/* A copy, cut where it is too long, that lives to the end of the block: an argument of a printf whose text
 * comes from outside. */
#define PRINTABLE_BYTES 512
char *printable_copy(char *copy, size_t copy_bytes, const char *text);
#define PRINTABLE(text) printable_copy((char[PRINTABLE_BYTES]){0}, PRINTABLE_BYTES, text)

/* The length of the valid UTF-8 sequence that starts here, 0 when there is none. */
size_t printable_sequence_bytes(const char *text);

#endif
