/* A plan while it is made. Private to suite_plan.c and suite_group_plan.c. */
#ifndef ORCHESTRATOR_SUITE_SUITE_MAKING_H
#define ORCHESTRATOR_SUITE_SUITE_MAKING_H

#include "orchestrator/suite/suite_plan.h"

struct making {
    struct suite_plan *plan;
    const struct suite_config *config;
    const struct suite_block *block;
    suite_tell *tell;
    void *state;
    size_t capacity;
    struct err *err;
};

/* Behind those that there are. E_CONFIG: they are too many; E_SYSTEM. */
MUST_USE enum err_code suite_making_add(struct making *making,
                                        const struct suite_combination *combination);
/* The block's groups, with each number of its I/O threads and set of settings. E_CONFIG, E_SYSTEM. */
MUST_USE enum err_code suite_making_add_groups(struct making *making);

#endif
