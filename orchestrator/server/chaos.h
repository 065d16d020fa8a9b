/* Carries out the actions of --chaos on a managed target while a run is measured, on the
 * orchestrator's event loop, which it never blocks: signals are sent directly, and what has to talk to
 * servers is done by a short-lived child process with a limit (chaos_work.h).
 *
 * What was done, and whether it worked, the listener hears as notes; it is also logged. A server that is
 * paused goes on in any case when the run ends. One per session. */
#ifndef ORCHESTRATOR_SERVER_CHAOS_H
#define ORCHESTRATOR_SERVER_CHAOS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/report/note.h"
#include "orchestrator/server/managed_cluster.h"

struct chaos; /* owns child processes and a timer */

/* Plan and servers outlive it. Nothing happens yet. */
MUST_USE enum err_code chaos_create(struct chaos **chaos, const struct chaos_plan *plan,
                                    struct managed_cluster *cluster, struct err *err);
/* Who has the near caches that cache-clear is about. Without one it fails. */
struct chaos_client {
    enum err_code (*clear_cache)(void *state, struct err *err);
    void *state;
};
void chaos_set_client(struct chaos *chaos, struct chaos_client client);
/* From here on actions are carried out, at their times after measure_ns; both are clock readings, and
 * notes count from start_ns. Once: it does nothing in a later run. */
MUST_USE enum err_code chaos_begin(struct chaos *chaos, struct event_base *base, uint64_t start_ns,
                                   uint64_t measure_ns, struct note_listener listener,
                                   struct err *err);
bool chaos_has_begun(const struct chaos *chaos);
/* Some action is under way, or is still to come. */
bool chaos_is_busy(const struct chaos *chaos);
/* The run is over: paused servers go on, what is under way is broken off and said to have failed, and
 * what was not begun is warned of. Before the base is freed. Safe at any time; NULL is fine. */
void chaos_end(struct chaos *chaos);
/* chaos_end, and frees it. NULL is fine. */
void chaos_destroy(struct chaos *chaos);

#endif
