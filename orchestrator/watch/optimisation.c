#include "orchestrator/watch/optimisation.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/report/two_samples.h"

enum err_code optimisation_init(struct optimisation *optimisation, struct err *err)
{
    optimisation->rounds = calloc(optimisation->planned_rounds, sizeof optimisation->rounds[0]);
    for (size_t i = 0; i < OPTIMISATION_KPIS_MAX; i++)
        optimisation->first[i] = NAN;
    return optimisation->rounds != NULL
               ? OK
               : err_set(err, E_SYSTEM, "no memory for %u rounds", optimisation->planned_rounds);
}

void optimisation_free(struct optimisation *optimisation)
{
    for (uint32_t i = 0; i < optimisation->round_count; i++)
        free(optimisation->rounds[i].values);
    free(optimisation->rounds);
    optimisation->rounds = NULL;
    optimisation->round_count = 0;
}

const char *optimisation_answer_word(enum optimisation_answer answer)
{
    static const char *const words[] = {[OPTIMISATION_KEPT] = "kept",
                                        [OPTIMISATION_WORSE] = "worse",
                                        [OPTIMISATION_NO_BETTER] = "no_better",
                                        [OPTIMISATION_HARMS] = "harms",
                                        [OPTIMISATION_CANNOT_TELL] = "cannot_tell"};
    return words[answer];
}

void optimisation_look(struct optimisation *optimisation, const double *values,
                       const struct diagnosis *diagnosis, double timed_out)
{
    for (size_t i = 0; i < optimisation->kpi_count && !optimisation->looked; i++)
        optimisation->first[i] = values[i];
    optimisation->diagnosis = *diagnosis;
    optimisation->timed_out = timed_out;
    optimisation->looked = true;
}

/* The cause that a change is tried for, in a line. */
static void say_cause(char text[OPTIMISATION_REASON_BYTES], const struct diagnosis *diagnosis,
                      enum tuning_type type)
{
    const enum diagnosis_cause cause = tuning_cause_of(diagnosis, type);
    if (cause == CAUSES) {
        snprintf(text, OPTIMISATION_REASON_BYTES, "%s%s",
                 diagnosis->cannot_tell[0] != '\0' ? "cannot tell: " : "nothing found",
                 diagnosis->cannot_tell);
        return;
    }
    snprintf(text, OPTIMISATION_REASON_BYTES, "%s: %s", diagnosis_rule(cause)->name,
             diagnosis->findings[cause].text);
}

static size_t value_count(const struct optimisation *optimisation)
{
    return optimisation->kpi_count * optimisation->planned_runs;
}

static double *values_of(const struct optimisation *optimisation,
                         const struct optimisation_round *round, int side, size_t kpi)
{
    return round->values + (size_t)side * value_count(optimisation) +
           kpi * optimisation->planned_runs;
}

enum err_code optimisation_begin_round(struct optimisation_round **round,
                                       struct optimisation *optimisation, struct err *err)
{
    const struct tuning_profile *tried[OPTIMISATION_ROUNDS_MAX + 1];
    enum tuning_type types[TUNING_TYPES];
    struct tuning_choice choice;
    size_t count = 0;
    *round = NULL;
    if (optimisation->round_count == optimisation->planned_rounds)
        return OK;
    tried[count++] = &optimisation->before;
    for (uint32_t i = 0; i < optimisation->round_count; i++)
        tried[count++] = &optimisation->rounds[i].choice.profile;
    const size_t type_count =
        tuning_types_find(types, &optimisation->diagnosis, &optimisation->kpis[optimisation->named],
                          optimisation->timed_out);
    optimisation->exhausted =
        !tuning_choose(&choice, &optimisation->book, types, type_count, &optimisation->best, tried,
                       count, optimisation->round_count + 1);
    if (optimisation->exhausted)
        return OK;
    double *values = calloc(SIDES * value_count(optimisation), sizeof values[0]);
    if (values == NULL)
        return err_set(err, E_SYSTEM, "no memory for the runs of a round");
    *round = &optimisation->rounds[optimisation->round_count++];
    **round = (struct optimisation_round){.choice = choice,
                                          .best = optimisation->best,
                                          .values = values,
                                          .change = NAN,
                                          .low = NAN,
                                          .high = NAN,
                                          .p = NAN,
                                          .answer = OPTIMISATION_CANNOT_TELL};
    for (int side = 0; side < SIDES; side++)
        for (size_t i = 0; i < OPTIMISATION_KPIS_MAX; i++)
            (*round)->means[side][i] = NAN;
    say_cause((*round)->cause, &optimisation->diagnosis, choice.type);
    return OK;
}

