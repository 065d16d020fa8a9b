/* Steps of bench_relations_settle: what --managed starts, and what --chaos does to it. */
#ifndef ORCHESTRATOR_OPTIONS_MANAGED_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_MANAGED_RELATIONS_H

#include "orchestrator/options/bench_options.h"

/* A managed cluster is a cluster, one with TLS speaks it. E_USAGE: it contradicts another option. */
MUST_USE enum err_code managed_relations_settle(struct bench_request *request, struct err *err);
/* Reads the file of actions, when one is given, and makes intervals short. Behind everything that says
 * how long the run is, and before the intervals are settled. E_USAGE: no managed target, several runs;
 * E_CONFIG: as chaos_plan_read. */
MUST_USE enum err_code chaos_relations_settle(struct bench_request *request, struct err *err);

#endif
