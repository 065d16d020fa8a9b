/* What a recording means for a run: how many connections, how long, how fast. */
#ifndef ORCHESTRATOR_COMMANDS_REPLAYING_H
#define ORCHESTRATOR_COMMANDS_REPLAYING_H

#include <jansson.h>

#include "common/err.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/server/control.h"

/* Before anything is planned: makes a recording without a name of what is none, which bench_options_free closes, reads it
 * once, completes the spec, and says what is left out. Nothing without --replay. E_USAGE: there is nothing to send, or no
 * times to keep; E_DATA: the file is damaged, or nothing that can be read; E_CONFIG: it cannot be opened. */
MUST_USE enum err_code replaying_prepare(struct bench_request *request, struct err *err);
/* Whether the server has the databases that were recorded. E_CONNECT: with its own words. */
MUST_USE enum err_code replaying_check(const struct bench_request *request, struct control *control,
                                       struct err *err);
/* For the environment of a session: what is sent, and what is not. NULL: without --replay. */
json_t *replaying_describe(const struct bench_request *request);

#endif
