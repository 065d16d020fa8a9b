/* Folders of the user's cache that volley runs what stands there from. Orchestrator, before its runs. */
#ifndef ORCHESTRATOR_MACHINE_CACHE_FOLDER_H
#define ORCHESTRATOR_MACHINE_CACHE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Leaves the path of $XDG_CACHE_HOME/volley/NAME, else ~/.cache/volley/NAME; of given where that is not NULL. Makes the folder, and those
 * above it, for the user alone. E_SYSTEM: neither variable says where (instead: what else one can do), it cannot be
 * made, or is not the user's alone: then anybody could have put there what is run. */
MUST_USE enum err_code cache_folder_make(char *path, size_t path_bytes, const char *given,
                                         const char *name, const char *instead, struct err *err);

/* Whether a folder, or a file, is the user's, and nobody else may write to it. */
bool cache_folder_is_own(const char *path, bool folder);

#endif