void optimisation_add(struct optimisation *optimisation, struct optimisation_round *round, int side,
                      const double *values, const char *mishap)
{
    if (mishap[0] != '\0') {
        snprintf(round->mishap, sizeof round->mishap, "%s", mishap);
        return;
    }
    for (size_t i = 0; i < optimisation->kpi_count; i++)
        values_of(optimisation, round, side, i)[round->runs[side]] = values[i];
    round->runs[side]++;
}

/* ---- judging ---- */

static bool all_known(const double *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (isnan(values[i]))
            return false;
    return count > 0;
}

static void find_means(const struct optimisation *optimisation, struct optimisation_round *round)
{
    for (int side = 0; side < SIDES; side++)
        for (size_t i = 0; i < optimisation->kpi_count; i++) {
            const double *values = values_of(optimisation, round, side, i);
            double sum = 0;
            uint32_t known = 0;
            for (uint32_t k = 0; k < round->runs[side]; k++)
                if (!isnan(values[k])) {
                    sum += values[k];
                    known++;
                }
            round->means[side][i] = known > 0 ? sum / known : NAN;
        }
}

/* Tried against best. NAN where a run of either does not know it. */
static struct welch test(const struct optimisation *optimisation,
                         const struct optimisation_round *round, size_t kpi)
{
    const double *best = values_of(optimisation, round, SIDE_BEST, kpi),
                 *tried = values_of(optimisation, round, SIDE_TRIED, kpi);
    if (!all_known(best, round->runs[SIDE_BEST]) || !all_known(tried, round->runs[SIDE_TRIED]))
        return (struct welch){.difference = NAN, .error = NAN, .freedom = NAN, .t = NAN, .p = NAN};
    return welch_test((struct sample){best, round->runs[SIDE_BEST]},
                      (struct sample){tried, round->runs[SIDE_TRIED]});
}

/* Of one round, so that all that are planned together are as sure as was asked for. */
static double doubt(const struct optimisation *optimisation)
{
    return (1 - optimisation->confidence) / optimisation->planned_rounds;
}

__attribute__((format(printf, 3, 4))) static void
answer(struct optimisation_round *round, enum optimisation_answer word, const char *format, ...)
{
    va_list arguments;
    round->answer = word;
    va_start(arguments, format);
    vsnprintf(round->reason, sizeof round->reason, format, arguments);
    va_end(arguments);
}

/* Whether another figure pays for it; then this is the answer. */
static bool harms(const struct optimisation *optimisation, struct optimisation_round *round)
{
    const struct welch errors = test(optimisation, round, optimisation->errors);
    if (errors.p < doubt(optimisation) && errors.difference > 0) {
        answer(round, OPTIMISATION_HARMS,
               "better, but more requests fail: %.3g %% in place of %.3g %%",
               round->means[SIDE_TRIED][optimisation->errors],
               round->means[SIDE_BEST][optimisation->errors]);
        return true;
    }
    for (size_t i = 0; i < optimisation->kpi_count; i++) {
        const struct kpi *kpi = &optimisation->kpis[i];
        const struct watch_value tried = {.number = round->means[SIDE_TRIED][i]},
                                 best = {.number = round->means[SIDE_BEST][i]};
        if (i == optimisation->named || kpi_judge(kpi, tried) != KPI_CRITICAL ||
            kpi_judge(kpi, best) == KPI_CRITICAL)
            continue;
        answer(round, OPTIMISATION_HARMS,
               "better, but %s becomes critical: %.4g %s, the limit is %.4g", kpi->name,
               tried.number, kpi->figure.unit, kpi->critical);
        return true;
    }
    return false;
}

