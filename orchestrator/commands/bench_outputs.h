/* Which outputs a bench session has, from what was asked for. */
#ifndef ORCHESTRATOR_COMMANDS_BENCH_OUTPUTS_H
#define ORCHESTRATOR_COMMANDS_BENCH_OUTPUTS_H

#include "orchestrator/options/bench_options.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* What stands in a run's directory beside its journal, and can be made from that. */
#define BENCH_FILES 4u
struct bench_file {
    const char *name;
    enum err_code (*make)(struct sink *sink, const char *path, enum output_naming naming,
                          struct err *err);
};
extern const struct bench_file bench_files[BENCH_FILES];
/* The path of one of them, or another. E_USAGE: it is longer than that. */
#define BENCH_PATH_BYTES 4096
MUST_USE enum err_code bench_outputs_path(char path[BENCH_PATH_BYTES], const char *directory,
                                          const char *name, struct err *err);
/* Adds the sinks to the timeline; every file is created now, so that what cannot be written is
 * refused before the load starts. */
MUST_USE enum err_code bench_outputs_add(struct timeline *timeline,
                                         const struct bench_request *request, struct err *err);
/* Whether results go to standard output and nowhere else. */
bool bench_outputs_only_stdout(const struct spec *spec);
/* Those of --out alone: journal, run.json, intervals.csv, classes.csv, latency.hlog and volley.log. */
MUST_USE enum err_code bench_outputs_add_directory(struct timeline *timeline,
                                                   const struct spec *spec, struct err *err);

#endif
