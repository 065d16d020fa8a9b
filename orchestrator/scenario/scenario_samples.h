/* The files that scenarios have left, read again: samples by rows, and documents of JSON. For exports and pages. What is read
 * was written by volley, and is trusted for nothing: lines, cells and sizes are bounded. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_SAMPLES_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_SAMPLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"
#include "orchestrator/scenario/scenario_export.h"

#define SAMPLES_ENDING "_metrics.csv"
#define NODE_SAMPLES_ENDING "_nodes.csv" /* of a cluster */
#define SAMPLE_COLUMNS_MAX 128u
#define SAMPLE_LINE_BYTES 65536u

struct sample_table {
    FILE *in;
    char path[SCENARIO_PATH_BYTES];
    char line[SAMPLE_LINE_BYTES];
    char head[SAMPLE_LINE_BYTES];
    const char *names[SAMPLE_COLUMNS_MAX]; /* in head */
    const char *cells[SAMPLE_COLUMNS_MAX]; /* in line; text in its quotes */
    size_t column_count;
};

/* Of <scenario><ending>. sample_table_close in any case. E_DATA: it cannot be read, or is not whole. */
MUST_USE enum err_code sample_table_open(struct sample_table **opened, const char *run_path,
                                         const char *scenario, const char *ending, struct err *err);
/* *more false: the end. E_DATA: a row is not whole. */
MUST_USE enum err_code sample_table_next(struct sample_table *table, bool *more, struct err *err);
void sample_table_close(struct sample_table *table); /* NULL: nothing */

/* A new reference. E_DATA: it is not there, too large, or no JSON. */
MUST_USE enum err_code scenario_document_read(json_t **value, const char *run_path,
                                              const char *name, struct err *err);

#endif
