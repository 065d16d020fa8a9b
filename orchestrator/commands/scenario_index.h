/* Phases of a scenario about vectors and their index, by what the server has for them (orchestrator/vector/). For the
 * other files of scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_INDEX_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_INDEX_H

#include "orchestrator/commands/scenario_run.h"

struct scenario_index; /* which driver, which vectors; owned by the run */

/* E_USAGE: vectors on a cluster. Connects to nothing. */
MUST_USE enum err_code scenario_index_settle(const struct scenario *scenario,
                                             const struct endpoint *endpoint, struct err *err);
/* Finds out what the server has, where the scenario has vectors, and says so. E_USAGE: it cannot do what a phase asks for;
 * E_CONNECT. After session_reach. */
MUST_USE enum err_code scenario_index_open(struct scenario_run *run, struct err *err);
void scenario_index_free(struct scenario_index *index); /* NULL is fine */
/* The row of the server; NULL: the scenario has no vectors. */
const struct vector_driver *scenario_index_driver(const struct scenario_run *run);

/* What requests of a phase are made of, which is about vectors; valid until the next call. E_USAGE: keys have been loaded
 * and copied too often. */
MUST_USE enum err_code scenario_index_vectors(const struct live_vectors **vectors,
                                              struct scenario_run *run, const struct phase *phase,
                                              struct err *err);
/* Keys of copies of a level: from `from` to before `end`; a range without live keys, where there are none. */
void scenario_index_copies(uint64_t *from, uint64_t *end, const struct scenario_run *run,
                           uint32_t level);
/* Phases. Errors as scenario_send, and E_CONNECT with the server's words. */
MUST_USE enum err_code scenario_index_load(struct scenario_run *run, const struct phase *phase,
                                           struct err *err);
MUST_USE enum err_code scenario_index_create(struct scenario_run *run, const struct phase *phase,
                                             struct err *err);
/* Of an index-create beside other phases, before they are sent together: what the server has to be told. place: of the phase. */
MUST_USE enum err_code scenario_index_begin(struct scenario_run *run, const struct phase *phase,
                                            uint32_t place, struct err *err);
/* Behind that: whether it was built, which is in its account. */
void scenario_index_end(struct scenario_run *run, uint32_t place);
/* The server adds what is there by itself: an index-create sends nothing. */
bool scenario_index_builds_itself(const struct scenario_run *run);
MUST_USE enum err_code scenario_index_drop(struct scenario_run *run, const struct phase *phase,
                                           struct err *err);
MUST_USE enum err_code scenario_index_wait(struct scenario_run *run, const struct phase *phase,
                                           struct err *err);
/* Queries, and with verify: recall then some of them against exact neighbours, while samples go on. */
MUST_USE enum err_code scenario_index_query(struct scenario_run *run, const struct phase *phase,
                                            struct err *err);
/* scope: own, of vectors with their index. */
MUST_USE enum err_code scenario_index_flush(struct scenario_run *run, const struct phase *phase,
                                            struct err *err);
/* It was created, and neither dropped nor flushed since. */
bool scenario_index_exists(const struct scenario_run *run);
/* Everything was emptied, the index, too. */
void scenario_index_forget(struct scenario_run *run);
/* What removes an index that is still there and does not go with its keys: a command to a server; "": there is none. */
void scenario_index_remover(char *text, size_t text_bytes, const struct scenario_run *run);
/* How large the index is at the end of the phase, into its account. */
void scenario_index_look(struct scenario_run *run);

#endif
