/* What a client that buffers can change about itself, by what holds it up: one table of changes (tuning.c), which `volley optimize`
 * tries in their order, and one of what is left to people where none of them helps. Pure, but for reading the profiles that
 * come with volley. The orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_TUNING_H
#define ORCHESTRATOR_WATCH_TUNING_H

#include "common/spec.h"
#include "orchestrator/report/output.h"
#include "orchestrator/watch/alert_rules.h"
#include "orchestrator/watch/diagnosis.h"

/* What is tuned. */
struct tuning_profile {
    struct buffer_options buffer;
    uint64_t request_timeout_ns;
};

/* What holds a client up. */
enum tuning_type {
    TUNING_MEMORY,
    TUNING_CPU,
    TUNING_LATENCY,
    TUNING_THROUGHPUT,
    TUNING_HIT_RATE,
    TUNING_TIMEOUTS,
    TUNING_TYPES
};
const char *tuning_type_name(enum tuning_type type);    /* "LOW_THROUGHPUT" */
const char *tuning_type_by_hand(enum tuning_type type); /* what people may still try */

/* Profiles that come with volley. */
enum tuning_shipped {
    SHIPPED_NONE,
    SHIPPED_BYPASS,
    SHIPPED_MINIMAL,
    SHIPPED_MEMORY,
    SHIPPED_BALANCED,
    SHIPPED_HIGH_THROUGHPUT,
    SHIPPED_TUNED,
    SHIPPED_COUNT
};
/* Near caches: profiles are taken without theirs; with them; those that have none are left out, since hits are the KPI. */
enum tuning_caches { CACHES_NONE, CACHES_ANY, CACHES_ONLY };
struct tuning_book {
    struct buffer_options shipped[SHIPPED_COUNT];
    enum tuning_caches caches;
};
/* E_CONFIG: one of them is not there. */
MUST_USE enum err_code tuning_book_read(struct tuning_book *book, enum tuning_caches caches,
                                        struct err *err);

/* Whose improvement is asked for: of a figure of memory, CPU, time, rate, hits or failures. */
enum tuning_type tuning_type_of_kpi(const struct kpi *kpi);
/* Types to be tried, in this order: those of the causes found, the surest first; time-outs, if there were any; the KPI's own, and what
 * helps it otherwise. Returns how many. */
size_t tuning_types_find(enum tuning_type types[TUNING_TYPES], const struct diagnosis *diagnosis,
                         const struct kpi *kpi, double timed_out);

/* Which of the causes found a type is tried for: the surest of its own, else the surest of all. With none found: CAUSES. */
enum diagnosis_cause tuning_cause_of(const struct diagnosis *diagnosis, enum tuning_type type);

struct tuning_choice {
    enum tuning_type type;
    const char *change; /* "bigger buffers: twice the batch" */
    struct tuning_profile profile;
};
/* The next change to the best that makes something which is neither that nor among those tried. number: of its round, for its
 * name. False: there is none left. */
bool tuning_choose(struct tuning_choice *choice, const struct tuning_book *book,
                   const enum tuning_type *types, size_t type_count,
                   const struct tuning_profile *best, const struct tuning_profile *const *tried,
                   size_t tried_count, size_t number);

/* Who has to do something next. */
enum tuning_level { LEVEL_AUTOMATIC, LEVEL_MANUAL, LEVEL_ARCHITECTURE, LEVEL_CODE, LEVELS };
const char *tuning_level_label(enum tuning_level level); /* "L1" */
const char *tuning_level_name(enum tuning_level level);  /* "automatic configuration adjustment" */
/* Where no change of the client helps any more: by the surest cause; nothing found is MANUAL. */
enum tuning_level tuning_level_of(const struct diagnosis *diagnosis);

/* The tables, for docs/reference/optimize.md. */
void tuning_write_tables(struct output *output);

#endif
