/* The actions of a phase, as far as the file alone can be wrong. Private to scenario_file.c. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_WISHES_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_WISHES_H

#include "common/err.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/scenario/scenario.h"

/* Before the phase is scaled. E_CONFIG: after the end of the phase; what no scenario does; where the file says which
 * servers there are, a node that is not among them, or what they cannot do. */
MUST_USE enum err_code scenario_wishes_check(const struct scenario *scenario,
                                             const struct file *file, const struct phase *phase,
                                             struct err *err);

#endif
