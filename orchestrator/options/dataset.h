/* Tables of text that requests take fields from: CSV (RFC 4180), TSV, or lines. */
#ifndef ORCHESTRATOR_OPTIONS_DATASET_H
#define ORCHESTRATOR_OPTIONS_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "worker/worker.h"

enum dataset_format {
    /* The first row names the fields, and a line without anything in it is no row. */
    DATASET_CSV,  /* "..." holds commas, line ends and doubled quotes           */
    DATASET_TSV,  /* \t, \n and \\ stand for what they name                  */
    DATASET_LINES /* one field, called "line"; each line is a row         */
};

#define DATASET_BYTES_MAX (1024ull * 1024 * 1024)
#define DATASET_FIELDS_MAX 1000u

/* How large a file may be, and how that is told: "1 GB". */
struct dataset_limit {
    uint64_t bytes;
    const char *text;
};
/* All bytes of a regular file, which the caller frees. E_CONFIG: cannot be read, is too large; without the path. */
MUST_USE enum err_code dataset_read_bytes(char **bytes, size_t *byte_count, const char *path,
                                          const struct dataset_limit *limit, struct err *err);

struct dataset {
    struct plan_data data; /* what requests see; points into bytes and cells */
    char *bytes;
    const char **names;
    struct plan_cell *cells;
};

/* The format that a path's end tells: .csv, .tsv, else lines. */
enum dataset_format dataset_format_of(const char *path);

/* Reads all of it, or its first `rows` rows; 0: all. E_CONFIG: cannot be read, is too large or empty, a row with other than the first one's number of
 * fields, a quote without an end, a field of more than 512 MB, without a name or two with one; with the line, and without the path.
 * dataset_free in any case. */
MUST_USE enum err_code dataset_read(struct dataset *dataset, const char *path,
                                    enum dataset_format format, uint64_t rows, struct err *err);
/* The same of text; bytes is malloc'ed, and taken over. */
MUST_USE enum err_code dataset_parse(struct dataset *dataset, char *bytes, size_t byte_count,
                                     enum dataset_format format, uint64_t rows, struct err *err);
void dataset_free(struct dataset *dataset);

#endif
