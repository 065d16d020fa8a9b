/* What a suite measures, one by one: the lists of each configuration crossed. Pure: it needs no server and no machine. */
#ifndef ORCHESTRATOR_SUITE_SUITE_PLAN_H
#define ORCHESTRATOR_SUITE_SUITE_PLAN_H

#include "orchestrator/suite/suite_command.h"
#include "orchestrator/suite/suite_config.h"

#define SUITE_COMBINATIONS_MAX 1000000u
#define SUITE_CLIENTS_DEFAULT 50u

/* A variant of a scenario, or of a write or read of one that is mixed. */
struct suite_case {
    const struct suite_group *group;
    const struct suite_scenario *scenario;
    const struct suite_scenario *part; /* the scenario itself, unless that is mixed */
    const char *phase;                 /* "write", "read", "mixed_write", "mixed_read" */
    bool begins;       /* what the scenario needs before it is done before this one */
    char test_id[260]; /* "1a_nocontent" */
    /* Private. */
    struct suite_command command;
    char name[40];
    const char *const *words, *const *populate_words; /* owned; NULL: none */
    struct suite_case *next;
};

struct suite_combination {
    const struct suite_block *block;
    const struct suite_command *command;
    const struct suite_case *of; /* of a scenario; NULL: of lists that are crossed */
    uint64_t requests;           /* 0: the duration counts */
    uint64_t duration_seconds;   /* 0: the requests do     */
    uint64_t warmup_seconds;     /* 0 also where a warm-up would take away what is to be read */
    uint64_t keyspace;           /* 0: the command has no keys of one */
    uint64_t data_bytes, pipeline, clients;
    const char *buffer;  /* of the client; NULL: none is asked for */
    uint64_t io_threads; /* 0: as the server has it */
    size_t config_set;   /* of the block's; SIZE_MAX: none */
    bool goes_on;        /* on the servers of the one before it ... */
    bool beside;         /* ... and at the same time                */
};

struct suite_plan {
    struct suite_combination *items;
    size_t count;
    struct suite_command *mixed; /* owned: one for each configuration of writes and reads */
    size_t mixed_count;
    struct suite_case *cases; /* owned */
    uint64_t load_seconds;    /* of all, as far as they say how long they last */
    uint64_t requests;        /* of those that do not */
};

/* Where those end that share the servers of combination `first`, or run at the same time as it. */
size_t suite_plan_unit_end(const struct suite_plan *plan, size_t first);
size_t suite_plan_step_end(const struct suite_plan *plan, size_t first);

/* In the order in which they are measured: a configuration after the other, in it I/O threads and sets of settings, then
 * requests, keyspacelen, data_sizes, pipelines, clients, buffers, commands; or groups, scenarios, variants, writes, reads. E_CONFIG: nothing is left to measure, or too much;
 * E_SYSTEM. The plan points into the config; suite_plan_free in any case. */
MUST_USE enum err_code suite_plan_make(struct suite_plan *plan, const struct suite_config *config,
                                       suite_tell *tell, void *state, struct err *err);
void suite_plan_free(struct suite_plan *plan);

/* Whether a configuration of it asks for flame graphs. */
bool suite_plan_is_profiled(const struct suite_plan *plan);
/* Whether servers of some of it speak TLS. */
bool suite_plan_has_tls(const struct suite_plan *plan);

/* "SET | size=16 | pipeline=1 | clients=50 | requests=1000 | keyspacelen=1000 | warmup=0", as the log has it. */
char *suite_combination_text(char *text, size_t text_bytes,
                             const struct suite_combination *combination);

/* Puts them into another order, which the seed decides. */
void suite_plan_shuffle(size_t *order, size_t count, uint64_t seed);

/* What one run of all of them takes, about: requests at SUITE_ESTIMATED_RATE, and what starting servers costs. */
#define SUITE_ESTIMATED_RATE 100000u
#define SUITE_ESTIMATED_START_MS 700u
double suite_combination_seconds(const struct suite_combination *combination);
double suite_plan_seconds(const struct suite_plan *plan);

#endif
