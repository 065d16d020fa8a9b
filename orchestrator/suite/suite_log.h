/* What a suite says while it works: on standard error, as far as its level is wanted, and all of it in logs.txt of the subject
 * that it is about, with the time. */
#ifndef ORCHESTRATOR_SUITE_SUITE_LOG_H
#define ORCHESTRATOR_SUITE_SUITE_LOG_H

#include <stdio.h>

#include "common/log.h"

#define SUITE_LOG_EARLY_BYTES (64u << 10)

/* Zeroed: its lines wait for the file; what is too much to be kept until then is left out. */
struct suite_log {
    FILE *file;  /* NULL: none, yet */
    char *early; /* owned; may be handed over with the struct */
    size_t early_bytes;
};

/* Appends to DIRECTORY/logs.txt. E_USAGE. */
MUST_USE enum err_code suite_log_open(struct suite_log *log, const char *directory,
                                      struct err *err);
/* Lines that wait in another one come first in this one, which has no file yet. */
void suite_log_put_before(struct suite_log *log, const struct suite_log *other);
void suite_log_close(struct suite_log *log);
void suite_log_line(struct suite_log *log, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Lines that somebody else has written into a file, at most so many bytes of their end: as text of this one's, whatever they
 * hold. */
void suite_log_copy(struct suite_log *log, int fd, size_t bytes_max);

#endif
