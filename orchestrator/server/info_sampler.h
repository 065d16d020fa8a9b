/* Asks the server how it is while it is under load (--extended-metrics): DBSIZE, INFO replication and
 * INFO cpu at every monitoring interval, over one connection of its own, on the orchestrator's event
 * loop. Connecting has the limit of connections, each reply that of requests; nothing here waits. A
 * server that does not answer in time, goes away or refuses is asked again later, at growing
 * distances, and the listener hears of each question that was not answered.
 */
#ifndef ORCHESTRATOR_SERVER_INFO_SAMPLER_H
#define ORCHESTRATOR_SERVER_INFO_SAMPLER_H

#include <event2/event.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/transport.h"
#include "orchestrator/report/note.h"

struct info_sampler; /* owns a connection and a probe */

/* The first question goes out at once, and then one every_ns. Target, tls (NULL: plain) and endpoint outlive the
 * sampler; start_ns is the clock reading that samples count from. A number of keys that falls by 1 % or more is warned of, at most
 * once a minute. E_SYSTEM: no memory. */
MUST_USE enum err_code info_sampler_start(struct info_sampler **sampler, struct event_base *base,
                                          const struct target_address *target,
                                          struct tls_client *tls, const struct endpoint *endpoint,
                                          uint64_t every_ns, uint64_t start_ns,
                                          struct note_listener listener, struct err *err);
/* NULL is fine. */
void info_sampler_stop(struct info_sampler *sampler);

/* The server's CPU time over the time between the first and the newest sample, as a share of one CPU;
 * times in which it was not asked, or was started anew, are left out. Below 0: unknown. */
double info_sampler_cpu_share(const struct info_sampler *sampler);

#endif
