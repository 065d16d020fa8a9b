/* What the client's buffer of a phase came to: the figures that the report of a run has of it (buffer_figures.h), over all fleets
 * of the phase. One table gives them to the report, the file of phases and to checks. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_PHASE_BUFFER_H
#define ORCHESTRATOR_SCENARIO_PHASE_BUFFER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct observation;
struct output;
struct phase_set;
struct run_result;

/* Sums, so that those of several fleets, or phases, can be added; a product with seconds is of what is a mean over time. */
struct phase_buffer {
    bool known; /* false: the phase had no buffer, and the rest is without meaning */
    bool has_cache;
    char text[256];            /* how it was set */
    uint64_t full, late, idle; /* batches, by why they went */
    uint64_t messages;         /* in them */
    uint64_t hits, misses;     /* of the near cache, and replies that went: */
    uint64_t invalidated, cleared, expired, evicted;
    uint64_t most_unsent;
    double seconds, full_seconds, busy_seconds;           /* nothing more fitted; flush workers */
    double unsent_seconds, round_seconds, hybrid_seconds; /* requests, and batches, that waited */
};

/* One more fleet of the phase; nothing where it had no buffer. */
void phase_buffer_add(struct phase_buffer *buffer, const struct run_result *result);
/* The caller owns it; NULL: it had none. */
json_t *phase_buffer_json(const struct phase_buffer *buffer);
/* A table of the phases that had one; nothing where none had. */
void phase_buffer_print(struct output *out, const struct observation *observation);

/* For checks, of several phases together. NAN: none of them had a buffer, or a near cache. */
double derived_avg_batch_size(const struct observation *observation, const struct phase_set *set);
double derived_buffer_utilization(const struct observation *observation,
                                  const struct phase_set *set);
double derived_buffer_worker_utilization(const struct observation *observation,
                                         const struct phase_set *set);
double derived_buffer_cache_hit_rate(const struct observation *observation,
                                     const struct phase_set *set);
double derived_buffer_unsent(const struct observation *observation, const struct phase_set *set);

#endif
