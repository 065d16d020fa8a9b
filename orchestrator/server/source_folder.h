/* The cache folder of builds: who may use it now, work trees, and programs that are kept. The orchestrator's builds. */
#ifndef ORCHESTRATOR_SERVER_SOURCE_FOLDER_H
#define ORCHESTRATOR_SERVER_SOURCE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "orchestrator/server/source_build.h"

#define SOURCE_KEY_BYTES 17u

struct source_folder {
    char path[SOURCE_PATH_BYTES];
    int lock_fd; /* 0: not held */
};

/* Makes the folder where it is not there. given: as struct source_wish has it. E_SYSTEM. */
MUST_USE enum err_code source_folder_find(struct source_folder *folder, const char *given,
                                          struct err *err);

/* Makes it this process's alone: waits for another one, and tells which. E_SYSTEM: it does not let go within 100
 * minutes, or the disk is full; E_INTERRUPTED. */
MUST_USE enum err_code source_folder_lock(struct source_folder *folder,
                                          void (*tell)(void *state, const char *text), void *state,
                                          const volatile int *interrupted, struct err *err);
/* Safe where it is not held. */
void source_folder_unlock(struct source_folder *folder);

/* Hexadecimal digits that stand for a text of so many bytes. */
void source_key(char key[SOURCE_KEY_BYTES], const void *text, size_t byte_count);

/* A path; E_SYSTEM: it is too long. */
MUST_USE enum err_code source_path(char path[SOURCE_PATH_BYTES], struct err *err,
                                   const char *format, ...) PRINTF_LIKE(3, 4);

/* Removes a directory and all that is in it; links in it are not followed. */
void source_folder_remove(const char *path);

/* Where the work tree of a commit is to be made: valkey_<sha>, which another process may still use, or that with a number.
 * Removes those that are left of processes that have ended. The folder is locked. */
MUST_USE enum err_code source_tree_place(char path[SOURCE_PATH_BYTES],
                                         const struct source_folder *folder, const char *sha,
                                         struct err *err);
/* Holds one against others; what it returns is to be closed. -1: it is not there, or held. */
int source_tree_hold(const char *path);

/* ---- programs ---- */

/* Finds what make has left in a tree: the paths of build, "" where there is none. E_FAILED: no server, or several and none
 * of a known name. */
MUST_USE enum err_code source_programs_find(struct source_build *build, const char *tree,
                                            struct err *err);
/* Takes what is kept under a name. False: nothing is. */
bool source_programs_take(struct source_build *build, const char *kept);
/* Copies the programs of build there, all or none, and leaves their new paths. E_SYSTEM: the disk is full, and others. */
MUST_USE enum err_code source_programs_keep(struct source_build *build, const char *kept,
                                            struct err *err);

#endif
