/* How a figure goes from commit to commit, configuration by configuration: read from the history (store.h), with the places at
 * which it changes level (report/change_points.h). */
#ifndef ORCHESTRATOR_SUITE_TREND_H
#define ORCHESTRATOR_SUITE_TREND_H

#include <jansson.h>

#include "orchestrator/report/change_points.h"
#include "orchestrator/suite/store.h"

#define TREND_FILTERS_MAX 16u
#define TREND_COLUMNS_MAX 40u /* that tell configurations apart */
#define TREND_CONFIGURATION_BYTES 600u
#define TREND_NAME_BYTES 256u /* of a commit */

struct trend_filter {
    char column[STORE_NAME_BYTES];
    char value[200];
};

struct trend_wishes {
    const char *table, *metric; /* a column of numbers */
    const struct trend_filter *filters;
    size_t filter_count;
    double alpha; /* change_points.h */
};

/* The runs of a commit. */
struct trend_commit {
    char name[TREND_NAME_BYTES], time[STORE_TIME_BYTES];
    size_t runs, red; /* red: of them, by the verdict of who measured */
    double mean, deviation, least, most;
    double squares; /* private: of differences from the mean, summed */
};

struct trend_series {
    char *command, *values[TREND_COLUMNS_MAX]; /* of the trend's columns; NULL: none; owned */
    char *configuration; /* "data_size=16, pipeline=1": where it differs from others; owned */
    struct trend_commit *commits; /* by time of the commit */
    size_t count, capacity;
    struct change_points changes; /* places are of commits */
};

struct trend {
    struct trend_series
        *series; /* those with changes first, the latest change first; else in their order */
    size_t count;
    size_t rows;
    bool more_is_better;
    const char *columns[TREND_COLUMNS_MAX]; /* of configuration */
    size_t column_count;
    char alike[TREND_CONFIGURATION_BYTES]; /* what all series have in common, likewise */
    json_t *found;                         /* private: series by configuration */
};

/* "rps", or any column of its own name; avg, p50, p95 and p99 are short for those of latencies. Returns text. */
const char *trend_metric_column(const char *metric);

/* E_USAGE: there is no such table or column; E_DATA: nothing matches; else as store_run. trend_free in any case. */
MUST_USE enum err_code trend_read(struct trend *trend, struct store *store,
                                  const struct trend_wishes *wishes, struct err *err);
void trend_free(struct trend *trend); /* safe on a zeroed struct */

/* Whether a change is for the worse, and by how much: a part of what it was. */
bool trend_is_worse(const struct trend *trend, const struct change_point *point);
double trend_change(const struct change_point *point);

/* All of it, for programs and pages; NULL: no memory. */
json_t *trend_json(const struct trend *trend, const struct trend_wishes *wishes);

#endif
