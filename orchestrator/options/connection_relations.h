/* How connections are made, what they say first and how long they last, out of the options about them. A
 * step of bench_relations_settle, behind the target; nobody else calls it. */
#ifndef ORCHESTRATOR_OPTIONS_CONNECTION_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_CONNECTION_RELATIONS_H

#include "orchestrator/options/bench_options.h"

/* E_USAGE: options that do not fit together, a name that the server would refuse, a source address that
 * is none. Whether the machine has the address, sources.h finds out. */
MUST_USE enum err_code connection_relations_settle(struct bench_request *request, struct err *err);

#endif
