/* What a result depends on besides the options: volley itself, the machine, the server. */
#ifndef ORCHESTRATOR_TARGET_ENVIRONMENT_H
#define ORCHESTRATOR_TARGET_ENVIRONMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/fleet/plan.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/target/control.h"

/* The `environment` object of volley.run/1. Unknown values are null; every key is always there,
 * but server is null when control is NULL (null transport).
 *
 *   volley  version commit compiler
 *   host    name utc_offset_seconds(of its local time) kernel architecture os cpu_model cpu_count usable_cpus[] physical_cores governor
 *           limits{open_files_soft open_files_hard} cgroup{quota_cpus reason}
 *           transparent_hugepages aslr clocksource
 *   server  address(that was asked) product("valkey" "redis") version run_id mode os arch_bits process_id tcp_port
 *           connected_clients io_threads save("": never) appendonly maxmemory maxmemory_policy
 *   tls     version cipher certificate_checked kernel(what came of --ktls; null: not asked for), of
 *           volley's own connection; null where there is none
 *
 * The caller owns the result. NULL only when memory is
 * exhausted. */
json_t *environment_collect(struct control *control, const char *server_address,
                            const struct cpu_set_order *order);

/* Steal time (of all CPUs of the host), throttling (of this process's control groups) and the CPU time of the
 * server's process (evidence->server_pid) since host_sample_begin, for the verdict. What the kernel does not
 * tell, or for too short a time: steal_share -1, throttled_ns 0, server_cpu_share as it was. */
struct host_sample {
    uint64_t steal_ticks, total_ticks;
    uint64_t throttled_ns;
    uint64_t at_ns;
    double server_seconds; /* < 0: not known */
};
void host_sample_begin(struct host_sample *sample, const struct run_evidence *evidence);
void host_sample_end(const struct host_sample *sample, struct run_evidence *evidence);

/* Whether the target is a server on this host, and if so its process id and the CPUs it may run on.
 * An address of this host, or a Unix socket, makes it local; INFO's process_id is believed when
 * /proc has a process of that number that is called something with "redis" or "valkey".
 *
 *   address of another host          known, not local
 *   own address, process found       known, local, pid and cpus
 *   own address, process not found   local, not known (a container, a tunnel) */
struct server_locality {
    bool known;
    bool local;
    int64_t pid;
    uint32_t cpu_count; /* CPUs that the process may run on */
    uint32_t cpus[SPEC_CPUS_MAX];
};
/* Whether an address is one of this host's, or a Unix socket. */
bool server_is_local(const struct target_address *target);
/* Of a process that volley has started itself. */
void server_locality_of_process(struct server_locality *locality, int64_t pid);
void server_locality_find(struct server_locality *locality, struct control *control,
                          const struct target_address *target);

/* Whether it is an address of the loopback network. */
bool target_is_loopback(const struct target_address *target);

extern const char volley_version[]; /* "0.1.0"                         */
extern const char volley_commit[];  /* short hash at build, or "unknown" */

#endif
