/* Compiles the C file of a plug-in (common/volley_plugin.h) with the system's cc, and keeps what it makes in the user's
 * cache folder. Orchestrator, before anything is connected. */
#ifndef ORCHESTRATOR_MACHINE_PLUGIN_BUILD_H
#define ORCHESTRATOR_MACHINE_PLUGIN_BUILD_H

#include <limits.h>
#include <stddef.h>

#include "common/err.h"

/* library: the path of the shared object. What was compiled before is used again when the text that the compiler sees
 * (with all that the file includes), the compiler and the way it is called are the same; anything else is
 * compiled anew. The folder is $XDG_CACHE_HOME/volley/plugins, else ~/.cache/volley/plugins, and has to be the user's own.
 *
 * E_CONFIG: it cannot be read, or does not compile; what the compiler said goes to stderr. E_SYSTEM: there is no
 * compiler, no folder, or it takes longer than a minute. */
MUST_USE enum err_code plugin_build(char library[PATH_MAX], const char *file, struct err *err);

#endif
