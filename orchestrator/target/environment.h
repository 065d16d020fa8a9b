/* What a result depends on besides the options: volley itself, the machine, the server. */
#ifndef ORCHESTRATOR_TARGET_ENVIRONMENT_H
#define ORCHESTRATOR_TARGET_ENVIRONMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/fleet/plan.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/target/control.h"

/* The `environment` object of volley.run/1: volley {version, commit, compiler}, host {kernel, cpu_model,
 * governor, cpus, limits, cgroup ...}, server {version, run_id, mode, io_threads, save, appendonly, maxmemory,
 * maxmemory_policy ...}. control may be NULL (null transport). Unknown values are null. The caller
 * owns the result. NULL only when memory is exhausted. */
json_t *environment_collect(struct control *control, const struct cpu_set_order *order);

/* Steal time and throttling since host_sample_begin, for the verdict. */
struct host_sample {
    uint64_t steal_ticks, total_ticks;
    uint64_t throttled_ns;
};
void host_sample_begin(struct host_sample *sample);
void host_sample_end(const struct host_sample *sample, struct run_evidence *evidence);

/* Whether the target is a server on this host, and if so its process id and the CPUs it may run on.
 * Uses INFO's process_id when the address is this host's, and checks /proc for it. */
struct server_locality {
    bool known;
    bool local;
    int64_t pid;
    uint32_t cpu_count; /* CPUs that the process may run on */
    uint32_t cpus[SPEC_CPUS_MAX];
};
void server_locality_find(struct server_locality *locality, struct control *control,
                          const struct target_address *target);

extern const char volley_version[]; /* "0.1.0"                         */
extern const char volley_commit[];  /* short hash at build, or "unknown" */

#endif
