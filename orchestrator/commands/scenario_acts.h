/* Phases of a scenario that send nothing by a fleet: they wait, or tell servers something. For the other files of
 * scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_ACTS_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_ACTS_H

#include "orchestrator/commands/scenario_run.h"

/* run->deadline ends the phase after so long; 0: it does not. */
void scenario_on_deadline(evutil_socket_t fd, short what, void *run);
void scenario_set_deadline(struct scenario_run *run, uint64_t length_ns);
/* Until the end of the phase, or an interrupt, which a signal wakes the loop for. */
void scenario_wait_for_end(struct scenario_run *run);
void scenario_idle(struct scenario_run *run, const struct phase *phase);
/* A command to each primary. E_CONNECT: one of them refuses it, or cannot be reached; the others are told all the same. */
MUST_USE enum err_code scenario_tell_servers(const struct session *session, int argc,
                                             const char *const *argv, struct err *err);
/* What a server does not know is told, and no failure. */
void scenario_purge(struct scenario_run *run, const struct phase *phase);
/* No key is live any more: what was known of them is forgotten, and their numbers begin anew. E_SYSTEM: no memory. */
MUST_USE enum err_code scenario_begin_new_map(struct scenario_run *run, struct err *err);
/* Empties the database, or all of them, and begins a new map. Errors as keyspace_flush. */
MUST_USE enum err_code scenario_flush_all(struct scenario_run *run, const struct phase *phase,
                                          struct err *err);
/* EXPIRE was sent: until the server has let so many go. */
void scenario_await_expired(struct scenario_run *run, const struct phase *phase,
                            double expired_before);

#endif
