/* What surrounds the writing of keys before a test: whether they fit, and whether they are there afterwards. Called by
 * the session, before and after each prefill. */
#ifndef ORCHESTRATOR_COMMANDS_FILLING_H
#define ORCHESTRATOR_COMMANDS_FILLING_H

#include "common/err.h"
#include "orchestrator/commands/session.h"

/* Looks at the target. E_DATA: what is to be written cannot fit into its maxmemory, or into the memory of this host where
 * it runs here; what may not fit is warned of. A target that does not tell is left to the run. */
MUST_USE enum err_code filling_begin(struct session *session, const struct bench_step *step,
                                     struct err *err);

/* Counts the keys once session->result tells of the step. E_DATA: some are missing, and the server has not evicted any, of
 * which a warning tells. As the run, when that failed. One that was ended early is not looked at. A target that does not
 * tell its keys is warned of; E_CONNECT where nothing else was wanted (--prefill-only). */
MUST_USE enum err_code filling_end(struct session *session, const struct bench_step *step,
                                   struct err *err);

/* Empties the database where that was asked for (--flush-before). Errors as keyspace_flush. */
MUST_USE enum err_code filling_flush(struct session *session, struct err *err);

#endif
