/* Who looks on while `volley suite` goes on: the live page (--listen), and the channels that are told how it ended (--notify). */
#ifndef ORCHESTRATOR_COMMANDS_SUITE_WATCH_H
#define ORCHESTRATOR_COMMANDS_SUITE_WATCH_H

#include <jansson.h>

#include "orchestrator/commands/suite_options.h"
#include "orchestrator/watch/suite_live.h"

/* Zeroed, but for the request: nobody. */
struct suite_watch {
    const struct suite_request *request;
    struct notifier *notifier; /* NULL: nobody is told */
    struct suite_live *live;   /* NULL: nobody looks on */
};

/* Before anything else: errors as notifying_open. suite_watch_end in any case. */
MUST_USE enum err_code suite_watch_open(struct suite_watch *watch,
                                        const struct suite_request *request, struct err *err);
/* Before anything is built or started: opens the page. The notices of it are what the log says from now on. Errors as
 * suite_live_start. */
MUST_USE enum err_code suite_watch_begin(struct suite_watch *watch, size_t combination_count,
                                         struct err *err);
/* For struct suite_run: its hearer is a struct suite_watch. Takes the object. */
void suite_watch_hear(void *watch, const char *event, json_t *object);
/* What is done now: "comparing". */
void suite_watch_phase(struct suite_watch *watch, const char *phase);

/* How it went: runs, and the error of `code`. */
struct suite_watch_verdict {
    size_t measured_count, failed_count;
    enum err_code code;
    const char *error;
};
/* Tells all of them, and stays as long as --listen-linger wants, or until *interrupted is another number. */
void suite_watch_end(struct suite_watch *watch, const struct suite_watch_verdict *verdict,
                     const volatile int *interrupted);

#endif
