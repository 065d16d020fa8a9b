/* Where a file is made: a directory that is held open, so that what was checked is what is written to,
 * and a name in it.
 *
 * A directory is trusted when it belongs to this user, to root or to the owner of the working directory,
 * and nobody else may change its names: others may not write to it, nor a group that neither this user
 * nor the working directory is of, unless it is sticky, as /tmp is. In a sticky one, what stands at
 * the name has such an owner, too. Only writing asks for this: whatever can be read is read. */
#ifndef ORCHESTRATOR_REPORT_OUTPUT_ENTRY_H
#define ORCHESTRATOR_REPORT_OUTPUT_ENTRY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/err.h"

struct output_entry {
    int directory_fd;
    char *path;       /* to the end of all links; for messages                      */
    const char *name; /* in the directory, the end of path                          */
    bool exists;
    struct stat there; /* when it exists; never of a link                            */
    bool through_proc; /* the name is a descriptor of a process, as /dev/stdout leads to */
};

/* Finds the entry that a user's path leads to. Links are followed, each out of a trusted directory.
 * E_USAGE: it is not to be written to, or cannot be reached. Close in any case. */
MUST_USE enum err_code output_entry_find(struct output_entry *entry, const char *path,
                                         struct err *err);
/* The entry of a name of volley's own in a directory: no link is followed, and nothing but a regular file
 * may stand there. */
MUST_USE enum err_code output_entry_find_own(struct output_entry *entry, const char *path,
                                             struct err *err);
/* Whether a file can be made there that does not exist yet, for those who make one late: E_USAGE. */
MUST_USE enum err_code output_entry_check_new(const char *path, struct err *err);
/* Safe on a zeroed struct. */
void output_entry_close(struct output_entry *entry);

/* Opens a directory of the user's that files are to be made in. Errors as output_entry_find. */
MUST_USE enum err_code output_directory_open(int *directory_fd, const char *path, struct err *err);

#endif
