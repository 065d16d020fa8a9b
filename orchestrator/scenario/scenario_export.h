/* The runs of scenarios that stand in a directory, and their samples, taken out of a run's own files for other programs.
 * Called by `volley visualize`. What is read was written by volley, and is trusted for nothing: lines and cells are
 * bounded. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_EXPORT_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/scenario/scenario.h"

#define SCENARIO_RUNS_MAX 10000u
#define SCENARIO_RUN_NAME_BYTES 128u
#define SCENARIO_PATH_BYTES 4096u

struct scenario_run_entry {
    char name[SCENARIO_RUN_NAME_BYTES]; /* of its directory: "grow_shrink_mini_2026112804_2" */
    char scenario[SCENARIO_NAME_BYTES]; /* whose samples stand in it */
    uint64_t order;                     /* of the hour it was begun in, and which one of it */
    double began_seconds;               /* Unix time; 0: not known */
    char result[8];                     /* "PASS", of its checks; "": not known */
};

struct scenario_runs {
    struct scenario_run_entry *items; /* the oldest first */
    size_t count;
};

/* E_DATA: the directory cannot be read, or holds too many. scenario_runs_free in any case. */
MUST_USE enum err_code scenario_runs_read(struct scenario_runs *runs, const char *directory,
                                          struct err *err);
void scenario_runs_free(struct scenario_runs *runs);

/* The scenario whose samples, or phases, stand in a directory. False: it is no run of one. */
bool scenario_directory_of(char scenario[SCENARIO_NAME_BYTES], const char *path);

/* The directory of a run, and its scenario: name is a path, the name of a run in base, or a scenario's, whose newest run
 * is meant. E_DATA: there is none. */
MUST_USE enum err_code scenario_run_find(char path[SCENARIO_PATH_BYTES],
                                         char scenario[SCENARIO_NAME_BYTES], const char *base,
                                         const char *name, struct err *err);

/* Writes metrics.csv, memory.csv, performance.csv and summary.csv, or export.json with all of them, the phases and the
 * checks, into a directory, which is made. What is there is replaced. E_DATA: the run's files are not whole. */
MUST_USE enum err_code scenario_export_csv(const char *run_path, const char *scenario,
                                           const char *directory, struct err *err);
MUST_USE enum err_code scenario_export_json(const char *run_path, const char *scenario,
                                            const char *directory, struct err *err);

#endif
