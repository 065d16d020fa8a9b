/* When alerts are told on one channel, so that one that flaps floods nobody. An alert is its name, its run, its server and its labels.
 *
 *   what is new waits for group_wait, and is told with what has come meanwhile
 *   of an alert that was told, the next message comes no earlier than group_interval after the last; of what happens
 *   meanwhile the newest state counts, and nothing is told where that is what was told last
 *   one that fires and ends before it was told is told as both
 *   one that fires still is told again after repeat_interval
 *
 * Pure; times are the caller's, and never go back. */
#ifndef ORCHESTRATOR_WATCH_NOTIFY_GROUP_H
#define ORCHESTRATOR_WATCH_NOTIFY_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/watch/alert_event.h"
#include "orchestrator/watch/notify_file.h"

#define NOTIFY_ALERTS_MAX 256u /* that a channel knows at a time */

struct notify_entry {
    struct alert_event began; /* that has not been told, of one that has ended since */
    struct alert_event newest;
    bool both;                  /* began is to be told, too */
    bool waits;                 /* newest is to be told */
    enum alert_state told;      /* last; ALERT_INACTIVE: never */
    uint64_t told_ns, taken_ns; /* taken: since when it waits */
    uint64_t change_count;      /* that were not told by themselves since the last message */
};

/* Zeroed but for timing: empty. */
struct notify_group {
    struct notify_timing timing;
    struct notify_entry *entries; /* owned */
    size_t entry_count, entry_capacity;
};

/* What is to be told, one by one. */
struct notify_told {
    struct alert_event event;
    uint64_t change_count; /* times that it began and ended without a message */
    bool repeated;         /* fires still */
};

/* False: there is no room for one alert more, or no memory. */
MUST_USE bool notify_group_take(struct notify_group *group, const struct alert_event *event,
                                uint64_t now_ns);
/* When there is something to tell; UINT64_MAX: never, as it stands. */
uint64_t notify_group_due_ns(const struct notify_group *group);
/* What is to be told now; last: all that waits. At most told_max, which is at least 2; the rest is due at once, again. */
size_t notify_group_tell(struct notify_group *group, uint64_t now_ns, bool last,
                         struct notify_told *told, size_t told_max);
void notify_group_free(struct notify_group *group);

#endif
