/* Where the servers are, out of the options about clusters, replicas and sentinels. A step of
 * bench_relations_settle, before the URI's parts count as options of their own. */
#ifndef ORCHESTRATOR_OPTIONS_TOPOLOGY_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_TOPOLOGY_RELATIONS_H

#include "orchestrator/options/bench_options.h"

/* E_USAGE: options that do not fit together. */
MUST_USE enum err_code topology_relations_settle(struct bench_request *request, struct err *err);

#endif
