/* Files that an earlier run has left, read again by `volley visualize` and --resume. Whoever could write into the run's directory
 * may have put anything there. */
#ifndef ORCHESTRATOR_SCENARIO_RUN_FILE_H
#define ORCHESTRATOR_SCENARIO_RUN_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

/* For reading; *size_bytes is how large it is. What is no regular file (a pipe, a device, a directory) is refused, since reading
 * it may have no end. E_DATA: it cannot be read. The caller closes *file, which is NULL then. */
enum err_code run_file_open(FILE **file, uint64_t *size_bytes, const char *path, struct err *err);

#endif
