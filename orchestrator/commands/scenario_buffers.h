/* Phases of a scenario whose load is that of a client that buffers: what they ask of the options and of the server, and what
 * their steps are made with. For the other files of scenario_run.h, and `volley run`. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_BUFFERS_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_BUFFERS_H

#include "orchestrator/commands/scenario_run.h"

/* Before anything connects: also tells what of a buffer is without effect. E_USAGE: options that a buffer, or its near cache,
 * does not go with. */
MUST_USE enum err_code scenario_buffers_allowed(const struct bench_request *request,
                                                const struct scenario *scenario, struct err *err);
/* Once the server has been reached. E_CONNECT: it cannot say what a near cache has to hear. */
MUST_USE enum err_code scenario_buffers_check(const struct session *session,
                                              const struct scenario *scenario, struct err *err);
/* Into the spec of the phase's step. */
void scenario_buffers_set(struct spec *spec, const struct phase *phase);

#endif
