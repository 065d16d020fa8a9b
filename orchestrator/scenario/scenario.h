/* A scenario as its file says it, read and checked, with variables put in and times and sizes scaled. Constant from then
 * on. Read by scenario_file.h; carried out by orchestrator/commands. Times in nanoseconds, sizes in bytes. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/distribution.h"
#include "common/spec.h"
#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/vector/vector_index.h"
#include "worker/worker.h"

#define SCENARIO_NAME_BYTES 64u
#define SCENARIO_PHASES_MAX 512u /* with loops unrolled */
#define SCENARIO_CHECKS_MAX 128u
#define SCENARIO_LIVE_KEYS "live" /* the key space of a workload that stands for the live keys */
#define SCENARIO_SKEWS_MAX 16u    /* phases with a skew */
#define SCENARIO_PREFIXES_MAX 64u /* phases with a key_prefix */
#define SCENARIO_CHILDREN_MAX 8u  /* of a parallel phase */

enum phase_type {
    PHASE_LOAD,
    PHASE_RAMP,
    PHASE_HOLD, /* also written mixed */
    PHASE_BURST,
    PHASE_QUERY,
    PHASE_DELETE,    /* delete-fraction */
    PHASE_OVERWRITE, /* overwrite-resize */
    PHASE_EXPIRE,
    PHASE_IDLE,
    PHASE_FLUSH,
    PHASE_CHECKPOINT,
    PHASE_PURGE,
    PHASE_INDEX_CREATE,
    PHASE_INDEX_DROP,
    PHASE_WAIT_INDEX,
    PHASE_CONDITION, /* conditional: whether phases behind it are carried out */
    PHASE_PARALLEL,  /* its children, which stand behind it, are sent together */
    PHASE_FAILOVER,  /* something happens to a node */
    PHASE_REBALANCE, /* slots move from node to node */
    PHASE_TYPES
};

/* What is done to nodes of a cluster; numbered as managed_cluster.h numbers them. */
enum phase_how { HOW_FAILOVER, HOW_KILL, HOW_PAUSE, HOW_RESTART };
struct phase_act {
    unsigned how;    /* FAILOVER: enum phase_how */
    uint64_t node;   /* FAILOVER */
    uint64_t for_ns; /* KILL: it is started again then, 0: not; PAUSE */
    uint64_t slots;  /* REBALANCE; 0: as many as make the two alike */
    bool named;      /* REBALANCE: from and to are; else from the fullest to the emptiest */
    uint64_t from, to;
};

enum check_severity { SEVERITY_FAIL, SEVERITY_WARN };
enum check_aggregate {
    AGGREGATE_LAST,
    AGGREGATE_FIRST,
    AGGREGATE_MEAN,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_P95,
    AGGREGATE_STDEV,
    AGGREGATE_DELTA, /* last - first */
    AGGREGATE_SLOPE, /* by minute, least squares */
    AGGREGATE_CV,    /* stdev / mean */
    AGGREGATES
};
enum check_operator { CHECK_LE, CHECK_LT, CHECK_GE, CHECK_GT, CHECK_EQ, CHECK_NE, CHECK_OPERATORS };

struct scenario_check {
    struct file_place place;
    char metric[48];
    char phase
        [SCENARIO_NAME_BYTES]; /* "all", "": the whole run; a name of the file means all its turns of a loop */
    char relative_to[SCENARIO_NAME_BYTES]; /* value is a part of what it is there; "": of nothing */
    enum check_aggregate aggregate;
    enum check_operator operator;
    double value;
    enum check_severity severity;
    bool full_only; /* is skipped when scaled */
};

/* "used_memory>=80%target", "keys>=1000": a phase ends when it holds. */
struct phase_until {
    char metric[48]; /* "": none. A name of series.h */
    char text[96];   /* as it was written */
    bool at_least;   /* >= or >; else <= or < */
    bool of_target;  /* value is a part of memory_target: 0.8 */
    double value;
};

/* wait_stable: the phase ends early when the metric has stayed within the tolerance of its mean for a window. */
struct phase_stable {
    char metric[48]; /* "": none */
    uint64_t window_ns, max_ns;
    double tolerance; /* 0.01 */
};

/* One command of a mix, with its share. */
enum phase_operation { OPERATION_LOAD, OPERATION_GET, OPERATION_UPDATE, OPERATION_DEL };
struct phase_share {
    enum phase_operation operation;
    double weight;
};

