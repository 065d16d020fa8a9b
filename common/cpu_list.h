/* Lists of CPU numbers as users and the kernel write them: "0-3,8,10-11". By hand, since hwloc's reader takes what is
 * no such list, has room for any number, and loses the order, which counts for --cpus. */
#ifndef COMMON_CPU_LIST_H
#define COMMON_CPU_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Numbers in the order given, each once. False, and nothing stored: not such a list, empty, a range
 * that runs backwards, or a number of capacity or more. */
MUST_USE bool cpu_list_parse(uint32_t *cpus, uint32_t *cpu_count, uint32_t capacity,
                             const char *text);

#endif
