/* Files that come with volley: a folder of a kind each, in configs/ of the sources beside a program that was built there,
 * in share/volley/ beside one that was installed. */
#ifndef ORCHESTRATOR_OPTIONS_SHIPPED_FILES_H
#define ORCHESTRATOR_OPTIONS_SHIPPED_FILES_H

#include <limits.h>
#include <stddef.h>

#include "common/err.h"

#define SHIPPED_FILES_MAX 256u

struct shipped_kind {
    const char *folder;  /* "workloads" */
    const char *what;    /* "workload": in messages */
    const char *listing; /* the command that lists them; NULL: messages name them all */
};

struct shipped_files {
    const struct shipped_kind *kind;
    char directory[PATH_MAX];
    char *names[SHIPPED_FILES_MAX]; /* by the alphabet, without .yaml; owned */
    size_t count;
};

/* E_CONFIG: there is no such directory, or it cannot be read. shipped_files_close in any case. */
MUST_USE enum err_code shipped_files_open(struct shipped_files *files,
                                          const struct shipped_kind *kind, struct err *err);
void shipped_files_close(struct shipped_files *files);

/* The path of a file, which the caller frees; NULL with an error. E_USAGE: there is none of that name; the nearest one is
 * named. */
MUST_USE enum err_code shipped_files_find(char **path, const struct shipped_files *files,
                                          const char *name, struct err *err);

#endif
