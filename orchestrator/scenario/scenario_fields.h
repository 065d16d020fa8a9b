/* The keys of a scenario file as tables, and what is read by them, before it is known what they mean together. For
 * scenario_file.c. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_FIELDS_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_FIELDS_H

#include "orchestrator/options/buffer_file.h"
#include "orchestrator/scenario/scenario.h"

/* "10k", or "80%max": of the highest rate that a phase before came to as fast as replies came. */
struct scenario_rate {
    uint64_t micro;
    double share; /* 0: it is micro */
};

struct scenario_ramp {
    struct file_place place;
    struct scenario_rate from, to;
    uint64_t step_micro, interval_ns;
    double factor;
    unsigned mode; /* 0: linear, 1: exponential */
};

struct scenario_share {
    struct file_place place;
    double percent;
};

struct scenario_stable {
    struct file_place place;
    struct phase_stable stable;
};

struct scenario_check_entry {
    struct scenario_check check; /* begins with the place */
    double divisor;              /* of its metric */
    const char *value;
};

struct scenario_skew_entry {
    struct file_place place;
    double share; /* 0: there is none */
    uint64_t tags;
};
extern const struct file_object scenario_skew_object; /* scenario_server_fields.c */

/* A phase, or a loop of them. */
struct scenario_entry {
    struct phase phase; /* begins with the place */
    struct scenario_rate qps;
    struct chaos_wishes actions;
    const char *workload; /* NULL: none */
    struct written_buffer buffer;
    uint64_t target_bytes; /* target_memory */
    uint64_t timeout_ns;   /* INDEX_CREATE, WAIT_INDEX: another word for its duration */
    struct scenario_ramp ramp;
    struct scenario_share *mix;
    size_t mix_count;
    struct scenario_stable stable;
    struct scenario_skew_entry skew;
    unsigned on_error, scope, verify; /* by the index of the word */
    uint64_t iterations;
    struct scenario_entry *phases; /* of a loop, and those that are sent side by side */
    size_t phase_count;
    struct scenario_check_entry *stops; /* of a loop: it ends when one of them holds */
    size_t stop_count;
    struct scenario_entry *branches[2]; /* of a condition: not so, so */
    size_t branch_counts[2];
    struct scenario_check_entry test; /* of a condition */
    double clients_growth;            /* by turn of the loop; 0: they stay */
};

struct scenario_observed {
    char metric[48];
    double divisor;
};

struct scenario_server_entry {
    struct file_place place;
    uint64_t primaries, replicas;
    uint64_t maxmemory_bytes;
    double maxmemory_part; /* of the memory target; 0: maxmemory_bytes says */
    unsigned policy;       /* scenario_policy_at */
};
extern const struct file_object scenario_server_object; /* scenario_server_fields.c */
/* Into scenario->servers, whose memory target and scale are known. E_CONFIG: what contradicts itself. */
MUST_USE enum err_code scenario_servers_take(struct scenario *scenario, const struct file *file,
                                             const struct scenario_server_entry *entry,
                                             struct err *err);
/* Refuses a metric of nodes where the scenario needs no cluster: nobody would sample it. */
MUST_USE enum err_code scenario_servers_check(const struct scenario *scenario,
                                              const struct file *file,
                                              const struct file_place *place, const char *key,
                                              const char *metric, struct err *err);
/* Whether these servers allow what the phase does to nodes, or wants of them, and what its keys about them say together.
 * E_CONFIG. */
MUST_USE enum err_code scenario_act_check(const struct scenario *scenario, const struct file *file,
                                          struct phase *phase, struct err *err);

struct scenario_fields {
    struct file_place place;
    char name[SCENARIO_NAME_BYTES];
    const char *description;
    uint64_t duration_ns, memory_target_bytes, sample_interval_ns;
    double scale; /* 0: not given */
    struct scenario_server_entry server;
    struct scenario_entry *phases;
    size_t phase_count;
    struct scenario_check_entry *checks;
    size_t check_count;
    struct scenario_observed *observed;
    size_t observed_count;
};

#define SCENARIO_SCALE_LEAST 0.0001
#define SCENARIO_SCALE_MOST 10.0
#define SCENARIO_PHASE_HOURS_MAX                                                                   \
    1000u /* 512 of them, times the largest scale, are fewer than 2^64 ns */

/* A loop is a variant beside the types of phases. */
enum { SCENARIO_LOOP = PHASE_TYPES, SCENARIO_MIXED, SCENARIO_VARIANTS };

#endif
