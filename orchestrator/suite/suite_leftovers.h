/* Files that a suite which was killed has left half written. */
#ifndef ORCHESTRATOR_SUITE_SUITE_LEFTOVERS_H
#define ORCHESTRATOR_SUITE_SUITE_LEFTOVERS_H

#include <stddef.h>

/* Removes them from a directory of results, whose lock is held. Only regular files of names that a suite, or its load, gives to
 * what is not whole yet: those of output.h for its own files, .run.json and .perf.data. Returns how many. */
size_t suite_leftovers_remove(const char *directory);

#endif
