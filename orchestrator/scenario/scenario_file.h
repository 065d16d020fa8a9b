/* Files of scenarios, JSON or YAML: read by the tables of scenario_fields.c, with variables put in, loops unrolled, and
 * times and sizes scaled. docs/reference/scenarios.md is for their users. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_FILE_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_FILE_H

#include "orchestrator/scenario/scenario.h"
#include "orchestrator/scenario/scenario_variables.h"

struct workload_file; /* orchestrator/options/workload_file.h */

/* What a scenario stands in: the places of its phases and checks point into it. */
struct scenario_document {
    struct file file;
    struct scenario_workload *workloads; /* owned, as what is in them */
    uint32_t workload_count;
    char notice
        [256]; /* what the user should know of the file, though it is carried out; "": nothing */
    char ignored[256]; /* of a file of steps: keys that mean nothing here; "": none */
};

/* A workload file that phases name. */
struct scenario_workload {
    char *path;
    struct workload_file *file;
};

struct scenario_wish {
    struct scenario_variables variables; /* --variables */
    double scale;                        /* --scale; 0: not given, the file's counts */
};

/* E_CONFIG: "name:line:column: what is wrong"; E_USAGE: variables that are none, or not of the file, or a scale that is
 * out of range. scenario_free in any case, when nobody looks at the scenario any more. */
MUST_USE enum err_code scenario_read(struct scenario *scenario, struct scenario_document *document,
                                     const struct file_source *source,
                                     const struct scenario_wish *wish, struct err *err);
void scenario_free(struct scenario *scenario, struct scenario_document *document);

/* Prefills of a workload but for those of live keys, which a scenario loads itself: how many, and number `nth` of them. */
uint32_t scenario_workload_fills(const struct workload_plan *plan, size_t *prefill, uint32_t nth);
/* Whether its rate is what the target gives: "50%max" of later phases is of the highest of these. */
bool scenario_measures_maximum(const struct phase *phase);
/* Whether a name, as of a check, means this phase: its own, that of the file for each turn of a loop, or its loop's. */
bool scenario_phase_is(const struct phase *phase, const char *name);
/* "delete-fraction", as in a file. */
const char *scenario_type_name(enum phase_type type);
const char *scenario_how_name(size_t how); /* enum phase_how: "kill" */

extern const struct file_kind scenario_file_kind;

#endif
