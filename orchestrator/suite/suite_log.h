/* What a suite says while it works: on standard error, as far as its level is wanted, and all of it in logs.txt of the subject
 * that it is about, with the time. */
#ifndef ORCHESTRATOR_SUITE_SUITE_LOG_H
#define ORCHESTRATOR_SUITE_SUITE_LOG_H

#include <stdio.h>

#include "common/log.h"

struct suite_log {
    FILE *file; /* NULL: standard error alone */
};

/* Appends to DIRECTORY/logs.txt. E_USAGE. */
MUST_USE enum err_code suite_log_open(struct suite_log *log, const char *directory,
                                      struct err *err);
void suite_log_close(struct suite_log *log);
void suite_log_line(struct suite_log *log, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Lines that somebody else has written, from the beginning of a file, at most so many bytes of their end. */
void suite_log_copy(struct suite_log *log, int fd, size_t bytes_max);

#endif
