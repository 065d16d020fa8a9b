/* What was drawn for the requests of a run, found by drawing it once more: a ticket says everything. Called by the
 * orchestrator when the run is over; pure. */
#ifndef WORKER_GENERATE_WORKLOAD_DRAWN_H
#define WORKER_GENERATE_WORKLOAD_DRAWN_H

#include "common/drawn.h"
#include "common/err.h"

struct workload;

/* So many tickets are looked at, and tickets with so many keys: about 0.3 s and at most 32 MB. */
#define DRAWN_TICKETS_MAX 1000000u
#define DRAWN_KEYS_MAX 2000000u

/* Of tickets 0 .. tickets - 1, which is what a run with -n sends. With a duration and several workers it is an
 * approximation: each sends every n-th ticket, as far as it gets. Follow-ups are left out, and key spaces and values
 * of which nothing was drawn. requests is 0 for a workload that is neither a file's nor has a distribution of keys.
 * E_SYSTEM: no memory; requests is 0 then, too. */
MUST_USE enum err_code workload_drawn(struct drawn *drawn, const struct workload *workload,
                                      uint64_t tickets, struct err *err);

#endif
