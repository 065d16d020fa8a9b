/* What a suite keeps: results/<commit>/metrics.json, a list of records in the fields of valkey-perf-benchmark and some of
 * volley's own. A record is added at once, by a new file in the place of the old one, so that an end at any moment leaves
 * all that was measured. docs/reference/suite.md has the fields. */
#ifndef ORCHESTRATOR_SUITE_SUITE_METRICS_H
#define ORCHESTRATOR_SUITE_SUITE_METRICS_H

#include <jansson.h>
#include <limits.h>
#include <sys/stat.h>

#include "orchestrator/suite/suite_stage.h"

#define SUITE_METRICS_SCHEMA "volley.metrics/1"

struct suite_metrics {
    char path[PATH_MAX];
    json_t *records;
    /* Private: what there is, by configuration and run; the file as it was left; who is told what was found in it. */
    json_t *measured;
    struct stat left; /* st_ino 0: there was none */
    suite_tell *tell;
    void *state;
};

/* In this directory. A file that is no list of records is kept under another name, which is told, and begun anew; tell and state
 * stay. E_SYSTEM, E_USAGE: it cannot be read or moved, or is larger than what compare reads, and stays as it is.
 * suite_metrics_close in any case. */
MUST_USE enum err_code suite_metrics_open(struct suite_metrics *metrics, const char *directory,
                                          suite_tell *tell, void *state, struct err *err);
/* The same to look at it alone: nothing is changed, and a file that is damaged or not there is one without records. */
MUST_USE enum err_code suite_metrics_look(struct suite_metrics *metrics, const char *directory,
                                          suite_tell *tell, void *state, struct err *err);
/* Whether so many records more are no more than compare reads. E_USAGE. */
MUST_USE enum err_code suite_metrics_check_room(const struct suite_metrics *metrics, uint64_t count,
                                                struct err *err);
void suite_metrics_close(struct suite_metrics *metrics);

/* What of a record is configuration; a new reference, NULL: no memory. */
json_t *suite_metrics_configuration(const struct suite_combination *combination);
/* Whether run `run` of it, from 1 on, has a record of this tool's. */
bool suite_metrics_has(const struct suite_metrics *metrics,
                       const struct suite_combination *combination, uint64_t run, const char *tool);
/* Adds records, whose references it takes, and writes the file; what others have made of it meanwhile is read first, and
 * told. E_SYSTEM, E_USAGE: nothing that was there is lost. */
MUST_USE enum err_code suite_metrics_add(struct suite_metrics *metrics, json_t *const *records,
                                         size_t count, struct err *err);

/* The figures of a run, into a record. */
void suite_record_of_csv(json_t *record, const struct suite_csv_row *row);
void suite_record_of_run(json_t *record, const json_t *run);
/* Of a load that ran beside others of its scenario. */
void suite_record_of_part(json_t *record, const json_t *run);
/* Of one of its classes. */
void suite_record_of_class(json_t *record, const json_t *run, const json_t *one);

#endif
