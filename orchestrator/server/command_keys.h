/* Which arguments of a user's command are keys, and whether it only reads: the server knows. Asked once
 * before the runs of a session, when requests are routed by their key or by what they do. */
#ifndef ORCHESTRATOR_SERVER_COMMAND_KEYS_H
#define ORCHESTRATOR_SERVER_COMMAND_KEYS_H

#include <stdbool.h>

#include "common/err.h"
#include "orchestrator/server/control.h"
#include "worker/worker.h"

/* COMMAND INFO for each command of the sequence, and COMMAND GETKEYS with the request of ticket 0 where
 * keys may stand anywhere (EVAL, XREAD, ZUNIONSTORE); then workload_set_keys, with its errors. Nothing is
 * asked when the keys are known. E_USAGE: the server does not know the command, or it has the wrong
 * number of arguments; E_CONNECT: the server does not tell.
 *
 * guess: a server that refuses COMMAND INFO, in any words or by closing the connection, is no error, but
 * warned of: the first argument is taken for the key, and the command for one that writes. */
MUST_USE enum err_code command_keys_find(struct workload *workload, struct control *control,
                                         bool guess, struct err *err);

/* Whether a command of the sequence has a key, and none of its keys differs from request to request, as far as the
 * server tells; only to warn by, and asked aside: what cannot be asked has none. */
bool command_keys_fixed(const struct workload *workload, struct control *control);

#endif
