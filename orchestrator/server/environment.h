/* What a result depends on besides the options: volley itself, the machine, the server. */
#ifndef ORCHESTRATOR_SERVER_ENVIRONMENT_H
#define ORCHESTRATOR_SERVER_ENVIRONMENT_H

#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/server/control.h"
#include <jansson.h>

/* The `environment` object of volley.run/1. Unknown values are null; every key is always there,
 * but server is null when control is NULL (null transport).
 *
 *   volley  version commit compiler
 *   host    machine/host.h
 *   server  address(that was asked) product("valkey" "redis") version run_id mode os arch_bits process_id tcp_port
 *           connected_clients io_threads save("": never) appendonly maxmemory maxmemory_policy
 *   tls     version cipher certificate_checked kernel(what came of --ktls; null: not asked for), of
 *           volley's own connection; null where there is none
 *
 * The caller owns the result. NULL only when memory is
 * exhausted. */
json_t *environment_collect(struct control *control, const char *server_address,
                            const struct cpu_set_order *order);

#endif
