/* The schedule of an open loop, out of the options that give a rate. A step of
 * bench_relations_settle, behind the length of the test; nobody else calls it. */
#ifndef ORCHESTRATOR_OPTIONS_RATE_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_RATE_RELATIONS_H

#include "orchestrator/options/bench_options.h"

/* Fills the spec's rate, with notices about what is ignored or not reached. A plan without a length of
 * the test becomes its duration. E_USAGE: options that do not fit together, a test that would never
 * end; E_CONFIG: a plan file. */
MUST_USE enum err_code rate_relations_settle(struct bench_request *request, struct err *err);

#endif
