/* What is known of commands by their names. Pure; private to worker/. */
#ifndef WORKER_GENERATE_COMMAND_RULES_H
#define WORKER_GENERATE_COMMAND_RULES_H

#include <stddef.h>

#include "common/err.h"
#include "worker/generate/workload.h"

/* What the command's reply says about hits. Case does not matter. */
enum read_kind command_read_kind(const char *name);

/* E_USAGE: it does not give one reply per request, or may wait for ever. argc 0 is accepted. */
MUST_USE enum err_code command_refuse_unsuitable(const char *const *argv, size_t argc,
                                                 struct err *err);

#endif
