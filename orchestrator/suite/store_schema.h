/* The tables that every history has, whoever made them. For store.c alone. */
#ifndef ORCHESTRATOR_SUITE_STORE_SCHEMA_H
#define ORCHESTRATOR_SUITE_STORE_SCHEMA_H

#include "orchestrator/suite/store.h"

/* Of tables that volley has changed; valkey-perf-benchmark's own are 0. */
#define STORE_SCHEMA_VERSION 1u

/* E_USAGE: a newer volley has made it. */
MUST_USE enum err_code store_schema_check(struct store *store, struct err *err);
/* Makes what is missing, and mends what is older, as a whole. Likewise; what the database refuses. */
MUST_USE enum err_code store_schema_make(struct store *store, struct err *err);

#endif
