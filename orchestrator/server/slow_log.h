/* What servers keep of commands that were slow or large, and of stalls that they noticed themselves: SLOWLOG, COMMANDLOG
 * (large requests and replies) and LATENCY LATEST, asked again and again on the orchestrator's event loop, over a connection
 * of its own to each. What is new since the first answer is told as a note. A server that does not know one of them is not
 * asked that any more; nothing here waits. Called by commands, between session_reach and the end. */
#ifndef ORCHESTRATOR_SERVER_SLOW_LOG_H
#define ORCHESTRATOR_SERVER_SLOW_LOG_H

#include <event2/event.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"
#include "orchestrator/report/note.h"

struct slow_log; /* owns connections and a timer */

struct slow_log_setup {
    const struct topology
        *topology; /* its primaries, or the one server; outlives it, as all here */
    const struct target_address *target; /* that one, where the topology has no nodes */
    struct tls_client *tls;
    const struct endpoint *endpoint;
    uint64_t period_ns;
    /* The wall clock and the moment that notes count from are one and the same; what was before is not told. */
    uint64_t start_wall_ns;
    struct note_listener listener;
};

/* E_SYSTEM: no memory. */
MUST_USE enum err_code slow_log_start(struct slow_log **log, struct event_base *base,
                                      const struct slow_log_setup *setup, struct err *err);
/* Asks once more and waits for the answers, for so long at most. */
void slow_log_finish(struct slow_log *log, uint64_t limit_ns);
void slow_log_stop(struct slow_log *log); /* NULL is fine */

#endif
