/* The consumer groups of streams that a workload's consumers belong to: made before a run, and gone with it. */
#ifndef ORCHESTRATOR_SERVER_GROUPS_H
#define ORCHESTRATOR_SERVER_GROUPS_H

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"
#include "worker/worker.h"

/* XGROUP CREATE of each, at the end of its stream, which is made where it is not there. E_USAGE: a group is there
 * already; E_CONNECT: with the server's words. Then none of them is there that was not before. */
MUST_USE enum err_code groups_create(const struct topology *topology,
                                     const struct workload *workload,
                                     const struct endpoint *endpoint,
                                     const volatile int *interrupted, struct err *err);
/* XGROUP DESTROY of each; what fails is warned of. */
void groups_destroy(const struct topology *topology, const struct workload *workload,
                    const struct endpoint *endpoint);

#endif
