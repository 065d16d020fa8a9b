/* Figures of phases that are no samples: what follows from the accounts of phases, from samples at their edges, or from
 * the whole run. Each is a row of a table, under the name that checks use, and is a function of some phases: of one, or
 * of several together, such as all turns of a loop. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_DERIVED_H
#define ORCHESTRATOR_SCENARIO_DERIVED_H

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/scenario/observation.h"

struct derived_metric {
    const char *name;
    bool whole; /* of the run: it does not matter which phases are asked for */
    /* NAN: not known of these phases, of which only those that ran are to be there. */
    double (*of)(const struct observation *observation, const struct phase_set *set);
    const char *unknown; /* why it is not known where it is not: a sentence without its full stop */
};

const struct derived_metric *derived_metric_at(size_t index);       /* NULL: behind the last */
const struct derived_metric *derived_metric_find(const char *name); /* NULL: nothing is called so */

/* What used_memory_rss fell by over what used_memory fell by, from before to after: 1 when the server has given all back.
 * Only phases in which used_memory fell by more than 1 % and 1 MB. */
double derived_cleanup_efficiency(const struct observation *observation,
                                  const struct phase_set *set);
/* Bytes of values that were written over what used_memory grew by. Only phases in which it grew by more than 1 MB. More
 * than was added cannot be stored: then values were overwritten, and it is not known. */
double derived_alloc_efficiency(const struct observation *observation, const struct phase_set *set);
/* Seconds with fewer than a tenth of the requests that are usual in their phase (the median of its samples). */
double derived_stall_seconds(const struct observation *observation, const struct phase_set *set);

#endif
