/* What a control command does to the run under way: changes of its schedule, and what can be said of
 * it at a moment. Looks at nothing but the shared segment, and waits for nothing.
 *
 * A change begins a few milliseconds ahead, so that every worker knows of it before it comes. It is
 * a constant rate: what a ramp or a plan had in store behind it does not go on. */
#ifndef ORCHESTRATOR_FLEET_STEERING_H
#define ORCHESTRATOR_FLEET_STEERING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/fleet/control_line.h"
#include "orchestrator/fleet/segments.h"
#include "orchestrator/report/timeline.h"

/* How far ahead a change of the rate begins. */
#define STEERING_AHEAD_NS 5000000ull

struct steering {
    /* set by the fleet, which has zeroed the rest */
    struct segments segments; /* with one workload the rate can be changed */
    const struct spec *spec;
    const struct run_facts *facts;
    struct note_listener listener; /* of changes, and notes by hand */

    /* to be read */
    uint32_t changes; /* of the schedule */

    /* private */
    bool paused;
    uint64_t resume_micro; /* the rate to return to */
};

/* What is left for the fleet to do. */
enum steering_effect { STEERING_NONE, STEERING_WAKE_WORKERS, STEERING_STOP };

/* Carries a command out at a clock reading. achieved: requests per second of the newest row, below 0
 * when there is none. *members is what the answer tells, owned by the caller. E_DATA: refused, with a
 * sentence for the sender, and nothing has changed. */
MUST_USE enum err_code steering_apply(struct steering *steering, enum steering_effect *effect,
                                      json_t **members, const struct control_command *command,
                                      uint64_t now_ns, double achieved, struct err *err);

#endif
