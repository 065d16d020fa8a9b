/* What the control groups of this process allow it. Version 1 and version 2, also mounted side by
 * side. Files are read below root ("" in production; tests make a tree of their own), and limits are
 * looked for from the process's own group up to the root group: the tightest one counts. Where
 * a container shows a path that does not exist below its own mount, the levels that do exist count.
 * What is missing, "max" or rubbish sets no limit. */
#ifndef ORCHESTRATOR_MACHINE_CGROUP_H
#define ORCHESTRATOR_MACHINE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup_cpu {
    double quota_cpus;     /* CPU time a period / period; 0: no limit                       */
    uint32_t version;      /* 1 or 2: where the quota was found; 0 without one              */
    uint64_t throttled_ns; /* that tasks had to wait because of quotas, summed over levels  */
};
void cgroup_cpu_read(struct cgroup_cpu *cpu, const char *root);

/* The CPU list of the nearest cpuset group, "0-3,8". False and "": none. */
bool cgroup_cpuset_read(char *list, size_t list_bytes, const char *root);

/* Bytes that the groups leave to this process and its children: their limits without what is in use, where cached
 * files count as free. UINT64_MAX: no limit. */
uint64_t cgroup_memory_room(const char *root);

#endif
