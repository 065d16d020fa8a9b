/* Records of suites into the history (store.h): a table whose columns are the records' keys, made as they come. A record is there
 * once, however often it is pushed. */
#ifndef ORCHESTRATOR_SUITE_PUSH_H
#define ORCHESTRATOR_SUITE_PUSH_H

#include <stdio.h>

#include "orchestrator/suite/store.h"

struct push {
    const char *results_dir;
    const char *table;     /* as push_table makes it */
    const char *test_type; /* of all rows; NULL: their own alone */
    struct store *store;   /* NULL: nothing is pushed, only shown */
    FILE *out;             /* where all of it is told */
    const volatile int *interrupted;

    /* What has come of it: directories, and records. */
    size_t directories, inserted, there_already, skipped, failed;
};

/* "benchmark_metrics" of "core", "benchmark_tags_metrics" of "tag", "benchmark_metrics_<id>" of any other id. E_USAGE: it is none. */
MUST_USE enum err_code push_table(char table[STORE_NAME_BYTES], const char *id, struct err *err);

/* Each directory in results_dir that has a metrics.json, and results_dir itself, in the order of their names; one is pushed as a
 * whole or not at all. E_DATA: some could not be pushed, which is told; E_USAGE: there is nothing to push; E_CONNECT, E_SYSTEM:
 * the database is gone: what is told as pushed is there; E_INTERRUPTED. */
MUST_USE enum err_code push_all(struct push *push, struct err *err);

#endif
