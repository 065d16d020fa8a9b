/* What a run's requests asked of their distributions, beside what was drawn for them. Values: filled by
 * worker/generate/workload_drawn, shown and kept by orchestrator/report. Shares are parts of 1. */
#ifndef COMMON_DRAWN_H
#define COMMON_DRAWN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/distribution.h"

#define DRAWN_ROWS_MAX 32u /* of each kind */
#define DRAWN_NAME_BYTES 64u
#define DRAWN_WISH_BYTES 128u

struct drawn_keys {
    char name[DRAWN_NAME_BYTES];
    char order[DRAWN_WISH_BYTES]; /* the wish as a person writes it; the orchestrator's to fill */
    const struct key_order_wish
        *wish; /* the workload's; NULL: read from a journal                */
    uint64_t keys, draws;
    uint64_t distinct; /* keys that were drawn at all */
    /* The keys that are to be the hottest: how much they were to get, and did. Not of orders that go through all
     * keys, where a part of a pass says nothing. */
    bool skew_known;
    double hottest_asked, hottest_drawn;     /* the hottest key                     */
    double hottest_1_asked, hottest_1_drawn; /* the hottest 1 % of keys, one at least */
};

struct drawn_value {
    char name[DRAWN_NAME_BYTES];
    char size[DRAWN_WISH_BYTES]; /* as order; cut when it is longer */
    const struct size_wish *wish;
    uint64_t draws;
    double mean_asked_bytes, mean_drawn_bytes;
    uint64_t least_bytes, most_bytes; /* drawn */
};

struct drawn_class {
    char name[DRAWN_NAME_BYTES];
    double share_asked, share_drawn; /* of all requests */
};

/* What of a workload is not the same in each run with the same seed. One row: identifier, as a workload file has it. */
#define DRAWN_CHANGES_TABLE(X)                                                                     \
    X(DRAWN_WORKER, "{worker}")                                                                    \
    X(DRAWN_RUN, "{run}")                                                                          \
    X(DRAWN_NOW, "{now}")                                                                          \
    X(DRAWN_ON_MISS, "on_miss") /* goes with the answers, as does the next one */                  \
    X(DRAWN_THEN, "then")                                                                          \
    X(DRAWN_CURSOR, "{cursor}")
#define DRAWN_CHANGE_ID(id, name) id,
enum drawn_change { DRAWN_CHANGES_TABLE(DRAWN_CHANGE_ID) DRAWN_CHANGES };
#undef DRAWN_CHANGE_ID

struct drawn {
    uint64_t requests; /* that were looked at; 0: nothing is told */
    bool changes[DRAWN_CHANGES];
    uint32_t key_count, value_count, class_count;
    struct drawn_keys keys[DRAWN_ROWS_MAX];
    struct drawn_value values[DRAWN_ROWS_MAX];
    struct drawn_class classes[DRAWN_ROWS_MAX];
};

#endif
