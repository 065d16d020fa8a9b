/* What is sent over a channel: the JSON of Slack, PagerDuty and webhooks, the text of a mail. Words of users are text in
 * it, never markup. Pure. */
#ifndef ORCHESTRATOR_WATCH_NOTIFY_BODY_H
#define ORCHESTRATOR_WATCH_NOTIFY_BODY_H

#include <stddef.h>

#include "orchestrator/watch/notify_file.h"
#include "orchestrator/watch/notify_group.h"

/* How many of them one message takes: all that are told at once, or one. */
size_t notify_body_takes(enum notify_type type, size_t count);
/* A text to be freed; NULL: no memory. With the key of PagerDuty in it: secret_wipe it. key: in place of the channel's; NULL: that. */
char *notify_body_make(const struct notify_channel *channel, const char *key,
                       const struct notify_told *told, size_t count, uint64_t wall_ms);

/* That one alert is known by at PagerDuty, from its beginning to its end. */
#define NOTIFY_DEDUP_BYTES 96u
void notify_body_dedup_key(char key[NOTIFY_DEDUP_BYTES], const struct alert_event *event);

#endif
