/* How servers are, asked again and again on the orchestrator's event loop while phases come and go: fields of INFO and the
 * number of keys, over a connection of its own to each. Nothing here waits; a server that does not answer in time makes
 * the sample one that is not known, and is connected to anew. Called by commands, between session_reach and the end.
 *
 * Of a cluster all nodes are asked that the topology has at the start, also which slots they serve: a sample is of those that
 * serve some then, and is known when they serve all. So it is after a failover, too, whoever does not answer. */
#ifndef ORCHESTRATOR_SERVER_SERVER_SAMPLER_H
#define ORCHESTRATOR_SERVER_SERVER_SAMPLER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/topology.h"

#define SAMPLER_FIELDS_MAX 64u

#define SAMPLED_AMOUNT_MOST 0x1p63

/* An amount that INFO has under this name; "keys" is DBSIZE. What is negative, or not below SAMPLED_AMOUNT_MOST, is
 * not known. Of several servers: the sum, or the highest. */
struct sampler_field {
    const char *name;
    bool highest;
};

/* A node of a cluster. */
struct sampled_node {
    const struct target_address *address;
    bool answered; /* false: nothing else is known */
    bool primary;
    uint32_t slots;   /* that it serves */
    double lag_bytes; /* of a replica, behind its primary; NAN: not linked to it, or not known */
    const double *values; /* by field */
};

struct server_sample {
    uint64_t at_ns;                   /* clock reading when it was asked for                     */
    uint64_t took_ns;                 /* until the last server had answered                      */
    bool known;                       /* false: some server has not answered, and all are NAN    */
    const double *values;             /* by field; NAN: a server does not tell. Until the return */
    const struct sampled_node *nodes; /* of a cluster, by their index in the topology; likewise */
    uint32_t node_count;              /* 0: no cluster */
};

struct server_sampler_setup {
    const struct sampler_field
        *fields; /* at most SAMPLER_FIELDS_MAX; outlive the sampler, as all here */
    uint32_t field_count;
    const struct topology *topology;     /* its primaries, or the one server */
    const struct target_address *target; /* that one, where the topology has no nodes */
    struct tls_client *tls;
    const struct endpoint *endpoint;
    uint64_t period_ns;
    void (*hear)(void *state, const struct server_sample *sample);
    void *state;
};

struct server_sampler; /* owns connections and a timer */

/* The first question goes out at once. E_SYSTEM: no memory. */
MUST_USE enum err_code server_sampler_start(struct server_sampler **sampler,
                                            struct event_base *base,
                                            const struct server_sampler_setup *setup,
                                            struct err *err);
/* The next question goes out within this time, or as soon as the one under way has its answer; the period goes on from
 * there. */
void server_sampler_hurry(struct server_sampler *sampler, uint64_t within_ns);
/* Of the first server that told: "jemalloc-5.3.0"; "": not known. */
const char *server_sampler_allocator(const struct server_sampler *sampler);
/* No listener is called any more. NULL is fine. */
void server_sampler_stop(struct server_sampler *sampler);

#endif