/* Other figures that are surely worse, and not by little: it is kept all the same, and said. */
static void say_costs(const struct optimisation *optimisation, struct optimisation_round *round)
{
    size_t used = strlen(round->reason);
    for (size_t i = 0; i < optimisation->kpi_count && used < sizeof round->reason; i++) {
        const struct kpi *kpi = &optimisation->kpis[i];
        const struct welch welch = test(optimisation, round, i);
        const double part = welch.difference / fabs(round->means[SIDE_BEST][i]);
        const bool worse = kpi->higher_is_better ? part < 0 : part > 0;
        if (i == optimisation->named || !worse || !(welch.p < doubt(optimisation)) ||
            !(fabs(part) >= optimisation->threshold))
            continue;
        used += (size_t)snprintf(round->reason + used, sizeof round->reason - used,
                                 "; it costs %s (%+.1f %%)", kpi->name, 100 * part);
    }
}

static void weigh(const struct optimisation *optimisation, struct optimisation_round *round,
                  const struct welch *welch)
{
    const struct kpi *kpi = &optimisation->kpis[optimisation->named];
    const double base = fabs(round->means[SIDE_BEST][optimisation->named]);
    const bool better = kpi->higher_is_better ? welch->difference > 0 : welch->difference < 0;
    const double half = welch_half_width(welch, 1 - doubt(optimisation));
    /* Of nothing there is no part: whatever is more is enough. */
    const bool enough = base > 0 ? fabs(welch->difference) >= optimisation->threshold * base : true;
    round->p = welch->p;
    if (base > 0) {
        round->change = welch->difference / base;
        round->low = (welch->difference - half) / base;
        round->high = (welch->difference + half) / base;
    }
    if (!(welch->p < doubt(optimisation)))
        answer(round, OPTIMISATION_NO_BETTER, "%s is not surely another", kpi->name);
    else if (!better)
        answer(round, OPTIMISATION_WORSE, "%s is surely worse", kpi->name);
    else if (!enough)
        answer(round, OPTIMISATION_NO_BETTER, "%s is better by less than %.3g %%", kpi->name,
               100 * optimisation->threshold);
    else if (!harms(optimisation, round)) {
        answer(round, OPTIMISATION_KEPT, "%s is surely better", kpi->name);
        say_costs(optimisation, round);
    }
}

void optimisation_judge(struct optimisation *optimisation, struct optimisation_round *round)
{
    find_means(optimisation, round);
    const struct welch welch = test(optimisation, round, optimisation->named);
    const bool whole = round->runs[SIDE_TRIED] == optimisation->planned_runs &&
                       round->runs[SIDE_BEST] == optimisation->planned_runs;
    if (round->mishap[0] != '\0')
        answer(round, OPTIMISATION_CANNOT_TELL, "a run of it did not come to its end: %.230s",
               round->mishap);
    else if (!whole)
        answer(round, OPTIMISATION_CANNOT_TELL, "runs are missing");
    else if (isnan(welch.p))
        answer(round, OPTIMISATION_CANNOT_TELL, "a run does not know %s",
               optimisation->kpis[optimisation->named].name);
    else
        weigh(optimisation, round, &welch);
    if (round->answer != OPTIMISATION_KEPT)
        return;
    optimisation->best = round->choice.profile;
    optimisation->kept++;
}

/* The KPI of the best as it was measured last; NAN: never. */
static double newest(const struct optimisation *optimisation)
{
    for (uint32_t i = optimisation->round_count; i > 0; i--) {
        const struct optimisation_round *round = &optimisation->rounds[i - 1];
        const int side = round->answer == OPTIMISATION_KEPT ? SIDE_TRIED : SIDE_BEST;
        if (!isnan(round->means[side][optimisation->named]))
            return round->means[side][optimisation->named];
    }
    return optimisation->first[optimisation->named];
}

bool optimisation_level(enum tuning_level *level, const struct optimisation *optimisation)
{
    const struct watch_value value = {.number = newest(optimisation)};
    const enum kpi_status status = kpi_judge(&optimisation->kpis[optimisation->named], value);
    if (!optimisation->looked || optimisation->interrupted || optimisation->error[0] != '\0')
        return false;
    *level = optimisation->kept > 0 && status != KPI_WARNING && status != KPI_CRITICAL
                 ? LEVEL_AUTOMATIC
                 : tuning_level_of(&optimisation->diagnosis);
    return true;
}
