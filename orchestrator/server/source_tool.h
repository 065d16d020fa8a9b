/* A run of git or make: what it says goes to a log, without secrets, and its last lines stay at hand. The
 * orchestrator's builds, before its runs. */
#ifndef ORCHESTRATOR_SERVER_SOURCE_TOOL_H
#define ORCHESTRATOR_SERVER_SOURCE_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define SOURCE_TOOL_WORDS_MAX 96u
#define SOURCE_TOOL_LAST_LINES 10u
#define SOURCE_TOOL_LINE_BYTES 256u
#define SOURCE_TOOL_SECRETS 4u

struct source_tool {
    /* set before; what is pointed to outlives the run */
    const char *words[SOURCE_TOOL_WORDS_MAX + 1]; /* the first is a name in PATH */
    size_t word_count;
    const char *const *environment; /* further entries, as in struct child_plan */
    uint64_t limit_ns;
    int log_fd;                               /* 0: none */
    const char *secrets[SOURCE_TOOL_SECRETS]; /* become "***" in all that is said; NULL: none */
    const volatile int *interrupted;
    void (*hear)(void *state, const char *line); /* each line; NULL: nobody */
    void (*beat)(void *state,
                 uint64_t line_count); /* once a second while it says something; NULL: nobody */
    void *state;

    /* left by the run */
    bool succeeded; /* ended with status 0 */
    char end[48];   /* "ended with status 2" */
    uint64_t line_count;
    char last_lines[SOURCE_TOOL_LAST_LINES]
                   [SOURCE_TOOL_LINE_BYTES];  /* a ring; free of control characters */
    char first_error[SOURCE_TOOL_LINE_BYTES]; /* "": none looks like one */
};

/* Puts these words behind those that it has. Too many are none: source_tool_run() refuses. */
void source_tool_add(struct source_tool *tool, const char *word, ...) __attribute__((sentinel));

/* Runs it to its end: OK even where that is a failure of its own. With it ends all that it has started. E_SYSTEM: it is
 * not there, cannot be started, takes longer than its limit, or the log cannot be written; E_INTERRUPTED. */
MUST_USE enum err_code source_tool_run(struct source_tool *tool, struct err *err);

/* The last lines, from old to new: index 0 is the oldest that is kept. NULL: there is no such. */
const char *source_tool_last_line(const struct source_tool *tool, size_t index);
/* What it has said of its failure, in one line. Returns text. */
const char *source_tool_complaint(const struct source_tool *tool, char *text, size_t text_bytes);

/* E_SYSTEM, with the name of the package: this program is not in PATH. */
MUST_USE enum err_code source_tool_check(const char *name, struct err *err);
/* The same for the compiler. */
MUST_USE enum err_code source_tool_check_compiler(struct err *err);

#endif
