/* Small files that the kernel makes up: /proc, /sys. */
#ifndef ORCHESTRATOR_MACHINE_SYSTEM_FILE_H
#define ORCHESTRATOR_MACHINE_SYSTEM_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Reads the file of this path (a format), cut at text_bytes - 1, without trailing white space.
 * False and "" when it cannot be read; what cannot be read is unknown, never an error. */
bool system_file_read(char *text, size_t text_bytes, const char *path_format, ...)
    PRINTF_LIKE(3, 4);

#endif
