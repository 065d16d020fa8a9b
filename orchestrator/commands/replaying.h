/* What a recording means for a run: how many connections, how long, how fast. */
#ifndef ORCHESTRATOR_COMMANDS_REPLAYING_H
#define ORCHESTRATOR_COMMANDS_REPLAYING_H

#include "common/err.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/server/control.h"

/* Before anything is planned: reads the file of --replay once, completes the spec, and says what is left out. Nothing
 * without that option. E_USAGE: there is nothing to send, or no times to keep; E_DATA: the file is damaged. */
MUST_USE enum err_code replaying_prepare(struct bench_request *request, struct err *err);
/* Whether the server has the databases that were recorded. E_CONNECT: with its own words. */
MUST_USE enum err_code replaying_check(const struct bench_request *request, struct control *control,
                                       struct err *err);

#endif
