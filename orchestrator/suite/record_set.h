/* Results of benchmarks, as they are compared: a record a run, with its configuration and its figures. Read from metrics.json,
 * a list of objects in the fields of valkey-perf-benchmark, or from a run's directory with its run.json. What is there may come
 * from anywhere: it is bounded, and trusted for nothing. */
#ifndef ORCHESTRATOR_SUITE_RECORD_SET_H
#define ORCHESTRATOR_SUITE_RECORD_SET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "orchestrator/report/verdict.h"

enum record_figure {
    RECORD_RPS,
    RECORD_AVG,
    RECORD_P50,
    RECORD_P95,
    RECORD_P99,
    RECORD_P99_9,
    RECORD_P99_99,
    RECORD_SERVER_CPU,
    RECORD_FIGURES
};
/* "rps", "p99_latency_ms": as in metrics.json, and as tables call it. */
const char *record_figure_name(enum record_figure figure);
/* Requests per second: more is better. All others are times, of which less is. */
bool record_figure_is_rate(enum record_figure figure);
const char *record_figure_unit(enum record_figure figure); /* "requests/s", "ms", "us" */

struct record {
    /* What was run. `section`: "key: value" lines of all that is configuration but the other three, in the order of their names.
     * "" where the record does not say. All owned by the set. */
    char *section, *command, *pipeline, *io_threads;
    double values[RECORD_FIGURES]; /* NAN: not known */
    /* A bit a figure: times that the run has, and that nobody knows, since too many of its requests had no reply. */
    unsigned hidden;
    double used_memory_bytes; /* of the server in the end; NAN: nobody has measured it */
    int verdict;              /* enum verdict_level; -1: the tool that made it has none */
    /* Where all its times are: lines of this tag in a .hlog file; NULL: nowhere. Several records may name the same lines, which
     * are of all of them together. Owned by the set. */
    char *histogram_path, *histogram_tag;
};

#define RECORD_PATH_BYTES 4200u
struct record_set {
    char name
        [64]; /* of the version: a commit, else a date, else "Unknown"; of a run its label or directory */
    char path[RECORD_PATH_BYTES]; /* of the file that was read */
    struct record *records;
    size_t count;
    size_t histograms_missing; /* records whose histogram is named, and not there */
    json_t *environment; /* an object: what may explain a difference; of runs their options, too */
};

#define RECORDS_MAX 100000u
#define RECORD_FILE_BYTES_MAX (256u << 20)

/* path: a file like metrics.json, or a directory with one, or with run.json. E_DATA: there is none, or it cannot be read as one,
 * with the place; E_SYSTEM. record_set_free in any case. */
MUST_USE enum err_code record_set_read(struct record_set *set, const char *path, struct err *err);
void record_set_free(struct record_set *set); /* safe on a zeroed struct */

/* The same from records that are at hand, a list; path is how they are called. */
MUST_USE enum err_code record_set_take(struct record_set *set, const json_t *list, const char *path,
                                       struct err *err);
/* The keys of a record that are configuration, but for command, pipeline and io_threads; NULL behind the last. */
const char *record_section_key(size_t index);

/* Whether it is hidden, in the sense above. */
bool record_hides(const struct record *record, enum record_figure figure);

/* How many records have each verdict; those without one are not counted. */
void record_set_verdicts(size_t counts[VERDICT_RED + 1], const struct record_set *set);

/* Whether two records have one configuration, and an order of configurations: by section, command, and the numbers of the
 * rest. */
int record_order(const struct record *one, const struct record *other);

#endif
