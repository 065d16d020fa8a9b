/* Keeps the table of nodes current while a run is under way. The scout is a child process of its own,
 * so that neither workers nor collector ever wait for a server or a resolver: it asks the nodes, with
 * short deadlines, listens to sentinels, resolves names again, and publishes what has changed.
 *
 * It looks at the workers' wishes (ipc_worker.refresh_wanted) every 20 ms. On a wish it asks at once
 * and, for two seconds, every 50 ms; otherwise once a second. Addresses of names are looked up on a
 * wish only. */
#ifndef ORCHESTRATOR_FLEET_SCOUT_H
#define ORCHESTRATOR_FLEET_SCOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "common/topology.h"
#include "orchestrator/fleet/segments.h"
#include "orchestrator/machine/child.h"

/* Constant while the scout lives. */
struct scout_run {
    const struct spec *spec;
    const struct topology *topology; /* as discovered */
    struct segments segments;        /* workers' words are read, the topology is written */
    uint32_t worker_count;
};

/* Whether anything can change that a scout would notice: not for one server with a numeric address. */
bool scout_is_needed(const struct spec *spec, const struct topology *topology);

/* Forks one, which lives until it is killed (child_end). A second one, after the first has died, goes on from
 * the table as it is. */
MUST_USE enum err_code scout_start(struct child *scout, struct scout_run *run, struct err *err);

#endif
