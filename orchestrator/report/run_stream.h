/* Workloads side by side: what is known of each of them, and what it came to. Values; a run of one workload has
 * none. Their classes stand behind each other in the rows of the run, and are called "NAME:CLASS", or by the
 * workload's name alone where it has one. */
#ifndef ORCHESTRATOR_REPORT_RUN_STREAM_H
#define ORCHESTRATOR_REPORT_RUN_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/lane.h"

#define RUN_STREAMS_MAX 16u

/* Known before it runs. */
struct run_stream {
    char name[CLASS_NAME_BYTES];
    char user[64];      /* that it connects as; "": the default user      */
    char rate_text[96]; /* "10,000/s, even"; "": a closed loop             */
    uint64_t clients, pipeline, database;
    uint64_t requests; /* 0: time decides */
    uint32_t first_class, class_count;
    uint32_t weighted_count;         /* the first of them; those behind follow a miss */
    uint32_t first_part, part_count; /* while it runs only */
};

/* Of its measured part; backlog is that of its end. */
struct stream_result {
    bool known; /* not of a run whose orchestrator was killed */
    uint64_t due, sent, shed, backlog, ok;
    double target_rate; /* of an open loop: as run_result.target_rate */
};

struct run_facts;
struct run_result;
struct output;

/* For journals. */
json_t *run_streams_to_json(const struct run_facts *run);
json_t *stream_results_to_json(const struct run_result *result);
/* NULL: there are none. False: members that there cannot be. The class names of the run are known. */
bool run_streams_from_json(struct run_facts *run, const json_t *json);
bool stream_results_from_json(struct run_result *result, const json_t *json);

/* Those of run.json. */
json_t *json_section_streams(const struct run_result *result);

#endif
