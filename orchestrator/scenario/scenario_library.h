/* The scenarios that come with volley: configs/scenarios and the folders in it. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_LIBRARY_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_LIBRARY_H

#include "orchestrator/options/shipped_files.h"

/* For shipped_files_open: their names, in folders by what they are for. */
#define SCENARIO_LIBRARIES 3u
extern const struct shipped_kind scenario_libraries[SCENARIO_LIBRARIES];

/* The path of the file that is meant, which the caller frees; NULL with an error. A file of the user's own goes before
 * one that comes with volley; a path that leads nowhere (config/scenarios/x.yaml) stands for the latter of that name.
 * E_CONFIG: there is neither. */
MUST_USE enum err_code scenario_library_find(char **path, const char *given, struct err *err);
/* What a file says that it is for, for a list of them; "": nothing. Errors as scenario_read has them. */
MUST_USE enum err_code scenario_library_describe(char *description, size_t description_bytes,
                                                 const char *path, struct err *err);

#endif
