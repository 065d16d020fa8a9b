/* Who does what: how many workers, on which CPU, with how many connections. A pure function of the
 * spec and of what the machine allows; --explain prints it, the fleet executes it. */
#ifndef ORCHESTRATOR_FLEET_PLAN_H
#define ORCHESTRATOR_FLEET_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc.h"
#include "common/spec.h"
#include "orchestrator/machine/cpu_order.h"

#define PLAN_NOTES_MAX 12
#define PLAN_SERVER_CPUS_MAX 128u

struct worker_plan {
    int cpu;              /* -1: not pinned */
    uint32_t connections; /* of all workloads */
    uint32_t idle;        /* connections beside them that carry nothing */
    uint32_t consumers;   /* ... that only receive                      */
    bool own_cpu; /* shared with no other worker, nor with the server: session_reach finds out */
};

struct plan {
    uint32_t worker_count;
    struct worker_plan workers[IPC_WORKERS_MAX];
    int server_cpu; /* of a managed server, the first of them; -1: not pinned */
    uint32_t
        server_cpus[PLAN_SERVER_CPUS_MAX]; /* of managed servers: all of them are on all of these */
    uint32_t server_cpu_count;
    uint32_t usable_cpus; /* that it may use, as far as its quota goes */
    uint64_t ring_capacity_bytes;
    char notes[PLAN_NOTES_MAX][256]; /* what was chosen and why, for people */
    uint32_t note_count;
    const char *reduction; /* the note that says why there are fewer workers than asked; or NULL */
    const char *crowding;  /* the note that says that workers share CPUs; or NULL */
};

/* Where the server runs, as far as it matters for placing workers. */
enum server_place { SERVER_REMOTE, SERVER_LOCAL, SERVER_MANAGED };

/* The CPUs that the process of a local server may run on. count 0: not known. */
struct server_cpus {
    const uint32_t *cpus;
    uint32_t count;
};

/* server: of SERVER_LOCAL; NULL: not known (yet). Where it has fewer CPUs than volley may use, workers
 * keep away from those. E_USAGE: fewer connections than workers, a CPU that does not exist or is not allowed. With
 * --processes auto the number of workers is reduced instead, with a note. */
MUST_USE enum err_code plan_build(struct plan *plan, const struct spec *spec,
                                  const struct cpu_set_order *order, enum server_place place,
                                  const struct server_cpus *server, struct err *err);

/* A worker's part of so many connections, and how many those of the workers before it are. */
struct connection_share {
    uint32_t count, before;
};
struct connection_share plan_share(uint64_t connections, uint32_t worker_count, uint32_t worker);

/* Workloads beside the one that was planned for, with so many connections in all. After plan_build, whose spec had the
 * fewest that one of them has. */
void plan_add_connections(struct plan *plan, uint64_t connections);
/* Those of consumers, of the step that has the most. After plan_build. */
void plan_add_consumers(struct plan *plan, uint64_t connections);

/* Raises the soft limit of open files to what one worker and the orchestrator need. E_USAGE above
 * the hard limit, with both numbers and how to raise it. */
MUST_USE enum err_code plan_raise_fd_limit(const struct plan *plan, struct err *err);

#endif
