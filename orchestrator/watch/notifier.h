/* Tells alerts to people, over the channels of a file. All that may block (names, TLS, a mail server that hangs) is in a child of
 * its own (notify_sender.h), which ends with this process. Owned by a command; one thread. */
#ifndef ORCHESTRATOR_WATCH_NOTIFIER_H
#define ORCHESTRATOR_WATCH_NOTIFIER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/watch/alert_event.h"
#include "orchestrator/watch/notify_file.h"

/* What is queued at the end of a run gets so long. */
#define NOTIFIER_END_NS 5000000000ull

struct notifier;

struct notifier_setup {
    const char *path;        /* of the file */
    struct event_base *base; /* on which failures are heard at once; NULL: they are at the end */
    bool dry_run;            /* says what would be sent, and sends nothing; needs no module */
    /* For a test of channels: all of them are told of everything, whatever the routes, and at once. */
    bool everyone;
    const char *only; /* likewise, this one alone; NULL: all */
    /* A line of what would be sent; NULL: it is logged. */
    void (*show)(void *state, const char *channel, const char *line);
    void *show_state;
};

/* Reads the file, logs which channels are disabled (not of a test), and starts the child. E_CONFIG: the file is not right; E_USAGE: there is no
 * such channel; E_SYSTEM: no module, with its package. *notifier is NULL then. */
MUST_USE enum err_code notifier_start(struct notifier **notifier,
                                      const struct notifier_setup *setup, struct err *err);
/* notifier: a struct notifier; NULL: nobody is told. Never waits: what there is no room for is lost, counted and said. */
void notifier_tell(void *notifier, const struct alert_event *event);
/* What waits gets so long; then logs how it went, and frees all. NULL: nothing. */
void notifier_end(struct notifier *notifier, uint64_t limit_ns);

/* The same in two steps, for who wants to know. */
struct notifier_channel {
    char name[NOTIFY_NAME_BYTES];
    enum notify_type type;
    char missing[NOTIFY_MISSING_BYTES]; /* as in struct notify_channel; "": not disabled */
    uint64_t sent_count, failed_count, lost_count;
    char problem[200]; /* of the last that failed */
};
/* Until the next call of this notifier. Without the logging of what failed. */
const struct notifier_channel *notifier_finish(struct notifier *notifier, uint64_t limit_ns,
                                               size_t *channel_count);
void notifier_free(struct notifier *notifier);

#endif
