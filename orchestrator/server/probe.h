/* A probe: a question that is asked again and again while a run is under way, on the orchestrator's event
 * loop, and of which each answer is a note. This is the part that all probes share: when to ask, one
 * question at a time, and how long to wait. What to ask, and of whom, is the owner's; it never blocks. */
#ifndef ORCHESTRATOR_SERVER_PROBE_H
#define ORCHESTRATOR_SERVER_PROBE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/note.h"

struct probe {
    /* set by the owner, which has zeroed the rest */
    const char *name; /* of what is asked, for warnings: "the server" */
    enum note_source source;
    uint64_t period_ns;
    uint64_t limit_ns; /* of a question */
    uint64_t start_ns; /* clock reading of the common start */
    struct note_listener listener;
    /* Asks, and sees to it that probe_answered or probe_missed is called, now or later. False: there is
     * nothing to be learned any more, and it is not called again. */
    bool (*ask)(void *state);
    /* The question is over without an answer, by its limit or by probe_missed: what comes for it later is
     * not to be taken for the answer to the next. */
    void (*give_up)(void *state);
    void *state;

    bool asking;      /* to be read: a question is under way                          */
    struct note note; /* of it: gets its values and text from the owner as they come in */

    /* private */
    uint64_t next_ns, pause_ns;
    struct event *timer;
};

/* Asks at once, and from then on at every period; one whose moment passes while a question is under way is
 * left out. E_SYSTEM: no memory. */
MUST_USE enum err_code probe_start(struct probe *probe, struct event_base *base, struct err *err);
/* Nothing is called any more. Safe when it was never started. */
void probe_stop(struct probe *probe);

/* Of the question under way: there will be more within this time, or it is given up. */
void probe_wait(struct probe *probe, uint64_t limit_ns);
/* It is over: the listener hears of it. */
void probe_answered(struct probe *probe);
/* It has no answer: the listener hears of it, with the cause, and the next ones come at growing distances,
 * 250 ms to 5 s, until one is answered. */
void probe_missed(struct probe *probe, const char *cause);

#endif
