/* PINGs to one server at a low, steady rate, as a load in an open loop: ticket k falls due k periods behind the start,
 * whatever the server does. One is under way at a time; what falls due meanwhile waits, and counts from its intended time. One that could go out at once
 * counts from when it did: by how much volley's own timer was late stands in HISTOGRAM_SLIP, and in no time of the server.
 * A reply that is later than the request timeout has timed out, and the connection is made anew, at growing distances
 * (250 ms to 5 s). While there is none, tickets that are older than a second are shed.
 *
 * On the orchestrator's event loop; nothing here waits. What comes of it are rows as of any run, for which
 * interval_row_check holds. Owned by commands. */
#ifndef ORCHESTRATOR_WATCH_LATENCY_PROBE_H
#define ORCHESTRATOR_WATCH_LATENCY_PROBE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/interval.h"
#include "common/transport.h"

struct latency_probe; /* owns a connection, a timer and a row */

struct latency_probe_setup {
    const struct target_address *target; /* these three outlive the probe */
    struct tls_client *tls;              /* NULL: plain */
    const struct endpoint *endpoint;     /* login and time limits */
    uint64_t period_ns;
    uint64_t start_ns; /* clock reading of ticket 0, and of second 0 of the rows */
    /* The number of an error reply's first word in rows, for all probes of a run; NULL: 0 for all. */
    uint8_t (*number_of_error)(void *state, const char *text);
    void *state;
};

/* Connects, and asks until it is stopped. A server that does not answer is no error: it is tried again, and that is said once, as is
 * its return. E_SYSTEM: no memory. */
MUST_USE enum err_code latency_probe_start(struct latency_probe **probe, struct event_base *base,
                                           const struct latency_probe_setup *setup,
                                           struct err *err);
/* The end of an interval: what has happened since the last one. The row is the probe's, and valid until the next call; its header
 * has gauges and times, but no number. last: nothing comes behind it, and what is under way is given up. */
const struct interval_row *latency_probe_cut(struct latency_probe *probe, uint64_t at_ns,
                                             bool last);
/* Of the newest PING. */
enum latency_probe_state { LATENCY_NOT_KNOWN, LATENCY_ANSWERED, LATENCY_SILENT };
enum latency_probe_state latency_probe_state(const struct latency_probe *probe);
void latency_probe_stop(struct latency_probe *probe); /* NULL is fine */

/* Adds the row of one of several targets, as a node of that number. The header of `into` has gauges of all then. node_count:
 * 1: it is the only one, and no node. */
void latency_probe_merge(struct interval_row *into, const struct interval_row *row, uint32_t node,
                         uint32_t node_count);

/* Of the response times of those with an answer. */
uint64_t latency_row_quantile(const struct interval_row *row, double q);
/* PINGs that have had no good answer, but for those that the end has cut off. */
uint64_t latency_row_unanswered(const struct interval_row *row);

#endif
