/* What a core dump of a process would show. */
#ifndef TESTS_SUPPORT_MEMORY_SCAN_H
#define TESTS_SUPPORT_MEMORY_SCAN_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether the text stands in memory that the process has written and not kept out of its dumps. Fails the
 * test when nothing could be read. */
bool memory_scan_finds(pid_t pid, const char *text);

#endif
