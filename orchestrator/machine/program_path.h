/* Where programs stand: those of PATH, and what belongs to volley's own program. */
#ifndef ORCHESTRATOR_MACHINE_PROGRAM_PATH_H
#define ORCHESTRATOR_MACHINE_PROGRAM_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* The first program of this name in PATH, or where systems have theirs. False: there is none. */
bool program_path_find(char *path, size_t path_bytes, const char *name);

/* Of PATH alone: for what nobody needs, and one may do without by a PATH of his own. */
bool program_path_find_listed(char *path, size_t path_bytes, const char *name);

/* The first of these places, each relative to the folder of volley's own program, where a file of this name stands.
 * False: there is none. */
bool program_path_beside(char *path, size_t path_bytes, const char *const *places,
                         size_t place_count, const char *name);

#endif
