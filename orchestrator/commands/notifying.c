#include "orchestrator/commands/notifying.h"

#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/printable.h"

/* Nothing else waits for it. */
#define END_NS (30 * NS_PER_SECOND)

enum err_code notifying_open(struct notifier **notifier, const struct notify_options *options,
                             struct err *err)
{
    const struct notifier_setup setup = {.path = options->path, .dry_run = options->dry_run};
    *notifier = NULL;
    if (options->path == NULL)
        return options->dry_run ? err_set(err, E_USAGE, "--notify-dry-run needs --notify FILE")
                                : OK;
    return notifier_start(notifier, &setup, err);
}

void notifying_end(struct notifier *notifier, const struct notifying_verdict *verdict)
{
    const uint64_t now_ms = clock_wall_ns() / NS_PER_MS;
    struct alert_event event = {
        .state = verdict->failed ? ALERT_FIRING : ALERT_RESOLVED,
        .severity = ALERT_WARNING,
        .value = NAN,
        .threshold = NAN,
        .since_ms = now_ms,
        .at_ms = now_ms,
        .labels = {{.name = "severity", .value = "warning"}},
        .label_count = 1,
    };
    snprintf(event.alert, sizeof event.alert, "%s", verdict->alert);
    snprintf(event.run, sizeof event.run, "%s", PRINTABLE(verdict->run));
    snprintf(event.summary, sizeof event.summary, "%s", PRINTABLE(verdict->summary));
    notifier_tell(notifier, &event);
    notifier_end(notifier, END_NS);
}
