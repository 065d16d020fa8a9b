/* Temporary directories of managed servers: with a lock that volley holds for as long as it lives, so that
 * what is left of one that was killed can be told from what is in use, and removed. Called by the
 * orchestrator before its runs and after them. */
#ifndef ORCHESTRATOR_SERVER_PRIVATE_DIRECTORY_H
#define ORCHESTRATOR_SERVER_PRIVATE_DIRECTORY_H

#include <stdint.h>

#include "common/err.h"

#define PRIVATE_DIRECTORY_BYTES 128u

struct private_directory {
    char path[PRIVATE_DIRECTORY_BYTES]; /* "": none */
    int lock_fd;                        /* -1: none; with it ends the lock */
};

/* PREFIX-XXXXXX in TMPDIR, unless others may change its names (output_entry.h), else in /tmp; mode 0700.
 * E_SYSTEM: it cannot be made; what: whose it is, for the message. */
MUST_USE enum err_code private_directory_make(struct private_directory *directory,
                                              const char *prefix, const char *what,
                                              struct err *err);
/* With all that is in it. Safe when there is none. */
void private_directory_remove(struct private_directory *directory);

/* Removes what is left in TMPDIR and in /tmp of directories with this prefix whose volley is gone: those
 * whose name is one that private_directory_make gives, that are this user's, no links, of mode 0700, and
 * whose lock nobody holds; or that have had none for ten minutes, and nothing else in them. Returns how
 * many. */
uint32_t private_directory_sweep(const char *prefix);

#endif
