/* Loads the functions that the tests function_load and fcall need. */
#ifndef ORCHESTRATOR_SERVER_FUNCTIONS_H
#define ORCHESTRATOR_SERVER_FUNCTIONS_H

#include "common/err.h"
#include "common/spec.h"
#include "common/topology.h"
#include "worker/worker.h"

/* FUNCTION LOAD REPLACE on every primary, between runs. *interrupted as control_connect_to has it.
 * E_USAGE: a server has no functions; E_CONNECT: it cannot be reached, or refuses. */
MUST_USE enum err_code functions_load(const struct topology *topology,
                                      const struct workload_test *test, const struct spec *spec,
                                      const volatile int *interrupted, struct err *err);

#endif
