/* One word of a command line that people are to copy, as a shell takes it. Pure. */
#ifndef ORCHESTRATOR_REPORT_SHELL_WORD_H
#define ORCHESTRATOR_REPORT_SHELL_WORD_H

#include <stddef.h>

/* In quotes where it needs them. Returns how many bytes it takes, as snprintf does: text_bytes or more is cut. */
size_t shell_word(char *text, size_t text_bytes, const char *word);

#endif
