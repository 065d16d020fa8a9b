/* Lists of CPU numbers as the kernel writes them: "0-3,8,10-11". */
#ifndef ORCHESTRATOR_OPTIONS_CPU_LIST_H
#define ORCHESTRATOR_OPTIONS_CPU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Numbers in the order given, each once. False, and nothing stored: not such a list, empty, a range
 * that runs backwards, or a number of capacity or more. One newline at the end is allowed, as files
 * of the kernel have it. */
MUST_USE bool cpu_list_parse(uint32_t *cpus, uint32_t *cpu_count, uint32_t capacity,
                             const char *text);

/* The same back as text, runs as ranges; cut at text_bytes. Returns text. */
char *cpu_list_format(char *text, size_t text_bytes, const uint32_t *cpus, uint32_t cpu_count);

#endif