struct phase {
    struct file_place place;        /* for messages */
    char name[SCENARIO_NAME_BYTES]; /* unique: the third time round a loop it is "shrink_3" */
    enum phase_type type;
    uint64_t duration_ns;               /* 0: until it is done */
    const struct chaos_wishes *actions; /* what is done to servers meanwhile; NULL: nothing */
    struct phase_until until;
    uint64_t clients, pipeline;             /* clients: in the turn of its loop */
    uint64_t reconnect_every;               /* requests of a connection; 0: it stays */
    double qps;                             /* 0: as fast as replies come */
    double qps_share;                       /* of the measured maximum, in place of qps; 0: none */
    double ramp_from, ramp_to, ramp_factor; /* RAMP: rates; factor 0: linear */
    bool ramp_shares;                       /* from and to are shares of the measured maximum */
    double ramp_step;                       /* above 0, also of one that falls */
    uint64_t ramp_interval_ns;
    double factor;         /* BURST: times the last rate; 0: as fast as replies come */
    double clients_factor; /* BURST; 0: 1 */
    enum live_type datatype;
    struct key_order_wish key_order; /* of live keys at random */
    uint64_t key_space; /* keyspace: those are of the first so many numbers; 0: of all */
    char key_prefix
        [LIVE_NAME_BYTES]; /* of keys that it loads; "": none                              */
    char pick_prefix
        [LIVE_NAME_BYTES];       /* strategy: prefix:...; "": whatever they were loaded with     */
    struct size_wish value_size; /* the file's, or else the last load's, or else 512 bytes */
    bool has_value_size;         /* the file has one for this phase */
    uint64_t keys;               /* LOAD: so many at most; 0: no limit */
    uint64_t batch;              /* keys of a request */
    uint64_t least_ttl_s, most_ttl_s;
    /* In place of a mix; of a LOAD what its file fills. Its key space "live" stands for the live keys. NULL: none. */
    const struct workload_plan *workload;
    struct buffer_options buffer; /* the file's for this phase, or else its workload's */
    struct phase_share mix[8];
    uint32_t mix_count;
    double fraction;
    uint64_t keep; /* DELETE, has_keep: so many live keys are left, in place of fraction */
    bool has_keep;
    enum live_pick_order strategy;
    uint64_t stride;
    bool unlink, verify;              /* QUERY: values are checked */
    double least_factor, most_factor; /* OVERWRITE: size_factor; 0: value_size says */
    bool wait;                        /* EXPIRE */
    struct phase_stable stable;
    char tag[SCENARIO_NAME_BYTES];   /* CHECKPOINT */
    bool memory_purge, activedefrag; /* PURGE */
    bool every_database;             /* FLUSH: scope all */
    bool flush_all;                  /* FLUSH: scope db or all; else own keys */
    bool continue_on_error;          /* on_error: continue */
    /* Of phases about vectors; index: of INDEX_CREATE, and its dimensions of all of them. */
    struct vector_index index;
    struct vector_query query;      /* QUERY, and those with a mix */
    bool recall;                    /* QUERY: verify: recall */
    uint64_t copy_level;            /* LOAD: expand; DELETE: of strategy prefix; 0: neither */
    bool keep_docs;                 /* INDEX_DROP */
    uint32_t loop_index;            /* from 1 on; 0: in no loop */
    char base[SCENARIO_NAME_BYTES]; /* its name in the file; of checks: scenario_phase_is */
    char loop[SCENARIO_NAME_BYTES]; /* the name of its loop; "": in none */
    /* Of what stands in branches and side by side; places are 1 + an index of scenario.phases, 0: none. */
    struct scenario_check test; /* CONDITION: of a phase, or without one of the newest sample */
    uint32_t condition_place;   /* of the CONDITION that says whether it runs ... */
    bool if_true;               /* ... with this outcome                          */
    uint32_t child_count;       /* PARALLEL: so many phases behind it are its children */
    uint32_t parallel_place;    /* of a child: its PARALLEL                            */
    struct phase_act act;       /* FAILOVER, REBALANCE */
    uint64_t
        wait_replicas;  /* of what it writes: so many have it before it is live; 0: none waits */
    double skew_share;  /* of the new keys, in the tags; 0: none */
    uint64_t skew_tags; /* hash tags, of one node */
};

/* What a scenario needs of the servers that volley starts for it; of others, that they are a cluster. */
struct scenario_servers {
    uint64_t primaries;       /* of a cluster; 0: one server ... */
    uint64_t replicas;        /* ... and so many replicas, of the one or of all together */
    uint64_t maxmemory_bytes; /* of each server; 0: no limit */
    char policy[32];          /* maxmemory-policy; "": as the server has it */
};

struct scenario {
    char name[SCENARIO_NAME_BYTES];
    char description[512];
    uint64_t stated_duration_ns;  /* what the author says; 0: nothing */
    uint64_t planned_duration_ns; /* the sum of the phases */
    uint64_t memory_target_bytes; /* 0: none */
    uint64_t sample_interval_ns;
    double scale; /* 1: as written */
    struct scenario_servers servers;
    struct phase *phases;
    uint32_t phase_count;
    struct scenario_check *checks;
    uint32_t check_count;
};

#endif
