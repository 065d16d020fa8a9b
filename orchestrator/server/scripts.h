/* Loads the scripts and functions of a workload file. */
#ifndef ORCHESTRATOR_SERVER_SCRIPTS_H
#define ORCHESTRATOR_SERVER_SCRIPTS_H

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"
#include "worker/worker.h"

/* SCRIPT LOAD and FUNCTION LOAD REPLACE on every primary, and scripts on replicas, too, where they are read from: functions
 * come to them by replication, and scripts do not. Between runs; nothing where the plan has none. *interrupted as
 * control_connect_to has it. E_CONFIG: the server does not take a text, in its words; E_USAGE: it has no functions;
 * E_CONNECT: it cannot be reached, or refuses. */
MUST_USE enum err_code scripts_load(const struct topology *topology,
                                    const struct workload_plan *plan,
                                    const struct endpoint *endpoint,
                                    const volatile int *interrupted, struct err *err);

#endif
