/* How many connections there are, and when, out of the options about clients. A step of
 * bench_relations_settle; nobody else calls it. */
#ifndef ORCHESTRATOR_OPTIONS_CLIENT_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_CLIENT_RELATIONS_H

#include "orchestrator/options/bench_options.h"

/* Fills spec.clients and spec.client_ramp; behind the workers and the length of the test, with
 * notices. E_USAGE: options that do not fit together, fewer connections at the start than workers. */
MUST_USE enum err_code client_relations_settle(struct bench_request *request, struct err *err);

#endif
