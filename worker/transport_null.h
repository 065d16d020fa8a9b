/* The transport of --null: answers at once inside the worker, without descriptors, so that volley
 * measures itself. One worker per process, so its state is the process's. */
#ifndef WORKER_TRANSPORT_NULL_H
#define WORKER_TRANSPORT_NULL_H

#include <stdint.h>

#include "common/err.h"
#include "common/transport.h"
#include "worker/generate/workload.h"

extern const struct transport transport_null;

/* Before the first connect of the process. */
MUST_USE enum err_code transport_null_init(const struct workload *workload, uint32_t connections,
                                           struct err *err);
void transport_null_destroy(void);

#endif
