/* Judges the checks of a scenario, when it has ended.
 *
 * A metric is one of the samples (series.h, with its aliases) or one that is derived (derived.h). A phase is one, the
 * turns of a loop by their name in the file, or the whole run; phases that were not reached are left out.
 *
 * Samples: all that were taken in these phases, pooled, and aggregated. first, last and delta of what the server says take
 * the samples at the edges of the phases where these are known; when none was taken in between, so do the others.
 * Derived: last, which is also what a check has that names no aggregate, is the figure of all these phases together (the
 * errors of all over the requests of all; of percentiles the worst); other aggregates are of the phases' figures.
 * slope is by minute. With relative_to the value is divided by what it is in that phase.
 *
 * SKIP: full_only and scaled; no such phase was reached; a ratio that must not be judged (observation.h), or a derived metric
 * that is not known there. A check of what simply was never sampled has not passed: it fails, or warns. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_JUDGE_H
#define ORCHESTRATOR_SCENARIO_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/analysis.h"
#include "orchestrator/scenario/observation.h"

enum check_result { CHECK_SKIP, CHECK_PASS, CHECK_WARN, CHECK_FAIL, CHECK_RESULTS };

struct check_outcome {
    enum check_result result;
    double value;     /* NAN: not known */
    size_t samples;   /* that it was made of; of a derived metric: phases */
    char reason[384]; /* a sentence, as people read it */
};

/* For the reader of files: whether a check can name it, and all names, for suggestions; NULL: behind the last. */
bool judge_metric_known(const char *name);
const char *judge_metric_at(size_t index);

/* One outcome for each check of the scenario. E_SYSTEM: no memory. */
MUST_USE enum err_code judge_checks(struct check_outcome *outcomes,
                                    const struct observation *observation, struct err *err);
/* The same of one that need not be the scenario's, by what there is so far. */
MUST_USE enum err_code judge_one(struct check_outcome *outcome,
                                 const struct observation *observation,
                                 const struct scenario_check *check, struct err *err);
/* Whether a value compares with the check's as it is to. */
bool judge_holds(const struct scenario_check *check, double value);
/* The worst: FAIL, WARN, PASS; SKIP: nothing was judged. */
enum check_result judge_overall(const struct check_outcome *outcomes, uint32_t count);
const char *check_result_word(enum check_result result); /* "PASS" */
/* E_FAILED when a check failed, or, strict, was warned of. */
enum err_code judge_status(const struct check_outcome *outcomes, uint32_t count, bool strict);

/* Tables for people: the checks with what was found, and below those that did not pass, why, or nothing; and the phases. */
void judge_print_checks(struct output *out, const struct scenario *scenario,
                        const struct check_outcome *outcomes);
/* What happened meanwhile, the first ones; nothing where nothing did. */
void judge_print_events(struct output *out, const struct scenario *scenario,
                        const struct scenario_events *events);
void judge_print_phases(struct output *out, const struct observation *observation);
/* What has to be known to read that table: which rates are not over its seconds, and why a ratio is not judged. Nothing where there is nothing to say. */
void judge_print_phase_notes(struct output *out, const struct observation *observation);
/* One line: what volley says itself of the figures of phases that sent requests, and where all of it is told. */
void judge_print_verdicts(struct output *out, const struct observation *observation,
                          const char *directory);
/* Whether the rate of a phase is over other seconds than the phase lasted, by more than a twentieth. */
bool judge_rate_is_apart(const struct phase_account *account);

#endif
