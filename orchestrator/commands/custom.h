/* -t custom: the plug-in of a run is compiled, where it is C, and tried out, in a process of its own, before anything is
 * connected. Its code never runs in this one. */
#ifndef ORCHESTRATOR_COMMANDS_CUSTOM_H
#define ORCHESTRATOR_COMMANDS_CUSTOM_H

#include <limits.h>

#include "common/err.h"
#include "common/spec.h"
#include "worker/worker.h"

struct custom {
    struct plugin_source source; /* points to what stands below, and into the spec */
    char title[64];
    char library[PATH_MAX];
};

/* Of a spec whose load.custom has a file. E_USAGE: it is not there; E_CONFIG: it does not compile, cannot be loaded, or
 * fails in its trial, where that is told; E_SYSTEM: no compiler, no module that reads it. Waits for at most two
 * minutes. */
MUST_USE enum err_code custom_prepare(struct custom *custom, const struct spec *spec,
                                      struct err *err);

#endif
