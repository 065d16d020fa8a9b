/* Ends what programs of this process have started, and left behind, when this process is killed.
 *
 * A child dies with its parent (child.h), but a program's own children do not: a script's server would go on. The guard is a
 * process that knows the groups of all programs that run. It lives until this process is gone, and then kills those groups.
 * What leads a group of its own again (setsid) is not reached. */
#ifndef ORCHESTRATOR_MACHINE_CHILD_GUARD_H
#define ORCHESTRATOR_MACHINE_CHILD_GUARD_H

#include "orchestrator/machine/child.h"

struct child_guard {
    struct child process; /* which hears; not started: there is none */
};

/* Of programs that are started from now on; one at a time. Where the system refuses, there is none. */
void child_guard_start(struct child_guard *guard);
/* Safe on a zeroed struct. */
void child_guard_stop(struct child_guard *guard);

#endif
