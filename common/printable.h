/* Words of a user's or a server's that a terminal is to show, and not to obey. Works in place, on UTF-8
 * and any other bytes; returns text. Callable from anywhere. */
#ifndef COMMON_PRINTABLE_H
#define COMMON_PRINTABLE_H

/* What stands in one line: control characters become blanks. */
char *printable_line(char *text);
/* The same, but line breaks and tabs stay. */
char *printable_lines(char *text);

#endif
