/* The servers of one run of a suite: started for it, or somebody's who runs already. */
#ifndef ORCHESTRATOR_SUITE_SUITE_SERVERS_H
#define ORCHESTRATOR_SUITE_SUITE_SERVERS_H

#include "orchestrator/server/managed_cluster.h"
#include "orchestrator/suite/suite_run.h"

#define SUITE_SERVER_ARGS_MAX 420u

struct suite_servers {
    struct managed_cluster cluster;    /* count 0: volley has not started them */
    struct suite_target target;        /* where the load goes */
    uint32_t cpus[SPEC_CPUS_MAX];      /* of the servers */
    uint32_t cpu_count;                /* 0: not pinned  */
    uint32_t load_cpus[SPEC_CPUS_MAX]; /* room for the caller */
    const char *args[SUITE_SERVER_ARGS_MAX];
    uint16_t ports[SUITE_NODES_MAX];
    char names[200][72];                       /* "--NAME" of settings */
    char modules[SUITE_MODULES_MAX + 1][2048]; /* "--loadmodule PATH ARGS", each one word */
};

/* Starts what the combination asks for with the subject's program, or says where the running server is, and empties that where
 * it may. E_CONNECT and others as managed_cluster_start. suite_servers_stop in any case. */
MUST_USE enum err_code suite_servers_start(struct suite_servers *servers, struct suite_run *run,
                                           struct suite_subject *subject,
                                           const struct suite_combination *combination,
                                           struct err *err);
/* What the combination's scenario needs before it, where it is the first of that: an empty server, and what it is told. E_FAILED:
 * a server refuses. */
MUST_USE enum err_code suite_servers_prepare(struct suite_servers *servers,
                                             const struct suite_run *run,
                                             const struct suite_combination *combination,
                                             struct err *err);
/* True once after one of them has ended by itself: text says how, and what it said last. */
bool suite_servers_died(struct suite_servers *servers, char *text, size_t text_bytes);
/* Keeps their logs in the subject's directory, and stops them. Returns when they are gone. */
void suite_servers_stop(struct suite_servers *servers, struct suite_subject *subject,
                        const struct suite_combination *combination);

/* CPUs for servers without a range of their own: as many as they have threads, but one at least is left to the load. */
uint32_t suite_servers_cpus(uint32_t cpus[SPEC_CPUS_MAX],
                            const struct suite_combination *combination, const uint32_t *allowed,
                            uint32_t allowed_count);

#endif
