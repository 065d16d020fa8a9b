/* What is known of a scenario on the way from phase to phase, while its file is made into one. Private to scenario_file.c,
 * scenario_branches.c. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_READING_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_READING_H

#include "orchestrator/scenario/scenario_fields.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_vectors.h"

struct reading {
    struct scenario *scenario;
    const struct file *file;
    const struct scenario_fields *fields;
    uint64_t unscaled_ns;
    bool has_names;          /* keys loaded before have more in their names than a number */
    bool has_keys;           /* something was loaded before */
    enum live_type datatype; /* of it */
    struct size_wish sizes;
    bool paced;       /* the phases side by side need time of the servers */
    bool has_rate;    /* a phase before had one */
    bool has_maximum; /* scenario_measures_maximum of one before */
    struct scenario_document *document;
    struct vectors_so_far vectors;
    struct err *err;
};

#define REFUSE(reading, phase_, key, ...)                                                          \
    file_refuse((reading)->file, &(phase_)->place, key, (reading)->err, __VA_ARGS__)

/* Where in the file a phase stands. */
struct scenario_turn {
    const char *loop; /* NULL: in none */
    uint32_t index;
    uint32_t condition_place; /* as in struct phase, all three */
    bool if_true;
    uint32_t parallel_place;
    uint64_t parallel_ns; /* its duration, as written */
};

/* Checks one and puts it behind those that are there. E_CONFIG; E_SYSTEM. */
MUST_USE enum err_code scenario_add_phase(struct reading *reading,
                                          const struct scenario_entry *entry,
                                          const struct scenario_turn *turn);
/* Of phases that are there by now. E_CONFIG: at keys of the place. */
MUST_USE enum err_code scenario_settle_check(struct reading *reading, struct scenario_check *check,
                                             const struct scenario_check_entry *entry,
                                             const struct file_place *place);
/* Writes text with what ${loop_index} stands for; whether it has any. It fits where what it was read from did. */
bool scenario_put_index(char *text, size_t text_bytes, const char *from, uint32_t index);
bool scenario_has_share(const struct phase *phase, enum phase_operation operation);
bool scenario_loads_keys(const struct phase *phase); /* by itself, or in its mix */
/* key_prefix, keyspace and the prefix of a strategy; scenario_key_names.c. Once all else of the phase is settled. */
MUST_USE enum err_code scenario_settle_key_names(struct reading *reading, struct phase *phase,
                                                 const struct scenario_turn *turn);
/* What a phase's `workload` names, read once; scenario_workloads.c. */
MUST_USE enum err_code scenario_settle_workload(struct reading *reading, struct phase *phase,
                                                const struct scenario_entry *entry);
/* What a phase's `buffer` says, and whether the rest of the phase goes with it; scenario_buffers.c. Behind its workload. */
MUST_USE enum err_code scenario_settle_buffer(struct reading *reading, struct phase *phase,
                                              const struct scenario_entry *entry);
bool scenario_workload_uses_live_keys(const struct workload_plan *plan);
void scenario_workloads_free(struct scenario_document *document);
/* All of the file, with loops unrolled. */
MUST_USE enum err_code scenario_add_phases(struct reading *reading);

#endif
