/* Verdicts told over notification channels, for commands that end with one and have no alerts of their own: suite, history. */
#ifndef ORCHESTRATOR_COMMANDS_NOTIFYING_H
#define ORCHESTRATOR_COMMANDS_NOTIFYING_H

#include "common/err.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/watch/notifier.h"

struct notify_options {
    const char *path; /* NULL: nobody is told */
    bool dry_run;
};

/* clang-format off: a row reads best as a few short lines */
/* Rows of a table whose target holds a struct notify_options at this offset; help_: what is told. */
#define NOTIFY_ROWS(at_, section_, help_)                                                          \
    {ROW("notify", NULL, OPTION_TEXT, "FILE", (at_) + offsetof(struct notify_options, path)),      \
     .section = section_, .needs_trust = true, .help = help_},                                     \
    {                                                                                              \
        ROW("notify-dry-run", NULL, OPTION_FLAG, NULL,                                             \
            (at_) + offsetof(struct notify_options, dry_run)),                                     \
            .section = section_,                                                                   \
            .help = "Print what --notify would send, without secrets, and send nothing."           \
    }
/* clang-format on */

/* Before the work begins; *notifier is NULL where nobody is to be told. E_USAGE, and errors as notifier_start. */
MUST_USE enum err_code notifying_open(struct notifier **notifier,
                                      const struct notify_options *options, struct err *err);

/* How it went: one alert for each name and run, which a good end resolves. */
struct notifying_verdict {
    const char *alert; /* "SuiteFailed" */
    const char *run;   /* what it was about, the same the next time */
    bool failed;
    const char *summary;
};
/* Tells it, waits for at most half a minute, logs what could not be told, and frees. notifier NULL: nothing. */
void notifying_end(struct notifier *notifier, const struct notifying_verdict *verdict);

#endif
