/* Channels and routes: the file of --notify (docs/reference/notifications.md). "${NAME}" in a text of a channel is the environment
 * variable of that name, which is taken out of the environment where it stands for a secret; a channel that wants one
 * that is not set, or empty, is disabled. All texts of channels are copies in memory of secrets. */
#ifndef ORCHESTRATOR_WATCH_NOTIFY_FILE_H
#define ORCHESTRATOR_WATCH_NOTIFY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/watch/alert_event.h"

#define NOTIFY_CHANNELS_MAX 32u
#define NOTIFY_ROUTES_MAX 64u
#define NOTIFY_NAME_BYTES 64u
#define NOTIFY_MISSING_BYTES 512u
#define NOTIFY_LIST_MAX 32u /* headers, recipients */

enum notify_type { NOTIFY_SLACK, NOTIFY_PAGERDUTY, NOTIFY_WEBHOOK, NOTIFY_EMAIL };

struct notify_channel {
    char name[NOTIFY_NAME_BYTES];
    enum notify_type type;
    char missing
        [NOTIFY_MISSING_BYTES]; /* the variables for want of which it is disabled, "A, B"; "": it is not */

    /* Owned; NULL: not given. */
    char *url;       /* of all types: a mail's is that of its server */
    char *room;      /* Slack: "#alerts" */
    char *key;       /* PagerDuty */
    char *authority; /* a file of certificates */
    char *from, *user, *password;
    char *headers[NOTIFY_LIST_MAX]; /* "Name: value" */
    size_t header_count;
    char *recipients[NOTIFY_LIST_MAX];
    size_t recipient_count;
    bool starttls;
};

struct notify_route {
    unsigned severities;                         /* bits of enum alert_severity; 0: all */
    struct alert_label labels[ALERT_LABELS_MAX]; /* all of them have to be there */
    size_t label_count;
    uint64_t channels; /* bits of indices */
};

/* How often the same alert is told (notify_group.h). */
struct notify_timing {
    uint64_t group_wait_ns, group_interval_ns, repeat_interval_ns;
};

struct notify_file {
    struct notify_channel *channels;
    size_t channel_count;
    struct notify_route *routes;
    size_t route_count;
    struct notify_timing timing;
    uint64_t limit_ns; /* of one try to send */
};

extern const struct file_kind notify_file_kind;

/* The value of a variable, NULL: it is not set. As getenv(): what it returns is overwritten where it is a secret. */
typedef char *notify_variable(const char *name);

/* E_CONFIG, as "name:line:column: what is wrong", without any text that may be a secret. notify_file_free in any case. */
MUST_USE enum err_code notify_file_read(struct notify_file *file, const struct file_source *source,
                                        notify_variable *variable, struct err *err);
void notify_file_free(struct notify_file *file);

/* The channels that an event goes to, disabled ones among them: those of the first route that it matches; without one, all. */
uint64_t notify_file_route(const struct notify_file *file, const struct alert_event *event);
/* "the environment variables A, B are not set", of channel.missing. */
const char *notify_missing_text(char text[NOTIFY_MISSING_BYTES + 64], const char *missing);
/* "slack", "pagerduty", "webhook", "email" */
const char *notify_type_name(enum notify_type type);

#endif
