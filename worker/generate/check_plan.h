/* Which keys of workloads have values that are checked when they are read (--verify), and which requests write and
 * read them. Orchestrator, before the fork: first all workloads of a session are asked for the key spaces that they
 * write, then each one's requests are marked. What it means: docs/design/verification.md. */
#ifndef WORKER_GENERATE_CHECK_PLAN_H
#define WORKER_GENERATE_CHECK_PLAN_H

#include "common/err.h"
#include "common/version_table.h"
#include "worker/generate/workload.h"

/* Keys that {new} adds have so many entries. */
#define CHECK_GROWTH_KEYS (1ull << 24)

struct check_spaces {
    struct version_space spaces[VERSION_SPACES_MAX];
    uint32_t count;
};

/* Adds the key spaces that a workload writes in a way that can be checked; equal ones are one. Of a workload that is
 * not of a file there are none. E_USAGE: there are too many, or two of them may have equal keys. */
MUST_USE enum err_code check_plan_find(struct check_spaces *spaces, const struct workload *workload,
                                       struct err *err);
/* Marks requests; sets VERSION_MAY_GO of spaces whose keys they let go. *reads, *writes: keys that a request of some class
 * has. E_USAGE names the class, and what it does to keys that are checked, or the value that is too short. */
struct check_marks {
    uint32_t reads, writes;
};
MUST_USE enum err_code check_plan_mark(struct workload *workload, struct check_spaces *spaces,
                                       struct check_marks *marks, struct err *err);

/* What check_generator makes its requests of. */
struct check_source {
    const struct workload *workload;
    const struct version_table *versions; /* made of the spaces */
};

#endif
