/* The other format of scenarios: `steps` on sets of vectors, with workloads, waits and checkpoints. Made into the tree of
 * a file of `phases`, which the tables of scenario_fields.c then read; each value keeps its line and column, so that what
 * they refuse is found in the user's file. docs/reference/scenario-steps.md is for its users. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_STEPS_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_STEPS_H

#include "orchestrator/options/file_reader.h"

/* Of a file that was parsed and has its variables. Without `steps` it stays as it is. ignored: the keys that mean nothing
 * here, with what takes their place; "": none. E_CONFIG, with the place: what cannot be translated. */
MUST_USE enum err_code scenario_steps_translate(struct file *file, char *ignored,
                                                size_t ignored_bytes, struct err *err);

#endif
