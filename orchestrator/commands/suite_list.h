/* `volley suite --list-plan`: what would be measured, and how long that takes, without asking anybody. */
#ifndef ORCHESTRATOR_COMMANDS_SUITE_LIST_H
#define ORCHESTRATOR_COMMANDS_SUITE_LIST_H

#include "orchestrator/commands/suite_options.h"
#include "orchestrator/suite/suite_stage.h"

/* A line for each combination with its command, and a sum, on standard output. With --resume those alone of which a run has no
 * record yet, by what stands in the results, where commits are looked for by their names; nothing is changed there. E_SYSTEM,
 * E_USAGE: results cannot be read. */
MUST_USE enum err_code suite_list_print(const struct suite_request *request,
                                        const struct suite_plan *plan,
                                        const struct suite_tool *tool, struct err *err);

#endif
