/* An action as a sentence, "at 10s: kill node 2", rewritten as the map that it stands for. The words are those
 * of the table of actions: their names, where case does not matter and a blank counts as a hyphen, and their
 * keys; a value without a key is of the action's first one. */
#ifndef ORCHESTRATOR_OPTIONS_CHAOS_SENTENCE_H
#define ORCHESTRATOR_OPTIONS_CHAOS_SENTENCE_H

#include "orchestrator/options/file_reader.h"

/* For file_object.rewrite. A sentence is a text, or, in YAML without quotes, a map of one entry. */
enum err_code chaos_sentence_rewrite(const struct file_object *actions, struct config_node *node,
                                     struct err *reason);

#endif
