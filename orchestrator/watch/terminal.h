/* --tui: the screen of a session (screen.h) on its terminal, by the module of terminals, and the keys that steer it. From the
 * beginning of the session to its end; between the two it is drawn when something has changed, five times a second at
 * most, and never while the terminal takes nothing. On the session's event loop; one at a time. */
#ifndef ORCHESTRATOR_WATCH_TERMINAL_H
#define ORCHESTRATOR_WATCH_TERMINAL_H

#include <event2/event.h>

#include "common/err.h"
#include "orchestrator/fleet/fleet.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/samples.h"
#include "orchestrator/watch/screen.h"

struct terminal;

/* All of it outlives the terminal. */
struct terminal_plan {
    struct event_base *base;
    const char *command;             /* "find-max" */
    const struct timeline *timeline; /* of which the verdict so far is made */
    const struct watch_samples *samples;
    struct interrupts *interrupts; /* with a control: commands go there; q counts as a signal */
    const struct alerts *alerts;   /* of a monitor */
    void (*take_note)(void *taker, const char *text); /* without a control; NULL: none are kept */
    void *taker;
};

/* Whether there can be one here: E_USAGE without a terminal, or with one of which nothing is known; E_SYSTEM: the module is
 * missing, whose package is named. Nothing is written to it. */
MUST_USE enum err_code terminal_check(const char *command, struct err *err);
MUST_USE enum err_code terminal_create(struct terminal **terminal, const struct terminal_plan *plan,
                                       struct err *err);
/* A listener that takes the terminal when the session begins, and gives it back when it ends. Its state stays the caller's. */
struct sink terminal_sink(struct terminal *terminal);
/* How far a phase of a scenario is. */
void terminal_tell_phase(struct terminal *terminal, const char *text);
/* Of a monitor: its servers, and how long it has been under way. */
void terminal_tell_servers(struct terminal *terminal, const struct screen_server *servers,
                           uint32_t count, uint64_t elapsed_ns);
/* Gives the terminal back, if that has not been done. NULL is fine. */
void terminal_free(struct terminal *terminal);

#endif
