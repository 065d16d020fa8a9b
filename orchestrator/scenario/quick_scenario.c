#include "orchestrator/scenario/quick_scenario.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "common/suggest.h"
#include "orchestrator/scenario/vector_shape.h"

#define MEMORY_TARGET "1gb"
#define FILL_BYTES (64u << 20) /* of values, before what reads or deletes */
#define KEYS_LEAST 1000u

/* Behind the fill, where there is one. Deletes of the mix are as many as its inserts, so that it does not grow. */
static const struct {
    const char *name;
    bool fills;
    const char *phase;
} workloads[] = {
    {"mixed", true, "type: mixed, mix: {load: 20, get: 60, del: 20}"},
    {"ingest", false, "type: load, until: \"used_memory>=90%target\", pipeline: 16"},
    {"query", true, "type: query"},
    {"shrink", true, "type: delete-fraction, fraction: 0.5, strategy: random, pipeline: 16"},
};

enum err_code quick_scenario_write(char text[QUICK_SCENARIO_BYTES],
                                   const struct quick_scenario *wish, struct err *err)
{
    struct vector_shape shape;
    struct err reason = {.code = OK};
    struct suggestion suggestion = {.wanted = wish->workload,
                                    .wanted_bytes = strlen(wish->workload)};
    size_t found = 0;
    const size_t count = sizeof workloads / sizeof workloads[0];
    while (found < count && strcmp(workloads[found].name, wish->workload) != 0) {
        suggest_offer(&suggestion, workloads[found].name, strlen(workloads[found].name));
        found++;
    }
    if (found == count)
        return err_set(err, E_USAGE,
                       "--workload %.40s: allowed: mixed, ingest, query, shrink%s%s%s",
                       PRINTABLE(wish->workload), SUGGESTED(suggestion.best));
    if (vector_shape_find(&shape, wish->dataset, &reason) != OK)
        return err_set(err, E_USAGE, "--dataset: %s", reason.text);
    const uint64_t value_bytes = 4ull * shape.dimensions;
    uint64_t keys = FILL_BYTES / value_bytes;
    char fill[256] = "", size[64] = "";
    keys = keys < KEYS_LEAST ? KEYS_LEAST : keys;
    if (workloads[found].fills)
        snprintf(fill, sizeof fill,
                 "  - {name: fill, type: load, keys: %llu, value_size: %llu, pipeline: 16}\n",
                 (unsigned long long)keys, (unsigned long long)value_bytes);
    else
        snprintf(size, sizeof size, ", value_size: %llu", (unsigned long long)value_bytes);
    snprintf(text, QUICK_SCENARIO_BYTES,
             "name: quick_%s\n"
             "description: %s, for %.3f seconds at most, of values as large as vectors of %u "
             "dimensions\n"
             "memory_target: " MEMORY_TARGET "\n"
             "phases:\n%s"
             "  - {name: %s, duration: %.3f, %s%s}\n"
             "checks:\n"
             "  - {metric: error_rate, op: \"<=\", value: 0.1%%}\n",
             workloads[found].name, workloads[found].name, wish->seconds, shape.dimensions, fill,
             workloads[found].name, wish->seconds, workloads[found].phase, size);
    return OK;
}
