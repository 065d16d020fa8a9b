/* Words of a command line as a shell takes them. Pure. */
#ifndef ORCHESTRATOR_REPORT_SHELL_WORD_H
#define ORCHESTRATOR_REPORT_SHELL_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* One that people are to copy, in quotes where it needs them. Returns how many bytes it takes, as snprintf does:
 * text_bytes or more is cut. */
size_t shell_word(char *text, size_t text_bytes, const char *word);

/* A command with its arguments, argv[0] left out, on one printable line; cut where there is no more room. Returns text. */
char *shell_line(char *text, size_t text_bytes, const char *command, int argc,
                 const char *const *argv);

/* The word that begins at *at, which is no blank: written to *out with its zero, and no longer than it stands there;
 * both go on. It ends at a blank that is not quoted with '...', "..." or a backslash; nothing is ever expanded.
 * False: a quote has no end. */
bool shell_word_take(char **out, const char **at);

#endif
