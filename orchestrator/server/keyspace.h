/* How many keys a target holds, and how much room it has for more. Called by the session, around what writes keys,
 * over connections of its own; servers are asked while no request is measured. */
#ifndef ORCHESTRATOR_SERVER_KEYSPACE_H
#define ORCHESTRATOR_SERVER_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"

/* Sums over the primaries. Of what INFO does not tell: no limit, and nothing evicted. */
struct keyspace {
    bool known;
    bool evicts;               /* maxmemory-policy of one of them is not noeviction         */
    uint64_t keys;             /* DBSIZE of the endpoint's database                         */
    uint64_t room_bytes;       /* that are left of maxmemory; UINT64_MAX: one has no limit  */
    uint64_t evicted, expired; /* keys, of all databases, since their start                 */
};

/* Asks each primary. E_CONNECT: one of them cannot be reached, or does not answer DBSIZE; E_INTERRUPTED. *seen is not
 * known then. */
MUST_USE enum err_code keyspace_look(struct keyspace *seen, const struct topology *topology,
                                     const struct endpoint *endpoint,
                                     const volatile int *interrupted, struct err *err);

#define KEYSPACE_CATCH_UP_NS (10ull * 1000000000)
/* Waits until each replica has what its primary has now, so long at most. Returns one that has not; NULL: all have, or
 * it was interrupted. */
const struct target_address *keyspace_await_replicas(const struct topology *topology,
                                                     const struct endpoint *endpoint,
                                                     const volatile int *interrupted);

/* Empties the endpoint's database on each primary, however long that takes. Errors as above, and E_CONNECT with its
 * words where a server refuses. */
MUST_USE enum err_code keyspace_flush(const struct topology *topology,
                                      const struct endpoint *endpoint,
                                      const volatile int *interrupted, struct err *err);

#endif
