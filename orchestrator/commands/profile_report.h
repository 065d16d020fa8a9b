/* What `volley profile` tells: of each server that was watched, and of a cluster of all of them together. */
#ifndef ORCHESTRATOR_COMMANDS_PROFILE_REPORT_H
#define ORCHESTRATOR_COMMANDS_PROFILE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "orchestrator/server/operation_profile.h"

#define PROFILE_SCHEMA "volley.profile/1"

struct profile_part {
    char name[160];
    struct operations operations; /* between the first look and the last */
    struct profile_sample *samples;
    size_t sample_count; /* 2 at least, the same of all nodes */
};

struct profile_report {
    struct profile_part *nodes; /* one at least */
    size_t node_count;
    bool is_cluster;
    struct profile_part total; /* of a cluster: calls and memory alone */
};

/* Once all nodes are there. E_SYSTEM: no memory. */
MUST_USE enum err_code profile_report_add_up(struct profile_report *report, struct err *err);
void profile_report_free(
    struct profile_report *report); /* of nodes, too; safe on a zeroed struct */

void profile_report_print(const struct profile_report *report, FILE *out);
/* A new reference; NULL: no memory. */
json_t *profile_report_json(const struct profile_report *report);

#endif
