/* One suite at a time in a directory of results. */
#ifndef ORCHESTRATOR_SUITE_SUITE_LOCK_H
#define ORCHESTRATOR_SUITE_SUITE_LOCK_H

#include "common/err.h"

/* Makes the directory where it is missing, with what is missing above it, and takes its lock, which the end of the process gives
 * back. *fd is -1 after a failure. E_USAGE: it cannot be made or written to, or another suite has it, and which one. */
MUST_USE enum err_code suite_lock_take(int *fd, const char *directory, struct err *err);
void suite_lock_release(int fd);

#endif
