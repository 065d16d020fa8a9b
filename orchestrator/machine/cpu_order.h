/* The CPUs this process may use, best first. Read once by the orchestrator, before the plan. */
#ifndef ORCHESTRATOR_MACHINE_CPU_ORDER_H
#define ORCHESTRATOR_MACHINE_CPU_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

/* Best first: one per physical core, package by package, then SMT siblings in the same order. */
struct cpu_set_order {
    uint32_t cpus[SPEC_CPUS_MAX]; /* operating-system numbers */
    uint32_t count;               /* at least 1               */
    uint32_t physical_core_count; /* the first so many are on cores of their own */
    double quota_cpus;            /* cgroup CPU quota in CPUs; 0: none            */
    char reason[200];             /* "affinity 0-3, cgroup v2 quota 2.0 CPUs"     */
};

/* Reads affinity, cpuset, cgroup v1 and v2 quota (below root, "" in production, so that tests can
 * set one; /proc/self/cgroup is read below it too) and orders the CPUs by topology. synthetic is an
 * hwloc synthetic description for tests, NULL in production; with it every CPU of it counts as
 * allowed by affinity. E_SYSTEM when the affinity cannot be read, or the synthetic topology is
 * rubbish. */
MUST_USE enum err_code cpu_order_discover(struct cpu_set_order *order, const char *root,
                                          const char *synthetic, struct err *err);

/* Whether the CPU is one of the order's, or of any list. */
bool cpu_order_has(const struct cpu_set_order *order, uint32_t cpu);
bool cpu_list_has(const uint32_t *cpus, uint32_t count, uint32_t cpu);

/* CPU numbers in any order -> "0-3,8", ascending. Returns text; what does not fit (at least 16
 * bytes) ends in "...". */
char *cpu_order_list(char *text, size_t text_bytes, const uint32_t *cpus, uint32_t count);

#endif
