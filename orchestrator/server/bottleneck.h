/* What holds a live server back, as far as its own counters show it: a table of rules. Pure. */
#ifndef ORCHESTRATOR_SERVER_BOTTLENECK_H
#define ORCHESTRATOR_SERVER_BOTTLENECK_H

#include "orchestrator/server/operation_profile.h"

#define BOTTLENECK_EVIDENCE_BYTES 200u
#define BOTTLENECKS_MAX 16u

struct bottleneck {
    const char *name, *suggestion;
    char evidence[BOTTLENECK_EVIDENCE_BYTES];
};

/* first and last look of a profile. Returns how many, in the order of the table. */
size_t bottlenecks_find(struct bottleneck bottlenecks[BOTTLENECKS_MAX],
                        const struct operations *operations, const struct profile_sample *first,
                        const struct profile_sample *last);

#endif
