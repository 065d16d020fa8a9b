/* Alert rules over sample time: each is inactive, pending while its condition holds, not yet for as long as it says, and
 * firing from the first sample on at which it has held for so long, exactly as Prometheus has it: `for: 0` fires at once,
 * and one sample without it takes everything back. Of several servers each may be judged alone: then every rule has a state
 * for each of them. Pure: it knows the time of its samples, and no clock. One thread. */
#ifndef ORCHESTRATOR_WATCH_ALERTS_H
#define ORCHESTRATOR_WATCH_ALERTS_H

#include "orchestrator/watch/alert_rules.h"

struct interval_row;
struct watch_samples;

#define ALERT_JUDGED_MAX 1000u /* rules times servers */

/* One of several servers, and what is known of it at the end of an interval, for who feeds (alert_sink.h). */
struct alert_server {
    char name[ALERT_SERVER_BYTES];  /* "127.0.0.1:7001" */
    const struct interval_row *row; /* NULL: there is none yet */
    const struct watch_samples *samples;
};
struct alert_servers {
    const struct alert_server *items;
    uint32_t count; /* 0: rules are judged over all that is watched, as one */
};

struct alert_status {
    enum alert_state state; /* ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING */
    uint64_t since_ms;      /* pending, firing: its condition holds */
    uint64_t fired_ms;      /* firing: it fires */
    struct expression_result newest;
    uint64_t fired; /* times */
};

/* One rule, of one server where each is judged alone, for those who show it: /metrics, the page, /health. */
struct alert_view {
    const struct alert_rule *rule;
    const char *server; /* NULL: of all */
    const struct alert_status *status;
    bool uncalibrated;
};

/* Hears when a rule begins to fire, or ends. event and view are the caller's no longer than the call. */
typedef void alert_listener(void *state, const struct alert_event *event,
                            const struct alert_view *view);

struct alerts {
    const struct alert_rules *rules;
    struct alert_servers servers;
    struct alert_status *statuses; /* owned; of rules->items, for each of them as many as servers */
    double for_scale;
    alert_listener *hear; /* NULL: nobody */
    void *state;
};

/* rules and servers stay the caller's; rules stay as they are. servers: NULL as none. E_USAGE: more than ALERT_JUDGED_MAX;
 * E_CONFIG: a rule has the label that tells servers apart; E_SYSTEM: no memory. */
MUST_USE enum err_code alerts_init(struct alerts *alerts, const struct alert_rules *rules,
                                   double for_scale, const struct alert_servers *servers,
                                   struct err *err);
void alerts_free(struct alerts *alerts); /* safe on a zeroed struct */
/* A sample, of servers.items[server] where each is judged alone, else of all with 0. run: as in events. */
void alerts_feed(struct alerts *alerts, uint32_t server, const struct watch_reading *reading,
                 const char *run);
/* The same, with the result of each rule's expression. */
void alerts_feed_results(struct alerts *alerts, uint32_t server,
                         const struct expression_result *results, uint64_t at_ms, const char *run);
uint64_t alerts_for_ns(const struct alerts *alerts, const struct alert_rule *rule);
/* Whether one of this severity or a graver one has fired. */
bool alerts_fired(const struct alerts *alerts, enum alert_severity least);

/* Rule by rule, and of each its servers in their order. False: behind the last. */
bool alerts_at(const struct alerts *alerts, size_t index, struct alert_view *view);

/* "HighLatency (critical) firing: 12.4 ms, limit 10 ms", "... firing on 127.0.0.1:7001: ...". fired_ms: since when it fired, of
 * one that is resolved. Returns text. */
char *alert_event_text(char *text, size_t text_bytes, const struct alert_event *event,
                       const struct alert_rule *rule, uint64_t fired_ms);
/* Of the figure that its expression compares first. */
const char *alert_unit(const struct alert_rule *rule);
/* "12.4 ms", "at least 3 s", "not known". Returns text. */
char *alert_value_text(char *text, size_t text_bytes, struct watch_value value, const char *unit);

#endif
