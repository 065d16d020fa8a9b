/* What a scenario file says of vectors: what goes with what, from phase to phase. For scenario_fields.c and
 * scenario_file.c. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_VECTORS_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_VECTORS_H

#include "orchestrator/scenario/scenario_fields.h"

/* "prefix:expand_1_": the copies of a level. 0: it is no prefix of copies. */
uint64_t scenario_copy_level(const char *text);

/* What is known of vectors on the way from phase to phase; zeroed to begin with. */
struct vectors_so_far {
    uint64_t dimensions; /* 0: nothing has said */
    unsigned levels;     /* bits: copies that were loaded */
    bool loaded, has_index, had_index;
    struct vector_index index; /* the last one */
};
/* Of a phase whose datatype is known: what it lacks is filled in. E_CONFIG. */
MUST_USE enum err_code scenario_vectors_settle(struct vectors_so_far *so_far,
                                               const struct file *file, struct phase *phase,
                                               struct err *err);

#endif
