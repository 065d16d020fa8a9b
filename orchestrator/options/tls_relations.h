/* A step of bench_relations_settle: what the TLS options mean together. */
#ifndef ORCHESTRATOR_OPTIONS_TLS_RELATIONS_H
#define ORCHESTRATOR_OPTIONS_TLS_RELATIONS_H

#include "orchestrator/options/bench_options.h"

/* A URI may have asked for TLS, and a managed server speaks it when it was asked to. E_USAGE: TLS options
 * without TLS, a certificate without its key, TLS where there is none. Behind whatever settles the
 * target. */
MUST_USE enum err_code tls_relations_settle(struct bench_request *request, struct err *err);

#endif
