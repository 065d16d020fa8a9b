/* Figures of phases about vectors, for the table of derived.c. NAN: not known of these phases. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_DERIVED_VECTORS_H
#define ORCHESTRATOR_SCENARIO_DERIVED_VECTORS_H

#include "orchestrator/scenario/observation.h"

/* The part of the exact neighbours that was found, over all queries of these phases. */
double derived_recall(const struct observation *observation, const struct phase_set *set);
/* What used_memory grew by over the vectors that were added. Only phases in which it grew by more than 1 MB. */
double derived_bytes_per_vector(const struct observation *observation, const struct phase_set *set);
/* The same over the bytes of its values alone: 4 a dimension. */
double derived_overhead_ratio(const struct observation *observation, const struct phase_set *set);
/* At the end of the last of the phases in which it is known. */
double derived_index_bytes(const struct observation *observation, const struct phase_set *set);
double derived_num_docs(const struct observation *observation, const struct phase_set *set);
/* num_docs over the vectors that were live then. */
double derived_docs_indexed(const struct observation *observation, const struct phase_set *set);
/* The longest time in which an index was built of vectors that were there; and vectors a second of all of them. */
double derived_rebuild_seconds(const struct observation *observation, const struct phase_set *set);
double derived_docs_per_second(const struct observation *observation, const struct phase_set *set);
/* The most of used_memory in these phases, and what it is at their end, over what it was before the last index-drop that is
 * among them or stands before. */
double derived_spike_ratio(const struct observation *observation, const struct phase_set *set);
double derived_residual_ratio(const struct observation *observation, const struct phase_set *set);

#endif
