/* ${NAME} and ${NAME:-default} in the values of a file that was parsed: what is put in is text of that value, and can
 * become neither a key nor a list. From the command line, or else from the environment. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_VARIABLES_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_VARIABLES_H

#include <stddef.h>

#include "orchestrator/options/file_reader.h"

/* Known while loops are unrolled: stays as it is in the values of `name` and `tag`, and stands nowhere else. */
#define SCENARIO_LOOP_INDEX "${loop_index}"

#define SCENARIO_VARIABLES_MAX 256u
#define SCENARIO_VALUE_BYTES_MAX 4096u /* of a value with its variables put in */

struct scenario_variables {
    const char *const *items; /* "NAME=VALUE" */
    size_t count;
};

/* E_CONFIG, with the place: a variable that is not set, or is written wrongly, or makes a value too long. E_USAGE: an
 * item is no NAME=VALUE, comes twice, or is none of the file's. */
MUST_USE enum err_code scenario_variables_put(struct file *file,
                                              const struct scenario_variables *variables,
                                              struct err *err);

#endif
