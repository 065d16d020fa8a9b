/* Who receives what a workload sends: the consumers of a workload file, and which classes feed them. Made with the mix,
 * before the fork, and constant from then on. Private to worker/. */
#ifndef WORKER_GENERATE_CONSUME_PLAN_H
#define WORKER_GENERATE_CONSUME_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/lane.h"
#include "worker/generate/mix_program.h"
#include "worker/generate/workload_plan.h"

#define CONSUME_TARGETS_MAX 65536u

/* What one connection of it listens to: connection i takes target i % target_count. */
struct consume_target {
    char *
        bytes; /* of a channel, a pattern, a key, or the beginning of keys; owned by the first one */
    size_t byte_count;
};

struct consume_lane {
    const struct plan_consumer *plan;
    struct consume_target *targets;
    uint32_t target_count;
    uint64_t receivers; /* so many connections get each message */
    char command[24];   /* for reports: "SUBSCRIBE" */
};

struct consume_plan {
    struct consume_lane lanes[PLAN_CONSUMERS_MAX];
    uint32_t count;
    uint32_t feeds[CLASSES_MAX]; /* by class: a bit for each lane that gets its messages */
};

/* E_CONFIG: the reason alone, and which one (the plan's count of consumers: none). consume_plan_free in any case. */
MUST_USE enum err_code consume_plan_create(struct consume_plan *plan,
                                           const struct workload_plan *workload,
                                           const struct mix_material *material, size_t *at,
                                           struct err *err);
/* Whether they can be in a cluster. E_USAGE. */
MUST_USE enum err_code consume_plan_check_cluster(const struct consume_plan *plan, struct err *err);
void consume_plan_free(struct consume_plan *plan);

#endif
