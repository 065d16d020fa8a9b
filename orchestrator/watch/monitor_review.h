/* What a monitor's store says of a stretch of time: availability, latency and throughput by day, trends, headroom. Reads the file
 * while a monitor writes it. Owned by the command; one thread. Numbers that are not known are NAN. */
#ifndef ORCHESTRATOR_WATCH_MONITOR_REVIEW_H
#define ORCHESTRATOR_WATCH_MONITOR_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/watch/monitor_store.h"

#define REVIEW_TARGETS_MAX 64u
#define REVIEW_LIST_MAX                                                                            \
    64u /* of stretches, restarts and gaps the first ones are kept, all are counted */
#define REVIEW_DAYS_MAX 400u
#define REVIEW_ALERTS_MAX 256u
#define REVIEW_ROWS_MAX 1000000u /* of one target */

struct review_stretch {
    uint64_t from_ms, to_ms; /* wall clock */
};
struct review_stretches {
    struct review_stretch items[REVIEW_LIST_MAX];
    size_t count; /* all of them; items has the first REVIEW_LIST_MAX */
    uint64_t total_ms;
};

/* A day by the clock of this place, or all of the time. Percentiles are medians of those of intervals; max is the highest. */
struct review_figures {
    uint64_t from_ms, to_ms;
    double asked, answered; /* PINGs; answered without an error */
    double p50_us, p95_us, p99_us, max_us;
    double ops_mean, ops_peak, used_memory; /* the last is the newest */
};

/* By least squares through the medians of up to 200 parts of the time. `real` is set where Mann and Kendall's test calls it more
 * than noise (p < 0.01, 8 parts and more, over 6 hours and more); else only the slope is known. */
struct review_trend {
    double per_day;
    bool real;
};
enum review_trend_of { TREND_P50, TREND_P99, TREND_OPS, TREND_MEMORY, REVIEW_TRENDS };

struct review_target {
    char name[MONITOR_NAME_BYTES];
    struct review_figures whole;
    struct review_figures days[REVIEW_DAYS_MAX];
    size_t day_count, row_count;
    struct review_stretches down;    /* from interval to interval: none was answered, some failed */
    struct review_stretches missing; /* no row is kept, though a monitor ran */
    struct review_stretches restarts; /* from the last sample before to the first behind */
    struct review_trend trends[REVIEW_TRENDS];
    double limit_bytes; /* maxmemory, else the host's memory */
    bool limit_is_maxmemory;
    double days_until_full;             /* at the trend, where it is real and rises */
    double hit_ratio, evicted, expired; /* of the time, restarts left out */
    double fragmentation, rss, connected_most;
    /* All rows, for a page. */
    uint64_t *at_ms;
    double *values; /* [row_count * MONITOR_VALUES] */
};

struct review_alert {
    uint64_t at_ms;
    char alert[ALERT_NAME_BYTES], state[16], severity[16], text[ALERT_TEXT_BYTES];
    char server[ALERT_SERVER_BYTES]; /* which it is about, of several; "": not one of them alone */
};

struct review {
    uint64_t from_ms, to_ms;
    struct review_target *targets;
    size_t target_count;
    struct review_alert *alerts; /* the newest */
    size_t alert_count;
    size_t run_count;             /* of monitors, in that time */
    struct review_stretches runs; /* the same, from beginning to newest row */
    struct review_stretches gaps; /* between two of them: nobody watched */
    uint64_t rows_lost;           /* as they said themselves */
};

/* E_USAGE: there is no store at path, or it is none; E_DATA: too much for one report. review_free in any case. */
MUST_USE enum err_code review_read(struct review *review, const char *path, uint64_t from_ms,
                                   uint64_t to_ms, struct err *err);
void review_free(struct review *review); /* safe on a zeroed struct */

/* Its summary, or its name where there is none. */
const char *review_alert_text(const struct review_alert *alert);

/* 0..1; NAN: nothing was asked. */
double review_availability(const struct review_figures *figures);
const char *review_trend_name(enum review_trend_of trend); /* "p50_us" */

/* Whether its server was started anew between two samples (values of MONITOR_VALUE_TABLE) whose INFO was answered. */
bool monitor_review_restarted(const double *before, const double *now, double elapsed_seconds);

#endif
