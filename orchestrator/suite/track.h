/* Which commits have been measured with which configuration, and how far that has come: the table benchmark_commits of the history
 * (store.h), by the rules of valkey-perf-benchmark. docs/reference/history.md. */
#ifndef ORCHESTRATOR_SUITE_TRACK_H
#define ORCHESTRATOR_SUITE_TRACK_H

#include <jansson.h>

#include "orchestrator/suite/store.h"

#define TRACK_SHA_BYTES 65u

/* "in_progress": chosen; "benchmark_complete": measured, and not pushed yet; "complete". */
enum track_status { TRACK_IN_PROGRESS, TRACK_MEASURED, TRACK_COMPLETE, TRACK_STATUSES };
const char *track_status_name(enum track_status status);

struct track {
    struct store *store;
    const char *architecture;
    json_t *config; /* owned by the caller; NULL: any (in mark: none) */
};

/* Whether all that `wanted` asks for has been measured by who measured `done`: each of its objects has one in `done` with all its
 * keys, whose lists hold its lists, and whose other values are the same. */
bool track_is_covered(const json_t *wanted, const json_t *done);

/* A commit: its full name, and when it was committed. */
MUST_USE enum err_code track_mark(const struct track *track, const char *sha, const char *time,
                                  enum track_status status, struct err *err);
/* Removes what is in progress, of this architecture, and configuration where there is one. */
MUST_USE enum err_code track_cleanup(const struct track *track, uint64_t *removed_count,
                                     struct err *err);

/* The commits that have been measured: with the configuration, or, unless it is to be exactly that one, with one that covers it.
 * E_SYSTEM. track_done_free in any case. */
struct track_done {
    char (*shas)[TRACK_SHA_BYTES]; /* in order */
    size_t count;
    size_t covering; /* configurations other than this one that cover it */
    bool failed;     /* private */
};
MUST_USE enum err_code track_done_read(struct track_done *done, const struct track *track,
                                       bool exact, struct err *err);
bool track_done_has(const struct track_done *done, const char *sha);
void track_done_free(struct track_done *done);

/* Rows, the newest commit first, with the configuration or any: sha, timestamp, status, config, architecture, config_hash. */
#define TRACK_COLUMNS 6u
MUST_USE enum err_code track_query(const struct track *track, store_row *row, void *state,
                                   struct err *err);
/* Each configuration once: config, number of rows, config_hash. */
MUST_USE enum err_code track_configs(const struct track *track, store_row *row, void *state,
                                     struct err *err);

#endif
