/* Of scenario_steps.c: the keys of a file of steps, and how values go from its tree to that of a file of phases. After the
 * first error nothing is read or written any more, so that callers look at `code` only where they would go wrong. */
#ifndef ORCHESTRATOR_SCENARIO_STEP_KEYS_H
#define ORCHESTRATOR_SCENARIO_STEP_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/options/config_tree.h"

/* Where a key stands. */
enum place {
    IN_FILE = 1u << 0,
    IN_CONFIG = 1u << 1, /* global_config, and config of a step */
    IN_INDEX = 1u << 2,
    IN_ERRORS = 1u << 3, /* error_handling */
    IN_CONDITION = 1u << 4,
    STEP_WORKLOAD = 1u << 5,
    STEP_WAIT = 1u << 6,
    STEP_CHECKPOINT = 1u << 7,
    STEP_CLEANUP = 1u << 8,
    STEP_LOOP = 1u << 9,
    STEP_PARALLEL = 1u << 10,
    STEP_CONDITIONAL = 1u << 11,
    OF_INGEST = 1u << 12, /* parameters */
    OF_QUERY = 1u << 13,
    OF_SHRINK = 1u << 14,
    OF_MIXED = 1u << 15,
    OF_CHECKPOINT = 1u << 16,
    OF_WAIT = 1u << 17,
    OF_CLEANUP = 1u << 18
};
#define LEAVES (STEP_WORKLOAD | STEP_WAIT | STEP_CHECKPOINT | STEP_CLEANUP)
#define GROUPS (STEP_LOOP | STEP_PARALLEL | STEP_CONDITIONAL)

struct translation {
    const char *name;
    char *ignored;
    size_t ignored_bytes;
    const struct config_node *metric_interval, *memory_limit;
    bool has_index; /* keys hold vectors, else strings of their size */
    uint32_t dimensions;
    enum err_code code; /* the first error: what follows does nothing that matters */
    struct err *err;
};

extern const struct config_node step_nothing; /* a map without keys */

void step_refuse(struct translation *t, struct config_mark mark, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A key that means nothing here, and what takes its place. */
void step_note(struct translation *t, const struct config_node *node, const char *instead);
const char *step_text(struct translation *t, const struct config_node *node);
double step_number(struct translation *t, const struct config_node *node);
bool step_true(struct translation *t, const struct config_node *node); /* NULL: false */
/* What has to be there; step_nothing after an error. */
const struct config_node *step_need(struct translation *t, const struct config_node *map,
                                    const char *key);

/* Into a map under this key, or into a list, at the place of `from`; `into` NULL after an error. */
struct config_node *step_append(struct translation *t, struct config_node *into,
                                enum config_kind kind, const char *key,
                                const struct config_node *from);
void step_put(struct translation *t, struct config_node *into, const char *key,
              const struct config_node *from, const char *format, ...) PRINTF_LIKE(5, 6);
void step_copy(struct translation *t, struct config_node *into, const char *key,
               const struct config_node *from);
/* Refuses keys that may not stand in such a map; those that are taken as they are go into `into`. */
void step_take_keys(struct translation *t, const struct config_node *map, unsigned place,
                    struct config_node *into);

#endif
