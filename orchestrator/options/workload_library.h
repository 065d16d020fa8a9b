/* The workloads that come with volley: a file each, in configs/workloads of the sources beside a program that was built
 * there, in share/volley/workloads beside one that was installed. */
#ifndef ORCHESTRATOR_OPTIONS_WORKLOAD_LIBRARY_H
#define ORCHESTRATOR_OPTIONS_WORKLOAD_LIBRARY_H

#include <limits.h>
#include <stddef.h>

#include "common/err.h"

#define WORKLOAD_LIBRARY_MAX 256u

struct workload_library {
    char directory[PATH_MAX];
    char *names[WORKLOAD_LIBRARY_MAX]; /* by the alphabet; owned */
    size_t count;
};

/* E_CONFIG: there is no such directory, or it cannot be read. workload_library_close in any case. */
MUST_USE enum err_code workload_library_open(struct workload_library *library, struct err *err);
void workload_library_close(struct workload_library *library);

/* The file of a workload, which the caller frees; NULL with an error. E_USAGE: there is none of that name; the nearest
 * one is named. */
MUST_USE enum err_code workload_library_find(char **path, const struct workload_library *library,
                                             const char *name, struct err *err);

#endif
