/* How volley was called: `environment.invocation` of volley.run/1, which the text report tells, too.
 *
 *   command_line      every word as typed, "volley" first; passwords are "***"
 *   options_in_force  {"idle": 3, "resp3": true}: options_in_force() */
#ifndef ORCHESTRATOR_COMMANDS_INVOCATION_H
#define ORCHESTRATOR_COMMANDS_INVOCATION_H

#include "orchestrator/options/options.h"

/* argv as the command named `command` got it, behind credentials_hide_arguments; what repeats the password
 * (NULL: none) is masked. NULL: out of memory. */
json_t *invocation_describe(const char *command, int argc, const char *const *argv,
                            const struct option_values *values, const char *password);

#endif
