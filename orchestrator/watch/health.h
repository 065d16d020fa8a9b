/* What /health, /health/buffer and /health/performance say: checks of the newest reading against the limits of KPIs, and the
 * status of HTTP. Pure. A check that nobody has calibrated, or of which nothing is known, is unknown, and changes nothing. */
#ifndef ORCHESTRATOR_WATCH_HEALTH_H
#define ORCHESTRATOR_WATCH_HEALTH_H

#include <jansson.h>

#include "orchestrator/watch/alert_rules.h"

enum health_status { HEALTH_UNKNOWN, HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL };
/* One check, as it is told; numbers that are none (NaN) are null. */
struct health_check {
    const char *name;
    enum health_status status;
    struct watch_value value;
    const char *unit; /* NULL: none is told */
    double warning, critical;
};
/* All of them, and the worst of them as the status of the whole; duration_ms: how long it took to know. *status: 200 or 503. A new
 * object; NULL: no memory. */
json_t *health_told(const struct health_check *told, size_t count, double duration_ms, int *status);

enum health_page { HEALTH_ALL, HEALTH_BUFFER, HEALTH_PERFORMANCE };
/* How old a reading may be, beside its interval, before its checks are late: critical. */
#define HEALTH_BUFFER_LIMIT_MS 5000u
#define HEALTH_PERFORMANCE_LIMIT_MS 10000u
/* For more than this share of an interval a client's buffer had no room: degraded. */
#define HEALTH_BUFFER_FULL_SHARE 0.5

struct health_state {
    const struct watch_reading *reading; /* the newest; NULL: nothing has been measured yet */
    const struct alert_rules *rules;     /* for their KPIs; NULL: none */
    uint64_t age_ms, interval_ms;        /* of the reading */
    bool ended;                          /* the run is over: its last reading is never late */
    double duration_ms;                  /* that it took to have the reading */
};

/* False: there is no such path. */
bool health_find(enum health_page *page, const char *path);
/* *status: 200 or 503. A new object; NULL: no memory. */
json_t *health_body(enum health_page page, const struct health_state *state, int *status);

#endif
