/* Groups of scenarios in a suite's configuration: what runs one after the other on one server. A scenario writes, reads, or does
 * both at once. docs/reference/suite.md is for their users; suite_group_plan.c makes combinations of them. */
#ifndef ORCHESTRATOR_SUITE_SUITE_GROUP_H
#define ORCHESTRATOR_SUITE_SUITE_GROUP_H

#include "orchestrator/suite/suite_values.h"

enum suite_type { SUITE_WRITES, SUITE_READS, SUITE_MIXED };
enum suite_execution { SUITE_ONE_LOAD, SUITE_LOAD_PER_NODE };

/* What stands behind the command, place.node->key, and in test_id: "NOCONTENT": "_nocontent". */
struct suite_variant {
    struct file_place place;
    const char *label;
};

/* A scenario, or one of the writes and reads of one that is mixed, which has fewer keys. */
struct suite_scenario {
    struct file_place place;
    const char *id, *description, *test, *command, *dataset, *populate_with; /* NULL: none */
    unsigned type, execution;
    uint64_t clients, pipeline, data_bytes, keyspace, requests, duration_seconds, maxdocs,
        populate_clients; /* 0: not given */
    uint64_t warmup_seconds, warmup_inline_seconds;
    bool flush_before, restart_before, sequential;
    struct suite_words setup_commands, benchmark_args, populate_benchmark_args;
    struct suite_variant *variants;
    size_t variant_count;
    struct suite_scenario *writes, *reads; /* of one that is mixed */
    size_t write_count, read_count;
    /* Settled. */
    uint64_t dataset_rows; /* up to maxdocs; 0: nobody has looked */
};

struct suite_group {
    struct file_place place;
    const char *name, *description;
    struct suite_scenario *scenarios;
    size_t scenario_count;
};
struct suite_groups {
    struct suite_group *items;
    size_t count;
};

#define SUITE_GROUPS_MAX 1000u
#define SUITE_SCENARIOS_MAX 1000u
#define SUITE_PARTS_MAX 16u /* of a mixed scenario */

/* Whether each scenario says one thing, and says it once. E_CONFIG with its place. */
MUST_USE enum err_code suite_groups_check(const struct file *file,
                                          const struct suite_groups *groups, struct err *err);
/* Counts the rows of the datasets, and reads them for it. E_CONFIG: one is not there, or no table. */
MUST_USE enum err_code suite_groups_find_datasets(const struct file *file,
                                                  struct suite_groups *groups, struct err *err);
/* Leaves those that are named, separated by commas; NULL: all. */
void suite_groups_choose(struct suite_groups *groups, const char *group_names,
                         const char *scenario_names);
/* Forgets what a server would be told that volley does not start. True: there was something. */
bool suite_groups_leave_server(struct suite_groups *groups);
/* Whether `names`, separated by commas, has this one; NULL: it has all. */
bool suite_names_have(const char *names, const char *name);

/* Rows of the table of keys: the field "test_groups" of a struct that has the groups there. */
extern const struct file_field suite_group_element;

#endif
