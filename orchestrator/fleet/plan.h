/* Who does what: how many workers, on which CPU, with how many connections. A pure function of the
 * spec and of what the machine allows; --explain prints it, the fleet executes it. */
#ifndef ORCHESTRATOR_FLEET_PLAN_H
#define ORCHESTRATOR_FLEET_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc.h"
#include "common/spec.h"

#define PLAN_NOTES_MAX 8

/* The CPUs this process may use, best first: one per physical core, then SMT siblings. */
struct cpu_set_order {
    uint32_t cpus[SPEC_CPUS_MAX]; /* operating-system numbers */
    uint32_t count;
    uint32_t physical_core_count; /* the first so many are on cores of their own */
    double quota_cpus;            /* cgroup CPU quota in CPUs; 0: none            */
    char reason[200];             /* "affinity 0-3, cgroup v2 quota 2.0 CPUs"     */
};

/* Reads affinity, cpuset, cgroup v1 and v2 quota (below root, "" in production, so that tests can
 * set one; /proc/self/cgroup is read below it too) and orders the CPUs by topology. synthetic is an hwloc synthetic description
 * for tests, NULL in production; with it every CPU of it counts as allowed. */
MUST_USE enum err_code cpu_order_discover(struct cpu_set_order *order, const char *root,
                                          const char *synthetic, struct err *err);

struct worker_plan {
    int cpu; /* -1: not pinned */
    uint32_t connections;
};

struct plan {
    uint32_t worker_count;
    struct worker_plan workers[IPC_WORKERS_MAX];
    int server_cpu; /* of a managed server; -1: not pinned */
    uint64_t ring_capacity_bytes;
    char notes[PLAN_NOTES_MAX][256]; /* what was chosen and why, for people */
    uint32_t note_count;
};

/* Where the server runs, as far as it matters for placing workers. */
enum server_place { SERVER_REMOTE, SERVER_LOCAL, SERVER_MANAGED };

/* E_USAGE: fewer connections than workers, a CPU that does not exist or is not allowed. With
 * --processes auto the number of workers is reduced instead, with a note. */
MUST_USE enum err_code plan_build(struct plan *plan, const struct spec *spec,
                                  const struct cpu_set_order *order, enum server_place place,
                                  struct err *err);

/* Raises the soft limit of open files to what one worker and the orchestrator need. E_USAGE above
 * the hard limit, with both numbers and how to raise it. */
MUST_USE enum err_code plan_raise_fd_limit(const struct plan *plan, struct err *err);

#endif
