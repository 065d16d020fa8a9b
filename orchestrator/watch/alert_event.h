/* What an alert says of itself at the moment it begins or ends: the one thing that evaluation hands to notifications, to pages
 * and to events.jsonl. A value; all text is bounded, and cleaned where it was read. */
#ifndef ORCHESTRATOR_WATCH_ALERT_EVENT_H
#define ORCHESTRATOR_WATCH_ALERT_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ALERT_NAME_BYTES 64u
#define ALERT_TEXT_BYTES 256u
#define ALERT_LABELS_MAX 16u
#define ALERT_SERVER_BYTES 160u
#define ALERT_SERVER_LABEL "server"

enum alert_state {
    ALERT_INACTIVE,
    ALERT_PENDING, /* its condition holds, not yet for long enough */
    ALERT_FIRING,
    ALERT_RESOLVED /* fired, and its condition does not hold any more; events only */
};
enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL };

struct alert_label {
    char name[ALERT_NAME_BYTES], value[128];
};

/* Significant digits in texts for people; of limits those that calibrate writes. */
#define ALERT_VALUE_DIGITS 4
#define ALERT_LIMIT_DIGITS 6

struct alert_event {
    char alert[ALERT_NAME_BYTES]; /* "HighBufferLatency" */
    enum alert_state state;       /* ALERT_FIRING or ALERT_RESOLVED */
    enum alert_severity severity;
    double value;      /* of the figure that its expression compares first; NAN: not known */
    bool at_least;     /* its value is a bound: requests without a reply hide it */
    double threshold;  /* that it is compared with; NAN: it is none number */
    uint64_t for_ns;   /* its condition has to hold */
    uint64_t since_ms; /* wall clock, since 1970: its condition holds */
    uint64_t at_ms;    /* likewise: of this event */
    char run[128]; /* label of the session, or name of the run, or of the server that is watched */
    /* "127.0.0.1:7001", of several that its rule is judged by, each alone: its label `server`; "": there is none. */
    char server[ALERT_SERVER_BYTES];
    char summary[ALERT_TEXT_BYTES];
    char description[ALERT_TEXT_BYTES];
    struct alert_label labels[ALERT_LABELS_MAX]; /* severity among them */
    uint32_t label_count;
};

const char *alert_state_name(enum alert_state state);          /* "firing" */
const char *alert_severity_name(enum alert_severity severity); /* "critical" */
bool alert_severity_find(enum alert_severity *severity, const char *name);
/* The server among them. NULL: none. */
const char *alert_event_label(const struct alert_event *event, const char *name);

/* As in events.jsonl and in the body of a webhook (docs/reference/alerts.md). A new object; NULL: no memory. */
json_t *alert_event_to_json(const struct alert_event *event);

#endif
