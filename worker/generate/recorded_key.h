/* The first key of a recorded request, by which a cluster's node is chosen. Pure; private to worker/.
 *
 * By the command's name, so that nothing is asked of a server and another one serves as well. Of a command that is not known
 * the first argument is taken for the key: where it is none the node that gets the request serves it, or says which one does. */
#ifndef WORKER_GENERATE_RECORDED_KEY_H
#define WORKER_GENERATE_RECORDED_KEY_H

#include "common/recording.h"

/* NULL: it has none. Points into the entry. */
const struct recording_argument *recorded_key(const struct recording_entry *entry);

#endif
