/* Where an output goes: a stream of the caller's (stdout), or a file that is written under a
 * temporary name and gets its own at the end, so that nobody ever reads half a file.
 *
 * The first write error is kept and returned by every later output_status; a reader that went away
 * (EPIPE) on a stream of the caller's is no error: what follows is dropped in silence. */
#ifndef ORCHESTRATOR_REPORT_OUTPUT_H
#define ORCHESTRATOR_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

struct output {
    FILE *file; /* NULL: closed */
    bool owned;
    bool gone; /* the reader of a borrowed stream went away */
    int sys_errno;
    char *path; /* of an owned file: the name at the end, and the name until then */
    char *temporary;
};

/* A stream that stays the caller's; name is for messages and is copied. */
MUST_USE enum err_code output_borrow(struct output *output, FILE *file, const char *name,
                                     struct err *err);
/* Creates path + ".tmp"; "-" borrows stdout. E_USAGE when it cannot be created. */
MUST_USE enum err_code output_create(struct output *output, const char *path, struct err *err);

void output_write(struct output *output, const void *bytes, size_t byte_count);
void output_printf(struct output *output, const char *format, ...) PRINTF_LIKE(2, 3);

/* Flushes and says whether all that was written so far has arrived. E_SYSTEM with path and cause. */
MUST_USE enum err_code output_status(struct output *output, struct err *err);
/* Gives an owned file its name. */
MUST_USE enum err_code output_commit(struct output *output, struct err *err);
/* Removes an owned file that was not committed, and frees. Safe on a zeroed struct. */
void output_discard(struct output *output);

#endif
