/* The keys that a scenario leaves on a server that is not volley's own: removed, or told. For `volley run`, after
 * scenario_run_phases. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_CLEANUP_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_CLEANUP_H

#include "orchestrator/commands/scenario_run.h"

/* UNLINKs exactly the keys that are live, of vectors with their index, for a minute at most. After a signal the next one ends it. A warning when
 * it cannot. */
void scenario_clean_up(struct scenario_run *run);
/* How to remove all keys of runs of this name by hand: ": valkey-cli ...", with where the password goes before that. */
#define SCENARIO_REMOVER_BYTES 1600u
void scenario_key_remover(char text[SCENARIO_REMOVER_BYTES], const struct scenario_run *run);
/* How many there are, and the command that removes them, as a warning; nothing where there are none. */
void scenario_tell_leftovers(const struct scenario_run *run);

#endif
