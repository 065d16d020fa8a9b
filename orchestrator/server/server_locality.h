/* Where a server runs: on this host or elsewhere, as which process, on which CPUs. Called by the session, before its
 * runs. */
#ifndef ORCHESTRATOR_SERVER_SERVER_LOCALITY_H
#define ORCHESTRATOR_SERVER_SERVER_LOCALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/spec.h"
#include "common/transport.h"
#include "orchestrator/server/control.h"

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

#endif
