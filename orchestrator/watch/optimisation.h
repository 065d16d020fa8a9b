/* What `volley optimize` has tried, and what it came to: each round holds a changed client against the best so far, by the means
 * of repeated runs. Pure, but for its memory and the output. The orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_OPTIMISATION_H
#define ORCHESTRATOR_WATCH_OPTIMISATION_H

#include "orchestrator/capacity/mishap.h"
#include "orchestrator/watch/tuning.h"

#define OPTIMISATION_SCHEMA "volley.optimize/1"
#define OPTIMISATION_KPIS_MAX 52u
#define OPTIMISATION_RUNS_MIN 3u
#define OPTIMISATION_RUNS_MAX 1000u
#define OPTIMISATION_ROUNDS_MAX 50u
#define OPTIMISATION_REASON_BYTES 300u
/* A KPI that no server and no figure has: memory of volley's own workers, at their most. */
#define OPTIMISATION_CLIENT_MEMORY "client_memory_mb"

enum { SIDE_TRIED, SIDE_BEST, SIDES };

enum optimisation_answer {
    OPTIMISATION_KEPT,
    OPTIMISATION_WORSE,      /* surely                                                    */
    OPTIMISATION_NO_BETTER,  /* not surely better, or by less than the threshold          */
    OPTIMISATION_HARMS,      /* better, but another KPI becomes critical, or more requests fail */
    OPTIMISATION_CANNOT_TELL /* a run did not come to its end, or does not know the KPI     */
};
const char *optimisation_answer_word(enum optimisation_answer answer); /* of JSON: "cannot_tell" */

struct optimisation_round {
    struct tuning_choice choice;
    struct tuning_profile
        best; /* it was held against; after the round, if it is not kept, still the best */
    char cause[OPTIMISATION_REASON_BYTES]; /* what the diagnosis of the best said */
    /* By side, KPI and run; NAN: not known. */
    double *values;
    uint32_t runs[SIDES];
    char mishap[MISHAP_TEXT_BYTES]; /* of a run, which ended the round; "": none */
    /* from optimisation_judge on */
    double means[SIDES][OPTIMISATION_KPIS_MAX]; /* NAN: not known */
    /* Of the KPI that is tuned: parts of the best's mean, of tried against best; NAN: not known. The interval holds with the
     * confidence asked for over all rounds together. */
    double change, low, high, p;
    enum optimisation_answer answer;
    char reason[OPTIMISATION_REASON_BYTES];
};

struct optimisation {
    /* set by the command, which has zeroed the rest */
    struct kpi kpis[OPTIMISATION_KPIS_MAX];
    size_t kpi_count, named;      /* which is tuned */
    size_t errors;                /* which says how many requests fail */
    double confidence, threshold; /* 0.95, 0.05 */
    uint32_t planned_rounds, planned_runs;
    struct tuning_book book;
    struct tuning_profile before, best;
    /* NULL: none. before_path: of --buffer */
    const char *config_path, *before_path, *written_path;
    bool config_is_load;     /* bench takes the file, too: it has no options of optimize alone */
    uint32_t runs, red_runs; /* all that were made; those whose verdict is RED */
    bool interrupted;
    char error[ERR_TEXT_BYTES]; /* that ended it; "": none did */

    /* what came of it */
    double first[OPTIMISATION_KPIS_MAX]; /* of the first run; NAN: not known */
    struct diagnosis diagnosis;          /* of the newest run of the best    */
    double timed_out;                    /* likewise                         */
    bool looked;                         /* there has been such a run        */
    struct optimisation_round *rounds;
    uint32_t round_count, kept;
    bool exhausted; /* no change was left to try */
};

/* Memory for the rounds: E_SYSTEM. optimisation_free in any case; safe on a zeroed struct. */
MUST_USE enum err_code optimisation_init(struct optimisation *optimisation, struct err *err);
void optimisation_free(struct optimisation *optimisation);

/* A run of the best: what it says, and what held it up. */
void optimisation_look(struct optimisation *optimisation, const double *values,
                       const struct diagnosis *diagnosis, double timed_out);
/* The next round; NULL: there is none. E_SYSTEM. */
MUST_USE enum err_code optimisation_begin_round(struct optimisation_round **round,
                                                struct optimisation *optimisation, struct err *err);
/* A run of a side, of each KPI what it came to. mishap: what happened to it, so that it counts for nothing; "". */
void optimisation_add(struct optimisation *optimisation, struct optimisation_round *round, int side,
                      const double *values, const char *mishap);
/* Decides, and keeps what is better. */
void optimisation_judge(struct optimisation *optimisation, struct optimisation_round *round);

/* Whether it came to an end that says who is next; and who. */
bool optimisation_level(enum tuning_level *level, const struct optimisation *optimisation);

void optimisation_write_text(struct output *out, const struct optimisation *optimisation);
void optimisation_write_markdown(struct output *out, const struct optimisation *optimisation);
/* The kept profile, as --buffer takes it. */
void optimisation_write_profile(struct output *out, const struct optimisation *optimisation);
/* volley.optimize/1 (docs/schema): a new reference; run NULL: nothing ran. NULL: no memory. */
json_t *optimisation_document(const struct optimisation *optimisation,
                              const struct session_facts *session, const struct run_facts *run);

#endif
