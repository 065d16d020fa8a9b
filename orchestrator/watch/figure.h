/* Figures by name, as alert rules, KPIs, health checks and recording rules of Prometheus ask for them: one name, one
 * meaning. A name is
 *
 *   rate.achieved, response_time_us.p99   of the table of figures (report/metric.h), in its unit; of times with a statistic
 *   volley_rate, volley_latency_p99_seconds   the same in base units, as /metrics has them (watch/prometheus.h)
 *   used_memory, used_memory_rss ...      of the server's INFO (scenario/series.h)
 *   messages_per_minute, p95_latency_ms, buffer_latency_p95, buffer.latency.p95 ...   aliases, with their own units
 *
 * Pure functions; the orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_FIGURE_H
#define ORCHESTRATOR_WATCH_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/scenario/series.h"

#define WATCH_NAME_BYTES 64u

/* What is known at one moment. What is NULL is not known, and neither is a figure that would be read from it. */
struct watch_reading {
    uint64_t at_ms;    /* wall clock, since 1970: the end of the interval, on its own axis */
    double at_seconds; /* since the first run of the session began; steady */
    const struct metric_slice *load; /* an interval */
    const double *server;            /* [SERIES_METRICS], the newest sample; NAN: not known */
    double hit_ratio;                /* of the server's lookups between its last two samples; NAN */
    double server_up; /* 1: all of its servers have answered the newest sample, 0: not; NAN */
};

enum watch_origin {
    WATCH_LOAD,      /* a row of the table of figures */
    WATCH_SERVER,    /* a field of the sample         */
    WATCH_HIT_RATIO, /* of the server, else of the load's own reads */
    WATCH_SERVER_UP, /* whether all servers that the reading is of answer their samples */
    WATCH_NOBODY     /* what only a client that buffers has */
};

/* What a run with a client's buffer has in place of what the origin says. */
enum watch_buffer {
    WATCH_NO_BUFFER, /* nothing: it is the same with and without */
    WATCH_TRANSFER_RATE,
    WATCH_FLUSH_SUCCESS,
    WATCH_BUFFER_FULL,
    WATCH_FLUSH_WORKERS,
    WATCH_ROUND,
    WATCH_HYBRID,
    WATCH_CACHE_REPLIES,
    WATCH_CACHE_BYTES,
    WATCH_BATCH,
    WATCH_WRITES, /* their mean latency */
    WATCH_QUERIES,
    WATCH_QUERIES_P95
};

struct watch_figure {
    char name[WATCH_NAME_BYTES]; /* as it was asked for */
    enum watch_origin origin;
    enum metric_id metric;                    /* WATCH_LOAD */
    const struct metric_statistic *statistic; /* of times; else NULL */
    enum series_metric field;                 /* WATCH_SERVER */
    enum watch_buffer buffer;
    double factor;         /* the name's value is what the origin says, times this */
    const char *unit;      /* of the name's value: "ms", "requests/s" */
    bool higher_is_better; /* as far as the name tells; KPIs may say otherwise */
};

/* E_CONFIG: nothing is called so, with the nearest name that something has. */
MUST_USE enum err_code watch_figure_find(struct watch_figure *figure, const char *name,
                                         size_t name_bytes, struct err *err);
/* All names, for help, completion and docs; NULL: behind the last. Until the next call. */
const char *watch_figure_name_at(size_t index);

struct watch_value {
    double number; /* NAN: not known */
    /* Requests without a reply hide it: it is number or more. For comparisons it is infinite: above every limit, below none,
     * as /metrics has it. */
    bool at_least;
};
/* Whether it is of a run with a client's buffer. */
bool watch_reading_is_buffered(const struct watch_reading *reading);
struct watch_value watch_figure_read(const struct watch_figure *figure,
                                     const struct watch_reading *reading);

#endif
