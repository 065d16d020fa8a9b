/* What no single row of the bench table can check: options that exclude, need or complete each
 * other. A step of bench_options_parse; nobody else calls it. */
#ifndef ORCHESTRATOR_OPTIONS_BENCH_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_BENCH_RELATIONS_H

#include "common/err.h"
#include "orchestrator/options/bench_options.h"

/* Completes request->spec from what was parsed, with notices. E_USAGE: options that contradict each
 * other; E_CONFIG: the file of --rate-plan. Where one comes from the config file and the other from the command line, the command line
 * wins and nothing is refused. */
MUST_USE enum err_code bench_relations_settle(struct bench_request *request, struct err *err);

#endif
