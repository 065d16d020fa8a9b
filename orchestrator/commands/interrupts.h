/* SIGINT, SIGTERM and SIGHUP, counted: the first one asks for a drained stop, the next for an
 * immediate one. */
#ifndef ORCHESTRATOR_COMMANDS_INTERRUPTS_H
#define ORCHESTRATOR_COMMANDS_INTERRUPTS_H

#include "orchestrator/fleet/fleet.h"

/* Installs the handlers for this process, but not over a SIGHUP that is ignored (nohup), as main does before; and ignores
 * SIGPIPE and SIGXFSZ: a reader that goes away or a file that must not grow is an error of write(), not the
 * end of a run. Returns the counter; once per process. */
struct interrupts *interrupts_install(void);

#endif
