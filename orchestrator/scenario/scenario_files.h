/* The files that a scenario leaves in its run's directory, beside those of every run: <name>_metrics.csv, a row a sample;
 * <name>_nodes.csv, a row a sample and node of a cluster; <name>_phases.json, what each phase came to; summary.csv, a line a phase; checks.json; environment.json. docs/reference/scenarios.md
 * explains them. Called once, when the scenario has ended, however it did. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_FILES_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_FILES_H

#include <jansson.h>

#include "orchestrator/scenario/analysis.h"
#include "orchestrator/scenario/judge.h"
#include "orchestrator/scenario/node_series.h"
#include "orchestrator/vector/vector_driver.h"

struct scenario_facts {
    const char *run;                     /* the name of its directory */
    const char *continues;               /* the run that it goes on with; "": none */
    const char *allocator;               /* of the server; "": not known */
    const json_t *environment;           /* as run.json has it; NULL: not known */
    const struct vector_driver *vectors; /* NULL: the scenario has none */
    uint64_t started_wall_ns;
    bool interrupted;
    const struct scenario_events *events;
    uint64_t samples, samples_missed;
    double sampling_seconds;         /* that servers took to answer them */
    const struct node_series *nodes; /* of a cluster; NULL, or empty: there are none */
};

/* E_USAGE, E_SYSTEM: a file cannot be made or written whole; what was written before stays. */
MUST_USE enum err_code scenario_files_write(const char *directory,
                                            const struct scenario_facts *facts,
                                            const struct observation *observation,
                                            const struct analysis *analysis,
                                            const struct check_outcome *outcomes, struct err *err);

#endif
