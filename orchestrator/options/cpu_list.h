/* Lists of CPU numbers as users write them: "0-3,8,10-11". By hand, since their order counts, and numbers have to be
 * bounded: hwloc's lists are sets, and have room for any number. */
#ifndef ORCHESTRATOR_OPTIONS_CPU_LIST_H
#define ORCHESTRATOR_OPTIONS_CPU_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Numbers in the order given, each once. False, and nothing stored: not such a list, empty, a range
 * that runs backwards, or a number of capacity or more. */
MUST_USE bool cpu_list_parse(uint32_t *cpus, uint32_t *cpu_count, uint32_t capacity,
                             const char *text);

#endif
