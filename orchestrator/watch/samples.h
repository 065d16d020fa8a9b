/* The newest sample of the servers, for everybody who watches a session: asked for once a second at most over connections of
 * its own, on the session's loop. Owned by the command; one thread. */
#ifndef ORCHESTRATOR_WATCH_SAMPLES_H
#define ORCHESTRATOR_WATCH_SAMPLES_H

#include "common/err.h"
#include "orchestrator/scenario/series.h"
#include "orchestrator/server/server_sampler.h"
#include "orchestrator/watch/figure.h"

#define WATCH_NODES_MAX 64u

struct watch_node_sample {
    char text[160]; /* "127.0.0.1:7000" */
    bool answered;
    double used_memory, frag_ratio; /* NAN: not known */
};

struct watch_samples {
    struct server_sampler *sampler; /* NULL: others hear, or nothing is sampled */
    double newest[SERIES_METRICS];  /* NAN: not known */
    bool known;                     /* the newest was answered */
    uint64_t heard, missed;         /* samples */
    uint64_t at_ns;                 /* clock reading of the newest */
    double hit_ratio;               /* between the last two; NAN */
    struct watch_node_sample nodes[WATCH_NODES_MAX];
    uint32_t node_count;       /* of a cluster, or of a monitor; 0: one server */
    void (*hear)(void *state); /* may be set: after each sample */
    void *state;
};

void watch_samples_init(struct watch_samples *samples);
/* Begins to ask; hear and state of the setup are its own, and so are the fields. Errors as server_sampler_start. */
MUST_USE enum err_code watch_samples_start(struct watch_samples *samples, struct event_base *base,
                                           const struct server_sampler_setup *setup,
                                           struct err *err);
/* Where somebody else asks: a sample, with the fields of watch_samples_fields in their order. state: a struct watch_samples. */
void watch_samples_hear(void *state, const struct server_sample *sample);
void watch_samples_stop(struct watch_samples *samples); /* safe on an initialised struct */

/* The fields of INFO that samples have: those of series.h, in their order. */
const struct sampler_field *watch_samples_fields(uint32_t *count);

/* What is known at the end of an interval of a run. slice is filled, and reading points to it and to the samples. first_wall_ns:
 * when the first run of the session began. samples may be NULL. */
void watch_reading_of_row(struct watch_reading *reading, struct metric_slice *slice,
                          const struct interval_row *row, const struct run_facts *run,
                          const struct error_kinds *error_kinds, uint64_t first_wall_ns,
                          const struct watch_samples *samples);

#endif
