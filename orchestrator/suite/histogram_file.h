/* A HdrHistogram log (.hlog, as report/hdr_log.c writes it, and other tools), read again by its tags: the place of each line is
 * kept, and no histogram. It may come from anywhere: it is bounded, and trusted for nothing. */
#ifndef ORCHESTRATOR_SUITE_HISTOGRAM_FILE_H
#define ORCHESTRATOR_SUITE_HISTOGRAM_FILE_H

#include <stddef.h>

#include "common/err.h"
#include "common/histogram.h"

struct histogram_file;

#define HISTOGRAM_FILE_LINES_MAX 1000000u

/* E_DATA: it cannot be read, or has too many lines, or too long ones; E_SYSTEM. NULL then. */
MUST_USE enum err_code histogram_file_open(struct histogram_file **file, const char *path,
                                           struct err *err);
void histogram_file_close(struct histogram_file *file); /* NULL: nothing */
/* Adds what the lines of a tag hold; lines: how many there are. E_DATA with the line: it is damaged, or has other buckets than
 * three digits from 1 ns on; `into` is then good for histogram_reset only. */
MUST_USE enum err_code histogram_file_add(struct histogram *into, size_t *lines,
                                          struct histogram_file *file, const char *tag,
                                          struct err *err);

#endif
